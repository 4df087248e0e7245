"""Receipts: what the centre says once, and only once, the commit has reached the disk."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from drivers.letters import Dispatch
from edge.centre.topics import topic_of
from edge.centre.trust import CentreSigner
from edge.core.messages import RANGES_LIMIT, Have, Receipt, digest_of, encode
from edge.core.seal import sign_jws
from edge.core.words import BoxId, Epoch, EventId

ASK_LIMIT: Final = 64  # ranges in one receipt; the rest is asked with the next beat

Missing = tuple[Epoch, int, int]


class Tally:
    """What one group owes to one box."""

    def __init__(self) -> None:
        self._stored: dict[EventId, dict[bytes, None]] = {}
        self.beat: str | None = None
        self.ask: tuple[Missing, ...] = ()

    def stored(self, identity: EventId, raw: bytes) -> None:
        self._stored.setdefault(identity, {})[hashlib.sha256(raw).digest()] = None

    def haves(self) -> Iterator[Have]:
        """One per epoch; where one identity came with other bytes, one more for those bytes alone."""
        first: dict[Epoch, dict[int, bytes]] = {}
        for identity, digests in sorted(self._stored.items()):
            chosen, *others = digests
            first.setdefault(identity.epoch, {})[identity.seq] = chosen
            yield from (_have(identity.epoch, {identity.seq: other}) for other in others)
        for epoch, rows in first.items():
            yield from _in_limits(epoch, rows)


def _in_limits(epoch: Epoch, rows: dict[int, bytes]) -> Iterator[Have]:
    spans = list(ranges(rows))
    for start in range(0, len(spans), RANGES_LIMIT):
        part = spans[start : start + RANGES_LIMIT]
        yield _have(epoch, {seq: rows[seq] for first, last in part for seq in range(first, last + 1)})


def _have(epoch: Epoch, rows: dict[int, bytes]) -> Have:
    return Have(epoch, tuple(ranges(rows)), digest_of(rows[seq] for seq in sorted(rows)))


def ranges(sequences: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Fold sequences into inclusive ranges, rising."""
    span: tuple[int, int] | None = None
    for seq in sorted(sequences):
        if span is not None and seq <= span[1] + 1:
            span = (span[0], seq)
            continue
        if span is not None:
            yield span
        span = (seq, seq)
    if span is not None:
        yield span


class Receipts:
    """Writes and signs receipts in the receiver's name."""

    def __init__(self, key: CentreSigner, receiver: str) -> None:
        self._key = key
        self._receiver = receiver

    def sign_with(self, key: CentreSigner) -> None:
        """The root has rotated the key for receipts."""
        self._key = key

    def write(self, box: BoxId, tally: Tally, time: str) -> Iterator[Dispatch]:
        """As few receipts as the limit of ranges allows; the first one answers the beat and asks."""
        bundles = list(_bundled(tally.haves())) or [()]
        for number, have in enumerate(bundles):
            opening = (tally.beat, tally.ask[:ASK_LIMIT]) if number == 0 else (None, ())
            receipt = Receipt(box, self._receiver, time, have, *opening)
            raw = sign_jws(encode(receipt), self._key.kid, self._key.signer)
            yield Dispatch(topic_of(box, "receipt"), raw)


def _bundled(haves: Iterable[Have]) -> Iterator[tuple[Have, ...]]:
    bundle: list[Have] = []
    room = RANGES_LIMIT
    for have in haves:
        if len(have.ranges) > room and bundle:
            yield tuple(bundle)
            bundle, room = [], RANGES_LIMIT
        bundle.append(have)
        room -= len(have.ranges)
    if bundle:
        yield tuple(bundle)
