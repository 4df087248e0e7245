"""Sequences as inclusive ranges."""

from collections.abc import Iterable, Iterator

from edge.core.words import Epoch, EventId

Span = tuple[int, int]


def runs(sequences: Iterable[int]) -> Iterator[Span]:
    """The rising ranges that hold exactly these sequences, which are sorted."""
    first: int | None = None
    last = 0
    for seq in sequences:
        if first is not None and seq > last + 1:
            yield first, last
            first = None
        first = seq if first is None else first
        last = seq
    if first is not None:
        yield first, last


def gaps(stored: Iterable[int], first: int, last: int) -> Iterator[Span]:
    """The rising ranges within first..last that hold none of `stored`, which is sorted."""
    for seq in stored:
        if seq > first:
            yield first, seq - 1
        first = seq + 1
    if first <= last:
        yield first, last


def stretches(ids: Iterable[EventId]) -> Iterator[tuple[Epoch, int, int]]:
    """The inclusive ranges of each epoch that hold exactly these."""
    seqs: dict[Epoch, set[int]] = {}
    for epoch, seq in ids:
        seqs.setdefault(epoch, set()).add(seq)
    return ((epoch, first, last) for epoch, some in seqs.items() for first, last in runs(sorted(some)))
