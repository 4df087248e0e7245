"""What waits for the centre, in the order it should leave; the delivery table applied to every row. Pure."""

import heapq
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from edge.core.delivery import COMMIT_WITHIN_NS, POISON_LIMIT, RANK, RULES, Answer, RowState, Wait, pause_ns
from edge.core.words import SECOND_NS, EventClass, EventId

NEW_NS: Final = 30 * SECOND_NS  # an alarm that has waited longer is history: somebody has gone to look by now
URGENT: Final = -1  # before every rank
CURRENT: Final = 2**31  # order of the running epoch before the ledger has told its ordinal: after every other


@dataclass(slots=True)
class Waiting:
    """One row that no receipt covers yet."""

    id: EventId
    order: int  # the epoch's ordinal: old epochs leave first within a class
    event_class: EventClass
    digest: bytes
    shown: bool = False
    state: RowState = RowState.STORED
    durable: bool = True  # a commit covers it; False goes out marked so
    made_ns: int = 0
    attempt: int = 0
    poisonings: int = 0
    published: int = 0  # times that the broker took it
    due_ns: int = 0  # may be taken from then on
    awaits_beat: bool = False  # nobody listened: the next answered beat says that somebody does
    away: bool = False  # a picture whose bytes somebody else holds: it waits, and nothing waits behind it


_Key = tuple[int, int, int, EventId]


