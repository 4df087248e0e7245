"""Two clocks: the boot clock drives logic, wall time only labels events, and says how far it can be trusted."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from edge.core.words import SECOND_NS


class TimeQuality(StrEnum):
    """How the wall clock came to be, best first."""

    SYNCED = "synced"
    RTC = "rtc"
    HOLDOVER = "holdover"
    UNSYNCED = "unsynced"


class Clock(Protocol):
    """Injected; the tests advance their own."""

    def boot_ns(self) -> int:
        """CLOCK_BOOTTIME: never steps, counts suspend."""

    def utc_ns(self) -> int:
        """CLOCK_REALTIME since 1970: may step at any time."""

    def quality(self) -> TimeQuality: ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened, as well as this box can tell."""

    utc_ns: int
    boot_ns: int
    quality: TimeQuality


def stamp(clock: Clock, at_ns: int) -> Stamp:
    """Label a boot-clock instant (perhaps a little in the past) with the wall time it had."""
    ago = clock.boot_ns() - at_ns
    return Stamp(clock.utc_ns() - ago, at_ns, clock.quality())


def rfc3339(utc_ns: int) -> str:
    """Milliseconds, UTC, `Z`: "2026-11-23T13:05:22.417Z" (RFC 3339, section 5.6)."""
    moment = datetime.fromtimestamp(utc_ns // SECOND_NS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{utc_ns % SECOND_NS // 1_000_000:03d}Z"
