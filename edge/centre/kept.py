"""What the store answers with, and how it fails: values that cost no library."""

from enum import StrEnum
from typing import Final

WALK: Final = "walk"  # notice: a box that replaced another has not been tried by hand yet
REPLACED: Final = "replaced"  # notice: nobody waits for this box any more


class StoreError(Exception):
    """Root: StoreBusy (wait, or end the other one), StoreFailed (nothing of the group was kept)."""


class StoreFailed(StoreError, OSError):
    """The disk, the file or the server refused; the group is rolled back and nobody may be told that it is stored."""


class StoreBusy(StoreError, BlockingIOError):
    """Another centre has this place to itself."""


class Kept(StrEnum):
    """What became of one event."""

    NEW = "new"
    FOLDED = "folded"  # the very same bytes were here already
    CONFLICT = "conflict"  # same identity, other bytes: both are kept
