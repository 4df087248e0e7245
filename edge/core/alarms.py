"""Alarms from their first press to their restoral: one per storm, what follows counted into few updates."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Self

from edge.core import contact_id
from edge.core.plan import ZonePlan
from edge.core.records import Records, by, zone_subject
from edge.core.words import SECOND_NS, Brief, EventClass, EventId, Json, Operator, Pressed, Status

UPDATE_NS = 5 * SECOND_NS
REMEMBERED = 64  # closed alarms that can still be confirmed, cancelled and acknowledged
_NAME = re.compile(r"([0-9a-f]{8})\.([1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class Press:
    """A decided press: `at_ns` its first edge, `decided_ns` the end of its hold; count 2 = two short ones."""

    at_ns: int
    held_ns: int
    decided_ns: int
    count: int = 1

    @classmethod
    def held(cls, pressed: Pressed, at_least_ns: int = 0) -> Self:
        held_ns = max(pressed.held_ns, at_least_ns)
        return cls(pressed.at_ns, held_ns, pressed.at_ns + held_ns)

    @classmethod
    def second_short(cls, brief: Brief) -> Self:
        return cls(brief.at_ns, brief.lasted_ns, brief.at_ns + brief.lasted_ns, count=2)

    @property
    def is_held(self) -> bool:
        return self.count == 1


@dataclass(slots=True)
class Alarm:
    """One call for help. `total` presses are what its record and its updates add up to, `untold` not yet among them."""

    id: EventId
    zone: ZonePlan
    at_ns: int  # first edge of the latest press
    pressed_ns: int  # when the latest press was decided: the storm runs from here
    told_ns: int
    total: int
    untold: int = 0
    released: bool = False
    release_told: bool = False
    confirmed: bool = False
    openly_confirmed: bool = False  # by a zone that is not silent: what may be seen at the box
    cancelled: bool = False

    @property
    def name(self) -> str:
        return str(self.id)

    @property
    def has_news(self) -> bool:
        return self.untold > 0 or (self.released and not self.release_told)


class Alarms:
    """Open alarms by zone, and the closed ones that people may still speak of."""

    def __init__(self, records: Records, storm_ns: int) -> None:
        self._records = records
        self._storm_ns = storm_ns
        self._open: dict[str, Alarm] = {}
        # Apart, so that no number of silent alarms can push out a visible one.
        self._closed: dict[bool, deque[Alarm]] = {each: deque(maxlen=REMEMBERED) for each in (False, True)}
        self._forgotten = 0  # the highest number of a closed alarm that is remembered no more

    @property
    def open(self) -> tuple[Alarm, ...]:
        return tuple(self._open.values())

    def remembered(self) -> Iterator[Alarm]:
        yield from chain(self._open.values(), self._closed[False], self._closed[True])

    def find(self, name: str) -> Alarm | None:
        return next((alarm for alarm in self.remembered() if alarm.name == name), None)

    def never_was(self, name: str) -> bool:
        """No alarm can have this name. What an earlier run raised, or this one has forgotten, may have been one."""
        read = _NAME.fullmatch(name)
        if read is None:
            return True
        ours = read[1] == self._records.epoch and int(read[2]) > self._forgotten
        return ours and self.find(name) is None

    def of_zone(self, zone: ZonePlan) -> Alarm | None:
        return self._open.get(zone.id)

    # ---- one life ------------------------------------------------------------------------------------------------

    def continue_storm(self, zone: ZonePlan, press: Press) -> Alarm | None:
        """Count a press into its zone's alarm; None if this press must raise its own."""
        alarm = self._open.get(zone.id)
        if alarm is None:
            return None
        if alarm.cancelled or press.decided_ns >= alarm.pressed_ns + self._storm_ns:
            self._close(alarm, press.decided_ns)
            return None
        alarm.at_ns, alarm.pressed_ns = press.at_ns, press.decided_ns
        alarm.total += press.count
        alarm.untold += press.count
        alarm.released = alarm.release_told = not press.is_held
        return alarm

    def begin(self, zone: ZonePlan, press: Press, now_ns: int) -> Alarm:
        """Number a new alarm; its record is the caller's: `Records.add(id=alarm.id)`."""
        alarm = Alarm(self._records.number(), zone, press.at_ns, press.decided_ns, now_ns, press.count)
        alarm.released = alarm.release_told = not press.is_held  # after two short ones the contact is open
        self._open[zone.id] = alarm
        return alarm

    def release(self, zone: ZonePlan) -> None:
        alarm = self._open.get(zone.id)
        if alarm is not None:
            alarm.released = True

    def confirm(self, alarm: Alarm, by_zone: ZonePlan) -> None:
        alarm.confirmed = True
        self._update(alarm, contact_id.new(contact_id.CONFIRMED), {"confirmed": True, "by_zone": by_zone.id})

    def cancel(self, alarm: Alarm, operator: Operator) -> None:
        alarm.cancelled = True
        self._update(alarm, contact_id.new(contact_id.CANCELLED), {"cancelled": True, **by(operator)})

    # ---- time ----------------------------------------------------------------------------------------------------

    @property
    def due_ns(self) -> int | None:
        dues = (self._due_ns(alarm) for alarm in self._open.values())
        return min((due for due in dues if due is not None), default=None)

    def run(self, now_ns: int) -> None:
        """Tell what has waited, close what is over."""
        for alarm in self.open:
            if alarm.has_news and now_ns >= alarm.told_ns + UPDATE_NS:
                self._tell(alarm, now_ns)
            if alarm.released and not alarm.untold and now_ns >= self._end_ns(alarm):
                self._close(alarm, now_ns)

    def _due_ns(self, alarm: Alarm) -> int | None:
        due_ns = alarm.told_ns + UPDATE_NS if alarm.has_news else None
        if not alarm.released or alarm.untold:
            return due_ns
        return self._end_ns(alarm) if due_ns is None else min(due_ns, self._end_ns(alarm))

    def _end_ns(self, alarm: Alarm) -> int:
        return alarm.pressed_ns if alarm.cancelled else alarm.pressed_ns + self._storm_ns

    def _close(self, alarm: Alarm, now_ns: int) -> None:
        if alarm.untold:
            self._tell(alarm, now_ns)
        del self._open[alarm.zone.id]
        closed = self._closed[alarm.zone.silent]
        if len(closed) == REMEMBERED:
            self._forgotten = max(self._forgotten, closed[0].id.seq)
        closed.append(alarm)
        code = contact_id.alarm_code(alarm.zone.kind, silent=alarm.zone.silent)
        content = {**self._content(alarm), "cid": contact_id.restored(code), "total": alarm.total}
        self._records.add(EventClass.RESTORAL, "restoral", zone_subject(alarm.zone.id), content)

    def _tell(self, alarm: Alarm, now_ns: int) -> None:
        code = contact_id.alarm_code(alarm.zone.kind, silent=alarm.zone.silent)
        self._update(alarm, contact_id.new(code), {"presses": alarm.untold, "released": alarm.released})
        alarm.told_ns, alarm.untold, alarm.release_told = now_ns, 0, alarm.released

    def _update(self, alarm: Alarm, cid: str, content: dict[str, Json]) -> None:
        told = {**self._content(alarm), "cid": cid, **content}
        self._records.add(EventClass.ALARM, "alarm-update", zone_subject(alarm.zone.id), told)

    @staticmethod
    def _content(alarm: Alarm) -> dict[str, Json]:
        return {
            "alarm": alarm.name,
            "kind": alarm.zone.kind.value,
            "status": Status.ACTUAL.value,
            "zone": alarm.zone.id,
        }
