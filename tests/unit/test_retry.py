from hypothesis import given
from hypothesis import strategies as st

from edge.core.retry import (
    CAP_S,
    CAP_WITH_ALARM_S,
    FIRST_CONNECT_S,
    FLOOR_S,
    SPREAD_S,
    STOOD_S,
    Backoff,
    cap_s,
    delay_s,
    first_connect_s,
)

randoms = st.floats(0, 1, exclude_max=True)


@given(st.integers(0, 10**6), st.sampled_from([CAP_S, CAP_WITH_ALARM_S]), randoms)
def test_delay_never_reaches_its_cap(attempt: int, cap: float, random01: float) -> None:
    assert 0 <= delay_s(attempt, cap, random01) < min(cap, 2.0 ** min(attempt, 60)) + 1e-9


def test_the_ceiling_doubles_until_the_cap() -> None:
    assert [delay_s(attempt, CAP_S, 0.5) for attempt in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(0, 20), randoms, randoms)
def test_jitter_uses_the_whole_interval(attempt: int, a: float, b: float) -> None:
    ceiling = delay_s(attempt, CAP_S, 1.0)
    assert delay_s(attempt, CAP_S, a) == a * ceiling
    assert delay_s(attempt, CAP_S, 0.0) == 0.0


def test_an_alarm_that_waits_shortens_the_cap_and_skips_the_first_spread() -> None:
    assert (cap_s(alarm_waits=True), cap_s(alarm_waits=False)) == (10.0, 120.0)
    assert first_connect_s(0.9, alarm_waits=True) == 0.0
    assert first_connect_s(0.5, alarm_waits=False) == FIRST_CONNECT_S / 2


def whole() -> float:
    return 1.0


def drawn(backoff: Backoff, count: int, *, alarm_waits: bool = False) -> list[float]:
    return [backoff.next_s(alarm_waits=alarm_waits) for _ in range(count)]


def test_a_broker_that_lets_everybody_go_is_come_back_to_over_a_minute_after_who_has_an_alarm() -> None:
    backoff = Backoff(whole)
    backoff.ended("closed-0x8B", STOOD_S)
    assert drawn(backoff, 4) == [CAP_WITH_ALARM_S + SPREAD_S, CAP_S, CAP_S, CAP_S]
    sooner = Backoff(lambda: 0.0)
    sooner.ended("closed-0x8B", STOOD_S)
    assert drawn(sooner, 2) == [CAP_WITH_ALARM_S, 0.0]
    backoff.ended("lost", STOOD_S)
    assert drawn(backoff, 2, alarm_waits=True) == [CAP_WITH_ALARM_S, CAP_WITH_ALARM_S]


def test_one_s_own_trouble_is_tried_again_at_once() -> None:
    backoff = Backoff(whole)
    backoff.ended("lost", STOOD_S)
    backoff.ended("half-open", STOOD_S)
    assert drawn(backoff, 3) == [FLOOR_S, 2.0, 4.0]


def test_a_broker_of_one_s_own_is_not_spared() -> None:
    backoff = Backoff(whole, spread_s=FLOOR_S)
    backoff.ended("lost", STOOD_S)
    assert drawn(backoff, 2) == [1.0, 2.0]


def test_a_session_that_fell_at_once_does_not_start_the_row_anew() -> None:
    backoff = Backoff(whole)
    assert drawn(backoff, 2) == [1.0, 2.0]
    backoff.ended("lost", STOOD_S - 0.1)
    assert backoff.next_s(alarm_waits=False) == CAP_S
    assert not backoff.fresh


def test_a_row_that_starts_over_is_fresh() -> None:
    backoff = Backoff(whole)
    backoff.ended("lost", STOOD_S)
    drawn(backoff, 2)
    backoff.start_over()
    assert backoff.fresh
    assert backoff.wait_s(alarm_waits=False) == FLOOR_S
