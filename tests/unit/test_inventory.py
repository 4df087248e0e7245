"""Which camera is which: twins are never taken for one, and nobody is bound to an address that only may be its own."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from edge.core.inventory import (
    Adopted,
    Marks,
    Sighting,
    Where,
    Whereabouts,
    compare,
    conflicts,
    plain_mac,
    twins,
)

GATE = Adopted(name="gerbang", host="10.0.0.1", port=80, marks=Marks(epr="urn:1", mac="aa0000000001", serial="S1"))
POST = Adopted(name="pos", host="10.0.0.2", port=80, marks=Marks(epr="urn:2", mac="aa0000000002", serial="S2"))
AT_GATE = Sighting("10.0.0.1", 80, "urn:1", "aa0000000001")
AT_POST = Sighting("10.0.0.2", 80, "urn:2", "aa0000000002")


def where(camera: Adopted, *sightings: Sighting, others: tuple[Adopted, ...] = ()) -> Whereabouts:
    return compare([camera, *others], sightings).cameras[camera.name]


# ---- one camera ------------------------------------------------------------------------------------------------------


def test_a_camera_at_its_address_is_here() -> None:
    assert where(GATE, AT_GATE, AT_POST) == Whereabouts(Where.HERE, (AT_GATE,))


def test_what_nobody_adopted_is_a_stranger() -> None:
    assert compare([GATE], [AT_GATE, AT_POST]).strangers == (AT_POST,)


def test_a_camera_that_nobody_saw_is_missing() -> None:
    assert where(GATE, AT_POST) == Whereabouts(Where.MISSING)


def test_a_camera_at_another_address_has_moved() -> None:
    moved = replace(AT_GATE, host="10.0.0.77")
    assert where(GATE, moved, AT_POST) == Whereabouts(Where.MOVED, (moved,))


def test_another_port_is_another_address() -> None:
    moved = replace(AT_GATE, port=8000)
    assert where(GATE, moved) == Whereabouts(Where.MOVED, (moved,))


def test_a_camera_is_known_by_its_mac_where_its_reference_is_new() -> None:
    """A reference that is made at each start says nothing; but one that differs speaks against it."""
    no_reference = replace(GATE, marks=Marks(mac="aa0000000001"))
    moved = Sighting("10.0.0.9", 80, "urn:other", "aa0000000001")
    assert where(no_reference, moved).where is Where.MOVED
    assert where(GATE, moved).where is Where.MISSING


def test_something_else_at_its_address_has_usurped_it() -> None:
    other = Sighting("10.0.0.1", 80, "urn:9", "aa0000000009")
    assert where(GATE, other) == Whereabouts(Where.USURPED, (other,))


def test_a_camera_that_says_nothing_of_itself_is_taken_at_the_word_of_its_address() -> None:
    silent = Sighting("10.0.0.1", 80)
    assert where(GATE, silent).where is Where.HERE
    assert where(GATE, replace(silent, host="10.0.0.5")).where is Where.MISSING


def test_after_a_swap_of_addresses_both_have_moved() -> None:
    swapped = (replace(AT_GATE, host="10.0.0.2"), replace(AT_POST, host="10.0.0.1"))
    diff = compare([GATE, POST], swapped)
    assert {name: (at.where, at.sightings[0].host) for name, at in diff.cameras.items()} == {
        "gerbang": (Where.MOVED, "10.0.0.2"),
        "pos": (Where.MOVED, "10.0.0.1"),
    }


# ---- twins -----------------------------------------------------------------------------------------------------------


def test_two_that_claim_to_be_it_are_both_shown_and_neither_is_taken() -> None:
    claims = (replace(AT_GATE, host="10.0.0.7"), replace(AT_GATE, host="10.0.0.8"))
    assert where(GATE, *claims) == Whereabouts(Where.DOUBTFUL, claims)


def test_one_that_two_of_ours_may_be_is_neither() -> None:
    twin = replace(POST, marks=Marks(epr="urn:1"))
    claim = Sighting("10.0.0.7", 80, "urn:1")
    found = compare([replace(GATE, marks=Marks(epr="urn:1")), twin], [claim]).cameras
    assert {at.where for at in found.values()} == {Where.DOUBTFUL}


def test_a_twin_that_stays_at_home_is_not_taken_for_the_one_that_left() -> None:
    twin = replace(POST, marks=Marks(epr="urn:1"))
    diff = compare([GATE, twin], [Sighting("10.0.0.2", 80, "urn:1")])
    assert diff.cameras["pos"].where is Where.HERE
    assert diff.cameras["gerbang"].where is Where.MISSING


def test_units_that_share_their_first_mac_are_told_apart_by_their_reference() -> None:
    shared = Sighting("10.0.0.9", 80, "urn:3", "aa0000000001")
    assert where(GATE, shared).where is Where.MISSING


def test_conflicts_are_named_on_both_sides() -> None:
    one = replace(GATE, marks=Marks(epr="urn:1", serial="SAME"))
    other = replace(POST, marks=Marks(epr="urn:2", serial="SAME"))
    assert conflicts([one, other]) == {"gerbang": ("pos: serial",), "pos": ("gerbang: serial",)}


def test_twins_are_counted_by_their_reference_alone() -> None:
    seen = [AT_GATE, replace(AT_GATE, host="10.0.0.7"), AT_POST, Sighting("10.0.0.3", 80), Sighting("10.0.0.4", 80)]
    assert [twins(each, seen) for each in seen] == [1, 1, 0, 0, 0]


def test_a_mac_is_the_same_however_it_is_written() -> None:
    assert {plain_mac(each) for each in ("AA:BB:CC:00:11:22", "aa-bb-cc-00-11-22", "aabb.cc00.1122")} == {
        "aabbcc001122"
    }
    assert [plain_mac(each) for each in ("", "aa:bb", "zz:bb:cc:00:11:22", "aa:bb:cc:00:11:22:33")] == [""] * 4


# ---- whatever a network says -----------------------------------------------------------------------------------------

few = st.sampled_from(["", "1", "2", "3"])
hosts = st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"])
ports = st.sampled_from([80, 8000])
sightings = st.lists(st.builds(Sighting, hosts, ports, few, few), max_size=8)
adopted = st.lists(
    st.builds(Adopted, name=st.sampled_from("abcde"), host=hosts, port=ports,
              marks=st.builds(Marks, epr=few, mac=few, serial=few)),
    max_size=5, unique_by=lambda camera: camera.name,
)  # fmt: skip


@given(adopted, sightings)
def test_every_camera_is_somewhere_and_no_sighting_is_two_cameras(cameras: list[Adopted], seen: list[Sighting]) -> None:
    diff = compare(cameras, seen)
    assert diff.cameras.keys() == {camera.name for camera in cameras}
    bound = [at.sightings[0] for at in diff.cameras.values() if at.where is Where.MOVED]
    assert len(bound) == len(set(bound))
    assert not set(bound) & set(diff.strangers)
    at_home = {at.sightings[0] for at in diff.cameras.values() if at.where is Where.HERE}
    assert not at_home & set(bound)


@given(adopted, sightings)
def test_nobody_is_bound_to_what_contradicts_it(cameras: list[Adopted], seen: list[Sighting]) -> None:
    diff = compare(cameras, seen)
    for camera in cameras:
        at = diff.cameras[camera.name]
        if at.where in {Where.HERE, Where.MOVED}:
            assert not camera.marks.contradicts(at.sightings[0].marks)
        if at.where is Where.MOVED:
            assert camera.marks.shares(at.sightings[0].marks)


@given(adopted, sightings)
def test_one_has_moved_only_where_nobody_else_may_be_it(cameras: list[Adopted], seen: list[Sighting]) -> None:
    diff = compare(cameras, seen)
    at_home = {at.sightings[0] for at in diff.cameras.values() if at.where is Where.HERE}
    for camera in cameras:
        if diff.cameras[camera.name].where is not Where.MOVED:
            continue
        may_be = [
            each for each in set(seen) - at_home
            if camera.marks.shares(each.marks) and not camera.marks.contradicts(each.marks)
        ]  # fmt: skip
        assert may_be == list(diff.cameras[camera.name].sightings)


@given(adopted, sightings, st.randoms(use_true_random=False))
def test_the_order_in_which_they_answer_changes_nothing(
    cameras: list[Adopted], seen: list[Sighting], chance: Random
) -> None:
    before = compare(cameras, seen)
    chance.shuffle(seen)
    chance.shuffle(cameras)
    assert compare(cameras, seen) == before
