"""What the centre knows: idempotent, and durable before anybody is told so. Any number of processes may write."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self

import msgspec
from sqlalchemy import Connection, Row, text

from edge.centre import audit
from edge.centre.database import Database, Where
from edge.centre.gallery import Gallery
from edge.centre.kept import WALK, Kept
from edge.centre.presence import followed_by, settled
from edge.centre.times import Times
from edge.core.events import Event
from edge.core.messages import Beat, Command, State
from edge.core.timing import Corrected, anchor_in
from edge.core.words import BoxId, Epoch, EventClass, Json

SAMPLE_BYTES: Final = 2048  # enough to see what came; a flood must not fill the disk
QUARANTINE_ROWS: Final = 1000
EPOCHS_LIMIT: Final = 64  # looked into at one beat; a receipt has room for as many ranges
GAUGES_LIMIT: Final = 16  # of one beat; a newer box may know others
SWAPS_OF_A_TWIN: Final = 3  # one late beat of an epoch before makes two


class Group:
    """Everything that one transaction takes in. All or nothing: the effects count only after `Store.group` returned."""

    def __init__(self, connection: Connection, now_ns: int) -> None:
        self._connection = connection
        self._now_ns = now_ns
        self.gallery: Final = Gallery(connection, now_ns)

    def put(self, event: Event, *, durable: bool = True) -> Kept:
        """Keep one verified event."""
        digest = hashlib.sha256(event.raw).digest()
        key: dict[str, object] = {"box": event.box, "epoch": event.id.epoch, "seq": event.id.seq}
        earlier = {bytes(row[0]) for row in self._run(_DIGESTS, key).fetchall()}
        if digest in earlier:
            self._run(_FOLD, {**key, "digest": digest})
            return Kept.FOLDED
        self._run(_PUT, {**key, **_columns(event), "digest": digest, "durable": int(durable), "now": self._now_ns})
        self._learn_epoch(event)
        self._learn_anchor(event)
        if earlier:
            self.audit("conflict", event.box, "", {"id": str(event.id), "sha256": digest.hex()})
        return Kept.CONFLICT if earlier else Kept.NEW

    def beat(self, beat: Beat) -> None:
        """Remember a box's latest beat; it tells the epoch's order and how far the box has counted."""
        before = self._one(_BEAT, {"box": beat.box})
        self._raise_head(beat.box, beat.epoch, beat.head, beat.ordinal)
        swaps = self._swaps(beat, before)
        if swaps >= SWAPS_OF_A_TWIN:
            said = f"box runs twice: epochs {' and '.join(sorted((beat.epoch, before.epoch)))} are alive in turns"
            self.notice("twice", beat.box, said)
        self._run(_BEATEN, {"box": beat.box, "epoch": beat.epoch})
        since = before.pending_ns if before is not None and before.pending_ns else self._now_ns
        self._run(
            _KEEP_BEAT,
            {
                "box": beat.box,
                "epoch": beat.epoch,
                "ordinal": beat.ordinal,
                "head": beat.head,
                "pending": beat.pending,
                "gauges": msgspec.json.encode(dict(list(beat.gauges.items())[:GAUGES_LIMIT])).decode(),
                "time": _plain(beat.time),
                "now": self._now_ns,
                "swaps": swaps,
                "since": since if beat.pending > 0 else 0,
            },
        )

    def head(self, box: BoxId) -> tuple[Epoch, int] | None:
        """The epoch and head of the last beat of this box."""
        row = self._one(_BEAT, {"box": box})
        return None if row is None else (Epoch(row.epoch), row.head)

    def presence(self, state: State, raw: bytes) -> bool:
        """Remember a birth or a will, unless something later is known; True if the box came or went."""
        row = self._one(_PRESENCE, {"box": state.box})
        if row is not None and not followed_by(settled(bytes(row.raw), row.past), state, self._ordinals(state.box)):
            return False
        past = "" if row is None else settled(bytes(row.raw), row.past).past_before(state.session)
        changed = row is None or bool(row.online) is not state.online
        values = {"box": state.box, "online": int(state.online), "raw": raw, "past": past}
        self._run(_KEEP_PRESENCE, {**values, "since": self._now_ns if changed else row.since_ns})
        return changed

    def command(self, command: Command, raw: bytes) -> bool:
        """Remember an order that carried our signature; True the first time."""
        alarm, ticket = command.args.get("alarm"), command.args.get("ticket")
        first = self._run(
            _COMMAND,
            {
                "jti": _plain(command.jti),
                "box": command.box,
                "name": _plain(command.name),
                "raw": raw,
                "alarm": _of_text(alarm),
                "ticket": _of_text(ticket),
                "operator": _plain(command.by),
                "now": self._now_ns,
            },
        )
        if first.rowcount != 1:
            return False
        kind = "acknowledgement" if command.name == "acknowledge" else "order"
        about: dict[str, Json] = {"jti": command.jti, "name": command.name}
        about["args"] = msgspec.json.encode(command.args).decode()  # whatever they hold, it has a form
        self.audit(kind, command.box, command.by, about)
        return True

    def lost(self, box: BoxId, epoch: Epoch, first: int, last: int) -> None:
        """A box declared these sequences gone: they are no longer missing."""
        self._run(_LOST, {"box": box, "epoch": _plain(epoch), "first": first, "last": last})

    def close(self, box: BoxId) -> int:
        """A box will never send again: what it made and we lack counts as gone. Returns how many sequences."""
        count = 0
        while self._one(_BEHIND, {"box": box, "limit": 1}) is not None:  # `missing` looks into EPOCHS_LIMIT at a time
            for epoch, first, last in tuple(self.missing(box)):
                self.lost(box, epoch, first, last)
                count += last - first + 1
        return count

    def noticed(self, code: str, box: BoxId) -> bool:
        return self._one(_NOTICED, {"box": box, "code": code}) is not None

    def walked(self, box: BoxId) -> None:
        """A walk test of this box has ended."""
        if self._run(_WALKED, {"box": box, "code": WALK}).rowcount > 0:
            self.audit("notice", box, "", {"code": WALK, "text": "walk test done"})

    def notice(self, code: str, box: str, said: str) -> None:
        """Raise an alarm of the centre's own; the same words are kept once."""
        new = self._run(_NOTICE, {"code": code, "box": box, "text": _plain(said), "now": self._now_ns})
        if new.rowcount == 1 and code != "conflict":  # audited with its digest
            self.audit("notice", box, "", {"code": code, "text": said})

    def refuse(self, reason: str, topic: str, raw: bytes) -> None:
        """Count a refusal and keep a sample of it; the oldest samples go."""
        topic = _plain(topic[:256])
        count = int(self._run(_REFUSED, {"reason": reason}).scalar_one())
        if str(count).strip("0") == "1":  # the first, the tenth, the hundredth: a flood must not fill the audit
            self.audit("refusal", "", "", {"reason": reason, "count": count, "topic": topic})
        row = {"reason": reason, "topic": topic, "size": len(raw), "sample": raw[:SAMPLE_BYTES], "now": self._now_ns}
        number = int(self._run(_QUARANTINE, row).scalar_one())
        self._run(_FORGET, {"upto": number - QUARANTINE_ROWS})

    def audit(self, kind: str, box: str, operator: str, about: Mapping[str, Json]) -> None:
        """Add one entry to the chain of what people and the centre did."""
        audit.append(self._connection, audit.Entry(self._now_ns, kind, box, operator, about))

    def missing(self, box: BoxId) -> Iterator[tuple[Epoch, int, int]]:
        """Ranges of sequences that the box made and we have not, oldest epoch first; moves each epoch's reach on.

        Of no more than EPOCHS_LIMIT epochs: what a box pretends to have had must not cost the others their centre.
        """
        for epoch, reach, head in self._run(_BEHIND, {"box": box, "limit": EPOCHS_LIMIT}).fetchall():
            gaps = list(_gaps(self._spans(box, epoch, reach), reach, head))
            whole = gaps[0][0] - 1 if gaps else head
            self._run(_REACH, {"reach": whole, "box": box, "epoch": epoch})
            yield from ((Epoch(epoch), first, last) for first, last in gaps)

    def _spans(self, box: str, epoch: str, after: int) -> list[tuple[int, int]]:
        key = {"box": box, "epoch": epoch, "after": after}
        known = self._run(_KNOWN, key).fetchall()
        gone = self._run(_GONE, key).fetchall()
        return sorted({(int(first), int(last)) for first, last in (*known, *gone)})

    def _learn_epoch(self, event: Event) -> None:
        """An epoch's first event names its ordinal and how far the epoch before it is known to have come."""
        birth = event.data if event.id.seq == 1 else {}
        ordinal = birth.get("ordinal")
        self._raise_head(event.box, event.id.epoch, event.id.seq, ordinal if isinstance(ordinal, int) else 0)
        match birth.get("previous"):
            case {"epoch": str() as previous, "last": int() as last}:
                self._raise_head(event.box, Epoch(_plain(previous)), last, 0)
                self._look_for_fork(event, previous)

    def _look_for_fork(self, event: Event, previous: str) -> None:
        """Two starts that follow one and the same: of a copied card, or of an old one that was put back."""
        asked: dict[str, object] = {"box": event.box, "epoch": event.id.epoch}
        for epoch, raw in self._run(_OTHER_BIRTHS, asked).fetchall():
            if _follows(bytes(raw)) == previous:
                both = " and ".join(sorted((epoch, event.id.epoch)))
                self.notice("twice", event.box, f"box runs twice: epochs {both} both follow {_plain(previous)}")

    def _learn_anchor(self, event: Event) -> None:
        anchor = anchor_in(event.data, event.boot_id)
        if anchor is not None and event.event_class is EventClass.AUDIT:
            said = {"box": event.box, "bootid": _plain(event.boot_id), "bootclock": anchor.boot_ns}
            said |= {"utc": anchor.utc_ns, "quality": anchor.quality.value}
            self._run(_ANCHOR, {**said, "epoch": event.id.epoch, "seq": event.id.seq})

    def corrected(self, event: Event) -> Corrected | None:
        """When it happened, as far as the anchors that are here tell."""
        return Times(self._asked).of(event.box, event.boot_id, event.boot_ns)

    def _asked(self, question: str, **values: str | int) -> Iterator[Mapping[str, Any]]:
        rows: Iterator[Mapping[str, Any]] = self._run(text(question), values).mappings()
        return rows

    def _raise_head(self, box: BoxId, epoch: Epoch, head: int, ordinal: int) -> None:
        """ordinal: 0 while the box itself does not know it yet (its ledger is not open)."""
        self._run(_HEAD, {"box": box, "epoch": epoch, "ordinal": ordinal if ordinal > 0 else None, "head": head})

    def _swaps(self, beat: Beat, before: Row[Any] | None) -> int:
        """How often an epoch of this box came back after another one had beaten; a new epoch starts the count anew."""
        if before is None or before.epoch == beat.epoch:
            return 0 if before is None else int(before.swaps)
        known = self._one(_HAS_BEATEN, {"box": beat.box, "epoch": beat.epoch})
        return int(before.swaps) + 1 if known is not None and known.beaten else 0

    def _ordinals(self, box: str) -> Mapping[str, int]:
        return {row.epoch: row.ordinal for row in self._run(_ORDINALS, {"box": box}).fetchall()}

    def _run(self, statement: Any, values: Mapping[str, object]) -> Any:  # SQLAlchemy's results are untyped for text
        return self._connection.execute(statement, values)

    def _one(self, statement: Any, values: Mapping[str, object]) -> Any:
        return self._run(statement, values).fetchone()


