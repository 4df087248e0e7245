"""What the centre knows, in one SQLite file: idempotent, and durable before anybody is told so.

One process writes. It holds `centre.lock` beside the file, because SQLite before 3.51.3 can lose a WAL reset when two
connections write. Readers open the file read-only (`reader`).
"""

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Final, Self

from edge.core.events import Event
from edge.core.messages import Beat, Command, State
from edge.core.words import BoxId, Epoch

SCHEMA_VERSION: Final = 1
SAMPLE_BYTES: Final = 2048  # enough to see what came; a flood must not fill the disk
QUARANTINE_ROWS: Final = 1000
EPOCHS_LIMIT: Final = 64  # looked into at one beat; a receipt has room for as many ranges
CHECKPOINT_PAGES: Final = 4000  # 16 MB: a drain of 10,000 events pays for one or two checkpoints


class StoreError(Exception):
    """Root: StoreBusy (end the other writer), StoreFailed (disk; nothing of the group was kept)."""


class StoreBusy(StoreError, BlockingIOError):
    """Another centre writes to this file."""


class StoreFailed(StoreError, OSError):
    """The disk or the file refused; the group is rolled back and nobody may be told that it is stored."""


class Kept(StrEnum):
    """What became of one event."""

    NEW = "new"
    FOLDED = "folded"  # the very same bytes were here already
    CONFLICT = "conflict"  # same identity, other bytes: both are kept


