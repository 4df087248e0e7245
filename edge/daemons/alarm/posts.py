"""What is put into the panel's queue beside stimuli: edges, the ledger's and the centre's word on rows, orders."""

from collections.abc import Callable
from dataclasses import dataclass

from edge.core.words import EventId, Stimulus, ZoneId


@dataclass(frozen=True, slots=True)
class Edge:
    zone: ZoneId
    active: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Stop:
    pass


@dataclass(frozen=True, slots=True)
class Leave:
    """End in order as soon as nobody needs us, to begin again with another configuration."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A believed order of the centre. answered: called with the panel's reason to refuse it, "" where it followed."""

    stimulus: Stimulus
    answered: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Received:
    """A verified receipt covers these; only rows the lamp follows."""

    ids: tuple[EventId, ...]


@dataclass(frozen=True, slots=True)
class Undurable:
    """No commit within a second: these leave without the disk."""

    ids: tuple[EventId, ...]


@dataclass(frozen=True, slots=True)
class Waits:
    """The ledger holds these, and no receipt covers them; only rows the lamp follows."""

    ids: tuple[EventId, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """The ledger cannot give these back: nobody can send them any more; only rows the lamp follows."""

    ids: tuple[EventId, ...]


Delivered = Received | Undurable | Waits | Lost
