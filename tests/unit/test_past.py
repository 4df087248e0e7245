"""Which presses were told before a start: what /run says, and when it is told."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from edge.core.words import Epoch, EventClass, EventId, Json, Pressed, Record, ZoneId
from edge.daemons.alarm.kept import Kept
from edge.daemons.alarm.past import Birth, Past

EPOCH = Epoch("7c1f0b2e")
BOOT = "5f0e2a9c"
PRESSED = Pressed(ZoneId("pos"), 100, 20)
NONE: Mapping[str, Json] = MappingProxyType({})


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "activations.json", BOOT)


@pytest.fixture
def past(kept: Kept) -> Past:
    return Past(Birth(EventId(EPOCH, 1), BOOT, 0, "active"), kept, lambda _notes: None, 0)


def record(seq: int, name: str = "alarm", content: Mapping[str, Json] = NONE) -> Record:
    return Record(EventId(EPOCH, seq), EventClass.ALARM, name, "zone/pos", content)


def test_a_press_is_told_when_its_event_cannot_be_lost_any_more(past: Past) -> None:
    past.telling(record(2), {"pos": 10})
    assert past.held_here() == frozenset()
    past.told([EventId(EPOCH, 2)])
    assert past.held_here() == {"pos"}


def test_an_event_tells_nothing_of_other_zones(past: Past) -> None:
    """Theirs may be refused by a memory that is full, while this one is stored."""
    past.telling(record(2), {"pos": 10, "masjid": 9})
    past.told([EventId(EPOCH, 2)])
    assert past.held_here() == {"pos"}


def test_of_two_presses_in_a_row_the_first_event_does_not_tell_the_second(past: Past, kept: Kept) -> None:
    past.telling(record(2), {"pos": 10})
    kept.release(20, "pos")
    past.telling(record(3), {"pos": 30})
    past.told([EventId(EPOCH, 2)])
    assert past.held_here() == frozenset()
    past.told([EventId(EPOCH, 3)])
    assert past.held_here() == {"pos"}


@pytest.mark.parametrize(("content", "tells"), [({"presses": 2}, True), ({"presses": 0}, False), ({}, False)])
def test_an_update_tells_a_press_if_it_counts_one(past: Past, content: dict[str, Json], tells: bool) -> None:
    past.telling(record(3, "alarm-update", content), {"pos": 30})
    past.told([EventId(EPOCH, 3)])
    assert bool(past.held_here()) == tells


def test_a_press_that_only_the_ledger_knows_of_waits_for_its_word(past: Past) -> None:
    doubtful(past)
    assert past.withholds(PRESSED)
    assert past.settle({"boot": BOOT, "zones": {"pos": "10"}}) == []


@pytest.mark.parametrize(
    "noted", [None, {}, {"boot": "another0", "zones": {"pos": "10"}}, {"boot": BOOT, "zones": {"pos": "9"}}]
)
def test_a_press_that_the_ledger_does_not_know_is_told(past: Past, noted: object) -> None:
    doubtful(past)
    assert past.withholds(PRESSED)
    assert past.settle(noted) == [PRESSED]
    assert not past.withholds(PRESSED)  # and is not kept back again


def test_nothing_else_is_kept_back(past: Past, kept: Kept) -> None:
    past.telling(record(2), {"pos": 10})
    past.told([EventId(EPOCH, 2)])
    past.doubt(["pos", "masjid"])
    assert not past.withholds(PRESSED)
    past.telling(record(3), {"pos": 30})
    kept.release(31, "pos")
    past.doubt(["pos", "masjid"])
    assert not past.withholds(PRESSED)


def doubtful(past: Past) -> None:
    past.telling(record(2), {"pos": 10})
    past.doubt(["pos", "masjid"])


def test_what_was_let_go_is_not_held_any_more(past: Past, kept: Kept) -> None:
    past.telling(record(2), {"pos": 10})
    past.told([EventId(EPOCH, 2)])
    kept.release(11, "pos")
    assert past.held_here() == frozenset()
