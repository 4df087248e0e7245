"""When the box tests itself: its way to the centre once a day, its sirens once a month. Pure: the time is handed in.

Wall time decides where somebody vouches for it, the boot clock where nobody does; sirens need wall time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from edge.core.seal import sha256
from edge.core.timing import DAY_NS, Stamp, TimeQuality
from edge.core.words import SECOND_NS, BoxId

FIRST_NS: Final = 300 * SECOND_NS  # after a start, and up to as much again by box: a power cut hits a whole city
WIB: Final = timedelta(hours=7)  # UTC+7; no summer time
WINDOW_S: Final = 1800  # who is not quiet at the hour tries again until then


def slot_ns(box: BoxId) -> int:
    """A box's own instant of the day: ten thousand boxes do not come at once."""
    return int.from_bytes(sha256(box.encode())[:8]) % DAY_NS


class Daily:
    """When the daily test is due.

    slot_ns: instant of the day, in UTC
    born_ns: boot clock at the start
    """

    def __init__(self, slot_ns: int, born_ns: int) -> None:
        self._slot_ns = slot_ns
        self._first_ns = born_ns + FIRST_NS + slot_ns % FIRST_NS
        self._next_ns = born_ns + slot_ns  # while nobody vouches for the wall clock
        self._day: int | None = None

    def passed(self, day: int) -> None:
        """What an earlier run noted: `day_of` its last test that passed."""
        self._day = day

    def day_of(self, now: Stamp) -> int:
        """Days since 1970, each beginning at the slot."""
        return (now.utc_ns - self._slot_ns) // DAY_NS

    def due(self, now: Stamp) -> bool:
        """Whether to test now; it then counts as begun."""
        if now.boot_ns < self._first_ns:
            return False
        trusted = now.quality is not TimeQuality.UNSYNCED
        if self._day == self.day_of(now) if trusted else now.boot_ns < self._next_ns:
            return False
        self._day, self._next_ns = self.day_of(now), now.boot_ns + DAY_NS
        return True


@dataclass(frozen=True, slots=True)
class Monthly:
    """day: of the month, 1-28, or 0 for never; at: "10:00" on the wall in WIB."""

    day: int
    at: str

    def month(self, now: Stamp) -> str:
        """The month whose hour has come ("2026-11"); "" at any other time, and while nobody vouches for the clock."""
        if now.quality is TimeQuality.UNSYNCED:
            return ""
        local = datetime.fromtimestamp(now.utc_ns // SECOND_NS, UTC) + WIB
        hours, _, minutes = self.at.partition(":")
        late_s = (local.hour - int(hours)) * 3600 + (local.minute - int(minutes)) * 60 + local.second
        return f"{local:%Y-%m}" if local.day == self.day and 0 <= late_s < WINDOW_S else ""
