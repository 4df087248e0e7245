"""Looks through a whole ledger for damage that nobody has read yet, in steps so small that no alarm waits for them.

SQLite's own quick_check keeps the connection until its end, seconds for a full ledger on a card, and before 3.41
nothing interrupts it. Reading every row in the order of its key opens the same pages, and the digests say what no
quick_check can: whether the bytes are those that were stored.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

from edge.core.seal import sha256
from edge.core.words import Epoch, EventId

AT_ONCE: Final = 16  # rows between two looks at the clock: on a cold card each may cost a read of its own
WHOLE_PAGES: Final = (
    2048  # 8 MiB: so much quick_check reads, once more and from memory, in less than a commit on a card
)
_SMALL: Final = ("sqlite_schema", "epoch", "note")  # the first brings the list of free pages along

_Key = tuple[object, ...]

_ROWS: Final = (
    "SELECT e.ordinal, e.seq, e.digest, e.raw, epoch.epoch, CASE WHEN e.received_at IS NULL"
    " THEN EXISTS (SELECT 1 FROM event AS i INDEXED BY waiting WHERE i.received_at IS NULL"
    " AND i.event_class = e.event_class AND i.ordinal = e.ordinal AND i.seq = e.seq)"
    " ELSE EXISTS (SELECT 1 FROM event AS i INDEXED BY received WHERE i.received_at = e.received_at"
    " AND i.ordinal = e.ordinal AND i.seq = e.seq) END"
    " FROM event AS e NOT INDEXED LEFT JOIN epoch USING (ordinal)"
    " WHERE (e.ordinal, e.seq) > (?, ?) ORDER BY e.ordinal, e.seq LIMIT ?"
)
_RECEIVED: Final = (
    "SELECT i.received_at, i.ordinal, i.seq, EXISTS (SELECT 1 FROM event AS e NOT INDEXED WHERE e.ordinal = i.ordinal"
    " AND e.seq = i.seq AND +e.received_at = i.received_at)"
    " FROM event AS i INDEXED BY received WHERE i.received_at IS NOT NULL"
    " AND (i.received_at, i.ordinal, i.seq) > (?, ?, ?) ORDER BY i.received_at, i.ordinal, i.seq LIMIT ?"
)
_BEFORE_ALL: Final = -(2**63)  # no ordinal is that small: those of salvaged epochs count down from -1


class Damaged(Exception):
    """Something is not as it was stored. `str()` says what and where."""


class Checkup:
    """One look at everything, on the connection of the ledger's owner and in its thread.

    What is written between two steps is right by itself; it is looked at or not, as it comes to lie.
    """

    def __init__(self, db: sqlite3.Connection, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._db: Final = db
        self._monotonic: Final = monotonic
        self._looks: Final = self._all()
        self.rows = 0

    def step(self, for_s: float) -> bool:
        """Look for about so long; False once there is nothing left to look at.

        raises: Damaged; sqlite3.Error
        """
        until_s = self._monotonic() + for_s
        return any(self._monotonic() >= until_s for _ in self._looks)

    def _all(self) -> Iterator[None]:
        """Ends each look at a place where nothing is open, so that whoever comes next may write."""
        for table in _SMALL:
            self._quick_check(table)
            yield
        yield from self._walk(_ROWS, (_BEFORE_ALL, 0), self._is_whole)
        yield from self._walk(_RECEIVED, ("", _BEFORE_ALL, 0), _leads_to_a_row)
        if self._db.execute("PRAGMA page_count").fetchone()[0] <= WHOLE_PAGES:
            self._quick_check("1")

    def _quick_check(self, what: str) -> None:
        said = self._db.execute(f"PRAGMA quick_check({what})").fetchone()[0]
        if said != "ok":
            raise Damaged(str(said))

    def _walk(self, sql: str, key: _Key, is_sound: Callable[[_Key], bool]) -> Iterator[None]:
        """Row by row in the order of the key, from wherever the last look ended."""
        while True:
            before = key
            with closing(self._db.execute(sql, (*key, AT_ONCE))) as rows:
                for row in rows:
                    found = row[: len(key)]
                    if not (_is_after(found, key) and is_sound(row)):
                        raise Damaged(f"row {'/'.join(map(str, found))}")
                    key = found
            if key == before:
                return
            yield

    def _is_whole(self, row: _Key) -> bool:
        self.rows += 1
        _, seq, digest, raw, epoch, in_its_index = row
        if not (in_its_index and isinstance(raw, bytes) and isinstance(seq, int)):
            return False
        return f'"{EventId(Epoch(str(epoch)), seq)}"'.encode() in raw and sha256(raw) == digest


def _is_after(found: _Key, key: _Key) -> bool:
    """A key of other types than ours has been written by damage alone."""
    return all(type(one) is type(other) for one, other in zip(found, key, strict=True)) and found > key


def _leads_to_a_row(row: _Key) -> bool:
    return bool(row[-1])
