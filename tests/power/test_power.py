"""Power cuts: disk states rebuilt from everything the real alarm daemon wrote, opened with the product's own ledger.

The promise: an alarm that the lamp called mengirim, or that was handed over as stored, is in every one of them.
"""

import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.core.events import Frozen, read_event
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.files import set_aside
from edge.ledger.ledger import Ledger, LedgerCorrupt
from tests.daemons.alarm_box import ALARM, AlarmBox
from tests.power.recording import Recording, Session
from tests.power.strace import find_strace_or_skip

STATES = int(os.environ.get("STATES", "300"))
CONTROL_STATES = 60
NEXT = Epoch("0ddba11f")  # the epoch of the start after the cut
NORMAL = (str(Path(__file__).with_name("normal.py")),)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Two lives of the daemon: a press nobody but the lamp tells of, receipts, a checkpoint, SIGKILL, a clean end."""
    with session(tmp_path_factory.mktemp("full"), *ALARM) as (box, hand):
        hand.press_in_the_dark()
        hand.press(5)
        hand.receive_all()
        hand.fill_the_log()
        hand.idle_until_checkpoint()
        hand.press(10)
        hand.die()
        box.start()
        hand.press(10)
        hand.stop()
        return hand.recording()


@contextmanager
def session(folder: Path, *entry: str) -> Iterator[tuple[AlarmBox, Session]]:
    with AlarmBox(folder, kit="lab", entry=entry, wrap=Session.traced(find_strace_or_skip(), folder)) as box:
        hand = Session(box, folder)
        box.start()
        yield box, hand


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder that costs no real disk its time: what is rebuilt in it has been through its power cut already."""
    fast = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=fast if os.access(fast, os.W_OK) else None) as folder:
        yield Path(folder)


class Checker:
    """Opens rebuilt states as the next start would."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._believed: set[bytes] = set()

    def lost(self, folder: Path, cut: int) -> set[EventId]:
        """Promised events that are missing or altered; fails when no new alarm could be stored."""
        path = folder / "ledger.db"
        found: dict[EventId, bytes] = {}
        promised = self._recording.promised(cut)
        try:
            ledger = Ledger(path, NEXT)
        except LedgerCorrupt:
            set_aside(path, "aside")
            ledger = Ledger(path, NEXT)
        with ledger:
            found = {event.id: event.raw for event in ledger.fetch(sorted(promised))}
            waiting = [row.id for row in ledger.unreceived(99_999)]
            self._believe(ledger.fetch(waiting))
            ledger.append([Frozen(EventId(NEXT, 1), EventClass.ALARM, b"{}", shown=True)])
        assert_sound(path)
        return {identity for identity, raw in promised.items() if found.get(identity) != raw}

    def _believe(self, events: list[Frozen]) -> None:
        """Whatever is there, promised or not, is whole and signed by the box."""
        for event in events:
            if event.raw not in self._believed:
                assert read_event(event.raw, self._recording.public).id == event.id
                self._believed.add(event.raw)


def assert_sound(path: Path) -> None:
    """SQLite finds no fault, and the new alarm is there."""
    copy = sqlite3.connect(path)
    try:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        stored = "SELECT count(*) FROM event JOIN epoch USING (ordinal) WHERE epoch = ?"
        assert copy.execute(stored, (NEXT,)).fetchone() == (1,)
    finally:
        copy.close()


def states(recording: Recording, count: int, seed: int, folder: Path) -> Iterator[tuple[int, Path]]:
    """`count` states at moments chosen by chance, each in a folder of its own that is gone afterwards."""
    chance = random.Random(seed)
    for number in range(count):
        cut = chance.choice(recording.disk.moments) + 1
        state = folder / str(number)
        state.mkdir()
        recording.disk.rebuild(cut, chance, state)
        yield cut, state
        shutil.rmtree(state)


def test_the_recording_holds_all_that_a_ledger_does_in_its_life(recording: Recording) -> None:
    kinds = {change.kind for change in recording.disk.changes}
    assert kinds == {"folder", "create", "write", "truncate", "unlink", "rename"}
    assert recording.disk.names == {"ledger.db", "ledger.db-journal", "ledger.db-wal", "ordinal.new", "ballast"}
    assert len(recording.promised(2**62)) > 40
    assert len({identity.epoch for identity in recording.promised(2**62)}) == 2


def test_what_the_lamp_called_mengirim_survives_a_power_cut_at_any_write(
    recording: Recording, memory: Path, seed: int
) -> None:
    checker = Checker(recording)
    lost = {cut: found for cut, state in states(recording, STATES, seed, memory) if (found := checker.lost(state, cut))}
    assert lost == {}


def test_control_synchronous_normal_loses(memory: Path, tmp_path: Path, seed: int) -> None:
    with session(tmp_path / "normal", *NORMAL) as (_, hand):
        hand.press(20)
        hand.die()
        recording = hand.recording()
    checker = Checker(recording)
    losing = [cut for cut, state in states(recording, CONTROL_STATES, seed, memory) if checker.lost(state, cut)]
    print(f"{len(losing)} of {CONTROL_STATES} lost")
    assert losing
