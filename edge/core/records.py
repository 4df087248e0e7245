"""Numbered facts, gathered while one stimulus is handled."""

from collections.abc import Mapping

from edge.core import contact_id
from edge.core.numbers import Numbers
from edge.core.words import Epoch, EventClass, EventId, Json, Operator, Record, Status, ZoneId

BOX = "box"


def zone_subject(zone: ZoneId) -> str:
    return f"zone/{zone}"


def by(operator: Operator) -> dict[str, Json]:
    """Who did it, as every event says it."""
    told: dict[str, Json] = {"by": operator.name, "where": operator.where}
    return {**told, "keys": list(operator.keys)} if operator.keys else told


class Records:
    """Give each fact its number and keep it until it is taken."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._records: list[Record] = []

    @property
    def epoch(self) -> Epoch:
        return self._numbers.epoch

    def take(self) -> list[Record]:
        taken, self._records = self._records, []
        return taken

    def number(self) -> EventId:
        """The number of an event that names itself (an alarm); `add` it next."""
        return self._numbers.next()

    def add(
        self,
        event_class: EventClass,
        name: str,
        subject: str,
        content: Mapping[str, Json],
        *,
        id: EventId | None = None,  # noqa: A002 - the word of Record and of CloudEvents
        shown: bool = False,
        at_ns: int = 0,
    ) -> None:
        self._records.append(Record(id or self._numbers.next(), event_class, name, subject, content, shown, at_ns))

    def audit(self, what: str, subject: str = BOX, content: Mapping[str, Json] | None = None) -> None:
        """Worth remembering, nobody must act."""
        self.add(EventClass.AUDIT, "audit", subject, {**(content or {}), "what": what})

    def refuse(self, asked: str, reason: str, operator: Operator, content: Mapping[str, Json] | None = None) -> None:
        """A wish of a person that the panel did not follow."""
        self.audit("refused", BOX, {**(content or {}), "asked": asked, "reason": reason, **by(operator)})

    def trouble(self, code: str, cid: str, text: str, subject: str = BOX) -> None:
        content = {**_condition(code, cid, contact_id.NEW), "text": text}
        self.add(EventClass.TROUBLE, "trouble", subject, content)

    def restoral(self, code: str, cid: str, subject: str = BOX) -> None:
        self.add(EventClass.RESTORAL, "restoral", subject, _condition(code, cid, contact_id.RESTORE))


def _condition(code: str, cid: str, qualifier: str) -> dict[str, Json]:
    return {"code": code, "cid": contact_id.qualified(cid, qualifier), "status": Status.ACTUAL.value}
