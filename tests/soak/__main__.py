"""`make soak`: what three days bring, 50,000 events and 500 reconnections. Prints figures, fails on growth."""

import sys
import tempfile
from pathlib import Path

from tests.daemons.alarm_box import AlarmBox
from tests.soak.soaking import soak

ROUNDS, PER_ROUND = 500, 100
FED = (str(Path(__file__).with_name("fed.py")),)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, AlarmBox(Path(folder), entry=FED) as box:
        found = soak(box, rounds=ROUNDS, per_round=PER_ROUND)
    print(found.report())
    for fault in found.faults():
        print(f"NOT FLAT: {fault}")
    return 1 if found.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
