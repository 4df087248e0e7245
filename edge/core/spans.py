"""Sequences as inclusive ranges."""

from collections.abc import Iterable, Iterator

Span = tuple[int, int]


def runs(sequences: Iterable[int]) -> Iterator[Span]:
    """The rising ranges that hold exactly these sequences, which are sorted."""
    first = last = 0
    for seq in sequences:
        if last and seq > last + 1:
            yield first, last
        if not last or seq > last + 1:
            first = seq
        last = seq
    if last:
        yield first, last


def gaps(stored: Iterable[int], first: int, last: int) -> Iterator[Span]:
    """The rising ranges within first..last that hold none of `stored`, which is sorted."""
    for seq in stored:
        if seq > first:
            yield first, seq - 1
        first = seq + 1
    if first <= last:
        yield first, last
