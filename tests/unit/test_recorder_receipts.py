"""When the ledger's thread writes down receipts: after whatever somebody waits for, and never not at all."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.core.events import Frozen
from edge.core.words import EventId
from edge.ledger.ledger import Ledger
from edge.ledger.recorder import Recorder
from edge.ledger.told import Fetched
from tests.unit.test_ledger import ONE, event
from tests.unit.test_recorder import BOUND_S, Disk, Ears, stored_ids


class Watched(Ledger):
    """Remembers what was asked of it."""

    did: list[str]

    def fetch(self, ids: Sequence[EventId]) -> list[Frozen]:
        self.did.append("fetch")
        return super().fetch(ids)

    def receive(self, ids: Sequence[EventId], *, receiver: str, at: str) -> None:  # type: ignore[override]  # as called
        self.did.append("receive")
        super().receive(ids, receiver=receiver, at=at)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "ledger.db")


def test_receipts_are_written_down_when_nobody_waits_for_bytes_and_before_the_end(disk: Disk) -> None:
    did: list[str] = []

    def opened() -> Ledger:
        ledger = Watched(disk.path, ONE)
        ledger.did = did
        return ledger

    ears = Ears()
    recorder = Recorder(opened, disk.aside, ears.told.put)
    for seq in range(1, 131):
        recorder.append(event(seq))
    recorder.receive([EventId(ONE, seq) for seq in range(1, 131)], receiver="pusat", at="t")
    recorder.fetch([EventId(ONE, 1)])
    recorder.start()
    ears.wait_for(Fetched)
    recorder.stop(BOUND_S)

    assert did == ["fetch", "receive", "receive", "receive"]
    assert stored_ids(disk.path) == []
