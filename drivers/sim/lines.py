"""The copper of the virtual board: one small file that outlives every process, as levels on a Pi outlive a daemon."""

import errno
import fcntl
import mmap
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from drivers.lines import LAST_LINE, line_number

LINES = LAST_LINE + 1
_CHIP_ROW = LINES + 1  # the outside row, its newline, then the chip's row and its newline
_SIZE = 2 * (LINES + 1)
OWNER_BYTES = 64

OPEN, GROUND, SUPPLY = b"z01"  # outside: the wire hangs open, lies on ground, lies on 3V3
UNUSED, PULL_UP, PULL_DOWN, LOW, HIGH = b"-udLH"  # chip: never opened, input with a pull, output and its level

_PULLED = {PULL_UP: True, PULL_DOWN: False, LOW: False, HIGH: True, UNUSED: False}
_LAID = {GROUND: False, SUPPLY: True}


@dataclass(frozen=True, slots=True)
class Stroke:
    """One change of one output; `at_ns` on the boot clock, `level` as a meter would show it."""

    at_ns: int
    line: str
    level: bool


class Copper:
    """All levels of the board, shared by every process that opens the same folder.

    Two rows of text, so that `cat levels` shows them: what lies on each wire outside, written only by the bench, and
    what the chip does with each line, written only by the line's owner. A level is one byte, so no reader sees half.
    """

    def __init__(self, folder: Path) -> None:
        """Open the board in `folder`, made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        # Sockets are named through this descriptor: 108 bytes are too few for a deep folder.
        self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self.folder = folder
        self._levels = _mapped(folder / "levels")
        self._trace = os.open(folder / "trace", os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o660)

    def close(self) -> None:
        self._levels.close()
        os.close(self._trace)
        os.close(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def level(self, line: str) -> bool:
        """What a meter shows: a driven output wins, then what lies on the wire, then the pull."""
        chip = self.chip(line)
        if chip in (LOW, HIGH):
            return _PULLED[chip]
        return _LAID.get(self._levels[line_number(line)], _PULLED[chip])

    def lay(self, line: str, outside: int) -> None:
        """Put the wire of one line on ground, on 3V3, or leave it open."""
        self._levels[line_number(line)] = outside

    def chip(self, line: str) -> int:
        return self._levels[_CHIP_ROW + line_number(line)]

    def set_chip(self, line: str, does: int) -> None:
        self._levels[_CHIP_ROW + line_number(line)] = does

    def drive(self, line: str, at_ns: int, *, level: bool) -> None:
        """Change an output and leave a stroke in the trace; a level that stays leaves none."""
        does = HIGH if level else LOW
        if self.chip(line) == does:
            return
        self.set_chip(line, does)
        os.write(self._trace, f"{at_ns} {line} {int(level)}\n".encode())

    def strokes(self) -> list[Stroke]:
        """Every change of an output since the folder was made, oldest first."""
        text = os.pread(self._trace, os.fstat(self._trace).st_size, 0).decode()
        rows = (row.split() for row in text.splitlines())
        return [Stroke(int(at_ns), line, level == "1") for at_ns, line, level in rows]

    def socket_path(self, name: str) -> str:
        """A short path to a socket in the folder, good while this object is open."""
        return f"/proc/self/fd/{self._folder}/{name}"

    def claim(self, line: str, owner: str) -> int:
        """Take a line for this process; death gives it back.

        returns: the descriptor that holds the claim; closing it gives the line back
        raises:  BlockingIOError whose text is the owner as written by its holder
        """
        claim = os.open(self.folder / f"{line}.owner", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _written(claim)
            os.close(claim)
            raise BlockingIOError(errno.EWOULDBLOCK, holder) from None
        os.pwrite(claim, owner.encode().ljust(OWNER_BYTES), 0)
        return claim

    def owner(self, line: str) -> str:
        """What the last owner of a line wrote; it may be dead. Empty when there was none."""
        try:
            claim = os.open(self.folder / f"{line}.owner", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return ""
        try:
            return _written(claim)
        finally:
            os.close(claim)

    def sweep(self) -> None:
        """Remove the sockets of boards that died: nobody answers there."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            for path in self.folder.glob("*.sock"):
                try:
                    probe.connect(self.socket_path(path.name))
                except ConnectionRefusedError:
                    path.unlink(missing_ok=True)
                except FileNotFoundError:
                    continue


def _written(claim: int) -> str:
    return os.pread(claim, OWNER_BYTES, 0).decode().strip()


def _mapped(path: Path) -> mmap.mmap:
    """Map the levels; a new file starts with open wires and unused lines. Two processes may make it at once."""
    levels = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    try:
        fcntl.flock(levels, fcntl.LOCK_EX)
        if os.fstat(levels).st_size < _SIZE:
            os.pwrite(levels, b"z" * LINES + b"\n" + b"-" * LINES + b"\n", 0)
        return mmap.mmap(levels, _SIZE)
    finally:
        fcntl.flock(levels, fcntl.LOCK_UN)  # the map keeps a copy of the descriptor, and with it the lock
        os.close(levels)
