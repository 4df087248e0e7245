"""The loop that bearers share: pull rows from alarm, send them, mark what became of them. Pure: no socket, no clock.

    alarm -- News --> pull -- Pull --> alarm -- Rows --> hold -- send --> the bearer -- answer --> Marks --> alarm

What leaves as one publication is a parcel: a new alarm alone and first, history joined where the bearer takes
batches. One answer is the answer to every row of it.

A row that kills the connection is found by sending alone whatever was in flight at an unexplained loss. The
delivery table calls it poison when that has happened twice within 2 s of its sending while others passed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edge.core.delivery import Answer
from edge.core.spans import stretches
from edge.core.words import SECOND_NS, EventClass, EventId
from edge.link.frames import MARKS_LIMIT, Frame, Mark, Marks, News, Pull, Row
from edge.link.held import Held, id_of, is_urgent
from edge.link.pace import Pace

BLAME_NS: Final = 2 * SECOND_NS  # lost later than this after a row was sent: the line's fault, not the row's
STRIKES: Final = 2
CAREFUL_NS: Final = 60 * SECOND_NS  # of a connection: how long an earlier loss is looked into, one row at a time
STRUCK_LIMIT: Final = 64  # rows remembered as having been alone at a loss
FEW: Final = 5  # answers to history, or places in the window, that are worth an exchange
AHEAD: Final = 256  # rows in hand and in flight where they leave in batches: two full ones, and one that gathers

ROWS: Final = tuple(each for each in EventClass if each is not EventClass.PICTURE)  # a picture has a way of its own

Parcel = tuple[Row, ...]
"""Rows of one class that leave as one publication; never empty."""


@dataclass(slots=True)
class _Struck:
    """A row that was alone in flight when the connection died."""

    times: int = 0
    others_passed: bool = False  # since the first time


@dataclass(slots=True)
class _Flight:
    """size: its bytes of history, 0 where it is urgent; load: bytes of history in flight when it left, with its own."""

    event_class: EventClass
    ids: tuple[EventId, ...]
    sent_ns: int
    size: int
    load: int


@dataclass(frozen=True, slots=True)
class Work:
    """What to do now: frames for alarm, then parcels for the bearer."""

    frames: tuple[Frame, ...] = ()
    parcels: tuple[Parcel, ...] = ()


class Carry:
    """One bearer's loop. Tell it what happened; `work` says what follows.

    bearer:  its name on the link: mqtt, sms
    classes: what it carries
    """

    def __init__(self, bearer: str, classes: Iterable[EventClass] = ROWS) -> None:
        self._bearer = bearer
        self._classes = tuple(classes)
        self._window = 0  # publications in flight at most; 0: no connection
        self._batch = 0  # bytes that one publication of several rows may have; 0: no batches
        self._pace = Pace()
        self._credit = 0  # rows that alarm may still send of what we pulled
        self._hurried = False  # alarm has told of a new alarm since the last pull
        self._held = Held()
        self._flights: dict[EventId, _Flight] = {}  # by the first row of each
        self._known: set[EventId] = set()  # every row in hand and in flight
        self._flying = 0  # bytes of history in flight
        self._marks: list[Mark] = []
        self._pressing = False  # one of the marks is worth a frame of its own
        self._refilling = True  # False: the window was full of history, and is let run down a little
        self._suspects: set[EventId] = set()
        self._careful_until_ns = 0
        self._struck: dict[EventId, _Struck] = {}
        self._passed = False  # something was answered in this connection
        self._up_ns = 0
        self.alarm_waits = False  # alarm told of one, or one was on its way when the connection went

    # ---- what happened ----------------------------------------------------------------------------------------------

    def up(self, window: int, now_ns: int, *, batch: int = 0) -> None:
        """Connected, with room for `window` publications in flight.

        batch: bytes that events joined into one publication may have; 0: this bearer takes no batches
        """
        self._window = max(1, window)
        self._batch = batch
        self._pace.begin(batch)
        self._credit = 0
        self._passed = False
        self._up_ns = now_ns
        self._careful_until_ns = now_ns + CAREFUL_NS
        self.alarm_waits = False

    def down(self, now_ns: int, *, unexplained: bool) -> None:
        """The connection is gone; alarm keeps every row. Send `work` (a verdict) before telling alarm of the loss.

        unexplained: the far end broke off without giving a reason that has nothing to do with what we sent
        """
        on_their_way = any(flight.event_class is EventClass.ALARM for flight in self._flights.values())
        self.alarm_waits = on_their_way or self._held.has(EventClass.ALARM)
        batch = max((flight.size for flight in self._flights.values() if len(flight.ids) > 1), default=0)
        if batch:
            self._pace.lost(batch, now_ns)
        if unexplained and self._flights:
            self._blame(now_ns)
        self._forget()

    def adrift(self) -> None:
        """Alarm has gone: what we hold of it is void, it will ask for all of it again."""
        self._marks.clear()
        self._forget()

    def news(self, news: News) -> None:
        """Alarm has rows and, it thinks, no credit."""
        self._credit = 0
        self._hurried = news.hurried
        if news.event_class is EventClass.ALARM and not self._window:
            self.alarm_waits = True

    def rows(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._credit = max(0, self._credit - 1)
            identity = id_of(row)
            if self._window and identity not in self._known:
                self._known.add(identity)
                struck = self._struck.get(identity)
                self._held.add(identity, row, struck.times if struck else 0)

    def settled(self, first: EventId, answer: Answer, now_ns: int, reason: str = "") -> None:
        """The bearer's answer to one parcel, by its first row."""
        flight = self._flights.pop(first, None)
        if flight is None:
            return
        self._pace.answered(flight.load, now_ns - flight.sent_ns)
        self._pressing |= answer is not Answer.PUBLISHED or not flight.size
        self._marks += (Mark(epoch, a, answer, reason, b - a + 1) for epoch, a, b in stretches(flight.ids))
        self._flying -= flight.size
        self._known.difference_update(flight.ids)
        for identity in flight.ids if self._struck else ():
            self._struck.pop(identity, None)
        if not self._suspects.isdisjoint(flight.ids):
            self._suspects.difference_update(flight.ids)
            self._careful_until_ns = max(self._careful_until_ns, now_ns + CAREFUL_NS)  # they are being looked into
        self.passed()

    @property
    def is_quiet(self) -> bool:
        """Nothing is in hand, on its way, or announced."""
        return not (self._held or self._flights or self._hurried)

    def passed(self) -> None:
        """Something was answered, if only a beat: the connection carries."""
        self._passed = True
        for struck in self._struck.values():
            struck.others_passed = True

    # ---- what follows -----------------------------------------------------------------------------------------------

    def work(self, now_ns: int) -> Work:
        parcels = self._chosen(now_ns) if self._window and self._held else ()
        return Work((*self._told(), *self._pull()), parcels)

    def _told(self) -> Iterator[Marks]:
        """Answers for alarm. Those to history wait for a few more if more are to come: a frame costs like a row."""
        if self._flights and not self._pressing and len(self._marks) < FEW:
            return iter(())
        marks, self._marks, self._pressing = self._marks, [], False
        return _framed(marks)

    def _pull(self) -> tuple[Frame, ...]:
        ahead = (AHEAD if self._batch else self._window) if self._window else 0
        room = ahead - len(self._known) + self._held.suspected  # they wait aside
        if self._hurried and self._window:
            room = max(1, room)  # alarm hands over the most urgent first: this one waits behind no backlog
        if room <= 0 or (self._credit and room - self._credit < ahead / 2):
            return ()
        self._credit, self._hurried = room, False
        return (Pull(self._bearer, self._classes, room),)

    def _chosen(self, now_ns: int) -> tuple[Parcel, ...]:
        if now_ns > self._careful_until_ns:
            self._suspects.clear()
        chosen: list[Parcel] = []
        while parcel := self._next_parcel(now_ns):
            self._depart(parcel, now_ns)
            chosen.append(parcel)
        return tuple(chosen)

    def _depart(self, parcel: Parcel, now_ns: int) -> None:
        ids = tuple(id_of(row) for row in parcel)
        self._held.take(ids)
        size = 0 if is_urgent(parcel[0]) else sum(len(row.raw) for row in parcel)
        self._flying += size
        load = self._flying if size else 0
        self._flights[ids[0]] = _Flight(parcel[0].event_class, ids, now_ns, size, load)

    def _next_parcel(self, now_ns: int) -> Parcel:
        """The most urgent row, and what may leave with it; () where there is nothing to send now."""
        limit = 1 if self._suspects else self._window
        if len(self._flights) >= limit or self._is_one_alone():
            return ()
        row = self._next(now_ns)
        if row is None:
            return ()
        if is_urgent(row) or not self._batch:
            return (row,)
        if not self._has_place(max(1, limit - 1)):  # one place is left for an alarm
            return ()
        if self._flying and self._flying + len(row.raw) > self._pace.bytes:
            return ()
        limit = min(self._pace.batch(now_ns), self._pace.bytes - self._flying)
        return self._joined(row, limit) if self._joins(row) and not self._suspects else (row,)

    def _has_place(self, limit: int) -> bool:
        """A window that was full is filled again when a few places are free: answers come singly, rows shall not."""
        self._refilling = len(self._flights) <= limit - (1 if self._refilling else min(FEW, 1 + limit // 4))
        return self._refilling

    def _joins(self, row: Row) -> bool:
        """Not what says for itself that it is not durable, and not what was sent before without a receipt."""
        return row.durable and not row.alone and id_of(row) not in self._struck

    def _joined(self, first: Row, limit: int) -> Parcel:
        """As many of its class as fit: the frozen bytes, a bracket at both ends, a comma between."""
        parcel = [first]
        size = len(first.raw) + 2
        for row in self._held.company(first):
            if row is first or not self._joins(row):
                continue
            size += len(row.raw) + 1
            if size > limit:
                break
            parcel.append(row)
        return tuple(parcel)

    def _next(self, now_ns: int) -> Row | None:
        """The most urgent; one under suspicion only alone, once others have shown that the connection carries."""
        first = self._held.first()
        if first is None or id_of(first) not in self._struck:
            return first
        if self._passed or now_ns - self._up_ns >= BLAME_NS:
            return None if self._flights else first
        return self._held.first_innocent()

    def _is_one_alone(self) -> bool:
        return any(identity in self._struck for identity in self._flights)

    # ---- poison -----------------------------------------------------------------------------------------------------

    def _blame(self, now_ns: int) -> None:
        flown = [identity for flight in self._flights.values() for identity in flight.ids]
        self._suspects.update(flown)
        if len(flown) > 1:
            return
        ((identity, flight),) = self._flights.items()
        if now_ns - flight.sent_ns >= BLAME_NS:
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
        self._hurried = False
        self._flying = 0
        self._held.clear()
        self._flights.clear()
        self._known.clear()


def _framed(marks: Sequence[Mark]) -> Iterator[Marks]:
    """They cover what was in hand, which is less than one frame may."""
    return (Marks(tuple(marks[at : at + MARKS_LIMIT])) for at in range(0, len(marks), MARKS_LIMIT))
