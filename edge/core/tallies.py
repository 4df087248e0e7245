"""Many small things told as few records: the first at once, the rest counted."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from edge.core.words import SECOND_NS

PERIOD_NS = 5 * SECOND_NS

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class _Tally:
    told_ns: int
    untold: int = 0


class Tallies(Generic[Key]):
    """Count by key; at most one report per key and period, and the sum of all reports is what was counted."""

    def __init__(self, period_ns: int = PERIOD_NS) -> None:
        self._period_ns = period_ns
        self._tallies: dict[Key, _Tally] = {}

    def count(self, key: Key, now_ns: int) -> int:
        """Count one; returns how many to tell now, 0 when it must wait."""
        tally = self._tallies.get(key)
        if tally is None:
            self._tallies[key] = _Tally(now_ns)
            return 1
        tally.untold += 1
        return 0

    def ripe(self, now_ns: int) -> list[tuple[Key, int]]:
        """What has waited its period, with its count; a key with nothing to tell is forgotten."""
        ripe = [(key, each.untold) for key, each in self._tallies.items() if now_ns >= each.told_ns + self._period_ns]
        for key, untold in ripe:
            if untold:
                self._tallies[key] = _Tally(now_ns)
            else:
                del self._tallies[key]
        return [(key, untold) for key, untold in ripe if untold]

    @property
    def due_ns(self) -> int | None:
        return min((each.told_ns + self._period_ns for each in self._tallies.values()), default=None)
