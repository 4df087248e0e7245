"""The alarm daemon with an hour of a few seconds: what a test of the cap can wait for."""

import sys
from types import MappingProxyType

from edge.core import caps, sounding
from edge.core.words import SECOND_NS, Purpose
from edge.daemons.alarm.compose import main

LIMIT_S = 6  # of presses; 15 minutes on a wall
GRACE_S = 1  # of another zone once that is spent; 30 s on a wall

if __name__ == "__main__":
    limits = {**caps.LIMIT_NS, Purpose.PRESS: LIMIT_S * SECOND_NS}
    caps.LIMIT_NS = MappingProxyType(limits)
    caps.GRACE_NS = sounding.GRACE_NS = GRACE_S * SECOND_NS  # type: ignore[attr-defined]  # not offered, but used there
    sys.exit(main())
