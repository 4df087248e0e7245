"""When a box tests itself: its own instant of the day, the day of the month, never by a clock nobody vouches for."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from edge.core.calendar import FIRST_NS, WINDOW_S, Daily, Monthly, slot_ns
from edge.core.timing import DAY_NS, Stamp, TimeQuality
from edge.core.words import SECOND_NS, BoxId

HOUR_NS = 3600 * SECOND_NS
SLOT_NS = 6 * HOUR_NS
MIDNIGHT_NS = 20_000 * DAY_NS
READY_NS = 2 * FIRST_NS
BOXES = 10_600


def at(boot_ns: int, *, utc_ns: int = 0, quality: TimeQuality = TimeQuality.SYNCED) -> Stamp:
    return Stamp(utc_ns or MIDNIGHT_NS + boot_ns, boot_ns, quality)


def test_a_province_of_boxes_is_spread_over_the_day() -> None:
    minutes = Counter(slot_ns(BoxId(f"ktg-{number:08d}")) // (60 * SECOND_NS) for number in range(BOXES))
    assert len(minutes) > 1400
    assert max(minutes.values()) < 30  # 7.4 on the average


def test_one_test_a_day_at_the_boxs_own_instant() -> None:
    daily = Daily(SLOT_NS, 0)
    daily.passed(daily.day_of(at(0)))
    hours = [hour for hour in range(1, 60) if daily.due(at(hour * HOUR_NS))]
    assert hours == [6, 30, 54]


def test_a_box_that_slept_through_its_instant_tests_soon_after_its_start_but_not_at_once() -> None:
    daily = Daily(SLOT_NS, 0)
    assert not daily.due(at(FIRST_NS - 1))
    assert daily.due(at(READY_NS))
    assert not daily.due(at(READY_NS + HOUR_NS))


def test_a_reboot_does_not_repeat_what_has_passed() -> None:
    daily = Daily(SLOT_NS, 0)
    daily.passed(daily.day_of(at(READY_NS)))
    assert not daily.due(at(READY_NS))


def test_without_a_trusted_clock_a_day_is_a_day_of_the_boot_clock() -> None:
    daily = Daily(SLOT_NS, 0)
    jumps = (MIDNIGHT_NS, SECOND_NS, 2**62)
    hours = [
        hour
        for hour in range(1, 60)
        if daily.due(at(hour * HOUR_NS, utc_ns=jumps[hour % 3], quality=TimeQuality.UNSYNCED))
    ]
    assert hours == [6, 30, 54]


def wib(text: str) -> int:
    return int((datetime.fromisoformat(text) - timedelta(hours=7)).replace(tzinfo=UTC).timestamp()) * SECOND_NS


@pytest.mark.parametrize(
    ("when", "month"),
    [
        ("2026-11-26 10:00:00", "2026-11"),
        ("2026-11-26 10:29:59", "2026-11"),
        ("2026-11-26 09:59:59", ""),
        ("2026-11-26 10:30:00", ""),
        ("2026-11-25 10:00:00", ""),
        ("2026-12-26 10:00:00", "2026-12"),
    ],
)
def test_the_siren_is_tested_on_its_day_in_its_half_hour_of_local_time(when: str, month: str) -> None:
    assert WINDOW_S == 1800
    assert Monthly(26, "10:00").month(at(1, utc_ns=wib(when))) == month


def test_the_day_is_the_local_one() -> None:
    """01:00 in Jakarta is still yesterday in Greenwich."""
    assert Monthly(1, "01:00").month(at(1, utc_ns=wib("2026-12-01 01:05:00"))) == "2026-12"


@pytest.mark.parametrize("quality", [TimeQuality.SYNCED, TimeQuality.RTC, TimeQuality.HOLDOVER])
def test_a_vouched_clock_may_test_the_siren(quality: TimeQuality) -> None:
    assert Monthly(26, "10:00").month(at(1, utc_ns=wib("2026-11-26 10:00:00"), quality=quality)) == "2026-11"


def test_no_siren_by_a_clock_that_nobody_vouches_for_and_none_on_day_nought() -> None:
    now_ns = wib("2026-11-26 10:00:00")
    assert Monthly(26, "10:00").month(at(1, utc_ns=now_ns, quality=TimeQuality.UNSYNCED)) == ""
    assert not any(Monthly(0, "10:00").month(at(1, utc_ns=now_ns + day * DAY_NS)) for day in range(366))
