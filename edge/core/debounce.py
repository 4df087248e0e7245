"""Edges of one contact, with their timestamps, become what a person did: touched, pressed, released.

gpiozero's `bounce_time` means something else on every factory (one delays each press by it, the mock ignores it),
so the filter is here, on the edge's own time, and its tests inject that time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from edge.core.words import SECOND_NS, Brief, Button, Contact, LostEdge, Pressed, Released, Stuck, Touched, ZoneId

MILLISECOND_NS = 1_000_000
SETTLE_NS = 40 * MILLISECOND_NS  # contacts of push buttons bounce for 1-20 ms; a finger cannot let go for less
PATIENCE_NS = 100 * MILLISECOND_NS  # an edge may wait this long in a queue before a read level outweighs it
LOOK_NS = 20 * MILLISECOND_NS  # from look to look meanwhile; who looks later was held up, and so was the edge
STUCK_NS = 60 * SECOND_NS
HOLD_NS: Mapping[Button, int] = MappingProxyType(
    {
        Button.EXPOSED: SECOND_NS,  # a ball, a child, a shoulder
        Button.COVERED: 300 * MILLISECOND_NS,
        Button.LATCHING: 0,
        Button.KEY: 300 * MILLISECOND_NS,
    }
)


@dataclass(frozen=True, slots=True)
class Timing:
    """How one contact is judged.

    hold_ns:   how long it must stay closed to be pressed; 0 presses at the first edge
    stuck_ns:  closed for this long from the first edge is a fault; None for a contact that latches
    settle_ns: openings shorter than this are bounce
    raises:    ValueError if a contact could be stuck before it is pressed
    """

    hold_ns: int
    stuck_ns: int | None = STUCK_NS
    settle_ns: int = SETTLE_NS

    def __post_init__(self) -> None:
        if self.hold_ns < 0 or self.settle_ns <= 0:
            raise ValueError(f"hold {self.hold_ns} ns and settle {self.settle_ns} ns must not be negative")
        if self.stuck_ns is not None and self.stuck_ns <= self.hold_ns:
            raise ValueError(f"stuck after {self.stuck_ns} ns is not later than the hold of {self.hold_ns} ns")


def timing(button: Button, *, hold_ns: int | None = None) -> Timing:
    """The timing of a kind of button; `hold_ns` replaces the button's own hold."""
    stuck_ns = None if button is Button.LATCHING else STUCK_NS
    return Timing(HOLD_NS[button] if hold_ns is None else hold_ns, stuck_ns)


class Phase(StrEnum):
    REST = "rest"
    HOLDING = "holding"  # touched, not yet decided
    HELD = "held"  # pressed, not yet released
    STUCK = "stuck"


