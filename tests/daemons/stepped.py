"""The alarm daemon on a wall clock that a test sets: `clock` in its root holds the offset in ns and the quality.

`--hasty`: the daily test of the way comes at once.
"""

import random
import sys
from pathlib import Path
from typing import Final

from edge.core import calendar
from edge.core.timing import TimeQuality
from edge.core.words import SECOND_NS
from edge.daemons.alarm.compose import main
from edge.daemons.runtime import SystemClock

HASTY = "--hasty"
CLOCK = "clock"
HOUR_NS: Final = 3600 * SECOND_NS
HOURS_OFF: Final = (0, 1, -1, 9000, -9000)


class SteppedClock(SystemClock):
    """The boot clock stays the machine's."""

    def utc_ns(self) -> int:
        return super().utc_ns() + int(self._set()[0])

    def quality(self) -> TimeQuality:
        return TimeQuality(self._set()[1])

    @staticmethod
    def _set() -> list[str]:
        return (root() / CLOCK).read_text("ascii").split()


def root() -> Path:
    """The daemon's own."""
    return Path(sys.argv[sys.argv.index("--root") + 1])


def step(root: Path, off_ns: int, quality: TimeQuality) -> None:
    """Set it at once, also for a daemon that runs."""
    unfinished = root / f".{CLOCK}"
    unfinished.write_text(f"{off_ns} {quality}", encoding="ascii")
    unfinished.rename(root / CLOCK)


def jump(root: Path, chance: random.Random) -> None:
    """An hour or a year to and fro, sure of it or not."""
    quality = chance.choice((TimeQuality.SYNCED, TimeQuality.UNSYNCED))
    step(root, chance.choice(HOURS_OFF) * HOUR_NS, quality)


if __name__ == "__main__":
    if HASTY in sys.argv:
        sys.argv.remove(HASTY)
        calendar.FIRST_NS = 1  # type: ignore[misc]  # the first daily test waits for nobody
    sys.exit(main(clock=SteppedClock))
