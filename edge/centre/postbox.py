"""What is still to be forwarded: a small file of its own beside the store, so that receipts never wait for it.

The store is read, never written. The copied numbers and the place in the store that they were copied up to change in
one transaction; `kill -9` at any moment therefore costs a second delivery at most, which the idempotency key folds.
"""

import fcntl
import os
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from edge.core.timing import Corrected

URGENT: Final = frozenset({"alarm", "restoral"})  # a restoral may not overtake its alarm, so both share a lane
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS place (
    one INTEGER PRIMARY KEY CHECK (one = 1), arrival INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS waiting (
    arrival INTEGER PRIMARY KEY, box TEXT NOT NULL, urgent INTEGER NOT NULL, id TEXT NOT NULL, noted_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS waiting_order ON waiting (urgent DESC, box, arrival);
CREATE TABLE IF NOT EXISTS parked (
    arrival INTEGER PRIMARY KEY, box TEXT NOT NULL, urgent INTEGER NOT NULL, id TEXT NOT NULL,
    noted_ns INTEGER NOT NULL, status INTEGER NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One stored event, as the store tells it."""

    arrival: int
    box: str
    event_class: str
    id: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    arrival: int
    box: str
    urgent: bool
    id: str

    @property
    def lane(self) -> tuple[bool, str]:
        """Within it the order of arrival is kept."""
        return self.urgent, self.box


class Source(Protocol):
    """The store, as the forwarder sees it."""

    def after(self, arrival: int, limit: int) -> list[Row]: ...

    def digest(self, arrival: int) -> bytes | None: ...

    def raw(self, arrival: int) -> bytes | None: ...

    def corrected(self, arrival: int) -> Corrected | None: ...


class Postbox:
    """One thread's own connection to `forward.db`."""

    def __init__(self, connection: sqlite3.Connection, lock: int) -> None:
        self._connection = connection
        self._lock = lock
        self._run = connection.execute

    @classmethod
    def open(cls, path: Path) -> Self:
        """What was parked gets another chance at each start, in its old place.

        raises: BlockingIOError while another process has it; the one that forwards may die at any time
        """
        lock = os.open(path.with_name(f"{path.name}-lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cls(cls._connect(path), lock)
        except BaseException:
            os.close(lock)
            raise

    @staticmethod
    def _connect(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                again = "SELECT arrival, box, urgent, id, noted_ns FROM parked"
                connection.execute(f"INSERT OR IGNORE INTO waiting {again}")
                connection.execute("DELETE FROM parked")
        except BaseException:
            connection.close()
            raise
        return connection

    def fill(self, source: Source, now_ns: int, *, limit: int = 500) -> int:
        """Note what the store has beyond our place; returns how many.

        A store that does not know our place any more was restored from a backup: begin at its beginning.
        """
        place = self._place(source)
        rows = source.after(place, limit)
        if rows:
            with self._connection:
                self._run("BEGIN IMMEDIATE")
                if place == 0:
                    self._run("DELETE FROM waiting")
                    self._run("DELETE FROM parked")
                self._note(rows, now_ns)
        return len(rows)

    def _place(self, source: Source) -> int:
        row = self._run("SELECT arrival, digest FROM place").fetchone()
        return 0 if row is None or source.digest(row[0]) != row[1] else int(row[0])

    def _note(self, rows: Iterable[Row], now_ns: int) -> None:
        for row in rows:
            said = (row.arrival, row.box, row.event_class in URGENT, row.id, now_ns)
            self._run("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?)", said)
            self._run("INSERT OR REPLACE INTO place VALUES (1, ?, ?)", (row.arrival, row.digest))

    def next(self, resting: Collection[tuple[bool, str]] = ()) -> Waiting | None:
        """The oldest of the lanes that do not rest; alarms before everything else."""
        for urgent in (True, False):
            boxes = [box for lane, box in resting if lane is urgent]
            marks = ", ".join("?" * len(boxes))
            question = (
                "SELECT arrival, box, urgent, id FROM waiting WHERE urgent = ?"  # noqa: S608  # question marks alone
                f" AND box NOT IN ({marks}) ORDER BY arrival LIMIT 1"
            )
            row = self._run(question, (urgent, *boxes)).fetchone()
            if row is not None:
                return Waiting(row[0], row[1], bool(row[2]), row[3])
        return None

    def delivered(self, waiting: Waiting) -> None:
        self._run("DELETE FROM waiting WHERE arrival = ?", (waiting.arrival,))

    def park(self, waiting: Waiting, status: int) -> None:
        """The receiver will not have it: out of the way, never forgotten."""
        with self._connection:
            self._run("BEGIN IMMEDIATE")
            moved = "SELECT arrival, box, urgent, id, noted_ns, ? FROM waiting WHERE arrival = ?"
            self._run(f"INSERT OR REPLACE INTO parked {moved}", (status, waiting.arrival))
            self._run("DELETE FROM waiting WHERE arrival = ?", (waiting.arrival,))

    def close(self) -> None:
        self._connection.close()
        os.close(self._lock)


@dataclass(frozen=True, slots=True)
class Backlog:
    """waiting and parked events, by urgent or not; since_ns: when the oldest one that waits was noted."""

    waiting: dict[bool, int]
    parked: int
    since_ns: int | None


def backlog(path: Path) -> Backlog | None:
    """Look from outside; None where nothing was ever forwarded."""
    if not path.exists():
        return None
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        counts = {
            bool(urgent): int(n)
            for urgent, n in connection.execute("SELECT urgent, count(*) FROM waiting GROUP BY urgent")
        }
        (since,) = connection.execute("SELECT min(noted_ns) FROM waiting").fetchone()
        (parked,) = connection.execute("SELECT count(*) FROM parked").fetchone()
    finally:
        connection.close()
    return Backlog({lane: counts.get(lane, 0) for lane in (True, False)}, int(parked), since)


def parked(path: Path) -> list[dict[str, str | int]]:
    """What the receiver refused, oldest first."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT box, id, status FROM parked ORDER BY arrival").fetchall()
    return [{"box": box, "id": name, "status": status} for box, name, status in rows]
