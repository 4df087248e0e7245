"""The alarm daemon with the one setting that must lose events: the control of the power tests, not a product."""

import functools
import sys

from edge.daemons.alarm.compose import main
from edge.ledger.ledger import Ledger

if __name__ == "__main__":
    sys.exit(main(open_ledger=functools.partial(Ledger, synchronous="NORMAL")))
