"""Which of two states of a box is the later one: by what they say, never by which arrived first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edge.core.messages import State, decode

PAST_SESSIONS: Final = 16  # connections remembered; a will comes 15 s after its session's end


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known of a box: its last state, and the sessions that came before that one."""

    state: State
    past: tuple[str, ...]

    def past_before(self, session: str) -> str:
        """The sessions that are over once `session` speaks."""
        ended = (*self.past, self.state.session) if session != self.state.session else self.past
        return " ".join(ended[-PAST_SESSIONS:])


def settled(raw: bytes, past: str) -> Settled:
    return Settled(decode(raw, State), tuple(past.split()))


def followed_by(known: Settled, new: State, ordinals: Mapping[str, int]) -> bool:
    """Whether `new` happened after what is known.

    ordinals: epochs whose order the store knows, for states that a box said before its ledger was open
    """
    old = known.state
    if new.epoch != old.epoch:
        return _later_epoch(_ordinal(old, ordinals), _ordinal(new, ordinals), online=new.online)
    if new.session == old.session:  # a will ends its session for good, and its head is the one of the connection
        return not new.online or (old.online and new.head >= old.head)
    return new.session not in known.past and new.head >= old.head


def _ordinal(state: State, ordinals: Mapping[str, int]) -> int:
    return state.ordinal or ordinals.get(state.epoch, 0)


def _later_epoch(old: int, new: int, *, online: bool) -> bool:
    """0: nobody knows yet, as only with a box that has just started; then a birth counts, and a known will does not."""
    if old and new:
        return new >= old
    return online or not new
