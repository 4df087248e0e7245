"""A file that only takes up room: given free when the disk is full, because SQLite needs room even to delete."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

BALLAST_BYTES: Final = 4 * 1024 * 1024  # the largest log twice
NEED: Final = 4  # times its size must be free before it is made: it never is what fills the disk


class Ballast:
    """`ballast` in the ledger's folder. Used by the ledger's thread alone."""

    def __init__(self, folder: Path) -> None:
        self._path: Final = folder / "ballast"

    def make(self) -> bool:
        """Make it where there is room; True if it is there, or this disk is too small for ever having one."""
        with suppress(OSError):
            if self._is_whole():
                return True
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < NEED * BALLAST_BYTES:
                return disk.f_blocks * disk.f_frsize < NEED * BALLAST_BYTES
            self._allocate()
            return True
        self.give()  # half of one is none
        return False

    def give(self) -> bool:
        """Its room is the ledger's; False if there was none to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def _is_whole(self) -> bool:
        with suppress(FileNotFoundError):
            return self._path.stat().st_size == BALLAST_BYTES
        return False

    def _allocate(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, BALLAST_BYTES)
        finally:
            os.close(descriptor)