class Debouncer:
    """Judge one contact by the timestamps of its edges, whenever they arrive.

    An edge older than what was already decided is moved up to that moment: the kernel's order is trusted and the
    boot clock cannot step, so this only happens to an edge that waited in a queue. `advance` should be given the
    line's level where reading it is cheap: it is how a lost edge is found.
    """

    def __init__(self, zone: ZoneId, timing: Timing) -> None:
        self.zone = zone
        self._timing = timing
        self._phase = Phase.REST
        self._closed = False  # the level as the edges tell it, bounce included
        self._first_ns = 0  # first edge of the press
        self._changed_ns = 0  # last change of `_closed`
        self._decided_ns = 0  # nothing can happen before what was last decided
        self._known_ns = 0  # an edge up to here that repeats the level is only late
        self._dissent_ns: int | None = None  # since when the read level contradicts `_closed`
        self._looked_ns = 0  # the last look at it since then
        self._waited_ns = 0  # how much of the time since then was looked through
        self._from_start = False  # this press was found at the start, nobody saw its edge
        self._remembered = False  # and was told before it
        self._patient_ns = 0  # and is not decided before, if it stays closed: somebody may remember it

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def due_ns(self) -> int | None:
        """When `advance` has something to decide."""
        if self._dissent_ns is not None:
            return self._looked_ns + LOOK_NS
        return self._deadline()

    @property
    def held_since_ns(self) -> int | None:
        """First edge of the press that was decided and is not over."""
        return self._first_ns if self._phase in (Phase.HELD, Phase.STUCK) else None

    @property
    def pressed_from_start(self) -> bool:
        """It was closed at the start and was decided as a new press before anybody remembered it."""
        return self._phase is Phase.HELD and self._from_start and not self._remembered

    def start(self, *, active: bool, now_ns: int, patience_ns: int = 0) -> list[Contact]:
        """Take the level read at the start; a closed contact is a press in progress, first seen now.

        patience_ns: how long it may wait for one of the three `recall_...` before it counts as a new press
        """
        self._decided_ns = now_ns
        self._known_ns = now_ns + LOOK_NS
        if not active:
            return []
        self._from_start = True
        self._patient_ns = now_ns + patience_ns
        return self._turn(closed=True, at_ns=now_ns)

    def edge(self, *, active: bool, at_ns: int) -> list[Contact]:
        """Take one edge; whatever was due before it happens first."""
        self._dissent_ns = None
        if active == self._closed:
            return self._repeat(at_ns)
        at_ns = max(at_ns, self._decided_ns)
        self._known_ns = at_ns
        self._patient_ns = 0
        return self._run(at_ns) + self._turn(closed=active, at_ns=at_ns)

    def advance(self, now_ns: int, *, level: bool | None = None) -> list[Contact]:
        """Let time pass; `level` is the line read now, None when nobody looked."""
        self._compare(now_ns, level=level)
        dissent_ns = self._dissent_ns
        if dissent_ns is None:
            return self._run(now_ns)
        if self._waited_ns < PATIENCE_NS:
            return []  # whatever is due waits for the missing edge, whose timestamp decides
        return self._believe_level(dissent_ns) + self._run(now_ns)

    def recall_stuck(self, now_ns: int) -> list[Contact]:
        """Learn that it was last recorded stuck: closed since the start and undecided, it is stuck, not pressed."""
        happened = self._run(now_ns)
        if self._from_start and (self._phase is Phase.HOLDING or (self._phase is Phase.HELD and self._remembered)):
            self._phase = Phase.STUCK
            happened.append(Stuck(self.zone, now_ns))
        return happened

    def recall_held(self, now_ns: int) -> list[Contact]:
        """Learn that this very press was recorded before the start: it goes on, and is not told twice.

        Also where its time to wait for this is over, and nobody has decided it yet: the word came while we were busy.
        """
        if self._phase is Phase.HOLDING and self._from_start:
            self._phase, self._remembered = Phase.HELD, True
        return self._run(now_ns)

    def recall_normal(self, now_ns: int) -> list[Contact]:
        """Learn that nothing is remembered of it: closed at the start, it counts as a press."""
        self._patient_ns = 0
        return self._run(now_ns)

    # ---- time ----------------------------------------------------------------------------------------------------

    def _deadline(self) -> int | None:
        if self._phase is Phase.REST:
            return None
        if not self._closed:
            return self._changed_ns + self._timing.settle_ns
        if self._phase is Phase.HOLDING:
            return max(self._first_ns + self._timing.hold_ns, self._changed_ns, self._patient_ns)
        if self._phase is Phase.HELD and self._timing.stuck_ns is not None:
            return max(self._first_ns + self._timing.stuck_ns, self._changed_ns)
        return None

    def _run(self, until_ns: int) -> list[Contact]:
        happened: list[Contact] = []
        while (due_ns := self._deadline()) is not None and due_ns <= until_ns:
            self._decided_ns = due_ns
            happened.append(self._expire(due_ns))
        return happened

    def _expire(self, due_ns: int) -> Contact:
        if not self._closed:
            return self._let_go()
        if self._phase is Phase.HOLDING:
            self._phase = Phase.HELD
            return Pressed(self.zone, self._first_ns, due_ns - self._first_ns)
        self._phase = Phase.STUCK
        return Stuck(self.zone, due_ns)

    def _let_go(self) -> Contact:
        undecided = self._phase is Phase.HOLDING
        self._phase = Phase.REST
        self._from_start = self._remembered = False
        if undecided:
            return Brief(self.zone, self._first_ns, self._changed_ns - self._first_ns)
        return Released(self.zone, self._changed_ns)

    # ---- edges ---------------------------------------------------------------------------------------------------

    def _turn(self, *, closed: bool, at_ns: int) -> list[Contact]:
        self._closed = closed
        self._changed_ns = self._decided_ns = at_ns
        if self._phase is not Phase.REST:
            return self._run(at_ns)  # closed again after a bounce at the deadline: decided now
        self._phase = Phase.HOLDING
        self._first_ns = at_ns
        return [Touched(self.zone, at_ns), *self._run(at_ns)]

    def _repeat(self, at_ns: int) -> list[Contact]:
        """An edge towards the level we already have: late, or the edge between the two is lost."""
        if at_ns <= self._known_ns:
            return []
        happened = [*self._run(at_ns), LostEdge(self.zone, at_ns)]
        self._known_ns = at_ns
        if self._closed and self._phase in (Phase.HELD, Phase.STUCK):
            return happened + self._press_again(at_ns)
        self._changed_ns = at_ns
        return happened

    def _press_again(self, at_ns: int) -> list[Contact]:
        """Closed twice with no opening between: it may be a new press, so it is one."""
        if at_ns - self._changed_ns <= self._timing.settle_ns:
            self._changed_ns = at_ns
            return []
        self._phase = Phase.REST
        self._from_start = self._remembered = False
        return [Released(self.zone, at_ns), *self._turn(closed=True, at_ns=at_ns)]

    # ---- the level read beside the edges ---------------------------------------------------------------------------

    def _compare(self, now_ns: int, *, level: bool | None) -> None:
        """Count how long the contradiction was looked at; a level that cannot be read any more ends none."""
        if level == self._closed:
            self._dissent_ns = None
        elif self._dissent_ns is not None:
            self._waited_ns += min(now_ns - self._looked_ns, LOOK_NS)
            self._looked_ns = now_ns
        elif level is not None:
            self._dissent_ns = self._looked_ns = now_ns
            self._waited_ns = 0

    def _believe_level(self, dissent_ns: int) -> list[Contact]:
        """No edge came: the level is right, and its edge counts from when it was first seen wrong."""
        self._dissent_ns = None
        self._patient_ns = 0
        self._known_ns = dissent_ns + LOOK_NS
        at_ns = max(self._date_of_lost_edge(dissent_ns), self._decided_ns)
        return [
            LostEdge(self.zone, dissent_ns),
            *self._run(at_ns),
            *self._turn(closed=not self._closed, at_ns=at_ns),
        ]

    def _date_of_lost_edge(self, dissent_ns: int) -> int:
        """The level at the end of the hold decides: found open there, the contact was not held."""
        end_ns = self._first_ns + self._timing.hold_ns
        if self._phase is Phase.HOLDING and self._closed and dissent_ns <= end_ns + LOOK_NS:
            return min(dissent_ns, end_ns - 1)
        return dissent_ns
