"""A ledger that gives up everything, step by step, for a test that kills it: says each step."""

import sys
from pathlib import Path

from edge.core.words import Epoch
from edge.ledger.ledger import Ledger
from edge.ledger.limits import Limits

if __name__ == "__main__":
    with Ledger(Path(sys.argv[1]), Epoch(sys.argv[2]), limits=Limits(file_bytes=0)) as ledger:
        while step := ledger.tidy():
            print(step, flush=True)
