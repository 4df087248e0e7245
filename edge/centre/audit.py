"""The chain of what people and the centre did: each entry's hash covers the one before, so that none can be altered,
taken out or moved without `verify` telling. It cannot tell of a chain that was forged whole or cut at its end together
with `audit_head`: for that, note the last hash elsewhere.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from edge.core.events import canonical
from edge.core.timing import rfc3339
from edge.core.words import Json

FIRST: Final = bytes(32)  # the hash before the first entry


@dataclass(frozen=True, slots=True)
class Entry:
    """operator "": the centre itself.

    kind: order, acknowledgement, conflict, refusal, notice, token, request, admission, replacement, key
    """

    at_ns: int
    kind: str
    box: str
    operator: str
    about: Mapping[str, Json]

    def said(self, number: int) -> bytes:
        body: dict[str, Json] = {"number": number, "at": rfc3339(self.at_ns), "kind": self.kind, "box": self.box}
        return canonical({**body, "operator": self.operator, "about": dict(self.about)})


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry at which the chain does not hold, and why."""

    number: int
    what: str


def append(connection: Connection, entry: Entry) -> None:
    """In the caller's transaction, which has the writers' turn: nobody else can follow the same entry."""
    row = connection.execute(_HEAD).fetchone()
    number, before = (row.number + 1, bytes(row.hash)) if row is not None else (1, FIRST)
    said = entry.said(number)
    digest = hashlib.sha256(before + said).digest()
    connection.execute(_APPEND, {"number": number, "entry": said, "hash": digest})
    connection.execute(_FIRST_HEAD if row is None else _NEXT_HEAD, {"number": number, "hash": digest})


def verify(rows: Iterable[Mapping[str, Any]], head: Mapping[str, Any] | None) -> Broken | None:
    """rows: number, entry, hash in order of number; head: what audit_head says. None: the chain holds."""
    number, before = 0, FIRST
    for row in rows:
        number += 1
        if row["number"] != number:
            return Broken(number, "missing")
        if hashlib.sha256(before + bytes(row["entry"])).digest() != bytes(row["hash"]):
            return Broken(number, "altered, or not the entry that followed the one before")
        if _number(bytes(row["entry"])) != number:
            return Broken(number, "moved")
        before = bytes(row["hash"])
    last = (0, FIRST) if head is None else (head["number"], bytes(head["hash"]))
    return None if last == (number, before) else Broken(number + 1, "missing at the end")


def _number(entry: bytes) -> int:
    try:
        return int(msgspec.json.decode(entry)["number"])
    except (ValueError, KeyError, TypeError):
        return 0


_HEAD: Final = text("SELECT number, hash FROM audit_head")
_APPEND: Final = text("INSERT INTO audit (number, entry, hash) VALUES (:number, :entry, :hash)")
_FIRST_HEAD: Final = text("INSERT INTO audit_head (one, number, hash) VALUES (1, :number, :hash)")
_NEXT_HEAD: Final = text("UPDATE audit_head SET number = :number, hash = :hash WHERE one = 1")
