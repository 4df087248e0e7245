"""What a command may ask: strict arguments, the site's own word, and two people for a long sound."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.messages import Command
from edge.core.orders import ARGUMENTS, USES, Diagnose, Overlay, Policy, Snapshot, wish_of
from edge.core.seal import Forged
from edge.core.words import (
    SECOND_NS,
    Acknowledge,
    BoxId,
    Bypass,
    Operator,
    Purpose,
    Silence,
    SoundFor,
    Stimulus,
    ZoneId,
)

SARI, BOTH = Operator("Sari", "centre", ("kid-1",)), Operator("Sari", "centre", ("kid-1", "kid-2"))
BLANK = Command(BoxId("ktg-k7q2m9xa"), "j1", "n1", 0, "silence", {}, "Sari")
Args = dict[str, str | int]


def wish(
    name: str,
    args: Args,
    policy: Policy = Policy(),  # noqa: B008  # frozen
    *,
    signatures: int = 1,
) -> Stimulus | Overlay | Diagnose | Snapshot:
    return wish_of(replace(BLANK, name=name, args=args), policy, keys=("kid-1", "kid-2")[:signatures])


def refusal(name: str, args: Args, policy: Policy = Policy(), *, signatures: int = 1) -> str:  # noqa: B008  # frozen
    with pytest.raises(Forged) as caught:
        wish(name, args, policy, signatures=signatures)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "args", "asked"),
    [
        ("silence", {"alarm": "7c1f0b2e.4"}, Silence("7c1f0b2e.4", SARI)),
        ("acknowledge", {"alarm": "7c1f0b2e.4", "ticket": "T-1"}, Acknowledge("7c1f0b2e.4", "T-1", SARI)),
        ("bypass", {"zone": "masjid", "duration": 3600}, Bypass(ZoneId("masjid"), 3600 * SECOND_NS, SARI)),
        ("bypass", {"zone": "masjid", "duration": 0}, Bypass(ZoneId("masjid"), 0, SARI)),
        (
            "sound",
            {"pattern": "jateng.theft", "duration": 30},
            SoundFor("jateng.theft", 30 * SECOND_NS, Purpose.REMOTE, SARI),
        ),
        ("squawk", {}, SoundFor("iso.temporal-3", SECOND_NS, Purpose.TEST, SARI)),
        ("self-test", {}, SoundFor("iso.temporal-3", 3 * SECOND_NS, Purpose.TEST, SARI)),
    ],
)
def test_a_command_becomes_what_it_says(name: str, args: Args, asked: Stimulus) -> None:
    assert wish(name, args) == asked


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("silence", {}),
        ("silence", {"alarm": 4}),
        ("silence", {"alarm": ""}),
        ("silence", {"alarm": "a", "box": "b"}),
        ("acknowledge", {"ticket": "T-1"}),
        ("bypass", {"zone": "masjid"}),
        ("bypass", {"zone": "masjid", "duration": 8 * 3600 + 1}),
        ("bypass", {"zone": "masjid", "duration": "3600"}),
        ("sound", {"pattern": "jateng.theft", "duration": -1}),
        ("sound", {"pattern": "jateng.theft", "duration": 181}),
        ("sound", {"pattern": "x" * 65, "duration": 1}),
        ("squawk", {"duration": 180}),
    ],
)
def test_arguments_that_are_not_exactly_right_are_refused(name: str, args: Args) -> None:
    assert refusal(name, args).startswith("args: ")


def test_more_than_thirty_seconds_need_two_people() -> None:
    long: Args = {"pattern": "jateng.theft", "duration": 31}
    assert refusal("sound", long).startswith("signatures")
    assert wish("sound", long, signatures=2) == SoundFor("jateng.theft", 31 * SECOND_NS, Purpose.REMOTE, BOTH)


def test_an_order_without_a_name_under_it_is_refused() -> None:
    for nobody in ("", "  "):
        with pytest.raises(Forged, match=r"^args"):
            wish_of(replace(BLANK, name="squawk", by=nobody), Policy(), keys=("kid-1",))


def test_the_sites_own_word_stands_above_every_signature() -> None:
    own = Policy(sound=False, bypass=False)
    assert refusal("sound", {"pattern": "jateng.theft", "duration": 60}, own, signatures=2).startswith("policy")
    assert refusal("self-test", {}, own).startswith("policy")
    assert refusal("bypass", {"zone": "masjid", "duration": 60}, own).startswith("policy")


def test_what_ends_a_sound_or_a_bypass_is_always_taken() -> None:
    own = Policy(sound=False, bypass=False)
    assert wish("sound", {"pattern": "gone", "duration": 0}, own) == SoundFor("gone", 0, Purpose.REMOTE, SARI)
    assert wish("bypass", {"zone": "masjid", "duration": 0}, own) == Bypass(ZoneId("masjid"), 0, SARI)


def test_what_cannot_be_done_here_is_refused_by_name() -> None:
    assert refusal("sound", {"pattern": "jateng.none", "duration": 5}).startswith("pattern")
    assert wish("snapshot", {"camera": "pos"}) == Snapshot("pos", SARI)


def test_every_command_has_a_key_and_a_form() -> None:
    assert USES.keys() == ARGUMENTS.keys()


@given(
    st.sampled_from(sorted(USES)),
    st.dictionaries(st.text(max_size=9), st.one_of(st.integers(), st.text(max_size=99)), max_size=4),
    st.integers(1, 2),
)
def test_whatever_stands_in_the_arguments_a_sound_is_short_or_twice_signed(name: str, args: Args, signed: int) -> None:
    try:
        asked = wish(name, args, signatures=signed)
    except Forged:
        return
    if isinstance(asked, SoundFor):
        assert asked.duration_ns <= (180 if signed == 2 else 30) * SECOND_NS
