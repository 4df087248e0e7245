"""How long a sounder may be on: the hour of one sounder, on the boot clock, by purpose."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from edge.core.words import SECOND_NS, Activation, Purpose

ACTIVATION_NS = 180 * SECOND_NS  # three minutes wake a neighbourhood; also bounds a lost "silence"
HOUR_NS = 3600 * SECOND_NS
GRACE_NS = 30 * SECOND_NS  # for a zone that did not spend the hour: abuse here must not mute a truth there
LIMIT_NS: Mapping[Purpose, int] = MappingProxyType(
    {
        Purpose.PRESS: 15 * 60 * SECOND_NS,
        Purpose.REMOTE: 3 * 60 * SECOND_NS,
        Purpose.TEST: 60 * SECOND_NS,
    }
)
STRETCHES = 64  # kept per sounder; a storm of presses must not grow what is written before each sound


class Hour:
    """On-time of one sounder in the last hour; the newest stretch may reach into the future.

    What is left always means: if whatever sounds now were cut now.
    """

    def __init__(self) -> None:
        self._stretches: list[Activation] = []  # in order, never overlapping

    def spend(self, activation: Activation) -> None:
        """Plan one activation, which begins where the last one was cut or later."""
        if self._stretches and _continues(self._stretches[-1], activation):
            activation = replace(activation, since_ns=self._stretches.pop().since_ns)
        self._stretches.append(activation)
        if len(self._stretches) > STRETCHES:
            self._join_nearest()

    def cut(self, now_ns: int) -> None:
        """The sound ended now, before its time."""
        if self._stretches and self._stretches[-1].until_ns > now_ns:
            last = self._stretches.pop()
            if last.since_ns < now_ns:
                self._stretches.append(replace(last, until_ns=now_ns))

    def kept(self, now_ns: int) -> tuple[Activation, ...]:
        """The stretches of the last hour, oldest first."""
        while self._stretches and self._stretches[0].until_ns <= now_ns - HOUR_NS:
            del self._stretches[0]
        return tuple(self._stretches)

    def left_ns(self, purpose: Purpose, now_ns: int) -> int:
        hour_ns = now_ns - HOUR_NS
        spent_ns = 0
        for each in self._stretches:  # written out: every press that sounds waits for this sum
            if each.purpose is purpose and not each.grace and each.until_ns > hour_ns:
                spent_ns += max(0, min(each.until_ns, now_ns) - max(each.since_ns, hour_ns))
        return max(0, LIMIT_NS[purpose] - spent_ns)

    def grace_left_ns(self, zone: str, now_ns: int) -> int:
        """What is left of this zone's own 30 s; nothing for the zone that sounded most in this hour."""
        if zone == self._spender(now_ns):
            return 0
        own = (each for each in self._stretches if each.grace and each.zone == zone)
        return max(0, GRACE_NS - sum(_within(each, now_ns - HOUR_NS, now_ns) for each in own))

    def free_ns(self, purpose: Purpose, need_ns: int, now_ns: int) -> int:
        """When `need_ns` will be left, if nothing more sounds than is planned."""
        planned = [each for each in self._of(purpose) if each.until_ns > now_ns - HOUR_NS]
        spent_ns = sum(_within(each, now_ns - HOUR_NS, each.until_ns) for each in planned)
        excess_ns = spent_ns + need_ns - LIMIT_NS[purpose]
        if excess_ns <= 0:
            return now_ns
        for each in planned:
            since_ns = max(each.since_ns, now_ns - HOUR_NS)
            if excess_ns <= each.until_ns - since_ns:
                return since_ns + excess_ns + HOUR_NS
            excess_ns -= each.until_ns - since_ns
        return now_ns

    def _of(self, purpose: Purpose) -> Iterator[Activation]:
        return (each for each in self._stretches if each.purpose is purpose and not each.grace)

    def _spender(self, now_ns: int) -> str:
        spent_ns: dict[str, int] = {}
        for each in self._of(Purpose.PRESS):
            spent_ns[each.zone] = spent_ns.get(each.zone, 0) + _within(each, now_ns - HOUR_NS, now_ns)
        return max(spent_ns, key=lambda zone: spent_ns[zone], default="")

    def _join_nearest(self) -> None:
        """Two neighbours of one budget become one; the silence between them counts as sound, so never too little."""
        newest: dict[tuple[Purpose, str], int] = {}
        nearest: tuple[int, int, int] | None = None
        for index, each in enumerate(self._stretches[:-1]):  # the newest one is what a crash would resume
            budget = (each.purpose, each.zone if each.grace else "")
            if (before := newest.get(budget)) is not None:
                gap_ns = each.since_ns - self._stretches[before].until_ns
                nearest = min(nearest or (gap_ns, before, index), (gap_ns, before, index))
            newest[budget] = index
        if nearest is not None:
            _, before, after = nearest
            self._stretches[before] = _joined(self._stretches[before], self._stretches[after])
            del self._stretches[after]


def _within(activation: Activation, since_ns: int, until_ns: int) -> int:
    return max(0, min(activation.until_ns, until_ns) - max(activation.since_ns, since_ns))


def _continues(last: Activation, activation: Activation) -> bool:
    same = (last.purpose, last.zone, last.grace) == (activation.purpose, activation.zone, activation.grace)
    return same and last.until_ns == activation.since_ns


def _joined(one: Activation, other: Activation) -> Activation:
    longer = max(one, other, key=lambda each: each.until_ns - each.since_ns)
    return replace(longer, since_ns=one.since_ns, until_ns=max(one.until_ns, other.until_ns))
