"""Rows that leave the ledger for good, in small steps: the expired, those over a quota, those that cannot be read.

What no receipt covers leaves a debt behind in the same transaction: a note that names it, until a `lost` event does.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edge.core.spans import Span
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.limits import EVICTED, PAGE_BYTES, STEP, Limits, by_epoch, expiry, merged

SPANS_LIMIT: Final = 100  # ranges that one `lost` event names: 8 KiB hold three times as many
_DEBT: Final = "gone/"

_Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Debt:
    """Events that nobody will ever receive, and of which the centre has not been told.

    stretch: counts runs of loss; with the epoch it names the debt
    """

    stretch: int
    epoch: Epoch
    spans: tuple[Span, ...]

    @property
    def ids(self) -> Iterator[EventId]:
        return (EventId(self.epoch, seq) for first, last in self.spans for seq in range(first, last + 1))

    @property
    def note(self) -> str:
        """The note that holds it; a `lost` event's own transaction clears it."""
        return note_of(self.stretch, self.epoch)


def note_of(stretch: int, epoch: str) -> str:
    return f"{_DEBT}{stretch:010d}/{epoch}"


class Shedding:
    """Works inside its owner's transactions, on its owner's connection. Every method raises sqlite3.Error."""

    def __init__(self, db: sqlite3.Connection, limits: Limits) -> None:
        self._db: Final = db
        self._limits: Final = limits
        newest = db.execute("SELECT max(key) FROM note WHERE key LIKE ?", (f"{_DEBT}%",)).fetchone()[0]
        self._stretch = int(newest.split("/")[1]) + 1 if newest else 1

    def step(self, *, spare_pages: int = 0) -> int:
        """Let go of at most STEP rows; returns how many.

        spare_pages: so many are to be free in the file, whatever the limits allow, at the cost of everything but
                     waiting alarms: the disk is full
        """
        keys = self._expired() or self._over_quota() or self._too_big() or self._too_full(spare_pages)
        self._delete(keys)
        return len(keys)

    def write_off(self, ids: Sequence[EventId]) -> None:
        """These can never be sent: their rows go, if there are any, and a debt stays."""
        for epoch, seqs in by_epoch(ids):
            self._db.executemany(
                "DELETE FROM event WHERE received_at IS NULL AND seq = ?"
                " AND ordinal = (SELECT ordinal FROM epoch WHERE epoch = ?)",
                [(seq, epoch) for seq in seqs],
            )
            self._owe(epoch, seqs)

    def debts(self) -> list[Debt]:
        rows = self._db.execute("SELECT key, value FROM note WHERE key LIKE ? ORDER BY key", (f"{_DEBT}%",)).fetchall()
        return [debt for key, value in rows if (debt := _read(key, value))]

    def end_stretch(self) -> None:
        self._stretch += 1

    # ---- which rows -------------------------------------------------------------------------------------------------

    def _expired(self) -> list[_Key]:
        before = self._expiry()
        return self._keys("received_at < ? ORDER BY received_at", (before,)) if before else []

    def _expiry(self) -> str:
        of_receipt = "SELECT received_at FROM event WHERE received_at IS NOT NULL ORDER BY received_at DESC LIMIT 1"
        newest = self._db.execute(of_receipt).fetchone()
        nth = self._db.execute(f"{of_receipt} OFFSET ?", (self._limits.kept_events - 1,)).fetchone()
        return expiry(newest[0], nth[0], self._limits.kept_days) if nth else ""

    def _over_quota(self) -> list[_Key]:
        counted = dict(
            self._db.execute(
                "SELECT event_class, count(*) FROM event WHERE received_at IS NULL GROUP BY event_class"
            ).fetchall()
        )
        for event_class in EVICTED:
            over = counted.get(event_class.value, 0) - self._limits.waiting.get(event_class, 2**62)
            if over > 0:
                return self._waiting(event_class.value, min(over, STEP))
        return []

    def _too_big(self) -> list[_Key]:
        used = self._pragma("page_count") - self._pragma("freelist_count")
        return self._least(EVICTED) if used * PAGE_BYTES > self._limits.file_bytes else []

    def _too_full(self, spare_pages: int) -> list[_Key]:
        """Old alarms are not thrown away for new events, which memory can hold."""
        return self._least(EVICTED[:-1]) if self._pragma("freelist_count") < spare_pages else []

    def _least(self, classes: Sequence[EventClass]) -> list[_Key]:
        waiting = (self._waiting(event_class.value, STEP) for event_class in classes)
        return self._received() or next(filter(None, waiting), [])

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def _received(self) -> list[_Key]:
        return self._keys("received_at IS NOT NULL ORDER BY received_at", ())

    def _waiting(self, event_class: str, limit: int) -> list[_Key]:
        return self._keys("received_at IS NULL AND event_class = ? ORDER BY ordinal, seq", (event_class,), limit)

    def _keys(self, which: str, parameters: tuple[object, ...], limit: int = STEP) -> list[_Key]:
        sql = f"SELECT ordinal, seq FROM event WHERE {which} LIMIT ?"  # noqa: S608  # of our own words
        return self._db.execute(sql, (*parameters, limit)).fetchall()

    # ---- letting go -------------------------------------------------------------------------------------------------

    def _delete(self, keys: Sequence[_Key]) -> None:
        owed = [row for key in keys if (row := self._unreceived(key))]
        self._db.executemany("DELETE FROM event WHERE ordinal = ? AND seq = ?", keys)
        for epoch, seqs in by_epoch(owed):
            self._owe(epoch, seqs)

    def _unreceived(self, key: _Key) -> EventId | None:
        row = self._db.execute(
            "SELECT epoch FROM event JOIN epoch USING (ordinal)"
            " WHERE event.ordinal = ? AND seq = ? AND received_at IS NULL",
            key,
        ).fetchone()
        return EventId(Epoch(row[0]), key[1]) if row else None

    def _owe(self, epoch: str, seqs: Iterable[int]) -> None:
        key = note_of(self._stretch, epoch)
        row = self._db.execute("SELECT value FROM note WHERE key = ?", (key,)).fetchone()
        debt = _read(key, row[0]) if row else None
        spans = merged(debt.spans if debt else (), seqs)
        if debt and len(spans) > SPANS_LIMIT:
            self._stretch += 1
            self._owe(epoch, seqs)
            return
        self._db.execute("INSERT OR REPLACE INTO note (key, value) VALUES (?, ?)", (key, json.dumps(spans)))


def _read(key: str, value: str) -> Debt | None:
    try:
        _, stretch, epoch = key.split("/")
        return Debt(int(stretch), Epoch(epoch), tuple((int(first), int(last)) for first, last in json.loads(value)))
    except (ValueError, TypeError):
        return None
