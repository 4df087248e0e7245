"""A virtual board for the real daemons: contacts pressed, and outputs seen, by another process (drivers.sim.bench)."""

import itertools
import os
import socket
import threading
from pathlib import Path
from typing import Self

from drivers.clock import Clock, boot_ns
from drivers.lines import EdgePath, active, line_number, on_level, pulled_up
from drivers.ports import Busy, Configuration, ContactWiring, DriverError, EdgeSink, NoPermission, OutputWiring
from drivers.sim.lines import PULL_DOWN, PULL_UP, Copper

EDGE_BYTES = 64
JOIN_S = 2.0

_serial = itertools.count(1)  # one process may open several boards


class SimBoard:
    """The lines of one folder; a drivers.ports.Board.

    As on a Pi: an input keeps its level while the daemon is dead, and an output stays driven after its death. A line
    has one owner; the owner's death frees it. Edges carry the time of the one who pressed.
    """

    def __init__(self, folder: Path, *, clock: Clock = boot_ns) -> None:
        """Open the board in `folder`, made when missing.

        raises: NoPermission; Configuration when no folder can be there
        """
        self._clock = clock
        try:
            self._copper = Copper(folder)
        except PermissionError as fault:
            raise NoPermission(f"virtual board: {fault}") from fault
        except OSError as fault:
            raise Configuration(f"virtual board: {fault}") from fault
        self._copper.sweep()
        self._socket_name = f"board-{os.getpid()}-{next(_serial)}.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind(self._copper.socket_path(self._socket_name))
        self._contacts: dict[str, SimContact] = {}
        self._outputs: list[SimOutput] = []
        self._closed = False
        self.stray = 0  # datagrams that were no edge of ours
        self._thread = threading.Thread(target=self._listen, name="sim-edges", daemon=True)
        self._thread.start()

    @classmethod
    def opened(cls, name: str, folder: Path, clock: Clock = boot_ns) -> Self:
        """Open as the registry does."""
        del name
        return cls(folder, clock=clock)

    def contact(self, wiring: ContactWiring, sink: EdgeSink) -> "SimContact":
        claim = self._claim(wiring.line)
        contact = SimContact(self._copper, wiring, EdgePath(wiring, sink), claim)
        self._contacts[wiring.line] = contact
        # From here on an edge finds its contact; one that came before shows in the level that the caller reads next.
        self._copper.set_chip(wiring.line, PULL_UP if pulled_up(wiring) else PULL_DOWN)
        return contact

    def output(self, wiring: OutputWiring) -> "SimOutput":
        output = SimOutput(self._copper, wiring, self._clock, self._claim(wiring.line))
        output.off()
        self._outputs.append(output)
        return output

    def _claim(self, line: str) -> int:
        line_number(line)
        try:
            return self._copper.claim(line, f"{os.getpid()} {self._socket_name}")
        except BlockingIOError as fault:
            holder = str(fault.strerror).partition(" ")[0] or "unknown"
            raise Busy(f"{line} is held by process {holder} ({_name_of(holder)})") from fault
        except PermissionError as fault:
            raise NoPermission(f"{line}: {fault}") from fault
        except OSError as fault:
            raise DriverError(f"{line}: {fault}") from fault

    @property
    def alive(self) -> bool:
        return not self._closed and self._thread.is_alive()

    @property
    def sink_faults(self) -> int:
        """How often a sink raised; each time one edge reached nobody."""
        return sum(contact.edges.faults for contact in self._contacts.values())

    def close(self) -> None:
        """Outputs off, lines and socket released; closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        for output in self._outputs:
            output.close()
        for contact in self._contacts.values():
            contact.close()
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread, even behind a full queue
        self._thread.join(JOIN_S)
        self._socket.close()
        (self._copper.folder / self._socket_name).unlink(missing_ok=True)
        self._copper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self) -> None:
        while True:
            try:
                edge = self._socket.recv(EDGE_BYTES)
            except OSError:
                return
            if self._closed:
                return
            self._arrived(edge)

    def _arrived(self, edge: bytes) -> None:
        """Take "GPIO23 0 5000123000": the line, its level after the edge, the presser's boot clock."""
        try:
            line, level, at_ns = edge.decode("ascii").split(" ")
            contact, high, when = self._contacts[line], {"0": False, "1": True}[level], int(at_ns)
        except (ValueError, KeyError):
            self.stray += 1
            return
        contact.arrived(high, when)


class SimContact:
    """One input; a drivers.ports.Contact."""

    def __init__(self, copper: Copper, wiring: ContactWiring, edges: EdgePath, claim: int) -> None:
        self._copper = copper
        self._wiring = wiring
        self._claim = claim
        self._closed = False
        self.edges = edges

    def arrived(self, level: bool, at_ns: int) -> None:  # noqa: FBT001 - a level is a value here, not an option
        if not self._closed:
            self.edges.arrived(level, at_ns)

    @property
    def active(self) -> bool:
        if self._closed:
            raise DriverError(f"{self._wiring.line} is closed")
        return active(self._wiring, self._copper.level(self._wiring.line))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        os.close(self._claim)


class SimOutput:
    """One on/off line; a drivers.ports.Output."""

    def __init__(self, copper: Copper, wiring: OutputWiring, clock: Clock, claim: int) -> None:
        self._copper = copper
        self._line = wiring.line
        self._on_level = on_level(wiring)
        self._clock = clock
        self._claim = claim
        self._closed = False

    def on(self) -> None:
        self._drive(self._on_level)

    def off(self) -> None:
        self._drive(not self._on_level)

    def _drive(self, level: bool) -> None:  # noqa: FBT001 - a level is a value here, not an option
        if self._closed:
            raise DriverError(f"{self._line} is closed")
        self._copper.drive(self._line, self._clock(), level=level)

    @property
    def is_on(self) -> bool:
        if self._closed:
            raise DriverError(f"{self._line} is closed")
        return self._copper.level(self._line) == self._on_level

    def close(self) -> None:
        if self._closed:
            return
        self.off()
        self._closed = True
        os.close(self._claim)


def _name_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "gone"
