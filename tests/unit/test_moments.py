"""Moments as people name them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.timing import rfc3339
from edge.core.words import SECOND_NS
from edge.field.moments import NoMoment, moment_of

NOW_NS = 1_795_525_522_417_000_000  # 2026-11-24T13:05:22.417Z


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0s", "2026-11-24T13:05:22.417Z"),
        ("90s", "2026-11-24T13:03:52.417Z"),
        ("30m", "2026-11-24T12:35:22.417Z"),
        ("2h", "2026-11-24T11:05:22.417Z"),
        ("3d", "2026-11-21T13:05:22.417Z"),
        ("999999d", "1970-01-01T00:00:00.000Z"),
        ("2026-11-23T13:05:00+07:00", "2026-11-23T06:05:00.000Z"),
        ("2026-11-23T13:05:00.417Z", "2026-11-23T13:05:00.417Z"),
        ("0001-01-01T00:00:00+07:00", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_what_people_write_becomes_an_events_time(text: str, moment: str) -> None:
    assert moment_of(text, NOW_NS) == moment


@pytest.mark.parametrize(
    "text", ["", "2", "h", "2 h", "-2h", "2w", "1234567d", "yesterday", "13:05", "2026-11-23", "2026-11-23T13:05:00"]
)
def test_what_is_no_moment_or_has_no_time_zone_is_refused(text: str) -> None:
    with pytest.raises(NoMoment):
        moment_of(text, NOW_NS)


@given(st.integers(0, 4_000_000_000_000))
def test_an_events_own_time_is_taken_as_it_is(at_ms: int) -> None:
    own = rfc3339(at_ms * (SECOND_NS // 1000))
    assert moment_of(own, NOW_NS) == own
