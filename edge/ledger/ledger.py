"""The durable record: one SQLite file, one writer, one connection, one thread. Everybody else reads copies.

An event is safe when `append` returns: WAL with synchronous=FULL, one fdatasync per commit. Receipts are written
without a sync of their own: losing one costs a repeated publication, which the centre folds.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from edge.core.events import Frozen
from edge.core.seal import sha256
from edge.core.spans import stretches
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.checkup import Checkup, Damaged
from edge.ledger.files import make_folder, next_ordinal, scripts
from edge.ledger.limits import PAGE_BYTES, Limits, fitting
from edge.ledger.salvage import Row
from edge.ledger.shedding import Debt, Shedding

CHECKPOINT_PAGES: Final = 256  # 1 MiB of WAL: half of what it may ever hold
CROWDED_PAGES: Final = 320  # beyond this it is copied even when busy: what one transaction writes still fits below 2 MB
APPEND_BYTES: Final = 128 * 1024  # events of one transaction
RECEIVE_ROWS: Final = 64  # receipts of one transaction, each of which may lie on a page of its own
_CLASSES: Final = {each.value: each for each in EventClass}
_APPLICATION_ID: Final = 0x4B544731  # "KTG1": file(1) and a person with a hex dump see what it is


# A row that is here already learns of its receipt; RETURNING tells a new row from one that changed nothing.
_RESCUE: Final = (
    "INSERT INTO event (ordinal, seq, event_class, shown, digest, raw, received_at, receiver)"
    " SELECT ordinal, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM epoch WHERE epoch = ?1"
    " ON CONFLICT (ordinal, seq) DO UPDATE SET received_at = excluded.received_at, receiver = excluded.receiver"
    " WHERE event.received_at IS NULL AND excluded.received_at IS NOT NULL RETURNING seq"
)


class LedgerError(Exception):
    """The file cannot be used now: full, read-only, corrupt, or not ours. `str()` has SQLite's own words."""


class LedgerFull(LedgerError):
    """The disk has no room, not even for deleting."""


class LedgerCorrupt(LedgerError, ValueError):
    """It is not a database, or not a sound one: set it aside and begin anew."""


@dataclass(frozen=True, slots=True)
class Unreceived:
    """One stored row that no receipt covers."""

    id: EventId
    ordinal: int
    event_class: EventClass
    digest: bytes
    shown: bool


@dataclass(frozen=True, slots=True)
class Past:
    """The newest epoch before this one and its last durable sequence."""

    ordinal: int
    epoch: Epoch
    last: int


