"""Press -> siren while something is wrong, beside the same presses with nothing wrong, in turns in one run.

"Siren unaffected" means: p99 under the fault <= 3 x the p99 at rest. All parts are real: alarm, relay, mosquitto, the
reference centre; only the wires are virtual, pressed and listened to by a process of its own (tests.bench.hand).

Each fault comes twice. What is over then comes twice more, and all of its presses count: on a shared machine two stolen
moments among a hundred presses are a p99.
"""

import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from edge.core.words import SECOND_NS
from tests.bench import rough_faults
from tests.bench.figures import Budget, Line, Spread, left_out
from tests.bench.rough_cameras import CAMERAS
from tests.bench.rough_faults import UNPROMISED, Fault, LeftOut, Rough, disk_frozen
from tests.bench.rough_stage import Hands, RoughStage, WaitingStage, forget_hour, opened, settle

FAULTS: Final = {**rough_faults.FAULTS, **CAMERAS}
AT_REST: Final = 16  # before each fault, in each round
UNDER_FAULT: Final = 64
PATIENCE_S: Final = 2.0
BITE_S: Final = 0.7  # what was begun is felt
CONTROL_PRESSES: Final = 5
CONTROL_PATIENCE_S: Final = 1.0
BUDGET: Final = Budget(3.0)
NOTICED: Final = Budget(3.0, at_most=False)
ALL: Final = Budget(1.0, at_most=False, unit="")
NONE: Final = Budget(0.0, unit="")

Measured = list[int | None]


class Presses:
    """The same hand under every fault."""

    def __init__(self, rough: Rough, hands: Hands) -> None:
        self._rough = rough
        self._hands = hands
        self.at_rest: Measured = []
        self.under: defaultdict[str, Measured] = defaultdict(list)
        self.left_out: dict[str, str] = {}

    def round(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.left_out:
                self.at_rest += self._hands.press(AT_REST, PATIENCE_S)
                self._measure(name, FAULTS[name])
                settle(self._rough.stage)

    def over(self) -> list[str]:
        """Those that break their budget so far."""
        rest = _spread(self.at_rest)
        return [name for name in self.under if name not in UNPROMISED and not self.line(name, rest).kept]

    def line(self, name: str, rest: Spread) -> Line:
        return _line(name, self.under[name], rest, None if name in UNPROMISED else BUDGET)

    def _measure(self, name: str, fault: Fault) -> None:
        began = time.monotonic()
        try:
            with fault(self._rough):
                time.sleep(BITE_S)
                self.under[name] += self._hands.press(UNDER_FAULT, PATIENCE_S)
        except LeftOut as why:
            self.left_out[name] = str(why)
        print(f"  {name} {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def lines(folder: Path) -> list[Line]:
    with opened(folder / "stage") as (stage, journal), closing(Hands(stage.places.root)) as hands:
        rough = Rough(stage, journal, lambda: hands.presses)
        presses = Presses(rough, hands)
        hands.press(AT_REST, PATIENCE_S)  # files grow, caches fill
        for names in (lambda: FAULTS, lambda: FAULTS, presses.over, presses.over):
            presses.round(names())
            _begin_hour(stage)
        priority = os.getpriority(os.PRIO_PROCESS, stage.alarm.pid)
    rest = _spread(presses.at_rest)
    return [
        Line(f"at rest, {len(presses.at_rest)} presses, alarm at nice {priority}", str(rest)),
        *(presses.line(name, rest) for name in presses.under),
        *(left_out(name, why) for name, why in presses.left_out.items()),
        left_out("memory runs out", "it would run out for everybody who shares this machine"),
        _at_the_centre("disk frozen: at the centre meanwhile", rough, ALL),
        *_control(folder / "control", rest),
    ]


def _begin_hour(stage: RoughStage) -> None:
    """No cap is to be reached by a bench that presses more often than people do."""
    stage.alarm.stop()
    forget_hour(stage)
    stage.alarm.start()
    stage.alarm.wait_ready()
    settle(stage)


def _control(folder: Path, rest: Spread) -> list[Line]:
    """A siren that waits for the disk: the table has to show it."""
    with opened(folder, WaitingStage) as (stage, journal), closing(Hands(stage.places.root)) as hands:
        rough = Rough(stage, journal, lambda: hands.presses)
        with disk_frozen(rough):
            time.sleep(BITE_S)
            under = hands.press(CONTROL_PRESSES, CONTROL_PATIENCE_S)
    return [
        _line("control, the siren waits for the disk: disk frozen", under, rest, NOTICED),
        _at_the_centre("control: at the centre meanwhile", rough, NONE),
    ]


def _line(name: str, under: Measured, rest: Spread, budget: Budget | None) -> Line:
    """A press that was not heard is late by as long as it was waited for, and breaks any budget."""
    silent = under.count(None)
    spread = _spread(under)
    ratio = spread.p99 / rest.p99
    told = f"{spread}, {silent} silent" if silent else str(spread)
    return Line(f"{name}, {len(under)}", told, "at rest", str(rest), ratio, budget, math.inf if silent else ratio)


def _at_the_centre(name: str, rough: Rough, budget: Budget) -> Line:
    part = rough.received / rough.pressed
    return Line(name, f"{rough.received} of {rough.pressed}", budget=budget, judged=part)


def _spread(measured: Measured) -> Spread:
    return Spread.of_ns([int(PATIENCE_S * SECOND_NS) if each is None else each for each in measured])
