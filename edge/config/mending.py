"""The mistakes people make when they type TOML: what each is called, and how the line was meant.

A line comes here only after tomllib refused it, so that nothing valid is ever complained about.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from edge.config import codes
from edge.core.faults import Meaning

INVISIBLE = "\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u202f\u2060\ufeff"
_SPACES = "\u00a0\u202f"  # these stand for a space; the others for nothing
CURLY = "“”„‟«»″＂"  # noqa: RUF001 - the very letters this is about
CURLY_SINGLE = "‘’‚‛`´"  # noqa: RUF001 - as above

_STRINGS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_ASSIGNMENT = re.compile(r"^(\s*([A-Za-z0-9_-]+)\s*=\s*)([^#]*?)(\s*(?:#.*)?)$")
_COLON = re.compile(r"^(\s*[A-Za-z0-9_-]+)\s*:\s*([^=]+)$")
_HEADING = re.compile(r"^\s*(\[{1,2})\s*([A-Za-z0-9_-]+)\s*\]{0,3}(\s*(?:#.*)?)$")
_DIGITS = re.compile(r"^\+?[0-9][0-9 .+-]*$")
_FRACTION = re.compile(r"^[0-9]+,[0-9]+$")
_BOOLEANS = dict.fromkeys(("true", "yes", "ya", "on", "aktif"), "true") | dict.fromkeys(
    ("false", "no", "tidak", "off", "mati"), "false"
)


@dataclass(frozen=True, slots=True)
class Mended:
    """A line as it was meant, and what was wrong with it."""

    meaning: Meaning
    line: str
    key: str = ""


def mend(line: str) -> Mended | None:
    """Name the first mistake in `line` and take it out, or None when it is none of the known ones."""
    found = (rule(line) for rule in RULES)
    return next((mended for mended in found if mended is not None and mended.line != line), None)


def _outside_strings(line: str) -> str:
    return _STRINGS.sub('""', line)


def _invisible(line: str) -> Mended | None:
    if not any(letter in INVISIBLE for letter in _outside_strings(line)):
        return None
    kept = (" " if letter in _SPACES else letter for letter in line if letter in _SPACES or letter not in INVISIBLE)
    return Mended(codes.INVISIBLE, "".join(kept))


def _curly(line: str) -> Mended | None:
    outside = _outside_strings(line)
    for curly in (CURLY, CURLY_SINGLE):
        if any(letter in curly for letter in outside):
            return Mended(codes.QUOTES, "".join('"' if letter in curly else letter for letter in line))
    return None


def _colon(line: str) -> Mended | None:
    match = _COLON.match(line)
    return Mended(codes.COLON, f"{match[1]} = {match[2]}") if match else None


def _heading(line: str) -> Mended | None:
    """Brackets that do not match: as many close as opened."""
    match = _HEADING.match(line)
    return Mended(codes.TABLE, f"{match[1]}{match[2]}{']' * len(match[1])}{match[3]}") if match else None


def _value(line: str) -> Mended | None:
    """Every mistake of an unquoted value: leading zeros, decimal comma, Python's True, no quotes."""
    match = _ASSIGNMENT.match(line)
    if match is None or not match[3]:
        return None
    start, key, value, end = match.groups()
    meaning, better = _meant(value)
    return Mended(meaning, f"{start}{better}{end}", key) if meaning else None


def _meant(value: str) -> tuple[Meaning | None, str]:
    if value.lower() in _BOOLEANS:
        return codes.BOOLEAN, _BOOLEANS[value.lower()]
    if _FRACTION.match(value):
        return codes.COMMA, value.replace(",", ".")
    if _DIGITS.match(value):
        return codes.TEXT_NUMBER, f'"{value}"'
    if value[0] not in "[{" and value.count('"') + value.count("'") <= 1 and "\\" not in value:
        return codes.QUOTE_MISSING, '"' + value.replace('"', "").replace("'", "") + '"'
    return None, value


RULES: tuple[Callable[[str], Mended | None], ...] = (_invisible, _curly, _colon, _heading, _value)
