"""What is handed to the ledger's thread."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from edge.core.events import Frozen
from edge.core.words import EventId
from edge.ledger.ledger import APPEND_BYTES, Ledger


@dataclass(frozen=True, slots=True)
class Receipted:
    """A few rows and the receipt that covers them."""

    ids: tuple[EventId, ...]
    receiver: str
    at: str


@dataclass(slots=True)
class Work:
    """What has been handed in since the last transaction."""

    events: list[Frozen] = field(default_factory=list)
    notes: dict[str, object] = field(default_factory=dict)
    others: list[Callable[[Ledger], None]] = field(default_factory=list)
    receipts: list[Receipted] = field(default_factory=list)
    urgent: bool = False


def portions(events: Sequence[Frozen]) -> Iterator[list[Frozen]]:
    """As many as one transaction may hold, in their order."""
    some: list[Frozen] = []
    size = 0
    for event in events:
        if some and size + len(event.raw) > APPEND_BYTES:
            yield some
            some, size = [], 0
        some.append(event)
        size += len(event.raw)
    if some:
        yield some
