"""Rows between the outbox and the relay: who has credit, which bytes are at hand, which the ledger must fetch."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge.core.delivery import COMMIT_WITHIN_NS, RANK, Answer, RowState
from edge.core.events import Frozen
from edge.core.outbox import CURRENT, Outbox, Waiting
from edge.core.status import Journey
from edge.core.words import EventClass, EventId
from edge.ledger.ledger import Unreceived
from edge.link.frames import ROWS_LIMIT, Frame, News, Row, Rows

CACHE_EVENTS: Final = 1024
ROW_OVERHEAD: Final = 96  # msgpack around one row's bytes
ALONE_AFTER: Final = 2  # publications without a receipt: a centre takes a batch whole or not at all
ALARM_ALONE_AFTER: Final = 1


@dataclass(slots=True)
class Track:
    """How the newest alarm fared, in boot-clock ns: for the person who asks "did it arrive?"."""

    id: EventId
    made_ns: int
    stored_ns: int = 0
    published_ns: int = 0
    received_ns: int = 0

    @property
    def journey(self) -> Journey:
        steps = (self.stored_ns, self.published_ns, self.received_ns)
        after = (f"{(at_ns - self.made_ns) / 1e6:.2f}" if at_ns else "" for at_ns in steps)
        return Journey(str(self.id), str(self.made_ns), *after)


class Traffic:
    """Serves one bearer.

    tell:   to the relay
    fetch:  asks the ledger's thread for bytes that memory has let go
    attach: hands a picture's bytes to the relay, before its row; False where they are not at hand
    """

    def __init__(
        self,
        outbox: Outbox,
        tell: Callable[[Frame], None],
        fetch: Callable[[Sequence[EventId]], None],
        attach: Callable[[EventId], bool] = lambda _: False,
    ) -> None:
        self._outbox = outbox
        self._tell = tell
        self._fetch = fetch
        self._attach = attach
        self._cache: dict[EventId, Frozen] = {}
        self._fetching: set[EventId] = set()
        self._uncommitted: dict[EventId, int] = {}  # -> since when its commit is waited for
        self._order = CURRENT
        self._credit = 0
        self._picture_credit = 0
        self._uploading: EventId | None = None
        self._classes: tuple[EventClass, ...] = ()
        self._announced: EventClass | None = None
        self._hurried: EventId | None = None  # the new alarm that was announced last
        self.head = 0
        self._track: Track | None = None

    @property
    def journey(self) -> Journey | None:
        """How the newest alarm fared, "" for what has not happened."""
        return self._track.journey if self._track else None

    # ---- what waits --------------------------------------------------------------------------------------------------

    def made(self, event: Frozen, at_ns: int, now_ns: int) -> None:
        """A new event, not yet stored. at_ns: when it happened; its commit is waited for from `now_ns`."""
        self.head = max(self.head, event.id.seq)
        if event.shown:
            self._track = Track(event.id, at_ns)
        self._remember(event)
        row = Waiting(event.id, self._order, event.event_class, event.digest, event.shown)
        row.state, row.durable, row.made_ns = RowState.NEW, False, now_ns
        row.away = event.event_class is EventClass.PICTURE
        self._outbox.add(row)
        self._uncommitted[event.id] = now_ns
        if event.event_class is EventClass.ALARM and self._uploading:
            self._tell(News(EventClass.ALARM, hurried=True))  # before its commit: the picture under way pauses at once

    def stored(self, ids: Iterable[EventId], now_ns: int) -> None:
        ids = tuple(ids)
        self._committed(ids)
        self._outbox.committed(ids)
        if self._track and self._track.id in ids:
            self._track.stored_ns = now_ns

    def opened(self, ordinal: int, waiting: Sequence[Unreceived]) -> list[Frozen]:
        """The ledger is there: what earlier runs left behind waits too.

        returns: events of this run that were stored once, still wait, and are not in this file: another one was set
                 aside, or another disk is there. They are to be stored again.
        """
        self._order = ordinal
        self.loaded(waiting)
        self.unfetched()
        there = {row.id for row in waiting}
        absent = [event for event in self._cache.values() if event.id not in there and self._waits_stored(event.id)]
        for event in absent:
            self._outbox.uncommitted(event.id)
        return absent

    def loaded(self, waiting: Iterable[Unreceived]) -> None:
        """Rows of the ledger that no receipt covers."""
        for row in waiting:
            away = row.event_class is EventClass.PICTURE
            self._outbox.add(Waiting(row.id, row.ordinal, row.event_class, row.digest, row.shown, away=away))

    def is_commit_late(self, now_ns: int) -> bool:
        """Whether an event has waited for its commit longer than a commit may take."""
        oldest_ns = next(iter(self._uncommitted.values()), now_ns)
        return now_ns - oldest_ns >= COMMIT_WITHIN_NS

    def received(self, ids: Sequence[EventId], now_ns: int) -> list[Waiting]:
        """A verified receipt covers them; returns those that were waiting."""
        for identity in ids:
            self._cache.pop(identity, None)
        self._committed(ids)  # perhaps not, but the centre has it: nobody waits for the disk any more
        rows = self._outbox.received(ids)
        if self._track and any(row.id == self._track.id for row in rows):
            self._track.received_ns = now_ns
        return rows

    # ---- what leaves -------------------------------------------------------------------------------------------------

    def pull(self, classes: tuple[EventClass, ...], limit: int) -> None:
        """Credit for `limit` rows from now on; it replaces what was left of the last one. Pictures have their own."""
        if classes == (EventClass.PICTURE,):
            self._picture_credit = max(0, limit)
            return
        self._classes = tuple(each for each in classes if each is not EventClass.PICTURE)
        self._credit, self._announced = max(0, limit), None

    def answered(self, identity: EventId, answer: Answer, now_ns: int) -> str:
        """Returns the code of the trouble that the delivery table raises, or ""."""
        if self._track and self._track.id == identity and answer is Answer.PUBLISHED:
            self._track.published_ns = self._track.published_ns or now_ns
        if identity == self._uploading:
            self._uploading = None
        return self._outbox.answered(identity, answer, now_ns)

    def beat_answered(self) -> None:
        self._outbox.beat_answered()

    def disconnected(self) -> None:
        self._credit = self._picture_credit = 0
        self._announced = self._uploading = None
        self._fetching.clear()
        self._outbox.disconnected()

    def serve(self, now_ns: int, *, up: bool) -> tuple[EventId, ...]:
        """Hand over what there is credit for, announce what there is not; returns rows that leave undurable."""
        rows: list[Waiting] = []
        if self._credit and up:
            rows = self._outbox.take(self._classes, self._credit, now_ns)
            self._credit -= len(rows)
            self._hand_over(rows)
        ready = self._outbox.ready(now_ns)
        if ready is not None and ready.event_class is EventClass.PICTURE:
            rows += self._serve_picture(now_ns) if up else ()
        elif not (self._credit and up):
            self._announce(ready)
        return tuple(row.id for row in rows if not row.durable)

    def _serve_picture(self, now_ns: int) -> list[Waiting]:
        """One, when nothing else waits."""
        rows = self._outbox.take((EventClass.PICTURE,), min(1, self._picture_credit), now_ns)
        self._picture_credit -= len(rows)
        self._hand_over(rows)
        return rows

    def _announce(self, row: Waiting | None) -> None:
        """Once, and again for what is more urgent: a bearer that waits 120 s for the broker hurries for an alarm."""
        if row is None:
            return
        hurries = self._outbox.is_new(row) and row.id != self._hurried
        if hurries or self._announced is None or RANK[row.event_class] < RANK[self._announced]:
            self._announced = row.event_class
            self._hurried = row.id if hurries else self._hurried
            self._tell(News(row.event_class, hurried=hurries))

    def fetched(self, events: Iterable[Frozen], asked: Sequence[EventId]) -> list[Waiting]:
        """Bytes that the ledger was asked for. Returns rows that it does not have: they wait no longer."""
        awaited = self._fetching.intersection(asked)
        self._fetching -= awaited
        found = [event for event in events if event.id in awaited]
        self._send([self._row(event) for event in found])
        return self._outbox.lost(awaited.difference(event.id for event in found))

    def unfetched(self) -> None:
        """The ledger went away while rows were being fetched: they wait as if the connection had gone."""
        if self._fetching:
            self._fetching.clear()
            self._outbox.disconnected()

    def _hand_over(self, rows: Sequence[Waiting]) -> None:
        here = [self._cache[row.id] for row in rows if row.id in self._cache]
        away = [row.id for row in rows if row.id not in self._cache]
        self._send([self._row(event) for event in here])
        if away:
            self._fetching.update(away)
            self._fetch(away)

    def _row(self, event: Frozen) -> Row:
        waiting = self._outbox.get(event.id)
        durable = waiting is None or waiting.durable
        alone = waiting is not None and self._goes_alone(waiting)
        return Row(event.id.epoch, event.id.seq, event.event_class, event.raw, durable, alone)

    def _goes_alone(self, row: Waiting) -> bool:
        limit = ALARM_ALONE_AFTER if row.event_class is EventClass.ALARM else ALONE_AFTER
        return row.published >= limit or self._outbox.is_new(row)

    def _send(self, rows: Sequence[Row]) -> None:
        batch: list[Row] = []
        size = 0
        for row in rows:
            if row.event_class is EventClass.PICTURE:
                self._send_picture(row)
                continue
            weight = len(row.raw) + ROW_OVERHEAD
            if batch and size + weight > ROWS_LIMIT:
                self._tell(Rows(tuple(batch)))
                batch, size = [], 0
            batch.append(row)
            size += weight
        if batch:
            self._tell(Rows(tuple(batch)))

    def _send_picture(self, row: Row) -> None:
        identity = EventId(row.epoch, row.seq)
        if self._attach(identity):
            self._uploading = identity
            self._tell(Rows((row,)))
        else:  # gone while the ledger was asked for its header; asked for again when it is due
            self._outbox.absent(identity)
            self._outbox.answered(identity, Answer.RETRY, 0)
            self._picture_credit += 1

    def _remember(self, event: Frozen) -> None:
        self._cache[event.id] = event
        if len(self._cache) > CACHE_EVENTS:
            oldest = next((identity for identity in self._cache if self._is_stored(identity)), None)
            if oldest is not None:
                del self._cache[oldest]

    def _committed(self, ids: Iterable[EventId]) -> None:
        for identity in ids:
            self._uncommitted.pop(identity, None)

    def _waits_stored(self, identity: EventId) -> bool:
        row = self._outbox.get(identity)
        return row is not None and row.durable

    def _is_stored(self, identity: EventId) -> bool:
        row = self._outbox.get(identity)
        return row is None or row.durable
