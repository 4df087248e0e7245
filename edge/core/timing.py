"""Two clocks: the boot clock drives logic, wall time only labels events, and says how far it can be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from edge.core.words import SECOND_NS, Json

STEP_NS: Final = SECOND_NS  # a slew moves both clocks alike; the wall clock apart from the boot clock is a step
DRIFT_PPM: Final = 100  # a Pi's crystal (+-50 ppm) and its temperature
DAY_NS: Final = 86_400 * SECOND_NS
HOLDOVER_NS: Final = 3 * DAY_NS  # 26 s of drift at DRIFT_PPM; after that nobody vouches
ANCHOR: Final = "anchor"  # `what` of the audit event
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LIMIT_NS: Final = 2**63


class TimeQuality(StrEnum):
    """How the wall clock came to be, best first."""

    SYNCED = "synced"
    RTC = "rtc"
    HOLDOVER = "holdover"
    UNSYNCED = "unsynced"

    @property
    def rank(self) -> int:
        """0 is best."""
        return list(TimeQuality).index(self)


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

    @property
    def offset_ns(self) -> int:
        """Wall time at zero of the boot clock: constant until somebody steps the wall clock."""
        return self.utc_ns - self.boot_ns


def stamp(clock: Clock, at_ns: int) -> Stamp:
    """Label a boot-clock instant (perhaps a little in the past) with the wall time it had."""
    ago = clock.boot_ns() - at_ns
    return Stamp(clock.utc_ns() - ago, at_ns, clock.quality())


def rfc3339(utc_ns: int) -> str:
    """Milliseconds, UTC, `Z`: "2026-11-23T13:05:22.417Z" (RFC 3339, section 5.6)."""
    moment = datetime.fromtimestamp(utc_ns // SECOND_NS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{utc_ns % SECOND_NS // 1_000_000:03d}Z"


def utc_ns_of(text: str) -> int:
    """The opposite of `rfc3339`. Raises ValueError for anything else, and for a time without its zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


# ---- at the box ------------------------------------------------------------------------------------------------------


class Trust:
    """Judges the wall clock by what vouches for it: a time server, one that did so lately, or a clock with a battery.

    rtc_ns: `Stamp.offset_ns` as the hardware clock had it at the start; None without one, or where it was never set
    """

    def __init__(self, rtc_ns: int | None) -> None:
        self._rtc_ns = rtc_ns
        self._held: Stamp | None = None  # when a time server vouched last

    def judge(self, utc_ns: int, boot_ns: int, *, disciplined: bool) -> TimeQuality:
        """disciplined: the kernel says that a time server steers its clock now."""
        offset_ns = utc_ns - boot_ns
        held = self._held
        if disciplined:
            self._held = Stamp(utc_ns, boot_ns, TimeQuality.SYNCED)
            return TimeQuality.SYNCED
        if held and abs(offset_ns - held.offset_ns) <= STEP_NS and boot_ns - held.boot_ns <= HOLDOVER_NS:
            return TimeQuality.HOLDOVER
        if self._rtc_ns is not None and abs(offset_ns - self._rtc_ns) <= STEP_NS:
            return TimeQuality.RTC
        return TimeQuality.UNSYNCED  # never set, drifted for too long, or stepped by a hand


class Anchoring:
    """When the box owes the centre a clock anchor: the clock became right or better, was stepped, or drifts on."""

    def __init__(self) -> None:
        self._last: Stamp | None = None

    def due(self, now: Stamp) -> bool:
        """Whether to send `anchor_content(now)`; it then counts as sent."""
        if now.quality is TimeQuality.UNSYNCED or not self._says_more(now):
            return False
        self._last = now
        return True

    def _says_more(self, now: Stamp) -> bool:
        last = self._last
        if last is None or now.quality.rank < last.quality.rank or abs(now.offset_ns - last.offset_ns) > STEP_NS:
            return True
        return now.quality is TimeQuality.HOLDOVER and now.boot_ns - last.boot_ns >= DAY_NS


def anchor_content(now: Stamp, boot_id: str) -> dict[str, Json]:
    """The members that docs/contract.md promises."""
    return {
        "bootid": boot_id,
        "bootclock": str(now.boot_ns),
        "utc": rfc3339(now.utc_ns),
        "quality": now.quality.value,
    }


# ---- at the centre ---------------------------------------------------------------------------------------------------


def anchor_in(content: Mapping[str, object], boot_id: str) -> Stamp | None:
    """The anchor that an audit event's `data` holds.

    boot_id: of the event itself; a box can vouch for no other boot than the one it speaks from
    returns: None for what is no anchor, or none of use
    """
    clock, utc = content.get("bootclock"), content.get("utc")
    if content.get("what") != ANCHOR or content.get("bootid") != boot_id:
        return None
    try:
        anchor = Stamp(utc_ns_of(str(utc)), int(str(clock)[:20]), TimeQuality(str(content.get("quality"))))
    except (ValueError, OverflowError):
        return None
    sound = 0 <= anchor.boot_ns < _LIMIT_NS and 0 <= anchor.utc_ns < _LIMIT_NS
    return anchor if sound and anchor.quality is not TimeQuality.UNSYNCED else None


@dataclass(frozen=True, slots=True)
class Corrected:
    """When something happened, drawn from its boot clock and the anchors of that boot.

    quality:  of the anchor
    error_ns: drift since the anchor at most; where anchors disagree, how far they are apart
    disputed: two anchors of this quality differ by more than drift explains; nobody knows which of them was wrong
    """

    utc_ns: int
    quality: TimeQuality
    error_ns: int
    disputed: bool = False


def corrected(boot_ns: int, anchors: Sequence[Stamp]) -> Corrected | None:
    """The time of an instant on the boot clock: by the nearest, before or after it, of the best anchors of its boot.

    returns: None without an anchor, or outside 1970-2262
    """
    rank = min((anchor.quality.rank for anchor in anchors), default=None)
    best = [anchor for anchor in anchors if anchor.quality.rank == rank]
    near = min(best, key=lambda anchor: (abs(anchor.boot_ns - boot_ns), -anchor.boot_ns), default=None)
    if near is None or not 0 <= near.offset_ns + boot_ns < _LIMIT_NS:
        return None
    error_ns = _drift_ns(near.boot_ns - boot_ns)
    apart = [abs(other.offset_ns - near.offset_ns) for other in best if not _agree(near, other)]
    return Corrected(near.offset_ns + boot_ns, near.quality, max(error_ns, *apart, 0), disputed=bool(apart))


def _agree(one: Stamp, other: Stamp) -> bool:
    return abs(one.offset_ns - other.offset_ns) <= STEP_NS + _drift_ns(one.boot_ns - other.boot_ns)


def _drift_ns(span_ns: int) -> int:
    return abs(span_ns) * DRIFT_PPM // 1_000_000
