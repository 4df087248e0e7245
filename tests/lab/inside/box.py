"""A box inside a machine: the real alarm daemon on the machine's chip, with buttons that scripts can press."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from typing import Any, Self

import msgspec

from edge.config.active import encode
from edge.config.model import Configuration, Lamp, Panel, Site, Sounder, Zone
from edge.config.places import Places
from tests.lab.inside.chip import Chip

READY_S = 20.0
STOP_S = 5.0

QUICK, LOOP, RAIL = 17, 22, 5  # a NO button to ground, a NC loop to ground, a NO button to 3V3
SIREN, HORN, LAMP = 27, 23, 24  # a high-on relay, a low-on relay, a lamp

SITE = Configuration(
    kit="lab",
    site=Site(id="33.74.10.1004-010-005", name="RT 005 / RW 010", rt="005", rw="010"),
    driver="gpiod",
    zones=(
        Zone(id="quick", pin=f"GPIO{QUICK}", hold_s=0.02),
        # gpio-sim lays a wire at the pull's level when the kernel sets the pull: a NC loop looks cut until it is laid
        # back, and one second is enough for that.
        Zone(id="loop", pin=f"GPIO{LOOP}", contact="nc", hold_s=1.0),
        Zone(id="rail", pin=f"GPIO{RAIL}", wiring="to-3v3", hold_s=0.02),
    ),
    sounders=(
        Sounder(id="siren", pin=f"GPIO{SIREN}", relay="high-on", switch="ssr"),
        Sounder(id="horn", pin=f"GPIO{HORN}", relay="low-on", switch="ssr"),
    ),
    lamps=(Lamp(id="lamp", pin=f"GPIO{LAMP}"),),
    panel=Panel(lab=True, storm_s=0.0),
)
AT_REST = {QUICK: True, LOOP: False, RAIL: False}  # zone's line -> high while nobody presses


def lay_at_rest(chip: Chip) -> None:
    for line, high in AT_REST.items():
        chip.lay(line, high=high)


def press(chip: Chip, line: int, hold_s: float) -> None:
    chip.press(line, hold_s, rest_high=AT_REST[line])


def sounding(chip: Chip) -> tuple[bool, bool]:
    """Whether the high-on siren and the low-on horn are switched on now."""
    return chip.level(SIREN) == 1, chip.level(HORN) == 0


def wait_sounding(chip: Chip, timeout_s: float = 5.0) -> bool:
    """Wait until both are on at once."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if sounding(chip) == (True, True):
            return True
        time.sleep(0.002)
    return False


def write_site(places: Places, site: Configuration = SITE) -> None:
    places.generations.mkdir(parents=True, exist_ok=True)
    places.ledger.parent.mkdir(parents=True, exist_ok=True)
    (places.generations / "active.json").write_bytes(encode(site))


def rows(places: Places) -> list[dict[str, Any]]:
    """Every event of the ledger, decoded, oldest first; the daemon must be gone (it owns the file alone)."""
    with closing(sqlite3.connect(f"file:{places.ledger}?mode=ro", uri=True)) as ledger:
        found = ledger.execute("SELECT raw FROM event ORDER BY ordinal, seq").fetchall()
    return [msgspec.json.decode(raw) for (raw,) in found]


class Box:
    """The daemon as a process; ready when entered. `log` is what it wrote so far."""

    def __init__(self, places: Places, chip: Chip) -> None:
        self._chip = chip
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = f"\0lab-{os.getpid()}-{id(self)}"
        self._told.bind(address)
        self._told.settimeout(0.05)
        self._log = places.root / f"log-{id(self)}"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge.daemons.alarm", "--root", places.root],
                env={**os.environ, "NOTIFY_SOCKET": "@" + address[1:]},
                stderr=log,
            )
        self._wait_ready()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the alarm daemon ended with {self.process.returncode}: {self.log}")
            if self._chip.level(LOOP):
                self._chip.lay(LOOP, high=False)
            with suppress(TimeoutError):
                if b"READY=1" in self._told.recv(4096):
                    time.sleep(0.1)
                    lay_at_rest(self._chip)
                    return
        raise AssertionError(f"the alarm daemon was not ready in {READY_S} s: {self.log}")

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(STOP_S)

    def kill(self) -> None:
        """Asserts that it was alive and that the kill killed it."""
        assert self.process.poll() is None
        self.process.kill()
        assert self.process.wait(STOP_S) == -signal.SIGKILL

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()
        self._told.close()
