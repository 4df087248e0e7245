"""A hand on the box's buttons and an ear at its siren, in a process of its own: nobody else's work is in its way.

    python -m tests.bench.hand ROOT

Each line of standard input, "PRESSES PATIENCE_S", is answered by a line of JSON: for each press the nanoseconds from
the button's edge to the siren's stroke, null where it did not sound in time. KEY silences after each press: a contact
like the others, so that no fault of a link or a disk is in the way of the next measurement.
"""

import json
import random
import sys
import time
from pathlib import Path
from typing import Final

from drivers.sim.bench import Bench
from drivers.sim.lines import Stroke
from edge.config.active import read_active
from edge.config.places import Places
from tests.bench import priority
from tests.bench.box import KEY, ZONES

SIREN: Final = "sirene"
LOOK_S: Final = 0.0005
HUSH_MAX_S: Final = 1.0
DOUBT_NS: Final = (
    90_000_000  # an off later than this after its on may be the pattern's own: a stroke of titir has 125 ms
)
REST_S: Final = (0.06, 0.09)  # a release settles after 40 ms; no two presses are at the same phase of anything


class Ear:
    """Strokes of one output as they are written into the trace."""

    def __init__(self, trace: Path, line: str) -> None:
        self._file = trace.open("rb")
        self._line = line
        self._rest = b""

    def strokes(self) -> list[Stroke]:
        """Those since the last look."""
        *rows, self._rest = (self._rest + self._file.read()).split(b"\n")
        found = (row.decode("ascii").split() for row in rows)
        return [Stroke(int(at), line, level == "1") for at, line, level in found if line == self._line]

    def wait(self, within_s: float, *, level: bool) -> int:
        """When the output next goes to `level`; 0 if it does not within the time."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            for stroke in self.strokes():
                if stroke.level == level:
                    return stroke.at_ns
            time.sleep(LOOK_S)
        return 0


class Hand:
    def __init__(self, places: Places) -> None:
        site = read_active(places).configuration
        assert site is not None
        pins = {zone.id: zone.pin for zone in site.zones}
        self._zones = [pins[zone] for zone in ZONES]
        self._key = pins[KEY]
        self._wires = Bench(places.run / "sim")
        self._ear = Ear(places.run / "sim/trace", next(each.pin for each in site.sounders if each.id == SIREN))
        self._chance = random.Random(5)
        self._turn = 0

    def press(self, patience_s: float) -> int | None:
        """One press of the next zone, then the key, then rest."""
        zone = self._zones[self._turn % len(self._zones)]
        self._turn += 1
        self._ear.strokes()
        pressed_ns = self._wires.press(zone)
        sounded_ns = self._ear.wait(patience_s, level=True)
        self._hush(sounded_ns)
        self._wires.release(zone)
        self._rest()
        return sounded_ns - pressed_ns if sounded_ns else None

    def _hush(self, sounded_ns: int) -> None:
        """Turn the key until the siren is surely off, and not between two strokes."""
        while True:
            self._wires.press(self._key)
            off_ns = self._ear.wait(HUSH_MAX_S, level=False) if sounded_ns else 0
            self._wires.release(self._key)
            if not off_ns or off_ns - sounded_ns < DOUBT_NS:
                return
            self._rest()
            self._ear.strokes()
            sounded_ns = self._ear.wait(HUSH_MAX_S / 2, level=True)

    def _rest(self) -> None:
        time.sleep(self._chance.uniform(*REST_S))


def main(root: Path) -> None:
    hand = Hand(Places(root))
    priority.take(priority.HAND)
    for line in sys.stdin:
        presses, patience_s = line.split()
        print(json.dumps([hand.press(float(patience_s)) for _ in range(int(presses))]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
