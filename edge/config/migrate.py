"""Bring a file into the form that this version reads, by lines, so that comments and order stay.

What has one answer only is done: other words for our keys, quotes from a chat, a colon, a comma, numbers meant as text.
What needs a person (a pin used twice, a bare number) stays as it is, with its fault. What a file meant that was right
before, it means afterwards.

A file may say `format = 1`; one that does not is of format 1. A later format adds its step here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Final

from edge.config.layers import ALIASES, PARTS, TABLES, TOP
from edge.config.lines import located
from edge.config.load import Loaded, Users, load
from edge.config.schema import keys_of
from edge.config.structure import VALUES, as_text
from edge.config.written import parsed, read
from edge.core import codes
from edge.core.faults import Refused

ROUNDS: Final = 4  # a renamed heading gives its keys their meaning


@dataclass(frozen=True, slots=True)
class Migrated:
    """text: the file as it should be; before: as it was, for `diff`; loaded: what the new text means."""

    name: str
    before: str
    text: str
    loaded: Loaded

    @property
    def changed(self) -> bool:
        return self.text != self.before

    def diff(self) -> Iterator[str]:
        """Lines of a unified diff."""
        return unified_diff(self.before.splitlines(), self.text.splitlines(), self.name, self.name, n=0, lineterm="")


def migrate(content: bytes, name: str, users: Users) -> Migrated:
    """The file in its present form. Never raises for what it holds, but Refused should its meaning not survive."""
    before = content.decode("utf-8", "replace")
    text = before
    for _ in range(ROUNDS):
        mended = read(text.encode(), name).text or text
        for step in STEPS:
            mended = step(mended)
        if mended == text:
            break
        text = mended
    was, loaded = load(content, name=name, users=users), load(text.encode(), name=name, users=users)
    if was.configuration is not None and was.configuration != loaded.configuration:
        raise Refused(codes.INTERNAL.fault(what=f"{name} would mean something else afterwards"))
    return Migrated(name, before, text, loaded)


def _renamed(text: str) -> str:
    """Every key by its own name, where another word of the list stands."""
    lines = text.split("\n")
    for path, number in located(text).items():
        words = [step for step in path if isinstance(step, str)]
        new = _name_of(words[-1], TOP if len(words) == 1 else _keys(words[0]))
        if new != words[-1]:
            lines[number - 1] = re.sub(rf"(?<![\w-]){re.escape(words[-1])}(?![\w-])", new, lines[number - 1], count=1)
    return "\n".join(lines)


def _name_of(word: str, known: tuple[str, ...]) -> str:
    meant = ALIASES.get(word.lower(), word)
    return meant if word not in known and meant in known else word


def _keys(table: str) -> tuple[str, ...]:
    name = _name_of(table, TOP)
    values = VALUES.get(PARTS.get(name, name))
    return keys_of(values) if values else ()


def _quoted(text: str) -> str:
    """`rt = 5` is "005" and nothing else; the line keeps its comment."""
    lines = text.split("\n")
    stands = located(text)
    for table, section in parsed(text).items():
        for key, value in section.items() if table in TABLES and isinstance(section, Mapping) else ():
            meant = as_text(key, value) if isinstance(value, int) and not isinstance(value, bool) else None
            if meant is not None:
                at = stands[(table, key)] - 1
                lines[at] = re.sub(r"(=\s*)[+0-9_]+", rf'\g<1>"{meant}"', lines[at], count=1)
    return "\n".join(lines)


STEPS: Final[tuple[Callable[[str], str], ...]] = (_renamed, _quoted)
