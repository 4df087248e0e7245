"""The ledger for people: always a copy, never the live file, which alarm alone opens and which a lock would disturb.

Reading bytes takes no lock. The main file changes only in a checkpoint and the write-ahead log only grows between two
of them, so a copy is one moment's ledger when neither the main file nor the log's header changed while it was made.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from edge.core.seal import b64, sha256

TRIES: Final = 20
WAL_HEADER: Final = 32  # bytes; two of its words are new in each generation of the log


class LedgerMissing(FileNotFoundError):
    """There is no ledger here."""


class LedgerUnreadable(OSError):
    """The copy cannot be read: damaged pages, or no ledger at all."""


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


@contextmanager
def copied(ledger: Path) -> Iterator[Path]:
    """A private copy of one moment's ledger, gone with the block.

    raises: LedgerMissing; LedgerUnreadable where the file changed under every try
    """
    if not ledger.is_file():
        raise LedgerMissing(str(ledger))
    with tempfile.TemporaryDirectory(prefix="kentongan-") as folder:
        copy = Path(folder) / "ledger.db"
        for _ in range(TRIES):
            before = _marks(ledger)
            shutil.copyfile(ledger, copy)
            _copy_log(ledger, copy)
            if _marks(ledger) == before:
                yield copy
                return
        raise LedgerUnreadable(f"{ledger} changed during each of {TRIES} copies")


def entries(ledger: Path, *, event_class: str = "", waiting: bool = False, newest: int | None = None) -> list[Entry]:
    """The events in the order they were made; with `newest`, so many from the end.

    raises: LedgerMissing, LedgerUnreadable
    """
    wanted = ["event_class = :class"] if event_class else []
    wanted += ["received_at IS NULL"] if waiting else []
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    sql = (
        "SELECT epoch.epoch, event.* FROM event JOIN epoch USING (ordinal)"  # noqa: S608  # made of our own words
        f"{where} ORDER BY ordinal DESC, seq DESC LIMIT :limit"
    )
    limit = -1 if newest is None else newest
    return list(reversed(_query(ledger, sql, {"class": event_class, "limit": limit})))


def find(ledger: Path, epoch: str, seq: int) -> Entry | None:
    """raises: LedgerMissing, LedgerUnreadable"""
    sql = "SELECT epoch.epoch, event.* FROM event JOIN epoch USING (ordinal) WHERE epoch.epoch = :epoch AND seq = :seq"
    return next(iter(_query(ledger, sql, {"epoch": epoch, "seq": seq})), None)


def _query(ledger: Path, sql: str, parameters: dict[str, str | int]) -> list[Entry]:
    from sqlite_utils import Database  # noqa: PLC0415  # 80 ms, for those who read

    with copied(ledger) as copy, closing(sqlite3.connect(copy)) as connection:
        try:
            rows = list(Database(connection).query(sql, parameters))
        except sqlite3.DatabaseError as error:
            raise LedgerUnreadable(f"{ledger}: {error}") from error
    return [_entry(row) for row in rows]


class _Head(msgspec.Struct):
    """What a person is shown of an event; empty where the bytes are none any more."""

    type: str = ""
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
        raw=raw.decode(errors="backslashreplace"),
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
