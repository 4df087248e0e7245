"""What a trouble of the box means for a person: its code with the facts the daemon knows, and one thing to do."""

import re
from collections.abc import Mapping
from string import Formatter
from typing import Final

from edge.core import codes
from edge.core.faults import Fact, Fault, Meaning, Wording, printable
from edge.field.causes import in_words
from edge.field.words import both

STRANGE: Final = Wording(
    "perbarui program `kentongan` di komputer ini, lalu ulangi.",
    "update the program `kentongan` on this computer, then repeat.",
)


def fault_of(trouble: str, cause: str, endpoint: str = "") -> Fault:
    """trouble: code, or code/part. cause: the daemon's own words. endpoint: host:port of the broker, "" unknown."""
    code, _, part = trouble.partition("/")
    meaning = codes.CATALOGUE.get(code)
    if meaning is None:  # of a newer daemon
        said = printable(cause) or "?"
        return Fault(printable(code), Wording(said, said), STRANGE, printable(part))
    facts: Mapping[str, Fact] = _facts_in(cause, meaning) or _facts(meaning, part, cause)
    return meaning.fault(where=printable(part), **({"endpoint": endpoint} if endpoint else {}), **facts)


def _facts(meaning: Meaning, part: str, cause: str) -> Mapping[str, Fact]:
    why = in_words(cause)
    match meaning:
        case codes.ZONE_STUCK:
            return {"what": part}
        case codes.STATE_READONLY:
            return {"what": "ledger", "why": why}
        case _:
            what = both(lambda language: ": ".join(word for word in (part, why[language]) if word))
            return {"what": what} if what.en else {}


def _facts_in(sentence: str, meaning: Meaning) -> Mapping[str, str]:
    """What a fault of the daemon's start was filled with: it tells only the English sentence."""
    pattern = ""
    for literal, name, _, _ in Formatter().parse(meaning.en):
        pattern += re.escape(literal) + (f"(?P<{name}>.*)" if name else "")
    found = re.fullmatch(pattern, sentence)
    return found.groupdict() if found else {}
