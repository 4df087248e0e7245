"""Where the store lives: a SQLite file or a PostgreSQL server, opened so that a commit is on the disk when it returns.

Writers take turns, one transaction at a time, on both. On SQLite the turn is a lock on a file beside it, taken before
BEGIN IMMEDIATE: SQLite before 3.51.3 can lose a WAL reset when two connections write or checkpoint at the same instant,
and its own waiting (a poll with growing pauses) starves whom it likes. On PostgreSQL it is an advisory lock of the
transaction: no deadlock between groups, and `arrival` rises in the order of commits.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from edge.centre.kept import StoreBusy, StoreFailed
from edge.centre.tables import METADATA, MIGRATIONS, SCHEMA_VERSION

CHECKPOINT_PAGES: Final = 4000  # 16 MB: a drain of 10,000 events pays for one or two checkpoints
TURN_MAX_S: Final = 20.0  # a group takes milliseconds; whoever holds the turn longer has a disk that hangs
_POLL_S: Final = 0.001
_SERVER_TURN: Final = 0x6B656E746F6E67  # "kentong": the advisory lock's number in the centre's own database
_POSTGRESQL: Final = "postgresql+psycopg"

Where = Path | str
"""A SQLite file, or a URL: sqlite:///absolute/path, postgresql+psycopg://user@host/database."""


def url_of(where: Where) -> URL:
    """Raises StoreFailed; its text never holds a password."""
    if isinstance(where, Path):
        return URL.create("sqlite", database=str(where))
    try:
        url = make_url(where)
    except (ArgumentError, ValueError) as error:
        raise StoreFailed("the store's address is not a URL") from error
    if url.drivername == "postgresql":
        url = url.set(drivername=_POSTGRESQL)
    if url.drivername not in {"sqlite", _POSTGRESQL} or not url.database:
        raise StoreFailed(f"{url.drivername}: write sqlite:///path or {_POSTGRESQL}://user@host/database")
    return url


def shown(where: Where) -> str:
    """For people and logs: without the password, wherever it stands in the URL."""
    url = url_of(where)
    return url.set(query={}).render_as_string(hide_password=True)


def cause_of(error: SQLAlchemyError) -> str:
    """The driver's own words in one line; neither the statement nor its values."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else type(error).__name__
    return " ".join(str(said).split())


class Database:
    """A writer's hold on the place. Closed by `close`."""

    def __init__(self, where: Where) -> None:
        """Open or make it, and bring its schema up. Raises StoreFailed, StoreBusy."""
        self._url = url_of(where)
        self._turn = _turn_file(self._url)
        self.engine = _engine(self._url)
        try:
            self._bring_up()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """The turn, and one transaction in it: all or nothing. raises: StoreFailed, StoreBusy"""
        with self._taken():
            try:
                with self.engine.begin() as connection:
                    if self._turn is None:
                        connection.execute(_TAKE_SERVER_TURN)
                    yield connection
            except SQLAlchemyError as error:
                raise StoreFailed(cause_of(error)) from error

    def close(self) -> None:
        with self._taken(patient=False):  # the last connection of a file writes its log back
            self.engine.dispose()
        if self._turn is not None:
            os.close(self._turn)

    @contextmanager
    def _taken(self, *, patient: bool = True) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        deadline = time.monotonic() + (TURN_MAX_S if patient else 1.0)
        held = _locked(self._turn)
        while not held and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            held = _locked(self._turn)
        if not held and patient:
            raise StoreFailed(f"another writer has not given up its turn for {TURN_MAX_S:g} s")
        try:
            yield
        finally:
            if held:
                fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _bring_up(self) -> None:
        with self.transaction() as connection:
            version = _version(connection)
            if version not in {0, *MIGRATIONS, SCHEMA_VERSION} or (version == 1 and self._turn is None):
                raise StoreFailed(f"made by another release (schema {version}, ours {SCHEMA_VERSION})")
            if version == SCHEMA_VERSION:
                return
            for lacking in sorted(MIGRATIONS) if version else ():
                for statement in MIGRATIONS[lacking] if lacking >= version else ():
                    connection.execute(text(statement))
            METADATA.create_all(connection)
            for statement in _MARK_FILE if self._turn is not None else _MARK_SERVER:
                connection.execute(text(statement))


