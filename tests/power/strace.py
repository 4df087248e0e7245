"""strace, found or fetched as the broker is, and its record of a process: every call whole, in their order."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from edge.field.debian import Apt, DebianError, unpack
from tests.bootstrap import CACHE

LONGEST: Final = 70_000  # bytes of a buffer that are kept; a commit of SQLite writes pages of 4096
END_MAX_S: Final = 20.0
_HEX: Final = re.compile(r"(?:\\x[0-9a-f]{2})+")
_LINE: Final = re.compile(r"(\d+) +(\w+)\((.*?)(?: <unfinished \.\.\.>|\) += (-?\w+|\?).*)")
_RESUMED: Final = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>.*\) += (-?\w+|\?).*")
_BUFFER: Final = re.compile(r'(\d+)<([^>]*)>, "([^"]*)"(\.\.\.)?, (\d+)(?:, (\d+))?')


@dataclass(frozen=True, slots=True)
class Strace:
    """A strace that runs here. libraries: the folder that must be shown to it alone, None where the machine's serve."""

    path: Path
    libraries: Path | None = None

    def command(self, calls: Iterable[str], into: Path, traced: Sequence[str]) -> list[str]:
        """`traced` under observation: still the direct child, killed and waited for like any other (-D)."""
        return self._over(traced, into, "--seccomp-bpf", f"-etrace={','.join(calls)}")

    def injecting(self, fault: str, file: Path, into: Path, traced: Sequence[str]) -> list[str]:
        """`traced` with calls that end otherwise. fault: as after `-e inject=`; file: only calls that concern it"""
        return self._over(traced, into, f"-etrace={fault.partition(':')[0]}", f"-einject={fault}", f"-P{file}")

    def attached(self, pid: int, into: Path, *chosen: str) -> list[str]:
        """To a thread that runs, until it ends: `chosen` are strace's own options."""
        return [*self._own(), "-q", "-y", "-xx", f"-s{LONGEST}", *chosen, f"-o{into}", f"-p{pid}"]

    def _own(self) -> list[str]:
        own = [f"LD_LIBRARY_PATH={self.libraries}"] if self.libraries else []
        return ["/usr/bin/env", *own, str(self.path)]

    def _over(self, traced: Sequence[str], into: Path, *chosen: str) -> list[str]:
        options = ["-D", "-f", "-q", "-y", "-xx", f"-s{LONGEST}", *chosen]
        return [*self._own(), *options, "-ELD_LIBRARY_PATH", f"-o{into}", *traced]


@dataclass(frozen=True, slots=True)
class Call:
    """One system call. began, ended: line numbers in the record; ended None when death came first."""

    thread: int
    name: str
    words: str
    result: int | None
    began: int
    ended: int | None

    @property
    def failed(self) -> bool:
        return self.result is None or self.result < 0

    def paths(self) -> list[str]:
        """Every path and descriptor's file in its words, in order."""
        return [
            plain(found).decode(errors="replace") for found in re.findall(r'["<]((?:\\x[0-9a-f]{2})+)[">]', self.words)
        ]

    def buffer(self) -> tuple[str, bytes, int | None]:
        """(file, content, offset) of a write, pwrite64 or sendto."""
        found = _BUFFER.match(self.words)
        assert found is not None, self.words[:200]
        assert not found[4], "a buffer was cut short"
        return plain(found[2]).decode(errors="replace"), plain(found[3]), int(found[6]) if found[6] else None


def plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if _HEX.fullmatch(text) else text.encode()


def read_calls(record: Path) -> list[Call]:
    """The record of a process that has ended, in the order the calls began."""
    calls: list[Call] = []
    open_calls: dict[str, int] = {}
    for number, line in enumerate(record.read_text("ascii").splitlines()):
        if resumed := _RESUMED.fullmatch(line):
            place = open_calls.pop(resumed[1])
            begun = calls[place]
            assert begun.name == resumed[2]
            calls[place] = replace(begun, result=_number(resumed[3]), ended=_end(resumed[3], number))
        elif called := _LINE.fullmatch(line):
            if called[4] is None:
                open_calls[called[1]] = len(calls)
            result, ended = _number(called[4]), _end(called[4], number)
            calls.append(Call(int(called[1]), called[2], called[3], result, number, ended))
        else:
            assert " +++ " in line or " --- " in line or "<detached" in line, line[:200]
    return calls


def find_strace_or_skip() -> Strace:
    """For tests: none of what strace shows can be seen without it."""
    try:
        return find_strace(CACHE)
    except DebianError as fault:
        pytest.skip(f"no strace here and none to be had: {fault}")


def wait_for_end(record: Path, pid: int) -> None:
    """strace writes a process's last line after its death; wait for it."""
    deadline = time.monotonic() + END_MAX_S
    while not re.search(rf"^{pid} +\+\+\+ ", record.read_text("ascii"), re.MULTILINE):
        assert time.monotonic() < deadline, f"strace never saw the end of {pid}"
        time.sleep(0.01)


def find_strace(cache: Path) -> Strace:
    """$STRACE, the machine's, the copy in `cache`, else fetch one there (1.4 MB, no root).

    raises: DebianError where there is none to be had
    """
    found = os.environ.get("STRACE") or shutil.which("strace")
    if found:
        return Strace(Path(found))
    place = cache / "strace"
    if not place.is_dir():
        _fetch(cache, place)
    return Strace(place / "usr/bin/strace", place / "libraries")


def _fetch(cache: Path, place: Path) -> None:
    """The folder appears whole or not at all."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="strace-", dir=cache) as unfinished:
        apt, whole = Apt(folder=cache / "apt"), Path(unfinished) / "whole"
        for archive in apt.fetch(["strace", *apt.libraries_to_add("strace")], Path(unfinished) / "packages"):
            unpack(archive, whole)
        libraries = whole / "libraries"
        libraries.mkdir()
        for library in whole.glob("**/lib/*/*.so*"):
            (libraries / library.name).symlink_to(os.path.relpath(library, libraries))
        if not place.is_dir():
            whole.rename(place)


def _number(text: str | None) -> int | None:
    return None if text in {None, "?"} else int(text or "", 0)


def _end(result: str | None, line: int) -> int | None:
    """A call that death interrupted has a result of "?", and never ended."""
    return None if result in {None, "?"} else line
