"""One shape for everything that can be wrong: a stable code, what and where, one thing to do, in two languages.

A daemon logs `Fault.line`, the command line prints `Fault.say`, `--json` writes `Fault.record`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

FACT_MAX = 240  # characters of a quoted value, a path and what is wrong with it: readable on a phone, never endless
LINE_MAX = 120  # characters of a line among others


class Language(StrEnum):
    ID = "id"
    EN = "en"


class Exit(IntEnum):
    """Exit codes of `kentongan`."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    PREREQUISITE = 3
    CONFIGURATION = 4
    HARDWARE = 5
    NETWORK = 6
    TEST = 7


@dataclass(frozen=True, slots=True)
class Wording:
    """The same sentence in both languages."""

    id: str
    en: str

    def __getitem__(self, language: Language) -> str:
        return self.id if language is Language.ID else self.en


Fact = str | int | float | Wording

DO = Wording("Lakukan", "Do")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, told to a person.

    where:   "site.toml:12", several joined by ", ", or ""
    warning: True when nothing is refused because of it
    exit:    what the command returns when this is the worst that happened
    """

    code: str
    text: Wording
    fix: Wording
    where: str = ""
    warning: bool = False
    exit: Exit = Exit.UNEXPECTED

    def say(self, language: Language) -> str:
        """Two lines for a terminal."""
        mark = "!" if self.warning else "✗"
        return f"{mark} {self.code}  {self.text[language]}\n  {DO[language]}: {self.fix[language]}"

    def line(self) -> str:
        """One line for a log, which is English."""
        return f"{self.code} {self.text.en}"

    def record(self) -> "FaultRecord":
        """The JSON twin of `say`, both languages."""
        indonesian, english = Sentences(self.text.id, self.fix.id), Sentences(self.text.en, self.fix.en)
        return FaultRecord(self.code, self.where, self.warning, indonesian, english)


@dataclass(frozen=True, slots=True)
class Sentences:
    """What is wrong and one thing to do, in one language."""

    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A fault as `--json` writes it; the members are those of `Fault`."""

    code: str
    where: str
    warning: bool
    id: Sentences
    en: Sentences


class Refused(Exception):
    """Work that cannot go on; the command line prints its faults and exits with the first one's code."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.line() for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a code means: sentences with {facts}. `{where}` is filled by `fault`."""

    code: str
    id: str
    en: str
    fix_id: str
    fix_en: str
    exit: Exit
    warning: bool = False

    def fault(self, *, where: str = "", **facts: Fact) -> Fault:
        """Fill the sentences. Never raises: a fact that was not given is shown as "…"."""
        given = {"where": where, **facts}
        return Fault(
            code=self.code,
            text=Wording(_filled(self.id, given, Language.ID), _filled(self.en, given, Language.EN)),
            fix=Wording(_filled(self.fix_id, given, Language.ID), _filled(self.fix_en, given, Language.EN)),
            where=where,
            warning=self.warning,
            exit=self.exit,
        )


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def printable(text: str, limit: int = LINE_MAX) -> str:
    """The text as a terminal may show it: no control characters, no escape sequences, not endless.

    What is too long loses its middle: a path says most with its ends, and so does a sentence that begins with one.
    """
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    if len(clean) <= limit:
        return clean
    tail = limit // 2
    return clean[: limit - 1 - tail] + "…" + clean[len(clean) - tail :]


def _filled(sentence: str, facts: Mapping[str, Fact], language: Language) -> str:
    told = {key: fact[language] if isinstance(fact, Wording) else str(fact) for key, fact in facts.items()}
    return sentence.format_map(_Facts({key: printable(value, FACT_MAX) for key, value in told.items()}))


def collected(names: Mapping[str, object]) -> dict[str, Meaning]:
    """The catalogue of a module: every Meaning among its names, by code."""
    return {meaning.code: meaning for meaning in names.values() if isinstance(meaning, Meaning)}
