"""What a fleet counts while it runs, and the figures that come of it. Times: seconds on the event loop's clock."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge.core.words import BoxId, EventId

WINDOW_S: Final = 1.0
Alarm = tuple[BoxId, EventId]


@dataclass(frozen=True, slots=True)
class Press:
    at_s: float
    online: bool


@dataclass(slots=True)
class Outage:
    """From the broker's end to its next word. away: boxes that it had let go of and that are not back yet."""

    ended_s: float
    began_s: float = 0.0  # it accepts again
    away: set[BoxId] = field(default_factory=set)
    back: dict[BoxId, float] = field(default_factory=dict)  # without an alarm: how long after it accepted again
    hurried: dict[BoxId, float] = field(
        default_factory=dict
    )  # with one: the same, or after the press if that was later


class Tally:
    """Told by every box; knows nothing of how they work."""

    def __init__(self) -> None:
        self.receipts = 0
        self.asked = 0
        self.attempts: list[float] = []  # when each box's clock said: now
        self.dials: list[float] = []  # when each began in truth: its first packet
        self.connects: list[float] = []  # when each CONNECT was written
        self.online: set[BoxId] = set()
        self.losses: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.presses: dict[Alarm, Press] = {}
        self.latencies: dict[Alarm, float] = {}
        self.outage: Outage | None = None
        self.late_s = 0.0  # how far the event loop was behind at its worst: our own limit, not the broker's
        self._pressed_s: dict[BoxId, float] = {}

    # ---- what boxes tell ---------------------------------------------------------------------------------------------

    def attempted(self, at_s: float, now_s: float) -> None:
        """at_s: when it was due."""
        self.attempts.append(at_s)
        self.dials.append(now_s)
        self.late_s = max(self.late_s, now_s - at_s)

    def connecting(self, at_s: float) -> None:
        self.connects.append(at_s)

    def failed(self, cause: str) -> None:
        self.failures[cause] += 1

    def came(self, box: BoxId, at_s: float, *, alarm_waits: bool) -> None:
        self.online.add(box)
        if self.outage is None or box not in self.outage.away:
            return
        self.outage.away.discard(box)
        began_s = self.outage.began_s or at_s  # back before anybody could tell us that the broker is
        if alarm_waits:
            self.outage.hurried[box] = at_s - max(began_s, self._pressed_s.get(box, 0.0))
        else:
            self.outage.back[box] = at_s - began_s

    def lost(self, box: BoxId, cause: str) -> None:
        self.losses[cause] += 1
        self.online.discard(box)
        if self.outage is not None and not self.outage.began_s:
            self.outage.away.add(box)

    def pressed(self, box: BoxId, alarm: EventId, at_s: float, *, online: bool) -> None:
        self.presses[box, alarm] = Press(at_s, online)
        self._pressed_s[box] = at_s

    def received(self, box: BoxId, identity: EventId, at_s: float) -> None:
        press = self.presses.get((box, identity))
        if press is not None and (box, identity) not in self.latencies:
            self.latencies[box, identity] = at_s - press.at_s

    def refused(self, reason: str) -> None:
        self.refusals[reason] += 1

    # ---- the broker's restart ----------------------------------------------------------------------------------------

    def broker_ends(self, at_s: float) -> None:
        self.outage = Outage(at_s)

    def broker_is_back(self, at_s: float) -> None:
        assert self.outage is not None
        self.outage.began_s = at_s


def peak(moments: Iterable[float], since_s: float = 0.0) -> int:
    """The most of them within any one second, from `since_s` on."""
    ordered = sorted(moment for moment in moments if moment >= since_s)
    return max(
        (number - bisect_right(ordered, moment - WINDOW_S) + 1 for number, moment in enumerate(ordered)), default=0
    )


def at(ordered: Sequence[float], part: float) -> float:
    """A percentile that was measured; 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0
