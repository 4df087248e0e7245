"""Who is believed to have answered a probe, and how much of it."""

import pytest

from drivers.camera import Candidate
from drivers.probing import (
    DATAGRAMS_OF_HOST,
    DEVICES_LIMIT,
    DEVICES_OF_HOST,
    GROUP,
    HOSTS_COUNTED,
    Gathering,
    Sought,
    write_probe,
)
from tests.contract.answerers import ASKED, match, matches

ID = "urn:uuid:00000000-0000-4000-8000-000000000001"
ASKED_ALL = {ID: GROUP}


def answer(epr: str, relates_to: str = ID) -> bytes:
    return matches(relates_to, match(epr, "http://10.0.0.1/onvif/device_service"))


def anybody(_host: str) -> bool:
    return True


@pytest.fixture
def gathering() -> Gathering:
    return Gathering(anybody)


def test_the_same_answer_thrice_is_one_device(gathering: Gathering) -> None:
    assert [gathering.take(answer("a"), "10.0.0.1", ASKED_ALL) for _ in range(3)] == [1, 0, 0]


def test_twins_that_differ_in_their_address_alone_are_two(gathering: Gathering) -> None:
    for host in ("10.0.0.1", "10.0.0.2"):
        gathering.take(answer("urn:uuid:same"), host, ASKED_ALL)
    assert set(gathering.candidates) == {("urn:uuid:same", "10.0.0.1"), ("urn:uuid:same", "10.0.0.2")}


def test_each_is_told_once_as_it_comes() -> None:
    told: list[Candidate] = []
    gathering = Gathering(anybody, told.append)
    for epr in ("a", "a", "b"):
        gathering.take(answer(epr), "10.0.0.1", ASKED_ALL)
    assert [candidate.epr for candidate in told] == ["a", "b"]


def test_an_answer_to_nothing_that_was_asked_is_nobody(gathering: Gathering) -> None:
    for relates_to in ("", "urn:uuid:of-somebody-else", ID[:-1]):
        assert gathering.take(answer("a", relates_to), "10.0.0.1", ASKED_ALL) == 0


def test_an_id_written_in_capitals_is_the_same(gathering: Gathering) -> None:
    assert gathering.take(answer("a", ID.upper()), "10.0.0.1", ASKED_ALL) == 1


def test_what_one_address_was_asked_another_cannot_answer(gathering: Gathering) -> None:
    assert gathering.take(answer("a"), "10.0.0.2", {ID: "10.0.0.1"}) == 0
    assert gathering.take(answer("a"), "10.0.0.1", {ID: "10.0.0.1"}) == 1


def test_a_sender_from_elsewhere_is_not_read() -> None:
    gathering = Gathering(lambda host: host.startswith("10."))
    assert gathering.take(answer("a"), "8.8.8.8", ASKED_ALL) == 0


def test_one_address_cannot_claim_to_be_a_crowd(gathering: Gathering) -> None:
    taken = [gathering.take(answer(f"epr-{number}"), "10.0.0.1", ASKED_ALL) for number in range(300)]
    assert sum(taken) == DEVICES_OF_HOST
    assert gathering.take(answer("honest"), "10.0.0.2", ASKED_ALL) == 1


def test_ten_thousand_devices_are_cut_to_what_a_site_can_have(gathering: Gathering) -> None:
    for number in range(10_000):
        gathering.take(answer(f"epr-{number}"), f"10.{number >> 8}.{number & 255}.1", ASKED_ALL)
    assert len(gathering.candidates) == DEVICES_LIMIT


def test_a_noisy_address_is_not_parsed_for_ever(gathering: Gathering, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(DATAGRAMS_OF_HOST):
        gathering.take(b"noise", "10.0.0.1", ASKED_ALL)
    assert gathering.take(answer("late"), "10.0.0.1", ASKED_ALL) == 0
    monkeypatch.setattr("drivers.probing.read", None)
    assert gathering.take(b"noise", "10.0.0.1", ASKED_ALL) == 0


def test_invented_senders_cost_no_memory(gathering: Gathering) -> None:
    for number in range(HOSTS_COUNTED + 1000):
        gathering.take(b"", f"sender {number}", ASKED_ALL)
    assert len(gathering._datagrams) == HOSTS_COUNTED
    assert gathering.take(answer("a"), "10.0.0.1", ASKED_ALL) == 1


@pytest.mark.parametrize("sought", Sought)
def test_a_probe_carries_its_id_and_what_it_seeks(sought: Sought) -> None:
    raw = write_probe(sought, ID)
    asked = ASKED.search(raw)
    assert asked is not None
    assert asked.group(1).decode() == ID
    assert (b"<d:Types>" + sought.encode() + b"</d:Types>" in raw) is (sought is not Sought.ANY)
