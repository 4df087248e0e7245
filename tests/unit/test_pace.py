"""History makes room: about a second of the line's time, and no batch that the way does not carry."""

import pytest

from edge.core.words import SECOND_NS
from edge.link.pace import FIRST_BYTES, LEAST_BYTES, SHY_NS, Pace

LIMIT = 64 * 1024


def begun() -> Pace:
    pace = Pace()
    pace.begin(LIMIT)
    return pace


def settle_on(pace: Pace, bytes_per_s: int, *, round_trip_s: float = 0.05, times: int = 20) -> None:
    """Keep a line of this speed as full as may be."""
    for _ in range(times):
        pace.answered(pace.bytes, int((round_trip_s + pace.bytes / bytes_per_s) * SECOND_NS))


def test_a_quick_line_comes_to_full_batches() -> None:
    pace = begun()
    settle_on(pace, 10_000_000)
    assert pace.batch(0) == LIMIT


@pytest.mark.parametrize("bytes_per_s", [1_000, 2_000, 5_000, 20_000, 100_000])
def test_on_a_slow_line_an_alarm_waits_no_longer_than_the_half_open_timer(bytes_per_s: int) -> None:
    pace = begun()
    settle_on(pace, bytes_per_s)
    assert pace.bytes <= max(LEAST_BYTES, 2 * bytes_per_s)
    assert pace.bytes / bytes_per_s < 6


def test_a_long_way_with_room_is_no_slow_line() -> None:
    pace = begun()
    settle_on(pace, 10_000_000, round_trip_s=0.7)
    assert pace.batch(0) == LIMIT


def test_a_single_event_proves_no_speed() -> None:
    pace = begun()
    for _ in range(100):
        pace.answered(700, SECOND_NS // 100)
    assert pace.bytes == FIRST_BYTES


def test_a_new_connection_begins_small() -> None:
    pace = begun()
    settle_on(pace, 10_000_000)
    pace.begin(LIMIT)
    assert pace.bytes == FIRST_BYTES


def test_a_way_that_loses_batches_is_given_smaller_ones_and_later_another_chance() -> None:
    pace = begun()
    settle_on(pace, 10_000_000)
    sizes = []
    while size := pace.batch(0):
        sizes.append(size)
        pace.lost(size, 0)
    assert sizes[:3] == [LIMIT, LIMIT // 2, LIMIT // 4]
    assert pace.batch(SHY_NS) == LIMIT


def test_a_bearer_without_batches_has_none() -> None:
    pace = Pace()
    pace.begin(0)
    settle_on(pace, 10_000_000)
    assert pace.batch(0) == 0
