"""What the ledger lets go and in which order: what the centre has first, an alarm that still waits last.

The clock of retention is the centre's own: a receipt's time against the newest receipt's. A box without a clock
prunes as rightly as one that has it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

from edge.core.delivery import RANK
from edge.core.spans import Span, runs
from edge.core.words import EventClass, EventId

PAGE_BYTES: Final = 4096
STEP: Final = 64  # rows let go in one transaction: an alarm that comes meanwhile waits for one such step at most
WAITING: Final[Mapping[EventClass, int]] = {
    EventClass.PICTURE: 300,  # some alarms' worth; the bytes lie in the cameras' spool, which has its own quota
    EventClass.INVENTORY: 1_000,
    EventClass.AUDIT: 8_000,
    EventClass.TEST: 8_000,
    EventClass.TROUBLE: 16_000,
    EventClass.TAMPER: 16_000,
    EventClass.RESTORAL: 16_000,
}
EVICTED: Final = sorted(EventClass, key=lambda each: -RANK[each])  # pictures first, alarms last


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept.

    kept_events: so many received events stay, however old; the newest of them
    kept_days:   and all that were received within so many days, however many
    waiting:     rows without a receipt, per class; an alarm's class has none but the file's
    file_bytes:  pages in use, far below the disk: when a disk is full SQLite cannot even delete
    """

    kept_events: int = 10_000
    kept_days: int = 30
    waiting: Mapping[EventClass, int] = field(default_factory=lambda: WAITING)
    file_bytes: int = 128 * 1024 * 1024


LIMITS: Final = Limits()
SHARE: Final = 4  # of a disk, one part is the ledger's
FILE_LEAST: Final = 1024 * 1024


def fitting(folder: Path) -> Limits:
    """LIMITS for the disk of this folder. Raises OSError."""
    disk = os.statvfs(folder)
    share = max(disk.f_blocks * disk.f_frsize // SHARE, FILE_LEAST)
    return replace(LIMITS, file_bytes=min(LIMITS.file_bytes, share))


def expiry(newest: str, nth_newest: str, days: int) -> str:
    """What was received before this moment may go: older than `days`, and outside the number that is kept.

    newest:     time of the newest receipt
    nth_newest: time of the last receipt within that number
    returns:    "" where nothing may go, because a time cannot be read
    """
    try:
        aged = datetime.fromisoformat(newest) - timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return min(nth_newest, aged.isoformat())


def by_epoch(ids: Iterable[EventId]) -> Iterator[tuple[str, list[int]]]:
    """Epoch and its sequences, rising."""
    for epoch, run in groupby(sorted(ids), lambda each: each.epoch):
        yield epoch, [each.seq for each in run]


def merged(spans: Iterable[Span], seqs: Iterable[int]) -> list[Span]:
    """These ranges and these sequences in as few ranges as there can be."""
    bounds = sorted([*spans, *runs(sorted(set(seqs)))])
    whole: list[Span] = []
    for first, last in bounds:
        if whole and first <= whole[-1][1] + 1:
            whole[-1] = whole[-1][0], max(last, whole[-1][1])
        else:
            whole.append((first, last))
    return whole