class Group:
    """Everything that one transaction takes in. All or nothing: the effects count only after `Store.group` returned."""

    def __init__(self, connection: sqlite3.Connection, now_ns: int) -> None:
        self._run = connection.execute
        self._now_ns = now_ns

    def put(self, event: Event, *, durable: bool = True) -> Kept:
        """Keep one verified event."""
        digest = hashlib.sha256(event.raw).digest()
        key = (event.box, event.id.epoch, event.id.seq)
        earlier = self._run("SELECT digest FROM event WHERE box = ? AND epoch = ? AND seq = ?", key).fetchall()
        if (digest,) in earlier:
            again = "UPDATE event SET folded = folded + 1 WHERE box = ? AND epoch = ? AND seq = ? AND digest = ?"
            self._run(again, (*key, digest))
            return Kept.FOLDED
        self._insert(event, digest, durable=durable)
        self._learn_epoch(event)
        return Kept.CONFLICT if earlier else Kept.NEW

    def beat(self, beat: Beat) -> None:
        """Remember a box's latest beat; it tells the epoch's order and how far the box has counted."""
        self._run(
            "INSERT OR REPLACE INTO beat VALUES (?, ?, ?, ?, ?, ?, ?)",
            (beat.box, beat.epoch, beat.ordinal, beat.head, beat.pending, beat.time, self._now_ns),
        )
        self._raise_head(beat.box, beat.epoch, beat.head, beat.ordinal)

    def head(self, box: BoxId) -> tuple[Epoch, int] | None:
        """The epoch and head of the last beat of this box."""
        row = self._run("SELECT epoch, head FROM beat WHERE box = ?", (box,)).fetchone()
        return None if row is None else (Epoch(row[0]), row[1])

    def presence(self, state: State, raw: bytes) -> bool:
        """Remember a birth or a will; True if the box came or went."""
        row = self._run("SELECT online FROM presence WHERE box = ?", (state.box,)).fetchone()
        changed = row is None or bool(row[0]) is not state.online
        keep = (
            "INSERT INTO presence VALUES (?, ?, ?, ?) ON CONFLICT (box) DO UPDATE SET raw = excluded.raw,"
            " since_ns = CASE WHEN online = excluded.online THEN since_ns ELSE excluded.since_ns END,"
            " online = excluded.online"
        )
        self._run(keep, (state.box, state.online, self._now_ns, raw))
        return changed

    def command(self, command: Command, raw: bytes) -> bool:
        """Remember an order that carried our signature; True the first time."""
        alarm, ticket = command.args.get("alarm"), command.args.get("ticket")
        row = (command.jti, command.box, command.name, alarm, ticket, command.by, self._now_ns, raw)
        return self._run("INSERT OR IGNORE INTO command VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row).rowcount == 1

    def lost(self, box: BoxId, epoch: Epoch, first: int, last: int) -> None:
        """A box declared these sequences gone: they are no longer missing."""
        self._run("INSERT OR IGNORE INTO lost VALUES (?, ?, ?, ?)", (box, epoch, first, last))

    def notice(self, code: str, box: str, text: str) -> None:
        """Raise an alarm of the centre's own; the same words are kept once."""
        self._run(
            "INSERT OR IGNORE INTO notice (code, box, text, at_ns) VALUES (?, ?, ?, ?)", (code, box, text, self._now_ns)
        )

    def refuse(self, reason: str, topic: str, raw: bytes) -> None:
        """Count a refusal and keep a sample of it; the oldest samples go."""
        count = "INSERT INTO refusal VALUES (?, 1) ON CONFLICT (reason) DO UPDATE SET count = count + 1"
        self._run(count, (reason,))
        keep = "INSERT INTO quarantine (reason, topic, size, sample, at_ns) VALUES (?, ?, ?, ?, ?) RETURNING number"
        row = (reason, topic[:256], len(raw), raw[:SAMPLE_BYTES], self._now_ns)
        (number,) = self._run(keep, row).fetchone()
        self._run("DELETE FROM quarantine WHERE number <= ?", (number - QUARANTINE_ROWS,))

    def missing(self, box: BoxId) -> Iterator[tuple[Epoch, int, int]]:
        """Ranges of sequences that the box made and we have not, oldest epoch first; moves each epoch's reach on.

        Of no more than EPOCHS_LIMIT epochs: what a box pretends to have had must not cost the others their centre.
        """
        behind = "SELECT epoch, reach, head FROM epoch WHERE box = ? AND reach < head ORDER BY ordinal LIMIT ?"
        for epoch, reach, head in self._run(behind, (box, EPOCHS_LIMIT)).fetchall():
            gaps = list(_gaps(self._spans(box, epoch, reach), reach, head))
            whole = gaps[0][0] - 1 if gaps else head
            self._run("UPDATE epoch SET reach = ? WHERE box = ? AND epoch = ?", (whole, box, epoch))
            yield from ((Epoch(epoch), first, last) for first, last in gaps)

    def _spans(self, box: str, epoch: str, after: int) -> list[tuple[int, int]]:
        key = (box, epoch, after)
        known = self._run("SELECT seq, seq FROM event WHERE box = ? AND epoch = ? AND seq > ?", key).fetchall()
        gone = self._run("SELECT first, last FROM lost WHERE box = ? AND epoch = ? AND last > ?", key).fetchall()
        return sorted({*known, *gone})

    def _insert(self, event: Event, digest: bytes, *, durable: bool) -> None:
        place = [event.data.get(name) for name in ("alarm", "zone")]
        alarm, zone = (text if isinstance(text, str) else None for text in place)
        columns = "box, epoch, seq, digest, site, class, name, subject, time, timequality, alarm, zone, durable"
        self._run(
            f"INSERT INTO event ({columns}, received_ns, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  # the columns named above
            (
                *(event.box, event.id.epoch, event.id.seq, digest, event.site, event.event_class.value, event.name),
                *(event.subject, event.time, event.time_quality, alarm, zone, durable, self._now_ns, event.raw),
            ),
        )

    def _learn_epoch(self, event: Event) -> None:
        """An epoch's first event names its ordinal and how far the epoch before it is known to have come."""
        birth = event.data if event.id.seq == 1 else {}
        ordinal = birth.get("ordinal")
        self._raise_head(event.box, event.id.epoch, event.id.seq, ordinal if isinstance(ordinal, int) else 0)
        match birth.get("previous"):
            case {"epoch": str() as previous, "last": int() as last}:
                self._raise_head(event.box, Epoch(previous), last, 0)

    def _raise_head(self, box: BoxId, epoch: Epoch, head: int, ordinal: int) -> None:
        """ordinal: 0 while the box itself does not know it yet (its ledger is not open)."""
        keep = (
            "INSERT INTO epoch (box, epoch, ordinal, head) VALUES (?, ?, ?, ?) ON CONFLICT (box, epoch) DO UPDATE SET"
            " head = max(head, excluded.head), ordinal = coalesce(ordinal, excluded.ordinal)"
        )
        self._run(keep, (box, epoch, ordinal if ordinal > 0 else None, head))


def _gaps(spans: list[tuple[int, int]], reach: int, head: int) -> Iterator[tuple[int, int]]:
    """What of (reach, head] no span covers. spans: sorted."""
    upto = reach
    for first, last in spans:
        if first > upto + 1:
            yield upto + 1, first - 1
        upto = max(upto, last)
    if upto < head:
        yield upto + 1, head


class Store:
    """The writer's hold on the file."""

    def __init__(self, connection: sqlite3.Connection, lock: int) -> None:
        self._connection = connection
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make the file. Raises StoreBusy, StoreFailed."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        lock = _take_lock(path.with_name("centre.lock"))
        try:
            return cls(_connect(path), lock)
        except (sqlite3.Error, StoreError) as error:
            os.close(lock)
            raise StoreFailed(f"{path}: {error}") from error

    @contextmanager
    def group(self, now_ns: int) -> Iterator[Group]:
        """One transaction: leaving it without an exception means that all of it is on the disk.

        raises: StoreFailed, with nothing kept
        """
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                yield Group(self._connection, now_ns)
        except sqlite3.Error as error:
            raise StoreFailed(str(error)) from error

    def close(self) -> None:
        self._connection.close()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a receipt is a promise: the commit has reached the disk
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        _bring_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        script = files("edge.centre").joinpath("schema.sql").read_text(encoding="utf-8")
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nCOMMIT;")
    elif version != SCHEMA_VERSION:
        raise StoreFailed(f"made by another release (schema {version}, ours {SCHEMA_VERSION})")


def _take_lock(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StoreBusy(f"another centre writes to {path.parent}") from error
    return lock
