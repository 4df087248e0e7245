"""Sequences as ranges, and what is not in them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.core.spans import Span, gaps, runs

sequences = st.sets(st.integers(min_value=1, max_value=60)).map(sorted)


def spread(spans: list[Span]) -> list[int]:
    return [seq for first, last in spans for seq in range(first, last + 1)]


@given(sequences)
def test_runs_hold_exactly_these_in_as_few_ranges_as_there_can_be(known: list[int]) -> None:
    spans = list(runs(known))
    assert spread(spans) == known
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(spans))


@given(sequences, st.integers(1, 60), st.integers(0, 60))
def test_gaps_are_all_the_rest(known: list[int], first: int, length: int) -> None:
    wanted = range(first, first + length)
    inside = [seq for seq in known if seq in wanted]
    spans = list(gaps(inside, first, first + length - 1))
    assert spread(spans) == [seq for seq in wanted if seq not in inside]
