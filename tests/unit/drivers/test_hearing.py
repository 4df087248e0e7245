"""How many hints there are, on a clock of our own; what reaches the socket is in tests/contract."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from drivers.hearing import HINTS_AT_ONCE, HOSTS_REMEMBERED, PAUSE_OF_HOST_S, Hearing
from drivers.interfaces import Interface
from drivers.probe_match import Kind
from tests.contract.answerers import match, matches
from tests.unit.drivers.datagrams import bye, hello


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hearing(clock: Clock) -> Iterator[Hearing]:
    with Hearing(list, clock) as hearing:
        yield hearing


def test_a_neighbourhood_that_boots_is_heard_and_a_second_one_is_not(hearing: Hearing) -> None:
    heard = [hearing._hint(hello("a"), f"10.0.0.{number}") for number in range(2 * HINTS_AT_ONCE)]
    assert sum(hint is not None for hint in heard) == HINTS_AT_ONCE
    assert hearing.passed_over == HINTS_AT_ONCE


def test_the_budget_comes_back_second_by_second(hearing: Hearing, clock: Clock) -> None:
    for number in range(HINTS_AT_ONCE):
        hearing._hint(hello("a"), f"10.0.0.{number}")
    clock.now += 3.0
    heard = [hearing._hint(hello("a"), f"10.0.1.{number}") for number in range(10)]
    assert sum(hint is not None for hint in heard) == 3


def test_one_address_is_heard_once_in_a_while_and_its_bye_hides_no_hello(hearing: Hearing, clock: Clock) -> None:
    said = [hearing._hint(raw, "10.0.0.1") for raw in (bye("a"), hello("a"), hello("b"))]
    assert [hint and hint.what for hint in said] == [Kind.BYE, Kind.HELLO, None]
    clock.now += PAUSE_OF_HOST_S
    assert hearing._hint(hello("b"), "10.0.0.1") is not None


def test_addresses_without_end_cost_no_memory(hearing: Hearing, clock: Clock) -> None:
    for number in range(1000):
        clock.now += 1.0
        assert hearing._hint(hello("a"), f"10.0.{number >> 8}.{number & 255}") is not None
    assert len(hearing._last) == HOSTS_REMEMBERED


def test_interfaces_are_looked_at_again_once_in_a_while(clock: Clock) -> None:
    looked: list[float] = []

    def interfaces() -> list[Interface]:
        looked.append(clock.now)
        return []

    with Hearing(interfaces, clock) as hearing:
        for _ in range(25):
            clock.now += 1.0
            hearing.follow()
    assert looked == [1000.0, 1010.0, 1020.0]


def test_probes_of_others_are_passed_over_unread(hearing: Hearing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.hearing.read", None)
    assert hearing._hint(b"<Envelope><Body><Probe/></Body></Envelope>", "10.0.0.1") is None


def test_an_answer_to_a_probe_is_no_hint(hearing: Hearing) -> None:
    assert hearing._hint(matches("x", match("Hello", "http://h/")), "10.0.0.1") is None
