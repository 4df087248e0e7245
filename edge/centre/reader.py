"""Read the store without touching it: what is open, what came, and how often. For people and for checkers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from edge.centre.standing import SILENT_S, WORST_FIRST, BoxStanding, standing_from
from edge.centre.times import Times, told
from edge.core.timing import rfc3339
from edge.core.words import EventClass, Json

if TYPE_CHECKING:
    from edge.centre.database import Asking

Where = Path | str
"""A SQLite file or a URL, as in edge.centre.database."""

_EXPORTED: Final = (
    *("box", "epoch", "seq", "site", "class", "name", "subject"),
    *("time", "timequality", "alarm", "zone", "folded"),
)
_OF_ALARMS: Final = (
    "SELECT event.* FROM event LEFT JOIN epoch ON epoch.box = event.box AND epoch.epoch = event.epoch"
    " WHERE alarm IS NOT NULL AND class IN ('alarm', 'restoral')"  # audits speak of alarms too, and change none
    " ORDER BY epoch.ordinal IS NULL, epoch.ordinal, event.epoch, event.seq, event.arrival"
)


class StoreMissing(FileNotFoundError):
    """No centre has ever run here."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as its events and its operators left it, applied by (epoch ordinal, sequence), never by arrival."""

    box: str
    alarm: str
    site: str
    zone: str
    kind: str
    status: str
    time: str
    last: str  # name of its latest event
    open: bool  # no restoral yet
    corrected: dict[str, Json] | None = None  # of its first event: time, quality, error_ms, disputed
    confirmed: bool = False
    cancelled: bool = False
    acknowledged_by: str = ""
    ticket: str = ""
    pictures: int = 0  # that are here and can be looked at


@dataclass(frozen=True, slots=True)
class LastBeat:
    """What one box last said of itself. Wall clocks in ns since 1970, ours.

    pending_since_ns: since when it has had events that no receipt had reached; 0: none
    """

    box: str
    epoch: str
    ordinal: int
    head: int
    pending: int
    time: str
    received_ns: int
    pending_since_ns: int


@dataclass(frozen=True, slots=True)
class Behind:
    """An epoch of which sequences are missing: the box made up to `head`, nothing is missing up to `reach`."""

    box: str
    epoch: str
    reach: int
    head: int


@contextmanager
def opened(where: Where) -> Iterator["Asking"]:
    from edge.centre.database import asking  # noqa: PLC0415  # 300 ms that `kentongan --help` need not pay

    with _explained(), asking(where) as store:
        yield store


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise StoreMissing(f"{error} is missing: has `kentongan centre run` been started here?") from error


def export(where: Where) -> Iterator[Mapping[str, Json]]:
    """Every stored event, in order of arrival; conflicting bytes are rows of their own. Raises StoreMissing."""
    with opened(where) as store:
        times = Times(store.query)
        for row in store.query("SELECT * FROM event ORDER BY arrival"):
            yield _exported(row, times)


def events_after(where: Where, arrival: int, limit: int = 500) -> list[Mapping[str, Json]]:
    """The next events after a cursor, as `export` tells them and with their own `arrival`: the cursor's next value.

    Nothing ever appears at or below a cursor that was handed out: writers commit in the order of `arrival`.
    raises: StoreMissing, StoreFailed
    """
    question = "SELECT * FROM event WHERE arrival > :arrival ORDER BY arrival LIMIT :limit"
    with opened(where) as store:
        times = Times(store.query)
        rows = store.query(question, arrival=arrival, limit=limit)
        return [{**_exported(row, times), "arrival": row["arrival"]} for row in rows]


def last_arrival(where: Where) -> int:
    """The newest cursor; 0 when nothing was stored yet. Raises StoreMissing, StoreFailed."""
    with opened(where) as store:
        return int(next(store.query("SELECT coalesce(max(arrival), 0) AS arrival FROM event"))["arrival"])


def boxes(where: Where, now_ns: int, *, silent_s: float = SILENT_S) -> list[BoxStanding]:
    """How every box stands, the worst first. now_ns: our wall clock. Raises StoreMissing, StoreFailed."""
    with opened(where) as store:
        present = {row["box"]: row for row in store.query("SELECT box, online, since_ns FROM presence")}
        beaten = {row["box"]: row for row in store.query("SELECT box, received_ns, pending, gauges FROM beat")}
    found = [standing_from(box, present.get(box), beaten.get(box), now_ns, silent_s) for box in {*present, *beaten}]
    return sorted(found, key=lambda each: (WORST_FIRST.index(each.standing), each.box))


def beats(where: Where) -> list[LastBeat]:
    """The last beat of every box. Raises StoreMissing, StoreFailed."""
    question = (
        "SELECT box, epoch, ordinal, head, pending, time, received_ns, pending_ns AS pending_since_ns"
        " FROM beat ORDER BY box"
    )
    with opened(where) as store:
        return [LastBeat(**row) for row in store.query(question)]


def behind(where: Where) -> list[Behind]:
    """Epochs of which the store lacks something, as far as the last beat's look at them. Raises StoreMissing."""
    question = "SELECT box, epoch, reach, head FROM epoch WHERE reach < head ORDER BY box, ordinal"
    with opened(where) as store:
        return [Behind(**row) for row in store.query(question)]


