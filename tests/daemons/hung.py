"""The alarm daemon on a disk that hangs: each commit waits for a pipe. A test plays the disk, no product ever does."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.core.events import Frozen
from edge.daemons.alarm.compose import main
from edge.ledger.ledger import Ledger

PIPE = "disk"  # in the ledger's folder; opening its other end lets the commits go on


class HungLedger(Ledger):
    def append(self, events: Sequence[Frozen], notes: Mapping[str, object] | None = None) -> None:
        pipe: Path = self.path.with_name(PIPE)
        if pipe.exists():
            pipe.read_bytes()
        super().append(events, notes)


if __name__ == "__main__":
    sys.exit(main(open_ledger=HungLedger))
