"""kentongan-alarm on a disk and a wall clock that chaos can break; nothing else of it is changed.

The ledger's folder says how bad the disk is (tests.daemons.hung), the root what time it is (tests.daemons.stepped).
"""

import sys

from edge.daemons.alarm.compose import main
from tests.daemons.hung import HungLedger
from tests.daemons.stepped import SteppedClock


def run() -> int:
    return main(open_ledger=HungLedger, clock=SteppedClock)


if __name__ == "__main__":
    sys.exit(run())
