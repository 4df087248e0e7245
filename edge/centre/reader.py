"""Read the store without touching it: what is open, what came, and how often. For people and for checkers."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from edge.core.timing import rfc3339
from edge.core.words import EventClass, Json

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
    confirmed: bool = False
    cancelled: bool = False
    acknowledged_by: str = ""
    ticket: str = ""


class _Rows(Protocol):
    """What we use of sqlite_utils.Database."""

    def query(self, sql: str, params: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]: ...


@contextmanager
def _opened(path: Path) -> Iterator[_Rows]:
    from sqlite_utils import Database  # noqa: PLC0415  # 80 ms that `centre run` need not pay

    if not path.exists():
        raise StoreMissing(f"{path} is missing: has `kentongan centre run` been started here?")
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        yield Database(connection)


def export(path: Path) -> Iterator[Mapping[str, Json]]:
    """Every stored event, in order of arrival; conflicting bytes are rows of their own. Raises StoreMissing."""
    with _opened(path) as store:
        for row in store.query("SELECT * FROM event ORDER BY arrival"):
            yield _exported(row)


def _exported(row: dict[str, Any]) -> dict[str, Json]:
    names = (
        "box",
        "epoch",
        "seq",
        "site",
        "class",
        "name",
        "subject",
        "time",
        "timequality",
        "alarm",
        "zone",
        "folded",
    )
    said: dict[str, Json] = {name: row[name] for name in names}
    content: dict[str, Json] = msgspec.json.decode(row["raw"])["data"]
    said |= {
        "what": "event",
        "type": f"id.kentongan.{row['name']}.v1",
        "presses": content.get("presses"),
        "durable": bool(row["durable"]),
        "received": rfc3339(row["received_ns"]),
        "digest": row["digest"].hex(),
        "data": content,
    }
    return said


def alarms(path: Path) -> list[Alarm]:
    """All alarms, newest first. Raises StoreMissing."""
    folded: dict[tuple[str, str], Alarm] = {}
    with _opened(path) as store:
        for row in store.query(_OF_ALARMS):
            key = (row["box"], row["alarm"])
            folded[key] = _applied(folded.get(key), row)
        acknowledged = {(row["box"], row["alarm"]): row for row in store.query(_ACKNOWLEDGED)}
    return [_acknowledged(alarm, acknowledged.get(key)) for key, alarm in reversed(folded.items())]


_ACKNOWLEDGED: Final = (
    "SELECT box, alarm, operator, ticket FROM command WHERE name = 'acknowledge' AND alarm IS NOT NULL"
    " ORDER BY received_ns"
)


def _applied(before: Alarm | None, row: dict[str, Any]) -> Alarm:
    content = msgspec.json.decode(row["raw"])["data"]
    shown = {name: str(content.get(name, getattr(before, name, ""))) for name in ("zone", "kind", "status")}
    return Alarm(
        box=row["box"],
        alarm=row["alarm"],
        site=row["site"],
        time=before.time if before else row["time"],
        last=row["name"],
        open=row["class"] != EventClass.RESTORAL and (before is None or before.open),
        confirmed=content.get("confirmed") is True or (before is not None and before.confirmed),
        cancelled=content.get("cancelled") is True or (before is not None and before.cancelled),
        **shown,
    )


def _acknowledged(alarm: Alarm, row: dict[str, Any] | None) -> Alarm:
    if row is None:
        return alarm
    return replace(alarm, acknowledged_by=row["operator"], ticket=row["ticket"] or "")


def boxes_of(path: Path, alarm: str) -> list[str]:
    """Which boxes have an alarm of this name: nearly always one, none when it is unknown. Raises StoreMissing."""
    with _opened(path) as store:
        question = "SELECT DISTINCT box FROM event WHERE alarm = ? AND class = 'alarm' ORDER BY box"
        return [str(row["box"]) for row in store.query(question, (alarm,))]


def has_command(path: Path, jti: str) -> bool:
    """Whether the centre has recorded this order. Raises StoreMissing."""
    with _opened(path) as store:
        return any(store.query("SELECT jti FROM command WHERE jti = ?", (jti,)))


def troubles(path: Path) -> dict[str, list[dict[str, Json]]]:
    """The centre's own alarms and counted refusals. Raises StoreMissing."""
    with _opened(path) as store:
        notices: list[dict[str, Json]] = [
            {"code": row["code"], "box": row["box"], "text": row["text"], "at": rfc3339(row["at_ns"])}
            for row in store.query("SELECT * FROM notice ORDER BY number")
        ]
        refusals: list[dict[str, Json]] = list(store.query("SELECT * FROM refusal"))
    return {"notices": notices, "refusals": refusals}
