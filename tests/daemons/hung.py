"""The alarm daemon on a bad disk: it hangs, fails or opens late. A test plays the disk, no product ever does.

Files in the ledger's folder say how bad it is; they may come and go while the daemon runs.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from edge.core.events import Frozen
from edge.core.words import Epoch
from edge.daemons.alarm.compose import main
from edge.daemons.alarm.past import Past
from edge.ledger.ledger import Ledger, LedgerError

PIPE = "disk"  # each commit waits for it; opening its other end lets the commits go on
ERRORS = "errors"  # each commit fails
FORGET = "--forget"  # /run never learns that an event is safe
LATE = "late"  # opening the ledger takes so many seconds


class HungLedger(Ledger):
    def __init__(self, path: Path, epoch: Epoch) -> None:
        late = path.with_name(LATE)
        if late.exists():
            time.sleep(float(late.read_text("ascii")))
        super().__init__(path, epoch)

    def append(self, events: Sequence[Frozen], notes: Mapping[str, object] | None = None) -> None:
        pipe: Path = self.path.with_name(PIPE)
        with suppress(FileNotFoundError):
            pipe.read_bytes()
        if self.path.with_name(ERRORS).exists():
            raise LedgerError("disk I/O error")
        super().append(events, notes)


def thaw(ledger: Path) -> None:
    """The disk answers again; a commit has to hang there now."""
    pipe = ledger.with_name(PIPE)
    descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)  # ENXIO unless a commit hangs there now
    pipe.unlink()
    os.close(descriptor)


def thaw_whoever_hangs(ledger: Path) -> None:
    """The disk answers again, whether a commit hangs there now or none came."""
    pipe = ledger.with_name(PIPE)
    descriptor = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # lets in who waits at the door, and never waits itself
    pipe.unlink()
    os.close(descriptor)


if __name__ == "__main__":
    if FORGET in sys.argv:
        sys.argv.remove(FORGET)
        Past.told = lambda *_: None  # type: ignore[method-assign]  # that is the point
    sys.exit(main(open_ledger=HungLedger))
