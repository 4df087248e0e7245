"""A local mosquitto whose bridge carries what a paho publisher gives it: as Debian ships it, and as we would set it."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.field.broker import ANONYMOUS, LOOPBACK, Broker, Program, find_broker
from edge.field.stage import Stage
from tests.bootstrap import CACHE
from tests.peers.events import LOCAL_TOPIC, publish, written
from tests.peers.outage import About


@dataclass(frozen=True, slots=True)
class Settings:
    """Lines of mosquitto.conf. bridge: those of the connection."""

    said: str
    own: tuple[str, ...]
    bridge: tuple[str, ...]


STOCK: Final = Settings("as Debian ships it", ("persistence true",), ())
SENSIBLE: Final = Settings(
    "autosave 1 s, no queue limit, retry 1 s",
    ("persistence true", "autosave_interval 1", "max_queued_messages 0", "set_tcp_nodelay true"),
    ("cleansession false", "restart_timeout 1", "notifications false", "bridge_protocol_version mqttv50"),
)


class Bridge:
    """Killed is the local broker, whose PUBACKs the publisher has."""

    def __init__(self, stage: Stage, folder: Path, settings: Settings, rest_s: float) -> None:
        program = find_broker(CACHE)
        title = f"mosquitto {version_of(program)} bridge"
        self.about: Final = About(title, "MQTT QoS 1, signed events", settings.said, rest_s)
        self._stage = stage
        kept = folder / "kept"
        kept.mkdir(parents=True)
        bridge = _connection(stage.broker.ports["plain"], settings.bridge)
        lines = [*settings.own, f"persistence_location {kept}/", *bridge]
        self._broker = Broker(program, listeners={"local": ANONYMOUS}, lines=lines, parent=folder)

    @property
    def pid(self) -> int:
        return self._broker.pid

    def begin(self) -> None:
        self._broker.__enter__()

    def offer(self, count: int) -> None:
        rows = [event.raw for event in written(self._stage.places, self._stage.box, count)]
        publish(self._broker.ports["local"], rows)

    def kill(self) -> None:
        self._broker.kill()

    def again(self) -> None:
        self._broker.start()

    def settle(self, back_ns: int) -> str:
        return ""

    def close(self) -> None:
        self._broker.__exit__(None, None, None)


def _connection(upstream: int, lines: Sequence[str]) -> tuple[str, ...]:
    return ("connection upstream", f"address {LOOPBACK}:{upstream}", f"topic {LOCAL_TOPIC} out 1", *lines)


def version_of(program: Program) -> str:
    """What it says of itself."""
    asked = [str(program.path), "-h"]
    said = subprocess.run(asked, env=program.environment(), capture_output=True, text=True, check=False)
    found = re.search(r"version ([0-9.]+)", said.stdout)
    return found.group(1) if found else "?"
