"""Which clock is to be trusted, when the box says so, and what the centre makes of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.timing import (
    ANCHOR,
    DAY_NS,
    DRIFT_PPM,
    HOLDOVER_NS,
    Anchoring,
    Stamp,
    TimeQuality,
    Trust,
    anchor_content,
    anchor_in,
    corrected,
    rfc3339,
    utc_ns_of,
)
from edge.core.words import SECOND_NS
from edge.daemons import runtime

BORN_NS = 1_795_525_522_417_000_000  # 2026-11-24, at zero of the boot clock
HOUR_NS = 3600 * SECOND_NS
BOOT = "5f0e2a9c"
SYNCED, RTC, HOLDOVER, UNSYNCED = TimeQuality


def at(boot_ns: int, quality: TimeQuality = SYNCED, *, off_ns: int = 0) -> Stamp:
    return Stamp(BORN_NS + boot_ns + off_ns, boot_ns, quality)


def judged(trust: Trust, boot_ns: int, *, disciplined: bool = False, off_ns: int = 0) -> TimeQuality:
    return trust.judge(BORN_NS + boot_ns + off_ns, boot_ns, disciplined=disciplined)


# ---- trust ----------------------------------------------------------------------------------------------------------


def test_without_a_battery_nobody_vouches_before_the_first_sync() -> None:
    trust = Trust(None)
    assert judged(trust, 0) is UNSYNCED
    assert judged(trust, HOUR_NS, disciplined=True) is SYNCED


def test_a_hardware_clock_vouches_until_the_wall_clock_leaves_it() -> None:
    trust = Trust(BORN_NS)
    assert judged(trust, 0) is RTC
    assert judged(trust, HOUR_NS, off_ns=2 * HOUR_NS) is UNSYNCED


def test_holdover_ends_when_drift_may_have_grown_too_large() -> None:
    trust = Trust(None)
    judged(trust, HOUR_NS, disciplined=True)
    assert judged(trust, HOUR_NS + HOLDOVER_NS) is HOLDOVER
    assert judged(trust, HOUR_NS + HOLDOVER_NS + 1) is UNSYNCED


@pytest.mark.parametrize("to_ns", [-BORN_NS, 73 * 365 * DAY_NS, -HOUR_NS, 2 * SECOND_NS])
def test_a_clock_that_a_hand_has_stepped_is_no_holdover(to_ns: int) -> None:
    """To 1970, to 2099, an hour back, two seconds on."""
    trust = Trust(None)
    judged(trust, HOUR_NS, disciplined=True)
    assert judged(trust, 2 * HOUR_NS, off_ns=to_ns) is UNSYNCED
    assert judged(trust, 3 * HOUR_NS) is HOLDOVER  # and put right again


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ("1795525522\n", True),
        ("0\n", False),
        ("1767225599\n", False),
        ("1795525530\n", False),
        ("", False),
        ("x", False),
    ],
    ids=["set", "1970", "before this release", "another time", "empty", "broken"],
)
def test_a_hardware_clock_counts_where_it_was_set_and_the_wall_clock_agrees(
    tmp_path: Path, says: str, *, found: bool
) -> None:
    chip = tmp_path / "since_epoch"
    chip.write_text(says, encoding="ascii")
    expected = BORN_NS if found else None
    assert runtime.rtc_offset_ns(BORN_NS + 7, 7, chip) == expected


def test_no_hardware_clock_at_all(tmp_path: Path) -> None:
    assert runtime.rtc_offset_ns(BORN_NS, 0, tmp_path / "none") is None


def test_a_step_is_not_hidden_by_what_the_kernel_said_a_second_ago() -> None:
    class Stepped(runtime.SystemClock):
        off_ns, synced = 0, True

        def utc_ns(self) -> int:
            return super().utc_ns() + self.off_ns

        def _ask_quality(self) -> TimeQuality:
            return SYNCED if self.synced else UNSYNCED

    clock = Stepped()
    assert clock.quality() is SYNCED
    clock.synced = False
    assert clock.quality() is SYNCED  # asked a moment ago
    clock.off_ns = HOUR_NS
    assert clock.quality() is UNSYNCED


# ---- when an anchor is due ------------------------------------------------------------------------------------------


def due(anchoring: Anchoring, *stamps: Stamp) -> list[bool]:
    return [anchoring.due(stamp) for stamp in stamps]


def test_one_anchor_when_the_clock_becomes_right() -> None:
    seen = due(Anchoring(), at(1, UNSYNCED), at(2, SYNCED), at(3, SYNCED), at(3 + 40 * DAY_NS, SYNCED))
    assert seen == [False, True, False, False]


def test_a_better_clock_anchors_again_and_a_worse_one_does_not() -> None:
    assert due(Anchoring(), at(1, RTC), at(2, SYNCED), at(3, HOLDOVER), at(4, SYNCED)) == [True, True, False, False]


def test_a_step_of_a_trusted_clock_is_anchored() -> None:
    anchoring = Anchoring()
    far = 5 * SECOND_NS
    assert due(anchoring, at(1), at(2, off_ns=SECOND_NS), at(3, off_ns=far), at(4, off_ns=far)) == [1, 0, 1, 0]


def test_holdover_is_anchored_once_a_day() -> None:
    hours = [at(hour * HOUR_NS, HOLDOVER) for hour in range(50)]
    assert [hour for hour, said in enumerate(due(Anchoring(), *hours)) if said] == [0, 24, 48]


def test_a_clock_that_nobody_vouches_for_is_never_an_anchor() -> None:
    assert not any(due(Anchoring(), at(1, UNSYNCED), at(2, UNSYNCED, off_ns=-BORN_NS), at(2 * DAY_NS, UNSYNCED)))


# ---- an anchor on the wire ------------------------------------------------------------------------------------------


def test_an_anchor_is_read_as_it_was_said() -> None:
    content = {"what": ANCHOR, **anchor_content(at(HOUR_NS), BOOT)}
    assert anchor_in(content, BOOT) == at(HOUR_NS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": "restart"},
        {"bootid": "00000000"},
        {"quality": "unsynced"},
        {"quality": "atomic"},
        {"utc": "2026-11-24 13:05"},
        {"utc": "0001-01-01T00:00:00Z"},
        {"utc": None},
        {"utc": 17},
        {"bootclock": "-1"},
        {"bootclock": "9" * 19},
        {"bootclock": "9" * 5000},
        {"bootclock": "nine"},
        {"bootclock": True},
    ],
    ids=str,
)
def test_what_is_no_anchor_anchors_nothing(wrong: dict[str, object]) -> None:
    assert anchor_in({"what": ANCHOR, **anchor_content(at(HOUR_NS), BOOT), **wrong}, BOOT) is None


@given(st.integers(0, 2**62 // 1_000_000))
def test_milliseconds_survive_the_text(ms: int) -> None:
    assert utc_ns_of(rfc3339(ms * 1_000_000)) == ms * 1_000_000


# ---- correction -----------------------------------------------------------------------------------------------------


def test_without_an_anchor_nothing_is_corrected() -> None:
    assert corrected(7, []) is None


def test_events_before_and_after_the_anchor_get_their_time() -> None:
    for boot_ns in (0, HOUR_NS, 3 * HOUR_NS):
        found = corrected(boot_ns, [at(HOUR_NS)])
        assert found is not None
        assert (found.utc_ns, found.quality, found.disputed) == (BORN_NS + boot_ns, SYNCED, False)
        assert found.error_ns == abs(boot_ns - HOUR_NS) * DRIFT_PPM // 1_000_000


def test_the_best_anchor_counts_however_near_a_worse_one_is() -> None:
    found = corrected(0, [at(1, RTC, off_ns=30 * SECOND_NS), at(HOUR_NS, SYNCED)])
    assert found is not None
    assert (found.utc_ns, found.quality, found.disputed) == (BORN_NS, SYNCED, False)


def test_drift_between_two_anchors_is_no_dispute_and_the_nearer_one_counts() -> None:
    drifted = at(10 * DAY_NS, off_ns=40 * SECOND_NS)  # 46 ppm
    anchors = [at(0), drifted]
    early, late = corrected(DAY_NS, anchors), corrected(9 * DAY_NS, anchors)
    assert early is not None
    assert late is not None
    assert (early.utc_ns, early.disputed) == (BORN_NS + DAY_NS, False)
    assert (late.utc_ns, late.disputed) == (BORN_NS + 9 * DAY_NS + 40 * SECOND_NS, False)


def test_anchors_that_disagree_are_said_to_and_bound_the_error() -> None:
    found = corrected(HOUR_NS, [at(HOUR_NS + 1), at(2 * HOUR_NS, off_ns=-DAY_NS)])
    assert found is not None
    assert (found.utc_ns, found.disputed, found.error_ns) == (BORN_NS + HOUR_NS, True, DAY_NS)


def test_a_time_that_no_calendar_has_is_not_made() -> None:
    assert corrected(2**63 - 1, [at(0)]) is None


@given(
    st.lists(st.tuples(st.integers(0, 10**16), st.integers(-(10**10), 10**10)), min_size=1, max_size=5),
    st.integers(0, 10**16),
)
def test_the_bound_holds_the_truth_of_every_anchor(said: list[tuple[int, int]], boot_ns: int) -> None:
    """Whichever of them is right, the corrected time is no further from it than the bound, the step and the drift."""
    anchors = [at(clock, off_ns=off) for clock, off in said]
    found = corrected(boot_ns, anchors)
    assert found is not None
    for anchor in anchors:
        span = max(abs(anchor.boot_ns - other.boot_ns) for other in anchors) * DRIFT_PPM // 1_000_000
        assert abs(found.utc_ns - (anchor.offset_ns + boot_ns)) <= found.error_ns + span + SECOND_NS + 1
