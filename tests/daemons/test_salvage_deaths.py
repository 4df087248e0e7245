"""Killed in the middle of a salvage, again and again: every row comes home once."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from edge.core.words import Epoch, EventId
from edge.ledger.files import broken_ledgers
from edge.ledger.ledger import Ledger
from tests.unit.test_ledger import ONE, SIGNER, event

SALVAGING = Path(__file__).with_name("salvaging.py")
COUNT = 1500
RECEIVED = 500
KILLS = 4
PATIENCE_S = 60.0


def salvaging(path: Path, epoch: Epoch) -> "subprocess.Popen[str]":
    command = [sys.executable, str(SALVAGING), str(path), epoch, SIGNER.public.hex()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(path: Path) -> None:
    """Let it end what it does."""
    with salvaging(path, Epoch("000000fe")) as child:
        deadline = time.monotonic() + PATIENCE_S
        while broken_ledgers(path):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        child.kill()


def batches(path: Path, epoch: Epoch, wanted: int) -> int:
    """Kill it after so many batches; returns how many rows it said were home."""
    with salvaging(path, epoch) as child:
        assert child.stdout is not None
        home = sum(int(child.stdout.readline()) for _ in range(wanted))
        child.kill()
        assert child.wait() == -signal.SIGKILL
    return home


def test_a_salvage_that_is_killed_begins_again_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path, ONE) as ledger:
        for first in range(1, COUNT + 1, 50):
            ledger.append([event(seq) for seq in range(first, first + 50)])
        ledger.receive([EventId(ONE, seq) for seq in range(1, RECEIVED + 1)], receiver="pusat", at="t")
    with path.open("r+b") as file:
        file.write(bytes(100))
    home = 0
    for kill in range(KILLS):
        home += batches(path, Epoch(f"0000000{kill + 1}"), 2 + kill)
        assert len(broken_ledgers(path)) == 1
    assert 0 < home < COUNT - RECEIVED
    finish(path)
    with Ledger(path, Epoch("000000ff")) as ledger:
        assert [row.id.seq for row in ledger.unreceived(9999)] == list(range(RECEIVED + 1, COUNT + 1))
        assert len(ledger.digests(ONE, 1, COUNT)) == COUNT
        assert ledger.debts() == []