def note(where: Where, kind: str, box: str, operator: str, about: Mapping[str, Json]) -> None:
    """Enter one thing that a person or the centre did, in a transaction of its own. Raises StoreFailed."""
    with Store.open(where) as store, store.group(time.time_ns()) as group:
        group.audit(kind, box, operator, about)


def _columns(event: Event) -> dict[str, object]:
    place = {name: _of_text(event.data.get(name)) for name in ("alarm", "zone")}
    said = {"site": event.site, "class": event.event_class.value, "name": event.name, "subject": event.subject}
    return {
        **{name: _plain(value) for name, value in said.items()},
        "time": _plain(event.time),
        "timequality": _plain(event.time_quality),
        "raw": event.raw,
        **place,
    }


class _Before(msgspec.Struct):
    epoch: str = ""


class _Birth(msgspec.Struct):
    previous: _Before | None = None


class _Born(msgspec.Struct):
    data: _Birth


def _follows(raw: bytes) -> str:
    """The epoch that the first event of another one names as the one before; "" for none."""
    try:
        previous = msgspec.json.decode(raw, type=_Born).data.previous
    except msgspec.MsgspecError:
        return ""
    return previous.epoch if previous else ""


def _plain(said: str) -> str:
    """PostgreSQL's text has no NUL; the bytes as they came keep it."""
    return said.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _of_text(value: object) -> str | None:
    return _plain(value) if isinstance(value, str) else None


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
    """A writer's hold on the store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, where: Where) -> Self:
        """Open or make it. Raises StoreFailed."""
        return cls(Database(where))

    @contextmanager
    def group(self, now_ns: int) -> Iterator[Group]:
        """One transaction: leaving it without an exception means that all of it is on the disk.

        raises: StoreFailed, with nothing kept
        """
        with self.database.transaction() as connection:
            yield Group(connection, now_ns)

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# ---- what both kinds of database understand -------------------------------------------------------------------------

_IDENTITY: Final = "box = :box AND epoch = :epoch AND seq = :seq"
_DIGESTS: Final = text(f"SELECT digest FROM event WHERE {_IDENTITY}")  # noqa: S608  # the words above
_OTHER_BIRTHS: Final = text("SELECT epoch, raw FROM event WHERE box = :box AND seq = 1 AND epoch <> :epoch")
_FOLD: Final = text(f"UPDATE event SET folded = folded + 1 WHERE {_IDENTITY} AND digest = :digest")  # noqa: S608  # same
_PUT: Final = text(
    "INSERT INTO event (box, epoch, seq, digest, site, class, name, subject, time, timequality, alarm, zone, durable,"
    " received_ns, raw) VALUES (:box, :epoch, :seq, :digest, :site, :class, :name, :subject, :time, :timequality,"
    " :alarm, :zone, :durable, :now, :raw)"
)
_HEAD: Final = text(
    "INSERT INTO epoch (box, epoch, ordinal, head) VALUES (:box, :epoch, :ordinal, :head)"
    " ON CONFLICT (box, epoch) DO UPDATE SET ordinal = coalesce(epoch.ordinal, excluded.ordinal),"
    " head = CASE WHEN excluded.head > epoch.head THEN excluded.head ELSE epoch.head END"
)
_ANCHOR: Final = text(
    "INSERT INTO anchor (box, bootid, bootclock, utc_ns, quality, epoch, seq)"
    " VALUES (:box, :bootid, :bootclock, :utc, :quality, :epoch, :seq) ON CONFLICT DO NOTHING"
)
_BEAT: Final = text("SELECT epoch, head, pending_ns, swaps FROM beat WHERE box = :box")
_BEATEN: Final = text("UPDATE epoch SET beaten = 1 WHERE box = :box AND epoch = :epoch AND beaten = 0")
_HAS_BEATEN: Final = text("SELECT beaten FROM epoch WHERE box = :box AND epoch = :epoch")
_KEEP_BEAT: Final = text(
    "INSERT INTO beat (box, epoch, ordinal, head, pending, time, received_ns, pending_ns, swaps, gauges)"
    " VALUES (:box, :epoch, :ordinal, :head, :pending, :time, :now, :since, :swaps, :gauges)"
    " ON CONFLICT (box) DO UPDATE SET epoch = excluded.epoch, ordinal = excluded.ordinal, head = excluded.head,"
    " pending = excluded.pending, time = excluded.time, received_ns = excluded.received_ns,"
    " pending_ns = excluded.pending_ns, swaps = excluded.swaps, gauges = excluded.gauges"
)
_PRESENCE: Final = text("SELECT online, since_ns, raw, past FROM presence WHERE box = :box")
_KEEP_PRESENCE: Final = text(
    "INSERT INTO presence (box, online, since_ns, raw, past) VALUES (:box, :online, :since, :raw, :past)"
    " ON CONFLICT (box) DO UPDATE SET online = excluded.online, since_ns = excluded.since_ns, raw = excluded.raw,"
    " past = excluded.past"
)
_ORDINALS: Final = text("SELECT epoch, ordinal FROM epoch WHERE box = :box AND ordinal IS NOT NULL")
_COMMAND: Final = text(
    "INSERT INTO command (jti, box, name, alarm, ticket, operator, received_ns, raw)"
    " VALUES (:jti, :box, :name, :alarm, :ticket, :operator, :now, :raw) ON CONFLICT DO NOTHING"
)
_LOST: Final = text(
    "INSERT INTO lost (box, epoch, first, last) VALUES (:box, :epoch, :first, :last) ON CONFLICT DO NOTHING"
)
_NOTICE: Final = text(
    "INSERT INTO notice (code, box, text, at_ns) VALUES (:code, :box, :text, :now) ON CONFLICT DO NOTHING"
)
_NOTICED: Final = text("SELECT number FROM notice WHERE code = :code AND box = :box")
_WALKED: Final = text("DELETE FROM notice WHERE code = :code AND box = :box")
_REFUSED: Final = text(
    "INSERT INTO refusal (reason, count) VALUES (:reason, 1)"
    " ON CONFLICT (reason) DO UPDATE SET count = refusal.count + 1 RETURNING count"
)
_QUARANTINE: Final = text(
    "INSERT INTO quarantine (reason, topic, size, sample, at_ns) VALUES (:reason, :topic, :size, :sample, :now)"
    " RETURNING number"
)
_FORGET: Final = text("DELETE FROM quarantine WHERE number <= :upto")
_BEHIND: Final = text(
    "SELECT epoch, reach, head FROM epoch WHERE box = :box AND reach < head"
    " ORDER BY ordinal IS NOT NULL, ordinal LIMIT :limit"  # NULL first, as ever
)
_REACH: Final = text("UPDATE epoch SET reach = :reach WHERE box = :box AND epoch = :epoch")
_KNOWN: Final = text("SELECT seq, seq FROM event WHERE box = :box AND epoch = :epoch AND seq > :after")
_GONE: Final = text("SELECT first, last FROM lost WHERE box = :box AND epoch = :epoch AND last > :after")
