"""Killed in the middle of an eviction: each event is in the ledger or in a debt, never in neither."""

import signal
import subprocess
import sys
from pathlib import Path

from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.ledger import Ledger
from edge.ledger.limits import STEP
from tests.unit.test_ledger import ONE, event

EVICTING = Path(__file__).with_name("evicting.py")
CLASSES = (EventClass.ALARM, EventClass.TROUBLE, EventClass.AUDIT)
COUNT = 24 * STEP
RECEIVED = 2 * STEP
KILLS = 4


def killed_after(path: Path, epoch: str, steps: int) -> None:
    command = [sys.executable, str(EVICTING), str(path), epoch]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert all(int(child.stdout.readline()) == STEP for _ in range(steps))
        child.kill()
        assert child.wait() == -signal.SIGKILL


def test_no_event_goes_without_leaving_a_debt(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path, ONE) as ledger:
        for first in range(1, COUNT + 1, STEP):
            events = [event(seq, event_class=CLASSES[seq % 3]) for seq in range(first, first + STEP)]
            ledger.append(events)
        ledger.receive([EventId(ONE, seq) for seq in range(1, RECEIVED + 1)], receiver="pusat", at="t")
    for kill in range(KILLS):
        killed_after(path, f"0000000{kill + 1}", 2)
        with Ledger(path, Epoch("000000ff")) as ledger:
            here = {seq for seq, _ in ledger.digests(ONE, 1, COUNT)}
            owed = {identity.seq for debt in ledger.debts() for identity in debt.ids}
            waiting = ledger.unreceived(COUNT)
        assert here.isdisjoint(owed)
        assert here | owed >= set(range(RECEIVED + 1, COUNT + 1))
        assert len(here) < COUNT - 2 * STEP * kill
        classes = [each for each in reversed(CLASSES) if any(row.event_class is each for row in waiting)]
        assert sum(row.event_class is EventClass.ALARM for row in waiting) == _alarms() or classes == [EventClass.ALARM]


def _alarms() -> int:
    return sum(CLASSES[seq % 3] is EventClass.ALARM for seq in range(RECEIVED + 1, COUNT + 1))
