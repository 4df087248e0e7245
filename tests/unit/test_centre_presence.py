"""The state of a box is the one that happened last, however late another one arrives."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from edge.centre.places import CentrePlaces
from edge.centre.presence import followed_by, settled
from edge.centre.store import Store
from edge.core.messages import State, decode, encode
from edge.core.words import BoxId, Epoch

BORN = State(
    box=BoxId("ktg-k7q2m9xa"), site="33.74.10.1004-010-005", session="s1", online=True, version="0.1.0", config=1,
    bootid="5f0e2a9c", epoch=Epoch("0000aaaa"), ordinal=4, head=10, nonce="n", timequality="synced", zones={},
    sounders={},
)  # fmt: skip
WILL = replace(BORN, online=False)
LATER = replace(BORN, head=12)
RECONNECTED = replace(BORN, session="s2", head=12)
REBORN = replace(BORN, session="s3", epoch=Epoch("0000bbbb"), ordinal=5, head=1)
UNKNOWN = replace(REBORN, ordinal=0)  # its ledger is not open yet


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    with Store.open(CentrePlaces(root).store) as store:
        yield store


def told(store: Store, *states: State) -> State:
    """What is known after these came one after the other."""
    for state in states:
        with store.group(1) as group:
            group.presence(state, encode(state))
    with store.database.transaction() as connection:
        raw = connection.exec_driver_sql("SELECT raw FROM presence").scalar_one()
    return decode(raw, State)


@pytest.mark.parametrize("last", [REBORN, UNKNOWN, RECONNECTED], ids=["reborn", "no ledger yet", "reconnected"])
def test_a_late_will_does_not_show_a_living_box_dead(store: Store, last: State) -> None:
    assert told(store, BORN, last, WILL) == last


def test_a_will_in_time_shows_that_the_box_went(store: Store) -> None:
    assert told(store, BORN, LATER, WILL) == WILL
    assert told(store, BORN) == WILL  # what another process held back for a moment
    assert told(store, RECONNECTED) == RECONNECTED


@pytest.mark.parametrize("order", list(permutations((LATER, REBORN, replace(REBORN, head=3)))))
def test_the_newest_epoch_and_head_count_in_every_order_of_arrival(store: Store, order: tuple[State, ...]) -> None:
    assert told(store, *order) == replace(REBORN, head=3)


def test_a_will_of_an_unknown_session_counts_unless_it_is_older() -> None:
    """The centre was away when that session began."""
    assert followed_by(settled(encode(LATER), ""), replace(WILL, session="s9", head=12), {})
    assert not followed_by(settled(encode(LATER), ""), replace(WILL, session="s9", head=11), {})
    assert not followed_by(settled(encode(LATER), "s0 s9"), replace(WILL, session="s9", head=12), {})
