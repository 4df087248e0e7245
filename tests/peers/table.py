"""What became of everybody's events, one contender a line."""

from collections.abc import Sequence
from typing import Final

from tests.peers.outage import Outcome

HEAD: Final = (
    *("contender", "fed by", "settings", "killed after"),
    *("received", "lost", "twice", "behind", "back after", "drained in", "events/s", "its centre"),
)

Row = tuple[str, ...]


def row(outcome: Outcome) -> Row:
    who, heard = outcome.about, outcome.heard
    received = (f"{heard.different} of {outcome.offered}", f"{outcome.lost}", f"{heard.twice}", f"{heard.behind}")
    times = (f"{outcome.back_s:.1f} s", f"{heard.drain_s:.2f} s", f"{heard.rate:.0f}") if heard.different else ("",) * 3
    return (who.title, who.fed, who.settings, f"{who.rest_s:.0f} s", *received, *times, outcome.stored)


def left_out(name: str, why: str) -> Row:
    """A contender that cannot be had here."""
    return (name, f"left out: {why}", *[""] * (len(HEAD) - 2))


def table(rows: Sequence[Row]) -> str:
    lines = [HEAD, *rows]
    counted = [line for line in lines if any(line[2:])]  # a long excuse must not widen the columns
    widths = [max(len(line[column]) for line in (counted if column else lines)) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
