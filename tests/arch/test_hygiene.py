"""What no file may hold."""

import re
from pathlib import Path

from tests.arch.tree import classes, files, sources, text

LINES_MAX = 400

VAGUE = {
    "manager",
    "handler",
    "helper",
    "helpers",
    "util",
    "utils",
    "common",
    "base",
    "data",
    "info",
    "process",
    "service",
}

# One letter of each stands in brackets, so that this file does not hold what it forbids.
MACHINE_PATHS = re.compile(r"(?<!\w)/(wor[k]|far[m]|roo[t]|tm[p])/|bash_job[s]")
REGISTRY_HOSTS = re.compile(r"pyp[i]\.org|pythonhoste[d]|registry\.npmj[s]|deb\.debia[n]")
SLEEP = re.compile(r"\bsleep\(")

WRITTEN = [path for path in files() if path.name != "LICENSE"]


def words(name: str) -> set[str]:
    """The words of a CamelCase or snake_case name, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def places(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(text(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def test_a_file_is_one_idea() -> None:
    lengths = {str(path): len(text(path).splitlines()) for path in sources("edge", "drivers", "tests")}
    assert {path: lines for path, lines in lengths.items() if lines > LINES_MAX} == {}


def test_names_say_what_a_thing_is() -> None:
    named = [(str(path), name) for path in sources("edge", "drivers", "tests") for name in {path.stem, *classes(path)}]
    assert [place for place in named if words(place[1]) & VAGUE] == []


def test_no_machine_is_named() -> None:
    assert places(MACHINE_PATHS, WRITTEN) == []


def test_no_registry_is_named() -> None:
    assert places(REGISTRY_HOSTS, WRITTEN) == []


def test_pure_tests_advance_the_clock_and_never_wait_for_it() -> None:
    assert places(SLEEP, [path for path in sources("tests") if path.parts[1] in {"unit", "contract"}]) == []


def test_the_patterns_find_what_they_look_for() -> None:
    assert MACHINE_PATHS.search(f"cd /{'work'}/main")
    assert not MACHINE_PATHS.search(f"docs/{'work'}/main")
    assert REGISTRY_HOSTS.search(f"https://{'pypi'}.org/simple")
    assert SLEEP.search(f"time.{'sleep'}(1)")
    assert words("LinkManager") & VAGUE == {"manager"}
    assert words("database") & VAGUE == set()
