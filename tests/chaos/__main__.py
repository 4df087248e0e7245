"""`make chaos`: real boxes, a real broker, the reference centre, and everything goes wrong at random.

    python -m tests.chaos [--boxes 20] [--presses 10000] [--minutes 10] [--seed N] [--planted]

Every press that lit the lamp must be at the centre once the faults have stopped: once, and no other. The lamp may never
have said "diterima" of an alarm that the centre had not stored. With --planted the boxes delete what the broker has
taken, and the run must notice. Exit codes: 0; 7 where something of this does not hold.
"""

import argparse
import random
import resource
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

from edge.centre import reader
from edge.core.faults import Exit
from tests.bootstrap import CACHE
from tests.chaos.faults import FAULTS
from tests.chaos.town import House, Town
from tests.daemons.presses import judge, lit_at, lit_in

DEMONS = 3
PAUSE_S = (0.1, 0.9)
SETTLE_S = 240.0  # the longest receipt timer is 60 s, the longest pause of a reconnect 120 s
RSS_LIMIT_KIB = 96 * 1024
FILES_LIMIT = 96
LOOK_S = 0.5
LONG_MINUTES = 3.0  # a run this long has seen every fault


class Demon(threading.Thread):
    """Breaks one thing after another; what it meets that is no fault of the plan ends it, and the run."""

    def __init__(self, town: Town, chance: random.Random, told: Counter[str]) -> None:
        super().__init__(name="demon", daemon=True)
        self._town, self._chance, self._told = town, chance, told
        self._over = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._over.wait(self._chance.uniform(*PAUSE_S)):
                (fault,) = self._chance.choices(FAULTS, [fault.weight for fault in FAULTS])
                fault.act(self._town, self._chance)
                self._told[fault.name] += 1
        except BaseException as error:  # noqa: BLE001 - told at the end
            self.error = error

    def stop(self) -> None:
        self._over.set()


class Watcher(threading.Thread):
    """Looks at one box after another: does its lamp lie, does it grow?"""

    def __init__(self, town: Town) -> None:
        super().__init__(name="watcher", daemon=True)
        self._town = town
        self._over = threading.Event()
        self.looks = 0
        self.lies: list[str] = []
        self.peaks: dict[str, int] = defaultdict(int)

    def run(self) -> None:
        while not self._over.is_set():
            for house in self._town.houses:
                if self._over.wait(LOOK_S / len(self._town.houses)):
                    return
                self._look_at_lamp(house)
                for name in ("alarm", "relay"):
                    self._weigh(name, house)

    def stop(self) -> None:
        self._over.set()

    def _look_at_lamp(self, house: House) -> None:
        status: dict[str, Any] | None = house.status()
        if not status or status["lamp"] != "diterima" or not status["journey"] or not status["journey"]["received"]:
            return
        self.looks += 1
        epoch, _, seq = str(status["journey"]["id"]).partition(".")
        if not stored(self._town.scene.centre_places.store, house.home.box, epoch, int(seq)):
            self.lies.append(f"{house.home.box} {epoch}.{seq}")

    def _weigh(self, name: str, house: House) -> None:
        child = getattr(house.home, name)
        try:
            pid = child.pid
            pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
            files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except (OSError, RuntimeError, IndexError):
            return  # it is being killed
        kib = pages * resource.getpagesize() // 1024
        self.peaks[f"{name} KiB"] = max(self.peaks[f"{name} KiB"], kib)
        self.peaks[f"{name} files"] = max(self.peaks[f"{name} files"], files)


def stored(store: Path, box: str, epoch: str, seq: int) -> bool:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=20.0)) as db:
        found = db.execute("SELECT 1 FROM event WHERE box = ? AND epoch = ? AND seq = ?", (box, epoch, seq)).fetchone()
    return found is not None


