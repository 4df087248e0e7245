"""The other end of the virtual board's wires: a hand on the buttons and a meter on the outputs, from any process."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from drivers.clock import Clock, boot_ns
from drivers.ports import ContactWiring
from drivers.sim.lines import GROUND, OPEN, SUPPLY, Copper, Stroke

SEND_MAX_S = 2.0  # a stopped daemon's queue of 11 datagrams fills; a kernel's queue of edges would overflow then, too
LOOK_S = 0.001  # between two looks at the meter


class Bench:
    """Buttons and a meter on one folder. It may be opened before, during and after the life of the daemon.

    A line not named in `wire` has a NO button to ground. What was laid on a wire stays when the bench closes.
    """

    def __init__(self, folder: Path, *, clock: Clock = boot_ns) -> None:
        self._copper = Copper(folder)
        self._clock = clock
        self._wires: dict[str, ContactWiring] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(SEND_MAX_S)
        self._one_hand = threading.Lock()
        self.unheard = 0  # edges that no living daemon took; their levels stay on the wire

    def close(self) -> None:
        self._socket.close()
        self._copper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wire(self, wiring: ContactWiring) -> None:
        """Attach a button at rest: NO open, NC closed."""
        self._wires[wiring.line] = wiring
        self.release(wiring.line)

    def press(self, line: str, at_ns: int | None = None) -> int:
        """Operate the button. Returns the edge's time, `at_ns` or now on the boot clock; 0 if it already was."""
        wiring = self._wiring(line)
        return self._lay(line, _closed_on(wiring) if wiring.contact == "no" else OPEN, at_ns)

    def release(self, line: str, at_ns: int | None = None) -> int:
        """Let the button go; returns as `press`."""
        wiring = self._wiring(line)
        return self._lay(line, OPEN if wiring.contact == "no" else _closed_on(wiring), at_ns)

    def cut(self, line: str, at_ns: int | None = None) -> int:
        """Cut the button's wire; a NC contact reports it, a NO one cannot. Returns as `press`."""
        return self._lay(line, OPEN, at_ns)

    def level(self, line: str) -> bool:
        """What a meter on the line shows now."""
        return self._copper.level(line)

    def trace(self) -> list[Stroke]:
        """Every change of an output since the folder was made, oldest first."""
        return self._copper.strokes()

    def watch(self, done: Callable[["Bench"], bool], within_s: float) -> bool:
        """Look at the bench until `done(bench)`; False when `within_s` passed before."""
        end = time.monotonic() + within_s
        while not done(self):
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_S)
        return True

    def wait_level(self, line: str, level: int, within_s: float) -> bool:
        """Wait until the line shows `level` (0 or 1)."""
        return self.watch(lambda bench: bench.level(line) == bool(level), within_s)

    def _wiring(self, line: str) -> ContactWiring:
        return self._wires.get(line) or ContactWiring(line)

    def _lay(self, line: str, outside: int, at_ns: int | None) -> int:
        with self._one_hand:
            before = self._copper.level(line)
            stamp = self._clock() if at_ns is None else at_ns
            self._copper.lay(line, outside)
            after = self._copper.level(line)
            if after == before:
                return 0
            self._tell(line, f"{line} {int(after)} {stamp}".encode())
            return stamp

    def _tell(self, line: str, edge: bytes) -> None:
        """Hand the edge to the line's owner; a full queue makes the hand wait, as a slow finger would."""
        _, _, board = self._copper.owner(line).partition(" ")
        try:
            self._socket.sendto(edge, self._copper.socket_path(board or "nobody.sock"))
        except OSError:
            self.unheard += 1


def _closed_on(wiring: ContactWiring) -> int:
    return GROUND if wiring.wiring == "to-ground" else SUPPLY
