"""Which line each key of a TOML file stands on; tomllib does not say.

Enough of the grammar for what people write: headings, keys, dotted keys. What stands inside an inline table or a
long array is found at the line where that begins.
"""

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]  # ("zone", 1, "pin"): the pin of the second [[zone]]
Lines = Mapping[Path, int]

_HEADING = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_.\s-]|"[^"]*"|'[^']*')+?)\s*=""")
_LONG = re.compile(r'"""|\'\'\'')


def located(text: str) -> dict[Path, int]:
    """The line, from 1, of every heading and key; the first one where something stands twice."""
    lines: dict[Path, int] = {}
    counts: dict[str, int] = {}
    table: Path = ()
    inside = False  # a """long string"""
    for number, line in enumerate(text.split("\n"), start=1):
        if not inside:
            table = _heading(line, table, counts)
            path = _path(line, table)
            for length in range(1, len(path) + 1):
                lines.setdefault(path[:length], number)
        inside ^= len(_LONG.findall(line)) % 2 == 1
    return lines


def line_of(path: Path, lines: Lines) -> int:
    """The line of `path`, or of the nearest thing around it, or 1."""
    around = (path[:length] for length in range(len(path), 0, -1))
    return next((lines[part] for part in around if part in lines), 1)


def _heading(line: str, table: Path, counts: dict[str, int]) -> Path:
    match = _HEADING.match(line)
    if match is None:
        return table
    brackets, name = match.groups()
    names = _names(name)
    if brackets == "[":
        return names
    counts[name] = counts.get(name, -1) + 1
    return (*names, counts[name])


def _path(line: str, table: Path) -> Path:
    key = _KEY.match(line)
    if key is not None:
        return (*table, *_names(key.group(1)))
    return table if _HEADING.match(line) else ()


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
