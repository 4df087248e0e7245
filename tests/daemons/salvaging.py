"""A ledger's thread over a broken ledger, for a test that kills it: says each batch that has come home."""

import sys
import threading
from pathlib import Path

from edge.core.events import read_event
from edge.core.words import Epoch
from edge.ledger.files import set_aside
from edge.ledger.ledger import Ledger
from edge.ledger.recorder import Recorder
from edge.ledger.told import Rescued, Told


def main(path: Path, epoch: Epoch, public: bytes) -> None:
    def tell(told: Told) -> None:
        if isinstance(told, Rescued):
            print(len(told.rows), flush=True)

    recorder = Recorder(
        lambda: Ledger(path, epoch), lambda: set_aside(path, epoch), tell, verify=lambda raw: read_event(raw, public)
    )
    recorder.start()
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Epoch(sys.argv[2]), bytes.fromhex(sys.argv[3]))
