"""The loop that bearers share: pull rows from alarm, send them, mark what became of them. Pure: no socket, no clock.

    alarm -- News --> pull -- Pull --> alarm -- Rows --> hold -- send --> the bearer -- answer --> Mark --> alarm

A row that kills the connection is found by sending alone whatever was in flight at an unexplained loss. The
delivery table calls it poison when that has happened twice within 2 s of its sending while others passed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge.core.delivery import RANK, Answer
from edge.core.words import SECOND_NS, EventClass, EventId
from edge.link.frames import Frame, Mark, Pull, Row

BLAME_NS: Final = 2 * SECOND_NS  # lost later than this after a row was sent: the line's fault, not the row's
STRIKES: Final = 2
CAREFUL_NS: Final = 60 * SECOND_NS  # of a connection: how long an earlier loss is looked into, one row at a time
STRUCK_LIMIT: Final = 64  # rows remembered as having been alone at a loss


@dataclass(slots=True)
class _Struck:
    """A row that was alone in flight when the connection died."""

    times: int = 0
    others_passed: bool = False  # since the first time


@dataclass(frozen=True, slots=True)
class Work:
    """What to do now: frames for alarm, then rows for the bearer."""

    frames: tuple[Frame, ...] = ()
    rows: tuple[Row, ...] = ()


def id_of(row: Row) -> EventId:
    return EventId(row.epoch, row.seq)


class Carry:
    """One bearer's loop. Tell it what happened; `work` says what follows.

    bearer:  its name on the link: mqtt, sms
    classes: what it carries
    """

    def __init__(self, bearer: str, classes: Iterable[EventClass] = EventClass) -> None:
        self._bearer = bearer
        self._classes = tuple(classes)
        self._window = 0  # 0: no connection
        self._credit = 0  # rows that alarm may still send of what we pulled
        self._held: list[Row] = []
        self._flying: dict[EventId, tuple[EventClass, int]] = {}  # -> class, sent at
        self._marks: list[Mark] = []
        self._suspects: set[EventId] = set()
        self._careful_until_ns = 0
        self._struck: dict[EventId, _Struck] = {}
        self._passed = False  # something was answered in this connection
        self._up_ns = 0
        self.alarm_waits = False  # alarm told of one, or one was on its way when the connection went

    # ---- what happened ----------------------------------------------------------------------------------------------

    def up(self, window: int, now_ns: int) -> None:
        """Connected, with room for `window` rows in flight."""
        self._window = max(1, window)
        self._credit = 0
        self._passed = False
        self._up_ns = now_ns
        self._careful_until_ns = now_ns + CAREFUL_NS
        self.alarm_waits = False

    def down(self, now_ns: int, *, unexplained: bool) -> None:
        """The connection is gone; alarm keeps every row. Send `work` (a verdict) before telling alarm of the loss.

        unexplained: the far end broke off without giving a reason that has nothing to do with what we sent
        """
        on_their_way = [event_class for event_class, _ in self._flying.values()]
        self.alarm_waits = EventClass.ALARM in on_their_way or any(
            row.event_class is EventClass.ALARM for row in self._held
        )
        if unexplained and self._flying:
            self._blame(now_ns)
        self._forget()

    def adrift(self) -> None:
        """Alarm has gone: what we hold of it is void, it will ask for all of it again."""
        self._marks.clear()
        self._forget()

    def news(self, event_class: EventClass) -> None:
        """Alarm has rows and, it thinks, no credit."""
        self._credit = 0
        if event_class is EventClass.ALARM and not self._window:
            self.alarm_waits = True

    def rows(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._credit = max(0, self._credit - 1)
            if self._window and id_of(row) not in self._flying:
                self._held.append(row)

    def settled(self, identity: EventId, answer: Answer, reason: str = "") -> None:
        """The bearer's answer to one row."""
        if self._flying.pop(identity, None) is None:
            return
        self._marks.append(Mark(identity.epoch, identity.seq, answer, reason))
        self._suspects.discard(identity)
        self._struck.pop(identity, None)
        self.passed()

    def passed(self) -> None:
        """Something was answered, if only a beat: the connection carries."""
        self._passed = True
        for struck in self._struck.values():
            struck.others_passed = True

    # ---- what follows -----------------------------------------------------------------------------------------------

    def work(self, now_ns: int) -> Work:
        rows = self._chosen(now_ns) if self._window and self._held else ()
        frames: tuple[Frame, ...] = tuple(self._marks)
        self._marks.clear()
        return Work(frames + self._pull(), rows)

    def _pull(self) -> tuple[Frame, ...]:
        under_way = sum(1 for row in self._held if id_of(row) not in self._struck)  # the others wait aside
        room = self._window - len(self._flying) - under_way
        if room <= 0 or (self._credit and room - self._credit < self._window / 2):
            return ()
        self._credit = room
        return (Pull(self._bearer, self._classes, room),)

    def _chosen(self, now_ns: int) -> tuple[Row, ...]:
        if now_ns > self._careful_until_ns:
            self._suspects.clear()
        limit = 1 if self._suspects else self._window
        chosen: list[Row] = []
        self._held.sort(key=self._urgency)
        while len(self._flying) < limit and not self._is_one_alone():
            row = self._next(now_ns)
            if row is None:
                break
            self._held.remove(row)
            self._flying[id_of(row)] = (row.event_class, now_ns)
            chosen.append(row)
        return tuple(chosen)

    def _urgency(self, row: Row) -> tuple[int, int]:
        """As alarm ranks them, and keeps their order; those under suspicion behind their equals, in turns."""
        struck = self._struck.get(id_of(row))
        return RANK[row.event_class], struck.times if struck else 0

    def _next(self, now_ns: int) -> Row | None:
        """The most urgent; one under suspicion only alone, once others have shown that the connection carries."""
        if not self._held or id_of(self._held[0]) not in self._struck:
            return self._held[0] if self._held else None
        if self._passed or now_ns - self._up_ns >= BLAME_NS:
            return None if self._flying else self._held[0]
        return next((row for row in self._held if id_of(row) not in self._struck), None)

    def _is_one_alone(self) -> bool:
        return any(identity in self._struck for identity in self._flying)

    # ---- poison -----------------------------------------------------------------------------------------------------

    def _blame(self, now_ns: int) -> None:
        self._suspects.update(self._flying)
        if len(self._flying) > 1:
            return
        ((identity, (_, sent_ns)),) = self._flying.items()
        if now_ns - sent_ns >= BLAME_NS:
            return
        if len(self._struck) >= STRUCK_LIMIT:
            del self._struck[next(iter(self._struck))]
        struck = self._struck.setdefault(identity, _Struck())
        struck.times += 1
        if struck.times >= STRIKES and struck.others_passed:
            self._suspects.discard(identity)
            self._marks.append(Mark(identity.epoch, identity.seq, Answer.POISON, "the connection died of it, alone"))

    def _forget(self) -> None:
        self._window = self._credit = 0
        self._held.clear()
        self._flying.clear()