_TAKE_SERVER_TURN: Final = text(f"SELECT pg_advisory_xact_lock({_SERVER_TURN})")
_MARK_FILE: Final = (f"PRAGMA user_version = {SCHEMA_VERSION}",)
_MARK_SERVER: Final = (
    "DELETE FROM kentongan_schema",
    f"INSERT INTO kentongan_schema VALUES ({SCHEMA_VERSION})",  # noqa: S608  # our own number
)


def _version(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":
        return int(connection.execute(text("PRAGMA user_version")).scalar_one())
    if connection.execute(text("SELECT to_regclass('kentongan_schema')")).scalar_one() is None:
        return 0
    return int(connection.execute(text("SELECT version FROM kentongan_schema")).scalar_one())


def _turn_file(url: URL) -> int | None:
    if url.drivername != "sqlite":
        return None
    path = Path(str(url.database)).absolute()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    return os.open(path.with_name(f"{path.name}-turn"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _engine(url: URL) -> Engine:
    if url.drivername != "sqlite":
        # The password stays out of every message: parameters are hidden, and errors are told in the driver's own words.
        engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, hide_parameters=True,
                               pool_pre_ping=True, connect_args={"connect_timeout": 10})  # fmt: skip
        event.listen(engine, "connect", _settle_server)
        return engine
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, hide_parameters=True)
    event.listen(engine, "connect", _settle_file)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _settle_server(connection: Any, _: object) -> None:  # psycopg's connection
    """A receipt is a promise: the commit has reached the disk, whatever the server's settings say of speed."""
    said = connection.execute("SHOW synchronous_commit").fetchone()[0]
    if said == "off":
        connection.execute("SET SESSION synchronous_commit = on")
    connection.commit()


def _settle_file(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by us, at once as writers
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # the same promise
    connection.execute("PRAGMA busy_timeout = 20000")  # who writes without our turn: people's tools
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class Asking:
    """A reader's hold: one unchanging picture of the store, and plain SQL that both kinds understand."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def query(self, question: str, **values: str | int) -> Iterator[Mapping[str, Any]]:
        result = self._connection.execution_options(yield_per=500).execute(text(question), values)
        try:
            for row in result.mappings():
                yield cast("Mapping[str, Any]", row)
        finally:
            result.close()  # a server keeps a cursor for who has not read all of it


@contextmanager
def asking(where: Where) -> Iterator[Asking]:
    """Open for reading only. Raises FileNotFoundError where nobody ever wrote, StoreFailed."""
    url = url_of(where)
    if url.drivername == "sqlite" and not Path(str(url.database)).exists():
        raise FileNotFoundError(str(url.database))
    engine = _reading_engine(url)
    try:
        with engine.connect() as connection:
            if _version(connection) != SCHEMA_VERSION:
                raise FileNotFoundError(f"{shown(where)} with a store of this release")
            yield Asking(connection)
    except SQLAlchemyError as error:
        raise StoreFailed(cause_of(error)) from error
    finally:
        engine.dispose()


def _reading_engine(url: URL) -> Engine:
    if url.drivername != "sqlite":
        options = "-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"
        return create_engine(url, hide_parameters=True, connect_args={"connect_timeout": 10, "options": options})
    uri = Path(str(url.database)).absolute().as_uri()
    readonly = URL.create("sqlite", database=uri, query={"mode": "ro", "uri": "true"})
    engine = create_engine(readonly, hide_parameters=True)
    event.listen(engine, "connect", _settle_reader)
    event.listen(engine, "begin", _begin)
    return engine


def _settle_reader(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


@contextmanager
def alone(folder: Path, *, shared: bool) -> Iterator[None]:
    """One centre to itself, or any number that share; two that do not share would take the session from each other.

    raises: StoreBusy
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    lock = os.open(folder / "centre.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StoreBusy(f"another centre runs in {folder}") from error
    try:
        yield
    finally:
        os.close(lock)
