"""What a benchmark found: spreads beside their baselines, and one plain table of them all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

HEAD: Final = ("figure", "ours", "beside", "theirs", "ratio", "budget", "")


@dataclass(frozen=True, slots=True)
class Spread:
    """Middle and tail of many measurements, in milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of_ns(cls, measured: Sequence[int]) -> Self:
        """measured: nanoseconds, at least one; a percentile is always a value that was measured."""
        ordered = sorted(measured)
        return cls(_at(ordered, 0.50) / 1e6, _at(ordered, 0.99) / 1e6)

    def __str__(self) -> str:
        return f"{self.p50:.3f} / {self.p99:.3f} ms"


def _at(ordered: Sequence[int], part: float) -> int:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a value must keep to. at_most False: it is a least value."""

    limit: float
    at_most: bool = True
    unit: str = "x"

    def holds(self, value: float) -> bool:
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.limit:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    judged: the value that the budget is about; the ratio where it is None
    """

    name: str
    ours: str
    beside: str = ""
    theirs: str = ""
    ratio: float | None = None
    budget: Budget | None = None
    judged: float | None = None

    @property
    def kept(self) -> bool:
        value = self.ratio if self.judged is None else self.judged
        return self.budget is None or (value is not None and self.budget.holds(value))

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        budget = "" if self.budget is None else str(self.budget)
        verdict = "" if self.budget is None else "ok" if self.kept else "OVER"
        return (self.name, self.ours, self.beside, self.theirs, ratio, budget, verdict)


def compare(name: str, ours: Sequence[int], beside: str, theirs: Sequence[int], budget: Budget | None = None) -> Line:
    """Two spreads measured in turns; the ratio is that of their middles."""
    mine, other = Spread.of_ns(ours), Spread.of_ns(theirs)
    return Line(name, str(mine), beside, str(other), mine.p50 / other.p50, budget)


def left_out(name: str, why: str) -> Line:
    """A figure that cannot be had here; it breaks no budget."""
    return Line(name, f"left out: {why}")


def table(lines: Iterable[Line]) -> str:
    """Plain text, one figure a line."""
    rows = [HEAD, *(line.cells() for line in lines)]
    counted = [row for row in rows if any(row[2:])]  # a long excuse must not widen the column of figures
    widths = [max(len(row[column]) for row in (counted if column else rows)) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
