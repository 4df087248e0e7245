"""mqtt-io 2.7.0 as its authors ship it, in a virtual environment of its own, on gpiozero's mock pins."""

import json
import socket
from pathlib import Path
from typing import Final

from drivers.clock import boot_ns
from edge.centre.places import CentrePlaces
from edge.field.broker import LOOPBACK
from edge.field.children import Child
from tests.apart import NotInstalled, environment
from tests.bench.bare import BarePaho

WANTED: Final = ("mqtt-io==2.7.0", "gpiozero==2.0.1.post3")
PREFIX: Final = "kentongan/v1/rival/event"
PIN: Final = 17
START_MAX_S: Final = 20.0


NoRival = NotInstalled


def install() -> Path:
    """The Python that has it; about 8 s the first time. Raises NoRival."""
    return environment("mqtt-io", *WANTED)


class Rival:
    """One running mqtt-io with one interrupt input; its pin is pressed by a datagram, as the virtual board's are."""

    def __init__(self, python: Path, folder: Path, port: int, keys: CentrePlaces) -> None:
        self._port, self._keys = port, keys
        self._place = folder / "pins.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        configuration = folder / "mqtt-io.yml"
        folder.mkdir()
        configuration.write_text(json.dumps(_configuration(port, keys.certificates)))  # JSON is YAML
        self._child = Child(
            "mqtt-io",
            [str(python), str(Path(__file__).with_name("rival_pins.py")), str(self._place), str(configuration)],
            folder / "log",
            {"GPIOZERO_PIN_FACTORY": "mock"},
        )

    def start(self) -> None:
        """Raises NoRival when it never says that it runs, or does not answer a press."""
        with BarePaho("ear", self._port, self._keys) as ear:
            ear.subscribe(f"{PREFIX}/#")
            self._child.start()
            try:
                ear.until(lambda: (f"{PREFIX}/status", b"running") in [each[:2] for each in ear.heard], START_MAX_S)
                self.press_ns(ear)
            except (TimeoutError, OSError) as error:
                raise NoRival(f"does not run: {self._child.last_words()}") from error

    def press_ns(self, ear: BarePaho) -> int:
        """Press; returns how long until the subscriber has it."""
        before, pressed_ns = len(ear.heard), boot_ns()
        self._send(0)
        ear.until(lambda: self._heard(ear, before, b"ON"))
        heard_ns = self._heard(ear, before, b"ON")
        self._send(1)
        ear.until(lambda: self._heard(ear, before, b"OFF"))
        return heard_ns - pressed_ns

    def stop(self) -> None:
        self._socket.close()
        self._child.stop()

    def _send(self, level: int) -> None:
        self._socket.sendto(b"%d %d" % (PIN, level), str(self._place))

    def _heard(self, ear: BarePaho, before: int, payload: bytes) -> int:
        topic = f"{PREFIX}/input/button"
        return next((at for name, raw, at in ear.heard[before:] if (name, raw) == (topic, payload)), 0)


def _configuration(port: int, certificates: Path) -> dict[str, object]:
    """What its documentation proposes for an interrupt input, and the listener that our relay uses."""
    tls = {
        "enabled": True,
        "ca_certs": str(certificates / "ca.pem"),
        "certfile": str(certificates / "centre.pem"),
        "keyfile": str(certificates / "centre.key"),
    }
    return {
        "mqtt": {"host": LOOPBACK, "port": port, "topic_prefix": PREFIX, "client_id": "rival", "tls": tls},
        "gpio_modules": [{"name": "pins", "module": "gpiozero"}],
        "digital_inputs": [{"name": "button", "module": "pins", "pin": PIN, "interrupt": "both"}],
    }
