from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.patterns import (
    ISO_8201,
    MILLISECOND_NS,
    RAPID,
    STEADY_LIMIT_NS,
    TEMPORAL_3,
    Moment,
    Step,
    Switch,
    Timeline,
    articulated,
    at,
    beat,
    pause,
    stroke,
)
from edge.core.profiles import COARSE, JATENG, POLRI, PROFILES, Beat, Profile, is_known, pattern_for, timeline_of
from edge.core.words import Kind

notations = st.lists(st.text("0", min_size=1, max_size=5), min_size=1, max_size=5).flatmap(
    lambda groups: st.lists(st.sampled_from(".-"), min_size=len(groups), max_size=len(groups)).map(
        lambda pauses: "".join(a + b for a, b in zip(groups, pauses, strict=True))[:-1]
    )
)


def milliseconds(timeline: Timeline) -> list[int]:
    return [step.for_ns // MILLISECOND_NS for step in timeline.steps]


def test_kentongan_three_three_three_is_temporal_3_of_iso_8201() -> None:
    assert milliseconds(beat("000")) == [500, 500, 500, 500, 500, 1500]
    assert milliseconds(beat("000-000-000")) == milliseconds(TEMPORAL_3) * 3


def test_short_pause_lies_between_a_stroke_gap_and_a_group_pause() -> None:
    assert milliseconds(beat("0.0-00")) == [500, 1000, 500, 1500, 500, 500, 500, 1500]


def test_titir_is_150_on_100_off_without_a_seam() -> None:
    assert set(timeline_of("jateng.titir").steps) == {stroke(150 * MILLISECOND_NS), pause(100 * MILLISECOND_NS)}


@pytest.mark.parametrize(("switch", "kept"), [("ssr", True), ("audio", True), ("relay", False), ("motor", False)])
def test_titir_only_on_a_sounder_that_survives_it(switch: Switch, kept: bool) -> None:
    titir = timeline_of("jateng.titir")
    assert articulated(titir, switch) == (titir if kept else TEMPORAL_3)
    assert articulated(timeline_of("jateng.fire"), switch) == timeline_of("jateng.fire")


@pytest.mark.parametrize("notation", ["", "-", "...", "0-", "-0", "0--0", "0.-0", "00x0", "0 0", "1"])
def test_notation_that_is_not_a_beat_is_refused(notation: str) -> None:
    with pytest.raises(ValueError, match="notation"):
        beat(notation)


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (stroke(STEADY_LIMIT_NS),),  # for ever
        (stroke(STEADY_LIMIT_NS + 1), pause(MILLISECOND_NS * 500)),
        (stroke(6 * 10**9), stroke(6 * 10**9), pause(10**9)),  # in two pieces
        (stroke(6 * 10**9), pause(10**9), stroke(5 * 10**9)),  # over the seam
        (pause(10**9),),
        (pause(10**9), stroke(10**9)),
        (stroke(10**9), pause(6 * 10**9)),
        (stroke(10**9), pause(MILLISECOND_NS)),  # a gap that nobody hears makes it steady
        (stroke(0), pause(10**9)),
        (stroke(-5), pause(10**9)),
    ],
)
def test_guard_refuses_what_is_steady_silent_or_unhearable(steps: tuple[Step, ...]) -> None:
    with pytest.raises(ValueError, match=r"tsunami|stroke|heard|silence|step"):
        Timeline(steps)


def test_ten_seconds_on_are_still_allowed() -> None:
    assert Timeline((stroke(STEADY_LIMIT_NS), pause(10**9))).cycle_ns == 11 * 10**9


@given(notations, st.sampled_from([ISO_8201, RAPID]), st.integers(0, 10**12))
def test_every_moment_agrees_with_walking_the_timeline(notation: str, tempo: object, elapsed_ns: int) -> None:
    timeline = beat(notation, tempo)  # type: ignore[arg-type]  # sampled_from loses the type
    moment = at(timeline, elapsed_ns)
    assert elapsed_ns < moment.until_ns <= elapsed_ns + max(step.for_ns for step in timeline.steps)
    assert at(timeline, moment.until_ns - 1) == moment
    assert at(timeline, moment.until_ns).on is not moment.on
    assert at(timeline, elapsed_ns + timeline.cycle_ns) == Moment(moment.on, moment.until_ns + timeline.cycle_ns)


@given(notations)
def test_strokes_of_the_notation_are_the_strokes_heard(notation: str) -> None:
    timeline = beat(notation)
    assert sum(step.on for step in timeline.steps) == notation.count("0")
    assert all(a.on != b.on for a, b in pairwise(timeline.steps))


def test_profiles_play_what_the_regions_agreed() -> None:
    assert {name: each.notation for name, each in JATENG.beats.items() if name != "titir"} == {
        "theft": "00-00",
        "fire": "000-000",
        "disaster": "0000-0000",
    }
    assert {name: each.notation for name, each in POLRI.beats.items()} == {
        "theft": "00-00-00",
        "fire": "000-000-000",
        "disaster": "000.0-000.0-000.0",
        "accident": "0.000-0.000",
        "riot": "00.000-00.000",
    }
    assert pattern_for("jateng", Kind.CRIME) == "jateng.titir"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_known_pattern_and_no_single_stroke(profile: str, kind: Kind) -> None:
    name = pattern_for(profile, kind)
    assert is_known(name)
    assert sum(step.on for step in timeline_of(name).steps) >= 2


def test_profile_with_a_single_stroke_or_a_missing_call_is_refused() -> None:
    with pytest.raises(ValueError, match="single stroke"):
        Profile("x", {"one": Beat("0")}, dict.fromkeys(Kind, "one"))
    with pytest.raises(ValueError, match="no beat for 'fire'"):
        Profile("x", {"two": Beat("00")}, {Kind.CRIME: "two"})


def test_unknown_names_still_sound() -> None:
    assert pattern_for("nowhere", Kind.FIRE) == COARSE
    assert timeline_of("nowhere.fire") == TEMPORAL_3
    assert not is_known("nowhere.fire")
