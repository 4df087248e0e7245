"""What /metrics shows, gathered at each scrape: what the store says, and what this process has measured itself.

Clocks: every age is our wall clock now minus our wall clock then. Two durations are measured, both ending on our wall
clock when a group's receipts have been handed to the broker's socket: `receipt` begins when the group was taken in (our
wall clock too), `delay` at the time that the box wrote into the event (only where it says "synced").
"""

import bisect
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

from edge.centre.ingest import Fact, Taken
from edge.centre.kept import REPLACED, Kept
from edge.centre.postbox import Backlog, backlog
from edge.centre.standing import age_s
from edge.core.timing import TimeQuality
from edge.core.words import EventClass

BOXES_LIMIT: Final = 20_000  # a province; beyond it boxes are counted, not named
EPOCHS_LIMIT: Final = 1000  # looked into for gaps at one scrape
REASONS_LIMIT: Final = 20  # a refusal's words may come from outside; the rest is "other"
TROUBLES_LIMIT: Final = 64  # open at one box; a box that lies costs no more memory
CHUNK: Final = 5000
RECEIPT_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
DELAY_BOUNDS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


class Missing(NamedTuple):
    box: str
    lacking: int


class Beat(NamedTuple):
    """pending_ns: since when the box has had events without a receipt, our clock; 0: none."""

    box: str
    pending: int
    received_ns: int
    pending_ns: int
    gauges: dict[str, int]


class Presence(NamedTuple):
    """since_ns: when it came or went, our clock."""

    online: bool
    since_ns: int


class Told(NamedTuple):
    """One stored event; raw only where a condition begins or ends."""

    arrival: int
    box: str
    event_class: str
    name: str
    subject: str
    epoch: str
    seq: int
    raw: bytes | None


class Durations:
    """A histogram: counts per bound, and the sum."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect.bisect_left(self.bounds, seconds)] += 1
        self.sum_s += seconds

    def copy(self) -> "Durations":
        twin = Durations(self.bounds)
        twin.counts, twin.sum_s = list(self.counts), self.sum_s
        return twin


@dataclass(frozen=True, slots=True)
class BoxView:
    online: bool | None = None
    presence_age_s: float | None = None
    beat_age_s: float | None = None
    pending: int = 0
    pending_age_s: float = 0.0
    missing: int = 0
    troubles: dict[str, int] = field(default_factory=dict)  # by Contact ID, three digits
    gauges: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    boxes: dict[str, BoxView]
    boxes_total: int
    events: dict[str, int]
    notices: dict[tuple[str, str], int]  # by code and box
    refusals: dict[str, int]
    receipt: Durations
    delay: Durations
    forward: Backlog | None
    forward_age_s: float
    pictures: dict[str, int] = field(default_factory=dict)  # here, on-its-way, deleted


class Measured:
    """What only the running process knows. Written by the session's thread, copied by the scraper's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._receipt, self._delay = Durations(RECEIPT_BOUNDS_S), Durations(DELAY_BOUNDS_S)

    def tell(self, facts: Iterable[Fact], now_ns: int) -> None:
        """A group's receipts have just been handed over."""
        with self._lock:
            for fact in facts:
                if isinstance(fact, Taken):
                    self._taken(fact, now_ns)

    def _taken(self, taken: Taken, now_ns: int) -> None:
        self._receipt.add(max(0, now_ns - taken.received_ns) / 1e9)
        if taken.kept is Kept.NEW and taken.event.time_quality == TimeQuality.SYNCED:
            self._delay.add(max(0.0, now_ns / 1e9 - datetime.fromisoformat(taken.event.time).timestamp()))

    def copy(self) -> tuple[Durations, Durations]:
        with self._lock:
            return self._receipt.copy(), self._delay.copy()