class Outbox:
    """Rows of one bearer. A row is in `_rows` until its receipt; `_ready` and `_later` are views that may be stale.

    An alarm of just now leaves before those that have waited: the centre applies state by number, not by arrival.
    """

    def __init__(self, random01: Callable[[], float]) -> None:
        self._random01 = random01
        self._rows: dict[EventId, Waiting] = {}
        self._ready: list[_Key] = []
        self._later: list[tuple[int, EventId]] = []
        self._sent: set[EventId] = set()  # rows that a lost connection makes ready: sent, or waiting for another one
        self._paused: dict[EventClass, int] = {}
        self._away: dict[EventId, Waiting] = {}
        self._now_ns = 0  # when somebody last looked

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, identity: EventId) -> bool:
        return identity in self._rows

    def get(self, identity: EventId) -> Waiting | None:
        return self._rows.get(identity)

    def is_new(self, row: Waiting) -> bool:
        """Whether it is an alarm of just now; of what the ledger kept nobody knows the age."""
        is_ours = row.event_class is EventClass.ALARM and row.made_ns > 0
        return is_ours and self._now_ns - row.made_ns < NEW_NS

    def add(self, row: Waiting) -> None:
        """Take in a row: STORED is ready at once, NEW when committed or after COMMIT_WITHIN_NS without a commit."""
        if row.id in self._rows:
            return
        self._rows[row.id] = row
        if row.away:
            self._away[row.id] = row
        if row.state is RowState.NEW:
            self._postpone(row, row.made_ns + COMMIT_WITHIN_NS)
        else:
            self._make_ready(row)

    def committed(self, ids: Iterable[EventId]) -> None:
        """The ledger has them: NEW becomes STORED. A row that left undurable meanwhile keeps its place."""
        for identity in ids:
            row = self._rows.get(identity)
            if row is None:
                continue
            row.durable = True
            if row.state is RowState.NEW:
                row.state = RowState.STORED
                self._make_ready(row)

    def uncommitted(self, identity: EventId) -> None:
        """The ledger has it no longer: it goes on, marked so, until it is committed again."""
        if (row := self._rows.get(identity)) is not None:
            row.durable = False

    def present(self, identity: EventId, now_ns: int) -> None:
        """Its bytes are at hand: it leaves when it is due."""
        row = self._away.pop(identity, None)
        if row is None:
            return
        row.away = False
        if row.state in _TAKEABLE and row.due_ns > now_ns:
            self._postpone(row, row.due_ns)
        elif row.state in _TAKEABLE:
            self._make_ready(row)

    def absent(self, identity: EventId) -> None:
        """Its bytes are not at hand any more."""
        if (row := self._rows.get(identity)) is not None:
            row.away = True
            self._away[identity] = row

    def wanting(self, now_ns: int) -> list[Waiting]:
        """Rows that would leave now if their bytes were at hand, in the order in which they should."""
        due = (row for row in self._away.values() if row.state in _TAKEABLE and row.due_ns <= now_ns)
        return sorted(due, key=_place)

    @property
    def away(self) -> tuple[Waiting, ...]:
        return tuple(self._away.values())

    def take(self, classes: Collection[EventClass], limit: int, now_ns: int) -> list[Waiting]:
        """Up to `limit` rows to send now, most urgent first; they become SENT."""
        self._wake(now_ns)
        taken: list[Waiting] = []
        kept: list[_Key] = []
        while len(taken) < limit and (row := self._first()) is not None:
            key = heapq.heappop(self._ready)
            if row.event_class not in classes or self._paused.get(row.event_class, 0) > now_ns:
                kept.append(key)
                continue
            taken.append(row)
            row.state = RowState.SENT
            self._sent.add(row.id)
        for key in kept:
            heapq.heappush(self._ready, key)
        return taken

    def ready(self, now_ns: int) -> Waiting | None:
        """The most urgent row that waits to be taken."""
        self._wake(now_ns)
        return self._first()

    def _first(self) -> Waiting | None:
        while self._ready:
            key = self._ready[0]
            row = self._rows.get(key[3])
            if row is None or row.away or row.state not in _TAKEABLE or row.due_ns > self._now_ns:
                heapq.heappop(self._ready)  # gone, sent or postponed: it comes back by itself if it waits again
            elif key[0] == URGENT and not self.is_new(row):
                heapq.heapreplace(self._ready, self._key(row))  # it has waited too long to be urgent
            else:
                return row
        return None

    def answered(self, identity: EventId, answer: Answer, now_ns: int) -> str:
        """Apply one line of the delivery table to a SENT row; returns the trouble it raises, or ""."""
        row = self._rows.get(identity)
        if row is None or row.state is not RowState.SENT:
            return ""
        rule = RULES[answer]
        row.attempt += 1
        row.state = rule.then
        row.awaits_beat = rule.wait is Wait.BEAT
        row.published += answer is Answer.PUBLISHED
        if answer is Answer.POISON:
            row.poisonings += 1
            if row.poisonings >= POISON_LIMIT and row.event_class is not EventClass.ALARM:
                row.state = RowState.DEAD
                return rule.trouble
        if rule.wait is Wait.CONNECTION:
            row.due_ns = 0  # whatever it waited for before; `disconnected` makes it ready
        else:
            self._sent.discard(identity)
            pause = pause_ns(rule.wait, row.attempt, self._random01(), row.event_class)
            if rule.pauses_class:
                self._paused[row.event_class] = now_ns + pause
            self._postpone(row, now_ns + pause)
        return rule.trouble

    def beat_answered(self) -> None:
        """Somebody listens: what waited for that may leave at once."""
        for row in self._rows.values():
            if row.awaits_beat and row.state is RowState.STORED:
                row.awaits_beat = False
                self._make_ready(row)

    @property
    def shown(self) -> int:
        """How many waiting rows the lamp follows."""
        return sum(row.shown for row in self._rows.values())

    @property
    def oldest(self) -> Waiting | None:
        """The oldest of them."""
        return min((row for row in self._rows.values() if row.shown), key=_place, default=None)

    def oldest_age_ns(self, now_ns: int, born_ns: int) -> int:
        """How long the oldest row has waited at least: what the ledger kept, since `born_ns`. 0 where none waits."""
        return max((now_ns - (row.made_ns or born_ns) for row in self._rows.values()), default=0)

    def disconnected(self) -> None:
        """No bearer any more: what was sent unanswered, and what waited for a new connection, is ready again."""
        sent, self._sent = self._sent, set()
        for identity in sent:
            row = self._rows.get(identity)
            if row is not None and row.state in _WITH_THE_CONNECTION:
                row.state = RowState.STORED
                self._make_ready(row)
        self._paused.clear()

    def received(self, ids: Iterable[EventId]) -> list[Waiting]:
        """A verified receipt covers them: gone. Returns the rows that were still waiting."""
        ids = tuple(ids)
        self._sent.difference_update(ids)
        gone = [row for identity in ids if (row := self._rows.pop(identity, None)) is not None]
        for row in gone:
            self._away.pop(row.id, None)
        return gone

    def lost(self, ids: Iterable[EventId]) -> list[Waiting]:
        """Nobody has their bytes any more. Returns the rows that were waiting, so that somebody can say so."""
        return self.received(ids)

    @property
    def due_ns(self) -> int | None:
        """When the next postponed row becomes ready."""
        return self._later[0][0] if self._later else None

    def _make_ready(self, row: Waiting) -> None:
        row.due_ns = 0
        if row.away:
            return
        heapq.heappush(self._ready, self._key(row))

    def _postpone(self, row: Waiting, until_ns: int) -> None:
        row.due_ns = until_ns
        heapq.heappush(self._later, (until_ns, row.id))

    def _key(self, row: Waiting) -> _Key:
        return (URGENT, *_place(row)[1:]) if self.is_new(row) else _place(row)

    def _wake(self, now_ns: int) -> None:
        self._now_ns = now_ns
        while self._later and self._later[0][0] <= now_ns:
            due_ns, identity = heapq.heappop(self._later)
            row = self._rows.get(identity)
            if row is not None and not row.away and row.due_ns == due_ns and row.state in _TAKEABLE:
                heapq.heappush(self._ready, self._key(row))


def _place(row: Waiting) -> _Key:
    return RANK[row.event_class], row.order, row.id.seq, row.id


_WITH_THE_CONNECTION: Final = frozenset({RowState.SENT, RowState.PARKED, RowState.STORED})
_TAKEABLE: Final = frozenset({RowState.NEW, RowState.STORED, RowState.PUBLISHED})