def _exported(row: Mapping[str, Any], times: Times) -> dict[str, Json]:
    said: dict[str, Json] = {name: row[name] for name in _EXPORTED}
    content: dict[str, Json] = msgspec.json.decode(row["raw"])["data"]
    said |= {
        "what": "event",
        "type": f"id.kentongan.{row['name']}.v1",
        "corrected": told(times.of_bytes(row["box"], row["raw"])),
        "presses": content.get("presses"),
        "durable": bool(row["durable"]),
        "received": rfc3339(row["received_ns"]),
        "digest": row["digest"].hex(),
        "data": content,
    }
    return said


@dataclass(frozen=True, slots=True)
class AuditState:
    """broken: why the chain does not hold at entry `number`; "": it does, up to this number and its hash (hex)."""

    number: int
    hash: str
    broken: str = ""


def audit_entries(where: Where) -> Iterator[dict[str, Json]]:
    """What people and the centre did, oldest first, each with its hash (hex). Raises StoreMissing, StoreFailed."""
    with opened(where) as store:
        for row in store.query("SELECT * FROM audit ORDER BY number"):
            entry: dict[str, Json] = msgspec.json.decode(row["entry"])
            yield {**entry, "hash": bytes(row["hash"]).hex()}


def audit_state(where: Where) -> AuditState:
    """Check the chain from its first entry on. Raises StoreMissing, StoreFailed."""
    from edge.centre.audit import verify  # noqa: PLC0415  # it knows the library too

    with opened(where) as store:
        head = next(store.query("SELECT number, hash FROM audit_head"), None)
        broken = verify(store.query("SELECT * FROM audit ORDER BY number"), head)
    if broken is not None:
        return AuditState(broken.number, "", broken.what)
    return AuditState(0, "") if head is None else AuditState(head["number"], bytes(head["hash"]).hex())


def alarms(where: Where) -> list[Alarm]:
    """All alarms, newest first. Raises StoreMissing."""
    folded: dict[tuple[str, str], Alarm] = {}
    with opened(where) as store:
        times = Times(store.query)
        for row in store.query(_OF_ALARMS):
            key = (row["box"], row["alarm"])
            folded[key] = _applied(folded.get(key), row, times)
        acknowledged = {(row["box"], row["alarm"]): row for row in store.query(_ACKNOWLEDGED)}
        pictures = {(row["box"], row["alarm"]): row["number"] for row in store.query(_PICTURED)}
    taken = [_acknowledged(alarm, acknowledged.get(key)) for key, alarm in reversed(folded.items())]
    return [replace(alarm, pictures=pictures.get((alarm.box, alarm.alarm), 0)) for alarm in taken]


_PICTURED: Final = (
    "SELECT box, alarm, count(*) AS number FROM picture WHERE sealed IS NOT NULL AND alarm IS NOT NULL"
    " GROUP BY box, alarm"
)
_ACKNOWLEDGED: Final = (
    "SELECT box, alarm, operator, ticket FROM command WHERE name = 'acknowledge' AND alarm IS NOT NULL"
    " ORDER BY received_ns"
)


def _applied(before: Alarm | None, row: Mapping[str, Any], times: Times) -> Alarm:
    content = msgspec.json.decode(row["raw"])["data"]
    shown = {name: str(content.get(name, getattr(before, name, ""))) for name in ("zone", "kind", "status")}
    return Alarm(
        box=row["box"],
        alarm=row["alarm"],
        site=row["site"],
        time=before.time if before else row["time"],
        corrected=before.corrected if before else told(times.of_bytes(row["box"], row["raw"])),
        last=row["name"],
        open=row["class"] != EventClass.RESTORAL and (before is None or before.open),
        confirmed=content.get("confirmed") is True or (before is not None and before.confirmed),
        cancelled=content.get("cancelled") is True or (before is not None and before.cancelled),
        pictures=0,
        **shown,
    )


def _acknowledged(alarm: Alarm, row: Mapping[str, Any] | None) -> Alarm:
    if row is None:
        return alarm
    return replace(alarm, acknowledged_by=row["operator"], ticket=row["ticket"] or "")


def boxes_of(where: Where, alarm: str) -> list[str]:
    """Which boxes have an alarm of this name: nearly always one, none when it is unknown. Raises StoreMissing."""
    with opened(where) as store:
        question = "SELECT DISTINCT box FROM event WHERE alarm = :alarm AND class = 'alarm' ORDER BY box"
        return [str(row["box"]) for row in store.query(question, alarm=alarm)]


def has_command(where: Where, jti: str) -> bool:
    """Whether the centre has recorded this order. Raises StoreMissing."""
    with opened(where) as store:
        return any(store.query("SELECT jti FROM command WHERE jti = :jti", jti=jti))


def troubles(where: Where) -> dict[str, list[dict[str, Json]]]:
    """The centre's own alarms and counted refusals. Raises StoreMissing."""
    with opened(where) as store:
        notices: list[dict[str, Json]] = [
            {"code": row["code"], "box": row["box"], "text": row["text"], "at": rfc3339(row["at_ns"])}
            for row in store.query("SELECT * FROM notice ORDER BY number")
        ]
        refusals: list[dict[str, Json]] = [
            {"reason": row["reason"], "count": row["count"]}
            for row in store.query("SELECT * FROM refusal ORDER BY reason")
        ]
    return {"notices": notices, "refusals": refusals}