class Readable(Protocol):
    """The store, as the scraper sees it (edge.centre.stored)."""

    def told(self, arrival: int, limit: int) -> list[Told]: ...
    def beats(self) -> list[Beat]: ...
    def presences(self) -> dict[str, Presence]: ...
    def ordinals(self) -> dict[tuple[str, str], int]: ...
    def notices(self) -> dict[tuple[str, str], int]: ...
    def refusals(self, limit: int) -> dict[str, int]: ...
    def refused(self) -> int: ...
    def pictures(self) -> dict[str, int]: ...
    def missing(self, limit: int) -> list[Missing]: ...


class Scraper:
    """One thread's. It reads each event once in its life, then only what is new."""

    def __init__(
        self,
        store: Callable[[], AbstractContextManager[Readable]],
        measured: Measured,
        postbox: Path,
        clock: Callable[[], int],
    ) -> None:
        self._store, self._measured, self._postbox, self._clock = store, measured, postbox, clock
        self._arrival = 0
        self._events: Counter[str] = Counter({each.value: 0 for each in EventClass})
        self._conditions: dict[str, dict[tuple[str, str], _Condition]] = {}

    def look(self) -> Snapshot:
        now_ns = self._clock()
        receipt, delay = self._measured.copy()
        with self._store() as store:
            self._read_on(store)
            notices, refusals, refused = store.notices(), store.refusals(REASONS_LIMIT), store.refused()
            pictures = store.pictures()
            gone = {box for code, box in notices if code == REPLACED}
            boxes = {box: view for box, view in self._boxes(store, now_ns).items() if box not in gone}
        if refused > sum(refusals.values()):
            refusals["other"] = refused - sum(refusals.values())
        waiting = backlog(self._postbox)
        waiting_s = age_s(waiting.since_ns, now_ns) if waiting and waiting.since_ns else 0.0
        shown = dict(list(boxes.items())[:BOXES_LIMIT])
        return Snapshot(
            shown, len(boxes), dict(self._events), notices, refusals, receipt, delay, waiting, waiting_s, pictures
        )

    def _boxes(self, store: Readable, now_ns: int) -> dict[str, BoxView]:
        missing: Counter[str] = Counter()
        for box, count in store.missing(EPOCHS_LIMIT):
            missing[box] += count
        presences = store.presences()
        beats = {beat.box: beat for beat in store.beats()}
        views = {}
        for box in sorted({*presences, *beats, *missing, *self._conditions}):
            beat, presence = beats.get(box), presences.get(box)
            views[box] = BoxView(
                online=presence.online if presence else None,
                presence_age_s=age_s(presence.since_ns, now_ns) if presence else None,
                beat_age_s=age_s(beat.received_ns, now_ns) if beat else None,
                pending=beat.pending if beat else 0,
                pending_age_s=age_s(beat.pending_ns, now_ns) if beat and beat.pending_ns else 0.0,
                missing=missing[box],
                troubles=self._troubles(box),
                gauges=beat.gauges if beat else {},
            )
        return views

    def _read_on(self, store: Readable) -> None:
        ordinals = store.ordinals()
        while rows := store.told(self._arrival, CHUNK):
            for row in rows:
                self._arrival = row.arrival
                self._events[row.event_class] += 1
                if row.raw is not None:
                    self._condition(row, row.raw, ordinals.get((row.box, row.epoch), 0))

    def _condition(self, row: Told, raw: bytes, ordinal: int) -> None:
        """Applied by (epoch ordinal, sequence), never by arrival."""
        said = msgspec.json.decode(raw)["data"]
        code, cid = said.get("code"), said.get("cid")
        if not (isinstance(code, str) and isinstance(cid, str) and cid[-3:].isascii() and cid[-3:].isdigit()):
            return  # the restoral of an alarm
        known = self._conditions.setdefault(row.box, {})
        key, order = (code, row.subject), (ordinal, row.seq)
        if key in known and known[key].order >= order:
            return
        if key in known or len(known) < TROUBLES_LIMIT:
            known[key] = _Condition(order, row.name == "trouble", cid[-3:])

    def _troubles(self, box: str) -> dict[str, int]:
        return dict(Counter(each.cid for each in self._conditions.get(box, {}).values() if each.open))


@dataclass(frozen=True, slots=True)
class _Condition:
    order: tuple[int, int]
    open: bool
    cid: str
