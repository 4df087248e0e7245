"""The ledger for people: always a copy, never the live file, which alarm alone opens and which a lock would disturb.

Reading bytes takes no lock. The main file changes only in a checkpoint and the write-ahead log only grows between two
of them, so a copy is one moment's ledger when neither the main file nor the log's header changed while it was made.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from edge.core.seal import b64, sha256
from edge.ledger.files import scripts
from edge.ledger.pages import Pages, Record, records

TRIES: Final = 20
ROOM: Final = 2  # times the ledger's size that must be free: the copy, and as much for what the box goes on writing
WAL_HEADER: Final = 32  # bytes; two of its words are new in each generation of the log


class LedgerMissing(FileNotFoundError):
    """There is no ledger here."""


class LedgerUnreadable(OSError):
    """The copy cannot be read: damaged pages, or no ledger at all."""


class NoRoom(OSError):
    """A copy would fill the disk that it lies on, which may be the box's own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as the ledger keeps it.

    raw:         the frozen bytes, which are text (canonical JSON)
    intact:      whether they still have the digest they were stored with, and are an event
    received_at: the receipt's own time, "" while none covers it
    """

    id: str
    ordinal: int
    event_class: str
    name: str
    time: str
    subject: str
    received_at: str
    receiver: str
    digest: str
    intact: bool
    raw: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: what is empty leaves nothing out.

    since, until: inclusive, written as the events' own `time` is; a damaged event is never left out by them
    """

    event_class: str = ""
    waiting: bool = False
    since: str = ""
    until: str = ""

    def where(self) -> str:
        """The clause for `_rows`, which knows `moment`."""
        clauses = {
            "event_class = :event_class": self.event_class,
            "received_at IS NULL": self.waiting,
            "(moment(raw, digest) = '' OR moment(raw, digest) >= :since)": self.since,
            "(moment(raw, digest) = '' OR moment(raw, digest) <= :until)": self.until,
        }
        chosen = [clause for clause, given in clauses.items() if given]
        return f" WHERE {' AND '.join(chosen)}" if chosen else ""


EVERYTHING: Final = Wanted()


@contextmanager
def copied(ledger: Path) -> Iterator[Path]:
    """A private copy of one moment's ledger, gone with the block.

    raises: LedgerMissing; NoRoom; LedgerUnreadable where the file changed under every try
    """
    if not ledger.is_file():
        raise LedgerMissing(str(ledger))
    with tempfile.TemporaryDirectory(prefix="kentongan-", dir=_place()) as folder:
        _make_sure_of_room(ledger, folder)
        copy = Path(folder) / "ledger.db"
        for _ in range(TRIES):
            before = _marks(ledger)
            shutil.copyfile(ledger, copy)
            _copy_log(ledger, copy)
            if _marks(ledger) == before:
                yield copy
                return
        raise LedgerUnreadable(f"{ledger} changed during each of {TRIES} copies")


def _place() -> str | None:
    """Where TMPDIR says, else on a disk: /tmp is memory on a newer Debian, and the alarm needs that."""
    chosen = "/var/tmp"  # noqa: S108  # a folder of its own is made in it
    return None if os.environ.get("TMPDIR") or not os.access(chosen, os.W_OK) else chosen


def _make_sure_of_room(ledger: Path, folder: str) -> None:
    needed = ROOM * sum(path.stat().st_size for path in (ledger, _log_of(ledger)) if path.exists())
    if shutil.disk_usage(folder).free < needed:
        raise NoRoom(f"{Path(folder).parent}: {needed // 1_000_000 + 1} MB")


def _nobody() -> None: ...


def each_entry(ledger: Path, wanted: Wanted = EVERYTHING, *, damaged: Callable[[], None] = _nobody) -> Iterator[Entry]:
    """The events in the order they were made, one at a time: memory holds one of them, however many there are.

    damaged: called before the first one where a page of the ledger is damaged: these are what the others hold
    raises:  LedgerMissing, NoRoom, LedgerUnreadable, perhaps after some of them
    """
    return _rows(ledger, f"{wanted.where()} ORDER BY ordinal, seq", asdict(wanted), damaged)


def entries(
    ledger: Path, wanted: Wanted = EVERYTHING, *, newest: int, damaged: Callable[[], None] = _nobody
) -> list[Entry]:
    """So many from the end, in the order they were made. damaged: as in `each_entry`.

    raises: LedgerMissing, NoRoom, LedgerUnreadable
    """
    rest = f"{wanted.where()} ORDER BY ordinal DESC, seq DESC LIMIT :newest"
    return list(_rows(ledger, rest, {**asdict(wanted), "newest": newest}, damaged))[::-1]


