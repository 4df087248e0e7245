"""Our own box: the real alarm, relay and centre; its ledger is filled by the ledger's own append.

    python -m tests.peers.ours ROOT BOX COUNT CLASS

fills it, says so when the last append has returned, and waits to be killed with the file open.
"""

import signal
import sqlite3
import sys
import time
from contextlib import closing
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Final

from drivers.clock import boot_ns
from edge.config.places import Places
from edge.core.words import BoxId, EventClass
from edge.field.children import Child
from edge.field.stage import Scene, Stage
from edge.ledger.ledger import Ledger
from tests.peers.events import SUBJECT, written
from tests.peers.outage import About

FILLED: Final = "all appended"
COMMIT: Final = 500  # events; as the recorder commits what has gathered
FILL_MAX_S: Final = 120.0
SETTLE_MAX_S: Final = 180.0
COUNT: Final = (
    "SELECT count(*), count(DISTINCT epoch || '.' || seq), max(received_ns) FROM event WHERE name = ? AND subject = ?"
)


class Centre(Enum):
    """Who receives at the far end."""

    REAL = "real centre"
    PLAYED = "receipts only"


class Kentongan:
    """Killed twice: the process that appended, and alarm once it has read what that one left."""

    def __init__(self, stage: Stage, folder: Path, event_class: EventClass, centre: Centre) -> None:
        fed = f"Ledger.append, signed events, {event_class.value}"
        played = (str(stage.centre_places.root), str(stage.box)) if centre is Centre.PLAYED else ()
        self.about: Final = About(f"kentongan-edge {version('kentongan-edge')}", fed, centre.value, 0.0, played)
        folder.mkdir(parents=True)
        self._log = folder / "filler.log"
        self._stage = stage
        self._class = event_class
        self._offered = 0
        self._filler: Child | None = None

    @property
    def pid(self) -> int:
        return self._filling().pid

    def begin(self) -> None:
        if not self.about.played:
            Scene.start(self._stage)

    def offer(self, count: int) -> None:
        words = [str(self._stage.places.root), self._stage.box, str(count), self._class.value]
        self._filler = Child("filler", [sys.executable, "-m", "tests.peers.ours", *words], self._log)
        self._filler.start()
        self._filler.wait_said(FILLED, within_s=FILL_MAX_S)
        self._offered = count

    def kill(self) -> None:
        self._filling().kill()

    def again(self) -> None:
        self._stage.alarm.start()
        self._stage.alarm.wait_ready()
        self._stage.alarm.kill()
        self._stage.alarm.start()
        self._stage.alarm.wait_ready()
        self._stage.relay.start()

    def settle(self, back_ns: int) -> str:
        if self.about.played:
            return ""
        deadline = time.monotonic() + SETTLE_MAX_S
        while (stored := self._stored())[0] < self._offered and time.monotonic() < deadline:
            time.sleep(1.0)
        different, twice, last_ns = stored
        return f"{different} stored, {twice} twice, within {(last_ns - back_ns) / 1e9:.0f} s"

    def close(self) -> None:
        for child in (self._stage.relay, self._stage.alarm, self._stage.centre):
            child.stop()
        if self._filler is not None:
            self._filler.stop()

    def _filling(self) -> Child:
        assert self._filler is not None
        return self._filler

    def _stored(self) -> tuple[int, int, int]:
        """Different events of ours in the centre's store, rows beyond those, and when the last came, boot clock."""
        since_boot_ns = time.time_ns() - boot_ns()
        with closing(sqlite3.connect(f"file:{self._stage.centre_places.store}?mode=ro", uri=True)) as store:
            rows, different, last = store.execute(COUNT, (self._class.value, SUBJECT)).fetchone()
        return different, rows - different, (last or 0) - since_boot_ns


def fill(places: Places, box: BoxId, count: int, event_class: EventClass) -> None:
    events = written(places, box, count, event_class)
    with Ledger(places.ledger, events[0].id.epoch) as ledger:
        for start in range(0, count, COMMIT):
            ledger.append(events[start : start + COMMIT])
        print(FILLED, flush=True)
        signal.pause()


if __name__ == "__main__":
    root, box, count, event_class = sys.argv[1:]
    fill(Places(Path(root)), BoxId(box), int(count), EventClass(event_class))
