"""Whether an event carries this box's own signature, as far as this person may know."""

from dataclasses import dataclass
from typing import Final, Literal

from edge.config.places import Places
from edge.core.events import read_event, source_of
from edge.core.faults import Wording, printable
from edge.core.seal import Forged, read_binding
from edge.daemons.alarm.identity import read_signer

VALID: Final = Wording("cocok dengan kunci boks ini", "matches this box's key")
NO_KEY: Final = Wording(
    "kunci boks tidak bisa dibaca ({why}); coba dengan sudo", "cannot read the box's key ({why}); try sudo"
)
ELSEWHERE: Final = Wording("kejadian dari boks lain: {why}", "an event of another box: {why}")
FORGED: Final = Wording(
    "TIDAK COCOK ({why}): kejadian diubah, atau ditulis sebelum kunci ini dipasang",
    "DOES NOT MATCH ({why}): the event was changed, or written before this key was installed",
)


@dataclass(frozen=True, slots=True)
class Signature:
    """unchecked: nobody looked, and `why` says what was missing."""

    state: Literal["valid", "forged", "unchecked"]
    why: Wording


def judged(places: Places, raw: bytes) -> Signature:
    """Hold an event's frozen bytes against the public half of this box's key."""
    try:
        public = read_signer(places).public
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        return Signature("unchecked", _because(NO_KEY, reason or str(error)))
    try:
        read_event(raw, public)
    except Forged as error:
        stranger = _stranger(places, raw)
        if stranger:
            return Signature("unchecked", _because(ELSEWHERE, stranger))
        return Signature("forged", _because(FORGED, str(error)))
    return Signature("valid", VALID)


def _stranger(places: Places, raw: bytes) -> str:
    """The box that the event says it is from, where that is not this one; "" where nobody knows."""
    try:
        root = (places.trust / "root.pub").read_bytes()
        own = read_binding((places.trust / "binding.jws").read_bytes(), root).box
        source = source_of(raw)
    except (OSError, Forged):
        return ""
    return "" if source == own else source


def _because(wording: Wording, why: str) -> Wording:
    return Wording(wording.id.format(why=printable(why)), wording.en.format(why=printable(why)))