def main(words: list[str]) -> int:
    asked = _asked(words)
    print(f"seed {asked.seed}  boxes {asked.boxes}  presses {asked.presses}  minutes {asked.minutes}", flush=True)
    CACHE.mkdir(exist_ok=True)
    each = -(-asked.presses // asked.boxes)
    rate = each / (asked.minutes * 60 * 0.9)
    with (
        tempfile.TemporaryDirectory(prefix="chaos-", dir=CACHE) as folder,
        Town(Path(folder), CACHE, boxes=asked.boxes, rate=rate, seed=asked.seed, planted=asked.planted) as town,
    ):
        broken, watcher = _run(town, each, asked)
        late = town.settle(SETTLE_S)
        watcher.stop()
        watcher.join()
        for house in town.houses:
            house.home.alarm.stop()
        flaws = _judged(town, asked) + [f"{name}: still waits" for name in late] + broken
    flaws += [f"the lamp lied: {lie}" for lie in watcher.lies]
    flaws += [f"{name} grew to {size}" for name, size in watcher.peaks.items() if size > _limit(name)]
    print(f"lamp: {watcher.looks} times diterima, {len(watcher.lies)} lies   peaks: {dict(watcher.peaks)}")
    for flaw in flaws[:40]:
        print(f"✗ {flaw}")
    print("clean" if not flaws else f"{len(flaws)} flaws")
    caught = bool(flaws) if asked.planted else not flaws
    return 0 if caught else int(Exit.TEST)


def _asked(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--boxes", type=int, default=20)
    parser.add_argument("--presses", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--planted", action="store_true", help="boxes that delete at PUBACK; the run must notice")
    return parser.parse_args(words)


def _run(town: Town, each: int, asked: argparse.Namespace) -> tuple[list[str], Watcher]:
    """Presses and faults at once; returns what went wrong beside the plan."""
    told: Counter[str] = Counter()
    chance = random.Random(asked.seed + 1)
    demons = [Demon(town, random.Random(chance.random()), told) for _ in range(DEMONS)]
    watcher = Watcher(town)
    for thread in (*demons, watcher):
        thread.start()
    began = time.monotonic()
    until = began + asked.minutes * 60
    town.press(each, until)
    time.sleep(max(0.0, until - time.monotonic()))  # who waits for a receipt is not spared the rest of it
    for demon in demons:
        demon.stop()
    for demon in demons:
        demon.join()
    print(f"faults stop after {time.monotonic() - began:.0f} s: {dict(sorted(told.items()))}", flush=True)
    missing = [fault.name for fault in FAULTS if not told[fault.name]]
    errors = [f"the chaos itself failed: {demon.error!r}" for demon in demons if demon.error]
    if missing and asked.minutes >= LONG_MINUTES:
        errors.append(f"never happened: {', '.join(missing)}")
    return errors, watcher


def _judged(town: Town, asked: argparse.Namespace) -> list[str]:
    rows = [dict(row) for row in reader.export(town.scene.centre_places.store)]
    flaws: list[str] = []
    pressed = lit = unlit = 0
    for house in town.houses:
        own = [row for row in rows if row["box"] == house.home.box]
        store = town.scene.centre_places.store
        alarms = list(
            {each.id: each for each in lit_at(store, house.home.box) + lit_in(house.home.places.ledger)}.values()
        )
        verdict = judge(house.hands.presses, alarms, own, house.alive.deaths_ns)
        pressed, lit, unlit = pressed + len(house.hands.presses), lit + len(alarms), unlit + verdict.unlit
        for what in ("lost", "twice", "doubled", "unexplained", "phantom"):
            flaws += [f"{house.home.box} {what}: {each}" for each in getattr(verdict, what)]
    received = sum(row["name"] == "alarm" for row in rows)
    print(f"presses {pressed}  lit {lit}  unlit over a death {unlit}  alarms at the centre {received}")
    notices = reader.troubles(town.scene.centre_places.store)["notices"]
    flaws += [f"the centre noticed {notice['code']}: {notice['text']}" for notice in notices]  # no box runs twice here
    if unlit > pressed // 50:
        flaws.append(f"{unlit} of {pressed} presses were never lit")
    if not asked.planted and pressed < asked.presses:
        flaws.append(f"only {pressed} presses could be made")
    return flaws


def _limit(name: str) -> int:
    return RSS_LIMIT_KIB if name.endswith("KiB") else FILES_LIMIT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
