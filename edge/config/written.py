"""One TOML file as a person wrote it: bytes become a table, the line of every key, and every fault of the writing."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from edge.config import codes
from edge.config.lines import Lines, Path, line_of, located
from edge.config.mending import Mended, mend
from edge.core.faults import Fault, Wording

SIZE_MAX = 64 * 1024  # bytes, looked at before anything is parsed
TRIES_MAX = 60  # lines that may be wrong in one file before we stop listing them

_BOM = b"\xef\xbb\xbf"
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)$")
_REASONS = (
    ("Expected '=' after a key", Wording("tidak ada tanda =", "there is no =")),
    ("Expected newline or end of document", Wording("ada sisa di belakang nilai", "something follows the value")),
    ("Expected ']", Wording("kurung tidak ditutup", "a bracket is not closed")),
    ("Unclosed", Wording("kurung tidak ditutup", "a bracket is not closed")),
    ("Unterminated", Wording("tanda kutip tidak ditutup", "a quote is not closed")),
    ("Expected '\"", Wording("tanda kutip tidak ditutup", "a quote is not closed")),
    ("Illegal character", Wording("ada huruf yang tidak boleh", "it has a character that is not allowed")),
)
_REASON = Wording("bukan TOML", "this is not TOML")
_TWICE = ("Cannot overwrite a value", "Cannot declare", "Cannot mutate")


@dataclass(frozen=True, slots=True)
class Written:
    """name: as messages show it; holes: True when lines had to be left out, so that what is missing means nothing.

    text: the file with every line as it was meant; what was left out stands as it is. "" where nothing can be read
    """

    name: str
    table: Mapping[str, object]
    lines: Lines
    faults: tuple[Fault, ...] = ()
    holes: bool = False
    text: str = ""

    def where(self, path: Path) -> str:
        """Say "site.toml:12"."""
        return f"{self.name}:{line_of(path, self.lines)}"


def read(content: bytes, name: str) -> Written:
    """Read a file's bytes. Never raises; what cannot be used is in `faults`."""
    if len(content) > SIZE_MAX:
        return _unusable(name, codes.SIZE.fault(where=f"{name}:1", limit=SIZE_MAX))
    faults = (codes.BOM.fault(where=f"{name}:1"),) if content.startswith(_BOM) else ()
    try:
        text = content.removeprefix(_BOM).decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _unusable(name, codes.ENCODING.fault(where=f"{name}:{line}"))
    return _Reader(name, text, [*faults, *_cut(text, name)]).read()


def shown(name: str) -> str:
    """A file's name as messages show it: without its folders."""
    return PurePath(name).name


def _unusable(name: str, fault: Fault) -> Written:
    return Written(name, {}, {}, (fault,), holes=True)


def _cut(text: str, name: str) -> list[Fault]:
    """A number that ends the file may have lost digits: 8883 cut to 88 is a number too. Nothing else can hide so."""
    last = text.rsplit("\n", 1)[-1]
    if "#" in last or not re.search(r"=\s*[0-9.+-]+\s*$", last):
        return []
    return [codes.CUT.fault(where=f"{name}:{text.count(chr(10)) + 1}", text=last.strip())]


def _mended(line: str) -> Mended | None:
    """The first mistake of the line, with the line as it stands when the others are taken out as well."""
    first = mend(line)
    latest = first
    while latest is not None and not _parses(latest.line):
        latest = mend(latest.line)
        first = replace(first, line=latest.line, key=first.key or latest.key) if first and latest else first
    return first


def parsed(text: str) -> Mapping[str, object]:
    """The table of a text; empty for one that cannot be read."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _parses(line: str) -> bool:
    try:
        tomllib.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


class _Reader:
    """Parse, and at each line that is wrong: name it, mend it or leave it out, parse again."""

    def __init__(self, name: str, text: str, faults: list[Fault]) -> None:
        self._name = name
        self._lines = text.split("\n")
        self._meant = list(self._lines)
        self._faults = faults
        self._holes = False

    def read(self) -> Written:
        for _ in range(TRIES_MAX):
            text = "\n".join(self._lines)
            try:
                table = tomllib.loads(text)
            except (ValueError, RecursionError) as error:
                if not self._repair(str(error)):
                    break
            else:
                return Written(
                    self._name, table, located(text), tuple(self._faults), self._holes, "\n".join(self._meant)
                )
        return Written(self._name, {}, {}, tuple(self._faults), holes=True)

    def _repair(self, message: str) -> bool:
        """Name what is wrong; False when there is no line to mend, and so no going on."""
        match = _AT_LINE.search(message)
        index = int(match[1]) - 1 if match else len(self._lines) - 1
        line = self._lines[index]
        if message.startswith(_TWICE):
            return self._leave_out(index, codes.KEY_TWICE.fault(where=self._at(index), text=line.strip()))
        mended = _mended(line) if match else None
        if mended is None:
            going_on = match is not None and bool(line.strip())
            self._leave_out(index, self._nameless(index, message))
            return going_on
        self._lines[index] = self._meant[index] = mended.line
        facts = {"text": line.strip(), "better": mended.line.strip(), "key": mended.key}
        self._faults.append(mended.meaning.fault(where=self._at(index), **facts))
        return True

    def _leave_out(self, index: int, fault: Fault) -> bool:
        """Without its heading a section's keys would fall into the one above: they go with it."""
        self._faults.append(fault)
        heading = self._lines[index].lstrip().startswith("[")
        self._lines[index] = ""
        self._holes = True
        for below in range(index + 1, len(self._lines) if heading else 0):
            if self._lines[below].lstrip().startswith("["):
                break
            self._lines[below] = ""
        return True

    def _nameless(self, index: int, message: str) -> Fault:
        why = next((reason for start, reason in _REASONS if message.startswith(start)), _REASON)
        return codes.TOML.fault(where=self._at(index), why=why, text=self._lines[index].strip())

    def _at(self, index: int) -> str:
        return f"{self._name}:{index + 1}"
