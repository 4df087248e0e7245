"""The alarm daemon on a machine so busy that a ledger takes seconds to open: a contact closed at the start waits.

Half a second is the product's patience; after it, a press that was told before a crash is told once more, and sounds.
"""

import sys

from edge.core.words import SECOND_NS
from edge.daemons.alarm import compose

if __name__ == "__main__":
    compose.RECALL_NS = 30 * SECOND_NS  # type: ignore[misc]  # a test of what is told must not depend on the load
    sys.exit(compose.main())
