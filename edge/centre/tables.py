"""The centre's tables: one schema for SQLite and PostgreSQL, version 4.

Bytes as they came are kept for ever, but for those of pictures; every other column is drawn from them for the eye and
the index.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem

SCHEMA_VERSION: Final = 4
METADATA: Final = MetaData()
_LONG: Final = BigInteger().with_variant(Integer(), "sqlite")  # a STRICT table knows INTEGER, of 64 bits


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _maybe(name: str) -> Column[str]:
    return Column(name, Text, nullable=True)


def _number(name: str, default: str | None = None) -> Column[int]:
    return Column(name, _LONG, nullable=False, server_default=default)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _rising(name: str) -> Column[int]:
    return Column(name, _LONG, primary_key=True, autoincrement=True)


def _table(name: str, *parts: SchemaItem, rowid: bool = False) -> Table:
    return Table(name, METADATA, *parts, sqlite_strict=True, sqlite_with_rowid=rowid)


# arrival: order of commit, not of truth; because one writer commits at a time, no lower one ever appears later.
# durable 0: the box had not stored it when it left. folded: how often the very same bytes came again.
# received_ns: our wall clock at the commit, ns since 1970. Two rows of one identity differ in their bytes: a conflict.
EVENT = _table(
    "event",
    _rising("arrival"),
    *(_text("box"), _text("epoch"), _number("seq"), _bytes("digest")),
    *(_text("site"), _text("class"), _text("name"), _text("subject"), _text("time"), _text("timequality")),
    *(_maybe("alarm"), _maybe("zone"), _number("durable"), _number("folded", "0"), _number("received_ns")),
    _bytes("raw"),
    rowid=True,
)
Index("event_identity", EVENT.c.box, EVENT.c.epoch, EVENT.c.seq, EVENT.c.digest, unique=True)
Index(
    "event_alarm",
    EVENT.c.box,
    EVENT.c.alarm,
    sqlite_where=EVENT.c.alarm.is_not(None),
    postgresql_where=EVENT.c.alarm.is_not(None),
)

# ordinal NULL until a beat or the epoch's first event tells. head: highest sequence that the box is known to have made.
# reach: nothing is missing up to here. beaten 1: a beat of this epoch was seen.
_table(
    "epoch",
    *(_text("box"), _text("epoch"), Column("ordinal", _LONG, nullable=True)),
    *(_number("head", "0"), _number("reach", "0"), _number("beaten", "0")),
    PrimaryKeyConstraint("box", "epoch"),
)

# What lets the centre correct the times of one boot: the signed event that said so, and what it said. bootclock: ns.
_table(
    "anchor",
    *(_text("box"), _text("bootid"), _number("bootclock"), _number("utc_ns"), _text("quality")),
    *(_text("epoch"), _number("seq")),
    PrimaryKeyConstraint("box", "bootid", "bootclock", "epoch", "seq"),
)

# Ranges that the box has declared gone, in a signed event, or that went with a box that was replaced.
_table(
    "lost",
    *(_text("box"), _text("epoch"), _number("first"), _number("last")),
    PrimaryKeyConstraint("box", "epoch", "first", "last"),
)

# pending_ns: since when, on our clock, the box has had events without a receipt; 0: none.
# gauges: what the beat said of disk, age and warmth, as JSON.
# swaps: how often an epoch that had been followed by another came back; a box that runs once never does.
_table(
    "beat",
    Column("box", Text, primary_key=True),
    *(_text("epoch"), _number("ordinal"), _number("head"), _number("pending"), _text("time"), _number("received_ns")),
    *(_number("pending_ns", "0"), _number("swaps", "0")),
    Column("gauges", Text, nullable=False, server_default="{}"),
)

# The retained state or will that happened last, by (epoch ordinal, session, head); it informs, it never decides.
# past: sessions that others have followed, with blanks between.
_table(
    "presence",
    Column("box", Text, primary_key=True),
    *(_number("online"), _number("since_ns"), _bytes("raw")),
    Column("past", Text, nullable=False, server_default=""),
)

COMMAND = _table(
    "command",
    Column("jti", Text, primary_key=True),
    *(_text("box"), _text("name"), _maybe("alarm"), _maybe("ticket"), _text("operator"), _number("received_ns")),
    _bytes("raw"),
)
Index(
    "command_alarm",
    COMMAND.c.box,
    COMMAND.c.alarm,
    sqlite_where=COMMAND.c.alarm.is_not(None),
    postgresql_where=COMMAND.c.alarm.is_not(None),
)

# A picture's signed header as columns. taken: ns on the boot clock of bootid. sealed: its bytes as they came, once all
# of them were here and could be opened (stored_ns, our clock); NULL before, and after they were deleted (deleted_ns).
PICTURE = _table(
    "picture",
    *(_text("box"), _text("epoch"), _number("seq"), _maybe("alarm"), _maybe("jti"), _text("camera")),
    *(_number("frame"), _number("frames"), _number("taken"), _text("bootid")),
    *(_text("sha256"), _number("size"), _number("parts"), _number("part_bytes"), _text("kid")),
    *(_number("received_ns"), _number("stored_ns", "0"), _number("deleted_ns", "0")),
    Column("sealed", LargeBinary, nullable=True),
    PrimaryKeyConstraint("box", "epoch", "seq"),
    rowid=True,
)
Index("picture_alarm", PICTURE.c.box, PICTURE.c.alarm)
Index("picture_stored", PICTURE.c.box, PICTURE.c.stored_ns)

# Parts on their way, from whichever process took them in; gone when the picture is whole.
_table(
    "picture_part",
    *(_text("box"), _text("epoch"), _number("seq"), _number("part"), _bytes("raw"), _number("received_ns")),
    PrimaryKeyConstraint("box", "epoch", "seq", "part"),
    rowid=True,
)

# The centre's own alarms: conflict, site, twice, replaced (its box is gone), walk (until a walk test has ended).
_table(
    "notice",
    *(_rising("number"), _text("code"), _text("box"), _text("text"), _number("at_ns")),
    UniqueConstraint("code", "box", "text"),
    rowid=True,
)

# The last refusals, cut to a sample; refusal counts all of them.
_table(
    "quarantine",
    *(_rising("number"), _text("reason"), _text("topic"), _number("size"), _bytes("sample"), _number("at_ns")),
    rowid=True,
)
_table("refusal", Column("reason", Text, primary_key=True), _number("count"))

# hash = SHA-256(hash of the entry before + entry); entry: canonical JSON. audit_head: the last one, told a second time.
_table("audit", Column("number", _LONG, primary_key=True, autoincrement=False), _bytes("entry"), _bytes("hash"))
_table("audit_head", Column("one", _LONG, primary_key=True, autoincrement=False), _number("number"), _bytes("hash"))

# PostgreSQL has no user_version.
SCHEMA_OF_SERVER: Final = _table("kentongan_schema", Column("version", _LONG, primary_key=True, autoincrement=False))

MIGRATIONS: Final = {
    1: (
        "ALTER TABLE epoch ADD COLUMN beaten INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE beat ADD COLUMN pending_ns INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE beat ADD COLUMN swaps INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE presence ADD COLUMN past TEXT NOT NULL DEFAULT ''",
    ),
    2: ("ALTER TABLE beat ADD COLUMN gauges TEXT NOT NULL DEFAULT '{}'",),
    3: (),
}
"""What each version lacks of the next; the tables that are new are made like everywhere. 1 was never on a server."""
