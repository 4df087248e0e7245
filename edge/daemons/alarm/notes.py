"""What the ledger remembers, read as if a stranger had written it: a card loses bits and tells nobody."""

from collections.abc import Iterable, Mapping
from typing import Final

from edge.core.words import Effect, Record
from edge.ledger.shedding import note_of

_DIGITS: Final = 19  # of 64 bits of nanoseconds


def names_in(value: object) -> frozenset[str]:
    """Every string of a list; what is none of that is left out."""
    return frozenset(each for each in value if isinstance(each, str)) if isinstance(value, list) else frozenset()


def moments_in(value: object) -> Mapping[str, int]:
    """Zone -> boot-clock ns, kept as a string of digits; what is none of that is left out."""
    noted = value.items() if isinstance(value, dict) else ()
    return {str(zone): int(at) for zone, at in noted if isinstance(at, str) and _is_moment(at)}


def _is_moment(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS


def refusal_in(effects: Iterable[Effect]) -> str:
    """Why the panel did not follow a wish, as its own audit says; "" where it did."""
    for effect in effects:
        if isinstance(effect, Record) and effect.content.get("what") == "refused":
            return str(effect.content.get("reason"))
    return ""


def debt_in(record: Record) -> dict[str, object]:
    """What a `lost` event pays: the note that held its ranges is forgotten in its own transaction."""
    match record.name, record.content:
        case "lost", {"stretch": int(stretch), "epoch": str(epoch)}:
            return {note_of(stretch, epoch): None}
    return {}