def find(ledger: Path, epoch: str, seq: int, *, damaged: Callable[[], None] = _nobody) -> Entry | None:
    """damaged: as in `each_entry`. Raises LedgerMissing, NoRoom, LedgerUnreadable."""
    found = _rows(ledger, " WHERE epoch.epoch = :epoch AND seq = :seq", {"epoch": epoch, "seq": seq}, damaged)
    return next(iter(list(found)), None)


def _rows(ledger: Path, rest: str, parameters: dict[str, Any], damaged: Callable[[], None]) -> Iterator[Entry]:
    """rest: what follows SELECT ... FROM, of our own words; SQLite reads a row when it is asked for, and no sooner."""
    from sqlite_utils import Database  # noqa: PLC0415  # 80 ms, for those who read

    sql = f"SELECT epoch.epoch, event.* FROM event JOIN epoch USING (ordinal){rest}"  # noqa: S608  # see above
    with copied(ledger) as copy, closing(sqlite3.connect(_whole(copy, damaged))) as connection:
        connection.text_factory = _text
        connection.create_function("moment", 2, _moment, deterministic=True)
        try:
            for row in Database(connection).query(sql, parameters):
                yield _entry(row)
        except sqlite3.DatabaseError as error:
            raise LedgerUnreadable(f"{ledger}: {error}") from error


def _whole(copy: Path, damaged: Callable[[], None]) -> Path:
    """The copy, or where a page of it is damaged a new one of every row that the others hold.

    A row that the digest does not confirm is in it too: it is shown as what it is.
    """
    if _is_sound(copy):
        return copy
    damaged()
    mended = copy.with_name("mended.db")
    with closing(sqlite3.connect(mended)) as db, Pages(copy) as pages:
        for script in scripts():
            db.executescript(script)
        for page in pages:
            for record in records(page, pages):
                _put(db, record)
        count = db.execute("SELECT count(*) FROM event").fetchone()[0]
        db.commit()
    return mended if count else copy


def _is_sound(copy: Path) -> bool:
    try:
        with closing(sqlite3.connect(copy)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError:
        return False


def _put(db: sqlite3.Connection, record: Record) -> None:
    match record:
        case int(ordinal), int(), str(), int(), bytes(), bytes(raw), str() | None, str() | None:
            db.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", record)
            epoch = _head(raw).epoch or f"?{ordinal}"
            db.execute("INSERT OR IGNORE INTO epoch (ordinal, epoch) VALUES (?, ?)", (ordinal, epoch))


def _text(raw: bytes) -> str:
    """Letters that a dying card has changed are shown as what they are."""
    return raw.decode(errors="backslashreplace")


def _moment(raw: object, digest: object) -> str:
    """An event's own time, "" where it is not whole."""
    content = _bytes(raw)
    return _head(content).time if sha256(content) == digest else ""


class _Head(msgspec.Struct):
    """What a person is shown of an event; empty where the bytes are none any more."""

    type: str = ""
    epoch: str = ""
    time: str = ""
    subject: str = ""


def _entry(row: dict[str, Any]) -> Entry:
    """Never raises: one row that a dying card has changed hides no other."""
    raw, digest = (_bytes(row[name]) for name in ("raw", "digest"))
    head = _head(raw)
    return Entry(
        id=f"{row['epoch']}.{row['seq']}",
        ordinal=row["ordinal"],
        event_class=str(row["event_class"]),
        name=head.type.removeprefix("id.kentongan.").removesuffix(".v1"),
        time=head.time,
        subject=head.subject,
        received_at=str(row["received_at"] or ""),
        receiver=str(row["receiver"] or ""),
        digest=b64(digest),
        intact=bool(head.type) and sha256(raw) == digest,
        raw=_text(raw),
    )


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _head(raw: bytes) -> _Head:
    try:
        return msgspec.json.decode(raw, type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Head()


def _log_of(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + "-wal")


def _copy_log(ledger: Path, copy: Path) -> None:
    try:
        shutil.copyfile(_log_of(ledger), _log_of(copy))
    except FileNotFoundError:
        _log_of(copy).unlink(missing_ok=True)


def _marks(ledger: Path) -> tuple[object, ...]:
    stat = ledger.stat()
    try:
        with _log_of(ledger).open("rb") as log:
            header = log.read(WAL_HEADER)
    except FileNotFoundError:
        header = b""
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, header
