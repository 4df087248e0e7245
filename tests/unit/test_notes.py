import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.words import Epoch, EventClass, EventId, Record
from edge.daemons.alarm.notes import debt_in, moments_in, names_in
from edge.ledger.shedding import Debt

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30) | st.just("9" * 5000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


def test_what_was_noted_is_read_back() -> None:
    assert moments_in({"pos-ronda": "1843221004512", "masjid": "0"}) == {"pos-ronda": 1_843_221_004_512, "masjid": 0}
    assert names_in(["masjid", "pos-ronda"]) == {"masjid", "pos-ronda"}


@pytest.mark.parametrize("value", [None, 7, "masjid", ["masjid"], {"masjid": 7}, {"masjid": "x"}, {"masjid": "-1"}])
def test_what_is_no_moment_is_left_out(value: object) -> None:
    assert moments_in(value) == {}
    assert moments_in({"ok": "1", "odd": value}) == {"ok": 1}


@given(ANY)
def test_any_note_is_read_as_something(value: Any) -> None:
    noted = json.loads(json.dumps(value))
    assert all(0 <= at_ns < 10**19 for at_ns in moments_in(noted).values())
    assert all(isinstance(name, str) for name in names_in(noted))


def test_a_lost_event_pays_the_debt_that_it_names_and_nothing_else_does() -> None:
    epoch = Epoch("7c1f0b2e")
    content: dict[str, Any] = {"epoch": epoch, "ranges": [[1, 2]], "stretch": 7}
    lost = Record(EventId(epoch, 9), EventClass.TROUBLE, "lost", "box", content)
    assert debt_in(lost) == {Debt(7, epoch, ((1, 2),)).note: None}
    assert debt_in(Record(lost.id, lost.event_class, "trouble", "box", content)) == {}
    assert debt_in(Record(lost.id, lost.event_class, "lost", "box", {})) == {}
