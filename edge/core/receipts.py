"""Does a receipt prove what it says? Every claimed range is compared, digest by digest, with the bytes we made."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from edge.core.messages import Have, Receipt, digest_of
from edge.core.outbox import Outbox
from edge.core.words import Epoch, EventId

SPAN_LIMIT: Final = 65_536  # events one receipt may cover

AGAIN_LIMIT: Final = 2_000  # rows sent again for one receipt; the centre asks at every beat for what it still lacks

AskLedger = Callable[[Epoch, int, int, object], None]
"""(epoch, first, last, token): answered later with the digests on disk."""


@dataclass(slots=True)
class Claim:
    """One epoch's part of a receipt while its digests are collected."""

    receipt: Receipt
    have: Have
    missing: int = 0  # answers of the ledger still to come
    found: dict[EventId, bytes] = field(default_factory=dict)

    @property
    def ids(self) -> list[EventId]:
        return [EventId(self.have.epoch, seq) for first, last in self.have.ranges for seq in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Proved:
    receipt: Receipt
    ids: tuple[EventId, ...]


@dataclass(frozen=True, slots=True)
class Disproved:
    """The centre claims bytes that we never made, or we cannot show that we did.

    reason: first word stable: range, head, events, digest
    """

    reason: str


class Receipts:
    """Judges claims from the outbox's own digests; only rows received before are looked up in the ledger."""

    def __init__(self, epoch: Epoch, head: Callable[[], int], outbox: Outbox, ask_ledger: AskLedger) -> None:
        self._epoch = epoch
        self._head = head
        self._outbox = outbox
        self._ask_ledger = ask_ledger

    def judge(self, receipt: Receipt) -> list[Proved | Disproved]:
        """Verdicts that can be given now; the others follow through `answered`."""
        verdicts = (self._judge(Claim(receipt, have)) for have in receipt.have)
        return [verdict for verdict in verdicts if verdict is not None]

    def answered(self, claim: Claim, found: Mapping[EventId, bytes]) -> Proved | Disproved | None:
        """The ledger told what it has of one range."""
        claim.found.update(found)
        claim.missing -= 1
        return self._compare(claim) if claim.missing == 0 else None

    def _judge(self, claim: Claim) -> Proved | Disproved | None:
        ranges = claim.have.ranges
        if any(first < 1 or last < first for first, last in ranges):
            return Disproved("range: runs backwards")
        if sum(last - first + 1 for first, last in ranges) > SPAN_LIMIT:
            return Disproved("range: covers too much")
        if claim.have.epoch == self._epoch and any(last > self._head() for _, last in ranges):
            return Disproved("head: a sequence beyond ours")
        if all(identity in self._outbox for identity in claim.ids):
            return self._compare(claim)
        claim.missing = len(ranges)
        for first, last in ranges:
            self._ask_ledger(claim.have.epoch, first, last, claim)
        return None

    def _compare(self, claim: Claim) -> Proved | Disproved:
        digests: list[bytes] = []
        for identity in claim.ids:
            row = self._outbox.get(identity)
            digest = row.digest if row else claim.found.get(identity)
            if digest is None:
                return Disproved("events: names some that we do not have")
            digests.append(digest)
        if digest_of(digests) != claim.have.digest:
            return Disproved("digest: differs")
        return Proved(claim.receipt, tuple(claim.ids))


def wanted(ask: Iterable[tuple[Epoch, int, int]], limit: int) -> Iterator[tuple[Epoch, int, int]]:
    """What of an ask is sent now: sound ranges, cut where `limit` sequences are reached."""
    for epoch, first, last in ask:
        if limit <= 0:
            return
        if 0 < first <= last < 2**53:
            upto = min(last, first + limit - 1)
            limit -= upto - first + 1
            yield epoch, first, upto
