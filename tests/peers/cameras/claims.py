"""What the runs come to: two tables, and what is claimed of our own rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final
from urllib.parse import urlsplit

CAMERAS: Final = 54
SCAN_S: Final = 2.0
ASK_S: Final = 1.0
ASK_MB: Final = 60.0
SEEKING: Final = (
    "contender",
    f"found of {CAMERAS}",
    "seconds",
    "CPU s",
    "peak MB",
    "on 169.254/16, no route",
    "same set",
)
ASKING: Final = ("contender", "read", "seconds", "with start", "CPU s", "peak MB", "same answers")

Run = Mapping[str, Any]
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Runs:
    """One contender's: on a LAN with a default route, on link-local addresses without one, and asking."""

    title: str
    lan: Sequence[Run] = ()
    bare: Sequence[Run] = ()
    asked: Sequence[Run] = ()


def seeking_row(runs: Runs, hosts: frozenset[str]) -> Row:
    found = [set(run["said"].get("found", ())) for run in runs.lan]
    same = "yes" if all(one == hosts for one in found) else "fewer" if all(one <= hosts for one in found) else "NO"
    return (
        runs.title,
        " ".join(str(len(one)) for one in found),
        " ".join(f"{run['said'].get('seconds', 0.0):.2f}" for run in runs.lan),
        f"{median(run['cpu_s'] for run in runs.lan):.2f}",
        f"{max(run['peak_mb'] for run in runs.lan):.0f}",
        " ".join(str(len(set(run["said"].get("found", ())))) for run in runs.bare),
        same,
    )


def asking_row(runs: Runs, ours: Run, count: int) -> Row:
    run = runs.asked[0]
    read = _read(run)
    return (
        runs.title,
        f"{len(read)} of {count}",
        f"{run['said'].get('seconds', 0.0):.2f}",
        f"{run['wall_s']:.2f}",
        f"{run['cpu_s']:.2f}",
        f"{run['peak_mb']:.0f}",
        "yes" if _facts(run) == _facts(ours) else f"NO: {_difference(_facts(run), _facts(ours))}",
    )


def _read(run: Run) -> dict[str, Any]:
    return {host: facts for host, facts in run["said"].get("read", {}).items() if "fault" not in facts}


def _facts(run: Run) -> dict[str, tuple[object, ...]]:
    """Serial, MAC, number of profiles, and where the picture lies: path and query, as that is all that we take."""
    return {
        host: (facts["serial"], facts["mac"], facts["profiles"], _target(facts["snapshot"]))
        for host, facts in _read(run).items()
    }


def _target(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.path}?{parts.query}"


def _difference(theirs: Mapping[str, object], ours: Mapping[str, object]) -> str:
    host = next((host for host in sorted(theirs.keys() | ours.keys()) if theirs.get(host) != ours.get(host)), "")
    return f"{host} {theirs.get(host)}"


def broken(ours: Runs, others: Sequence[Runs], hosts: frozenset[str], count: int) -> Iterator[str]:
    """What is claimed and did not hold; nobody who finds more or reads otherwise is passed over."""
    for number, run in enumerate(ours.lan, 1):
        found, seconds = set(run["said"].get("found", ())), run["said"].get("seconds", 99.0)
        if found != hosts or seconds > SCAN_S:
            yield f"scan {number}: {len(found)} of {CAMERAS} in {seconds:.2f} s, claimed all in {SCAN_S} s"
    for run in ours.bare:
        if len(set(run["said"].get("found", ()))) != CAMERAS:
            yield f"without a default route: {len(run['said'].get('found', ()))} of {CAMERAS}"
    for run in ours.asked:
        seconds, peak = run["said"].get("seconds", 99.0), run["peak_mb"]
        if len(_read(run)) != count or seconds > ASK_S or peak > ASK_MB:
            figures = f"{len(_read(run))} of {count} in {seconds:.2f} s and {peak:.0f} MB"
            yield f"asked: {figures}, claimed {ASK_S} s and {ASK_MB:.0f} MB"
    for other in others:
        yield from _contradictions(other, ours, hosts)


def _contradictions(other: Runs, ours: Runs, hosts: frozenset[str]) -> Iterator[str]:
    for run in other.lan:
        if more := set(run["said"].get("found", ())) - hosts:
            yield f"{other.title} found {sorted(more)}"
    for run in other.asked:
        own = _facts(ours.asked[0]) if ours.asked else {}
        if any(own.get(host, facts) != facts for host, facts in _facts(run).items()):
            yield f"{other.title} reads otherwise: {_difference(_facts(run), own)}"


def table(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, *rows]
    counted = [line for line in lines if any(line[2:])]  # a long excuse must not widen the columns
    widths = [max(len(line[column]) for line in (counted if column else lines)) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
