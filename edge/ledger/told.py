"""What the ledger's thread tells the others; they only enqueue it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.core.events import Frozen
from edge.core.spans import Span
from edge.core.words import Epoch, EventId
from edge.ledger.ledger import Past, Unreceived
from edge.ledger.shedding import Debt


@dataclass(frozen=True, slots=True)
class Opened:
    ordinal: int
    past: Past | None
    notes: Mapping[str, object]
    waiting: Sequence[Unreceived]


@dataclass(frozen=True, slots=True)
class Stored:
    ids: tuple[EventId, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The ledger cannot be written; events stay in memory. corrupt: the old file was set aside."""

    text: str
    corrupt: bool = False


@dataclass(frozen=True, slots=True)
class Mended:
    """It can be written again, and holds everything that waited in memory."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Answer to `fetch`; what was asked and is not among the events is not in the ledger."""

    events: tuple[Frozen, ...]
    asked: tuple[EventId, ...]


@dataclass(frozen=True, slots=True)
class Digests:
    """Answer to `digests`: what is stored of one range, with the token it was asked with."""

    token: object
    found: Mapping[EventId, bytes]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Answer to `load`: waiting rows, those that are known already among them."""

    rows: Sequence[Unreceived]


@dataclass(frozen=True, slots=True)
class Asked:
    """Answer to `ask`: stored rows that the centre wants again, and ranges of which there are none."""

    rows: Sequence[Unreceived]
    epoch: Epoch
    gone: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Owed:
    """Events that nobody can send any more: a `lost` event is to say so, in whose commit the debt's note is cleared."""

    debt: Debt


@dataclass(frozen=True, slots=True)
class Rescued:
    """Rows of a broken ledger that are in this one now, and wait."""

    rows: Sequence[Unreceived]


Told = Opened | Stored | Failed | Mended | Fetched | Digests | Loaded | Asked | Owed | Rescued
