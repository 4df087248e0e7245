"""What befalls a centre while a fleet talks to it: receipts that come late, and a store restored from an old backup."""

import asyncio
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.centre.fleet.play import Fleet, Plan
from edge.centre.fleet.roster import Roster
from edge.centre.fleet.stage import LISTENS, Stage, alarms_in

SLOW: Final = """
import sys, time
from collections import deque
from edge.centre.session import Session
from edge.field.cli import main
LATE_S = float(sys.argv.pop(1))
waiting = deque()
def group(self, session):
    letters = session.receive(0.1)
    if letters:
        harvest = self._ingest.take(letters)
        waiting.extend((time.monotonic() + LATE_S, dispatch) for dispatch in harvest.dispatches)
        session.acknowledge(letters)
        self._told(harvest)
    while waiting and waiting[0][0] <= time.monotonic():
        session.send(waiting.popleft()[1])
Session._group = group
main()
"""
"""The reference centre, but each receipt leaves so many seconds after its commit."""


def slow(late_s: float) -> tuple[str, ...]:
    return (sys.executable, "-c", SLOW, str(late_s))


@dataclass(frozen=True, slots=True)
class Restored:
    """Alarms in the store: before the loss, right after an old backup was put in its place, and in the end."""

    pressed: int
    before: int
    restored: int
    after: int
    asked: int
    reconnects: int
    seconds: float  # from the centre's return until it had everything


async def from_an_old_backup(roster: Roster, stage: Stage, *, boxes: int, plan: Plan) -> Restored:
    """A backup is made, a tenth presses and gets receipts, the disk dies, the backup is put back; boxes have all of it.

    raises: TimeoutError
    """
    loop = asyncio.get_running_loop()
    fleet = Fleet(roster.admit(boxes), roster.places, stage.endpoint, plan)
    store = roster.places.store
    backup = store.with_name("backup.db")
    try:
        await _reached(fleet.come())
        await asyncio.to_thread(_away, stage, lambda: shutil.copy(store, backup))
        fleet.press()
        await _reached(fleet.pressed())
        before, _ = alarms_in(roster.places, fleet.epochs)
        await asyncio.to_thread(_away, stage, lambda: _put_back(backup, store))
        restored, _ = alarms_in(roster.places, fleet.epochs)
        began_s = loop.time()
        await _reached(fleet.until(lambda: alarms_in(roster.places, fleet.epochs)[0] >= len(fleet.tally.presses)))
        seconds = loop.time() - began_s
    finally:
        await fleet.end()
    tally = fleet.tally
    after, _ = alarms_in(roster.places, fleet.epochs)
    return Restored(len(tally.presses), before, restored, after, tally.asked, tally.losses.total(), seconds)


async def _reached(within: Awaitable[bool]) -> None:
    if not await within:
        raise TimeoutError


def _away(stage: Stage, meanwhile: Callable[[], object]) -> None:
    heard = stage.centre.output().count(LISTENS)
    stage.centre.stop()
    meanwhile()
    stage.centre.start()
    while stage.centre.output().count(LISTENS) == heard:
        time.sleep(0.02)


def _put_back(backup: Path, store: Path) -> None:
    for name in (store.name, f"{store.name}-wal", f"{store.name}-shm"):
        store.with_name(name).unlink(missing_ok=True)
    shutil.copy(backup, store)
