"""Kentongan notation becomes a timeline, and nothing that could be taken for the reserved steady tone gets through.

notation: 0 = stroke, . = short pause, - = group pause; the pattern repeats after one more group pause.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

Switch = Literal["ssr", "relay", "audio", "motor"]

MILLISECOND_NS = 1_000_000
# A steady tone of three minutes orders a tsunami evacuation (national protocol, 2007).
STEADY_LIMIT_NS = 10_000 * MILLISECOND_NS
SILENCE_LIMIT_NS = 5_000 * MILLISECOND_NS  # longer, and a neighbour takes the pattern for over
STROKE_LIMIT_NS = 50 * MILLISECOND_NS  # no sounder can be heard for less
COARSE_NS = 400 * MILLISECOND_NS  # the shortest step a relay (100,000 operations) or a motor can articulate
COARSE_SWITCHES = ("relay", "motor")


class Step(NamedTuple):
    on: bool
    for_ns: int


def stroke(for_ns: int) -> Step:
    return Step(on=True, for_ns=for_ns)


def pause(for_ns: int) -> Step:
    return Step(on=False, for_ns=for_ns)


class Moment(NamedTuple):
    """Whether it is on now, and when (elapsed ns, always later than asked) to look again."""

    on: bool
    until_ns: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """On and off for ever, from the first step, which is on.

    raises: ValueError if it is empty, starts silent, has a step shorter than 50 ms, is on for more than 10 s without
            a break (over the seam of its repetition too), or is silent for more than 5 s
    """

    steps: tuple[Step, ...]
    cycle_ns: int = field(init=False)

    def __post_init__(self) -> None:
        steps = _merged(self.steps)
        _guard(steps)
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "cycle_ns", sum(step.for_ns for step in steps))


def at(timeline: Timeline, elapsed_ns: int) -> Moment:
    """What the timeline says `elapsed_ns` after its start."""
    cycles, rest_ns = divmod(elapsed_ns, timeline.cycle_ns)
    end_ns = cycles * timeline.cycle_ns
    for step in timeline.steps:
        end_ns += step.for_ns
        rest_ns -= step.for_ns
        if rest_ns < 0:
            return Moment(step.on, end_ns)
    raise AssertionError("the steps of a timeline add up to its cycle")


@dataclass(frozen=True, slots=True)
class Tempo:
    """Time base of a notation: a stroke, and the silence after it before a stroke, a short pause, a group pause."""

    stroke_ns: int
    gap_ns: int
    short_ns: int
    group_ns: int


# ISO 8201:2017: 0.5 s on, 0.5 s off, 1.5 s after the third (+-10 %): kentongan 3-3-3 is temporal-3.
ISO_8201 = Tempo(
    500 * MILLISECOND_NS,
    500 * MILLISECOND_NS,
    1_000 * MILLISECOND_NS,
    1_500 * MILLISECOND_NS,
)
# titir, the rapid beat: 4 strokes a second, no groups. A relay would be dead after 139 alarms of 180 s.
RAPID = Tempo(
    150 * MILLISECOND_NS,
    100 * MILLISECOND_NS,
    100 * MILLISECOND_NS,
    100 * MILLISECOND_NS,
)


def beat(notation: str, tempo: Tempo = ISO_8201) -> Timeline:
    """The timeline of one notation.

    raises: ValueError on an unknown symbol, on a pause that has no stroke before and after it, and as Timeline
    """
    if unknown := sorted(set(notation) - set("0.-")):
        raise ValueError(f"kentongan notation {notation!r}: unknown symbol {unknown[0]!r}, use 0 . -")
    if not (notation.startswith("0") and notation.endswith("0")):
        raise ValueError(f"kentongan notation {notation!r} must begin and end with a stroke")
    if any(a != "0" != b for a, b in pairwise(notation)):
        raise ValueError(f"kentongan notation {notation!r} has two pauses in a row")
    silence = {"0": tempo.gap_ns, ".": tempo.short_ns, "-": tempo.group_ns}
    strokes = [following for symbol, following in pairwise(f"{notation}-") if symbol == "0"]
    return Timeline(
        tuple(step for following in strokes for step in (stroke(tempo.stroke_ns), pause(silence[following])))
    )


def _merged(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Neighbours of one level become one step, so that the guard measures what is heard."""
    merged: list[Step] = []
    for step in steps:
        if step.for_ns <= 0:
            raise ValueError(f"a step of {step.for_ns} ns")
        if merged and merged[-1].on == step.on:
            merged[-1] = Step(step.on, merged[-1].for_ns + step.for_ns)
        else:
            merged.append(step)
    return tuple(merged)


def _guard(steps: tuple[Step, ...]) -> None:
    if len(steps) < 2:
        raise ValueError("a pattern needs strokes and pauses: a steady tone is reserved for tsunami evacuation")
    if not steps[0].on:
        raise ValueError("a pattern begins with a stroke, or a press would not be heard at once")
    seam = (stroke(steps[0].for_ns + steps[-1].for_ns),) if steps[-1].on else ()
    for on, for_ns in (*steps, *seam):
        if for_ns < STROKE_LIMIT_NS:
            raise ValueError(f"a step of {for_ns / 1e6:g} ms cannot be heard, at least 50 ms")
        if on and for_ns > STEADY_LIMIT_NS:
            raise ValueError(f"{for_ns / 1e9:g} s on without a break is reserved for tsunami evacuation, at most 10 s")
        if not on and for_ns > SILENCE_LIMIT_NS:
            raise ValueError(f"{for_ns / 1e9:g} s of silence ends the pattern for those who listen, at most 5 s")


TEMPORAL_3 = beat("000")


def articulated(timeline: Timeline, switch: Switch) -> Timeline:
    """`timeline`, or temporal-3 where this kind of sounder cannot play steps that short."""
    if switch in COARSE_SWITCHES and min(step.for_ns for step in timeline.steps) < COARSE_NS:
        return TEMPORAL_3
    return timeline