class Ledger:
    """Open file of one epoch. Every method raises LedgerError; none retries or waits for a lock."""

    def __init__(self, path: Path, epoch: Epoch, *, limits: Limits | None = None, synchronous: str = "FULL") -> None:
        """Create or open, migrate, and claim the next ordinal for `epoch`.

        limits:      what is kept; `tidy` brings the file within them. None: LIMITS, as far as the disk allows
        synchronous: FULL; NORMAL exists as the control that loses events in the power tests
        """
        self._synchronous: Final = synchronous
        self.path: Final = path
        self.epoch: Final = epoch
        with _translated():
            make_folder(path.parent)
            self._db: Final = sqlite3.connect(path, isolation_level=None, timeout=0.0, check_same_thread=False)
            try:
                self._prepare()
                self.past: Final = self._past()
                self.ordinal: Final = self._claim()
                self._shedding: Final = Shedding(self._db, limits or fitting(path.parent))
                self._checkup: Final = Checkup(self._db)
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        pragmas = (
            "locking_mode=EXCLUSIVE",  # one writer, one connection; no -shm file to map
            "journal_mode=WAL",
            f"synchronous={self._synchronous}",
            "wal_autocheckpoint=0",  # checkpoint when idle, never inside an alarm's commit
            "journal_size_limit=2097152",  # WAL <= 2 MB after a checkpoint
            "cache_size=-512",
            "mmap_size=0",
            "trusted_schema=OFF",
            "secure_delete=OFF",  # Debian's default writes every freed page once more; a card wears by that
        )
        for pragma in pragmas:
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        self._migrate()

    def _migrate(self) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version:
            self._check_owner()
        for number, script in enumerate(scripts(), start=1):
            if number > version:
                stamp = f"PRAGMA application_id={_APPLICATION_ID};PRAGMA user_version={number};"
                self._db.executescript(f"BEGIN IMMEDIATE;{script}\n{stamp}COMMIT;")

    def _check_owner(self) -> None:
        if self._db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
            raise LedgerCorrupt("the file is a database, but not a ledger")

    def _claim(self) -> int:
        """Give this epoch the next ordinal; a file opened again in the same run already has it."""
        known = self._db.execute("SELECT ordinal FROM epoch WHERE epoch = ?", (self.epoch,)).fetchone()
        if known is None:
            newest = self._db.execute("SELECT max(0, coalesce(max(ordinal), 0)) FROM epoch").fetchone()[0]
            known = (next_ordinal(self.path.parent, self.epoch, newest + 1),)
            self._db.execute("INSERT INTO epoch (ordinal, epoch) VALUES (?, ?)", (*known, self.epoch))
        return int(known[0])

    def _past(self) -> Past | None:
        row = self._db.execute(
            "SELECT ordinal, epoch, (SELECT coalesce(max(seq), 0) FROM event WHERE event.ordinal = epoch.ordinal)"
            " FROM epoch WHERE epoch <> ? ORDER BY ordinal DESC LIMIT 1",
            (self.epoch,),
        ).fetchone()
        return Past(row[0], Epoch(row[1]), row[2]) if row else None

    # ---- writing ----------------------------------------------------------------------------------------------------

    def append(self, events: Sequence[Frozen], notes: Mapping[str, object] | None = None) -> None:
        """Store events of this epoch and notes in one transaction; when it returns they survive a power cut.

        events: together no more than APPEND_BYTES, so that the log stays within its bound
        """
        rows = [(self.ordinal, e.id.seq, e.event_class.value, int(e.shown), e.digest, e.raw) for e in events]
        with _translated(), self._transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO event (ordinal, seq, event_class, shown, digest, raw) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._write_notes(notes or {})

    def receive(self, ids: Iterable[EventId], *, receiver: str, at: str) -> None:
        """Mark rows as covered by a verified receipt; without a sync, so that an alarm never queues behind it."""
        rest = iter(ids)
        while some := tuple(islice(rest, RECEIVE_ROWS)):
            with self._relaxed():
                self._db.executemany(
                    "UPDATE event SET received_at = ?, receiver = ? WHERE ordinal ="
                    " (SELECT ordinal FROM epoch WHERE epoch = ?) AND seq BETWEEN ? AND ? AND received_at IS NULL",
                    [(at, receiver, *stretch) for stretch in stretches(some)],
                )

    def note(self, notes: Mapping[str, object]) -> None:
        """Remember small things without a sync; None forgets one."""
        with self._relaxed():
            self._write_notes(notes)

    def rescue(self, rows: Sequence[Row]) -> list[Unreceived]:
        """Take in rows of a broken ledger as they were; returns those that are new here and still wait."""
        waiting: list[Unreceived] = []
        with self._relaxed():
            for row in rows:
                self._adopt(row.id.epoch, row.ordinal)
                digest = sha256(row.raw)
                new = self._db.execute(_RESCUE, (
                    row.id.epoch, row.id.seq, row.event_class.value, int(row.shown), digest, row.raw,
                    row.received_at, row.receiver,
                ))  # fmt: skip
                if new.fetchone() and row.received_at is None:
                    ordinal = self._ordinal_of(row.id.epoch) or 0
                    waiting.append(Unreceived(row.id, ordinal, row.event_class, digest, row.shown))
        return waiting

    def _adopt(self, epoch: Epoch, ordinal: int) -> None:
        """An epoch of a broken ledger keeps its ordinal where that is free, and is older than ours in any case."""
        if self._ordinal_of(epoch) is None:
            taken = self._db.execute("SELECT 1 FROM epoch WHERE ordinal = ?", (ordinal,)).fetchone()
            if taken or not 0 < ordinal < self.ordinal:
                ordinal = int(self._db.execute("SELECT min(0, min(ordinal)) - 1 FROM epoch").fetchone()[0])
            self._db.execute("INSERT INTO epoch (ordinal, epoch) VALUES (?, ?)", (ordinal, epoch))

    def _ordinal_of(self, epoch: Epoch) -> int | None:
        row = self._db.execute("SELECT ordinal FROM epoch WHERE epoch = ?", (epoch,)).fetchone()
        return int(row[0]) if row else None

    def sync(self) -> None:
        """All that was written without a sync is safe when this returns."""
        self.append([], {"synced": self.ordinal})

    def tidy(self, *, spare_pages: int = 0) -> int:
        """Take one small step towards the limits; returns how many rows went, 0 where nothing is left to do.

        spare_pages: so many are to be free in the file, whatever the limits allow: the disk is full
        """
        with self._relaxed():
            return self._shedding.step(spare_pages=spare_pages)

    def write_off(self, ids: Sequence[EventId]) -> None:
        """These can never be sent: what is here of them goes, and a debt names them until a `lost` event does."""
        with self._relaxed():
            self._shedding.write_off(ids)

    def debts(self) -> list[Debt]:
        """What is lost, and in no `lost` event yet."""
        with _translated():
            return self._shedding.debts()

    def end_stretch(self) -> None:
        """What is lost from now on makes a debt of its own."""
        self._shedding.end_stretch()

    def check(self, for_s: float) -> bool:
        """Look for damage that nobody has read yet, for about so long; False once everything has been looked at.

        raises: LedgerCorrupt
        """
        with _translated():
            try:
                return self._checkup.step(for_s)
            except Damaged as found:
                raise LedgerCorrupt(str(found)) from found
            except sqlite3.OperationalError as error:  # a part that the card refuses would be refused at each start
                raise LedgerCorrupt(str(error)) from error

    def checkpoint(self, pages: int = CHECKPOINT_PAGES) -> bool:
        """Copy a WAL of so many pages into the file; call when idle. True if there was something to do."""
        with _translated():
            if self.wal_bytes < pages * PAGE_BYTES:
                return False
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return True

    def _write_notes(self, notes: Mapping[str, object]) -> None:
        self._db.executemany(
            "DELETE FROM note WHERE key = ?", [(key,) for key, value in notes.items() if value is None]
        )
        self._db.executemany(
            "INSERT INTO note (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [(key, json.dumps(value)) for key, value in notes.items() if value is not None],
        )

    @contextlib.contextmanager
    def _relaxed(self) -> Iterator[None]:
        """One transaction without a sync of its own, and room in the log for the next."""
        with _translated(), self._unsynced(), self._transaction():
            yield
        self.checkpoint(CROWDED_PAGES)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _unsynced(self) -> Iterator[None]:
        self._db.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            self._db.execute(f"PRAGMA synchronous={self._synchronous}")

    # ---- reading ----------------------------------------------------------------------------------------------------

    def unreceived(self, limit: int) -> list[Unreceived]:
        """Waiting rows: alarms first, so that a limit cuts off none, then oldest epoch first.

        A row of a class that this version does not know stays where it is, for a version that does.
        """
        with _translated():
            rows = self._db.execute(
                "SELECT epoch, seq, event.ordinal, event_class, digest, shown FROM event JOIN epoch USING (ordinal)"
                " WHERE received_at IS NULL ORDER BY event_class <> ?, event.ordinal, seq LIMIT ?",
                (EventClass.ALARM.value, limit),
            ).fetchall()
        known = (row for row in rows if row[3] in _CLASSES)
        return [Unreceived(EventId(Epoch(e), s), o, EventClass(c), d, bool(shown)) for e, s, o, c, d, shown in known]

    def asked(self, epoch: Epoch, first: int, last: int, limit: int) -> list[Unreceived]:
        """Stored rows of an inclusive range, received or not: the centre has lost them. No lamp waits for them."""
        with _translated():
            rows = self._db.execute(
                "SELECT seq, event.ordinal, event_class, digest FROM event JOIN epoch USING (ordinal) WHERE epoch = ?"
                " AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
                (epoch, first, last, limit),
            ).fetchall()
        known = (row for row in rows if row[2] in _CLASSES)
        return [Unreceived(EventId(epoch, s), o, EventClass(c), d, shown=False) for s, o, c, d in known]

    def fetch(self, ids: Sequence[EventId]) -> list[Frozen]:
        """The frozen bytes of these rows; rows that are not there, or not as they were stored, are left out."""
        found: dict[EventId, Frozen] = {}
        for epoch, first, last in stretches(ids):
            for seq, event_class, shown, raw, digest in self._rows(epoch, first, last):
                if _is_sound(event_class, raw, digest):
                    identity = EventId(epoch, seq)
                    found[identity] = Frozen(identity, _CLASSES[event_class], raw, bool(shown))
        return [found[identity] for identity in ids if identity in found]

    def _rows(self, epoch: Epoch, first: int, last: int) -> list[tuple[int, str, int, bytes, bytes]]:
        """(seq, class, shown, raw, digest) of an inclusive range: one question for a hundred rows, not a hundred."""
        with _translated():
            return self._db.execute(
                "SELECT seq, event_class, shown, raw, digest FROM event JOIN epoch USING (ordinal) WHERE epoch = ?"
                " AND seq BETWEEN ? AND ?",
                (epoch, first, last),
            ).fetchall()

    def digests(self, epoch: Epoch, first: int, last: int) -> list[tuple[int, bytes]]:
        """(seq, digest) of the stored rows in an inclusive range."""
        with _translated():
            return self._db.execute(
                "SELECT seq, digest FROM event JOIN epoch USING (ordinal) WHERE epoch = ?"
                " AND seq BETWEEN ? AND ? ORDER BY seq",
                (epoch, first, last),
            ).fetchall()

    def absent(self, ids: Sequence[EventId]) -> list[EventId]:
        """Those of which there is no row here, sound or not."""
        with _translated():
            return [identity for identity in ids if not self._rows(identity.epoch, identity.seq, identity.seq)]

    def notes(self) -> dict[str, object]:
        """What was noted; a note that cannot be read any more is none."""
        with _translated():
            written = self._db.execute("SELECT key, value FROM note").fetchall()
        notes: dict[str, object] = {}
        for key, value in written:
            with contextlib.suppress(ValueError, TypeError, RecursionError):
                notes[key] = json.loads(value)
        return notes

    @property
    def wal_bytes(self) -> int:
        with contextlib.suppress(OSError):
            return os.stat(f"{self.path}-wal").st_size  # noqa: PTH116  no Path object per alarm
        return 0

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_sound(event_class: str, raw: bytes, digest: bytes) -> bool:
    """A card that loses bits tells nobody: what is sent must be what was signed."""
    return event_class in _CLASSES and isinstance(raw, bytes) and sha256(raw) == digest


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)  # none where the letters of a column are none
        if code == sqlite3.SQLITE_FULL:
            raise LedgerFull(str(error)) from error
        corrupt = not isinstance(error, sqlite3.OperationalError) or "malformed" in str(error) or code is None
        raise (LedgerCorrupt if corrupt else LedgerError)(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(str(error)) from error
