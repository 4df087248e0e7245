"""A whole box for the bench under faults: what it stands on can fail, and its alarm has its unit's priority."""

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from edge.core.faults import Refused
from edge.core.timing import TimeQuality
from edge.core.words import SiteId
from edge.field.children import Child
from edge.field.stage import SITE, Home, Stage
from edge.field.status import ask_status
from tests.bench.box import AT_ONCE, KEYED, rewrite, volatile
from tests.bench.rough_alarm import JOURNAL, WAITS
from tests.bootstrap import CACHE
from tests.daemons.stepped import step

SETTLE_S: Final = 90.0  # a broker that was away is asked again after 30 s at most, a receipt after 60
LOOK_S: Final = 0.05
DATAGRAM: Final = 65536


class RoughHome(Home):
    """Its alarm is the one that can be hurt, at the priority of its unit where this user may give it."""

    waits = False

    def alarm_command(self) -> list[str]:
        program = ["-m", "tests.bench.rough_alarm", *([WAITS] if self.waits else [])]
        return [sys.executable, *program, "--root", str(self.places.root)]

    def child(self, command: Sequence[str]) -> Child:
        return Child("alarm", command, self._folder / "alarm.log", {"CREDENTIALS_DIRECTORY": str(self.places.secrets)})

    def _daemon(self, name: str) -> Child:
        if name != "alarm":
            return super()._daemon(name)
        child = self.child(self.alarm_command())
        self._open.callback(child.stop)
        return child


class WaitingHome(RoughHome):
    """The control: its siren waits for the disk."""

    waits = True


class RoughStage(Stage):
    home_kind: type[RoughHome] = RoughHome

    def home(self, name: str, *, site: SiteId = SITE, kit: str, beat_s: float) -> RoughHome:
        folder = self._folder / name
        made = self.home_kind(folder, self.authority, self.broker.ports["boxes"], site=site, kit=kit, beat_s=beat_s)
        self.rough = self._open.enter_context(made)
        return made


class WaitingStage(RoughStage):
    home_kind = WaitingHome


class Journal:
    """The socket that alarm logs to. While it is `deaf` nobody reads, and it is full from the beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._over = threading.Event()
        self._may_read = threading.Event()
        self._resting = threading.Event()
        self._thread = threading.Thread(target=self._read, name="journal", daemon=True)
        self.lines = 0

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._socket.bind(str(self._path))
        self._socket.settimeout(LOOK_S)
        self._may_read.set()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._may_read.set()
        self._thread.join()
        self._socket.close()

    @contextmanager
    def deaf(self) -> Iterator[None]:
        self._resting.clear()
        self._may_read.clear()
        self._resting.wait()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as other:
            other.connect(str(self._path))
            with suppress(BlockingIOError):
                while True:
                    other.send(b"full")
        yield
        self._may_read.set()

    def _read(self) -> None:
        while not self._over.is_set():
            if not self._may_read.is_set():
                self._resting.set()
                self._may_read.wait()
            try:
                self._socket.recv(DATAGRAM)
                self.lines += 1
            except TimeoutError:
                continue


class Hands:
    """The process that presses (tests.bench.hand)."""

    def __init__(self, root: Path) -> None:
        command = [sys.executable, "-m", "tests.bench.hand", str(root)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.presses = 0

    def press(self, times: int, patience_s: float) -> list[int | None]:
        """Nanoseconds from each press to its siren, None where it did not sound in time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{times} {patience_s}\n")
        self._process.stdin.flush()
        told: list[int | None] = json.loads(self._process.stdout.readline())
        self.presses += times
        return told

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def opened(folder: Path, kind: type[RoughStage] = RoughStage) -> Iterator[tuple[RoughStage, Journal]]:
    """Every part runs, and is settled."""
    with volatile(folder / "box"), kind(folder, cache=CACHE, kit="lab", beat_s=5.0) as stage:
        stage.site = rewrite(stage.places, stage.places.site.read_text("utf-8") + AT_ONCE + KEYED)
        step(stage.places.root, 0, TimeQuality.SYNCED)
        with Journal(stage.places.run.resolve() / JOURNAL) as journal:
            stage.start()
            settle(stage)
            yield stage, journal


def settle(stage: Stage) -> None:
    """Wait until the box is online and nothing waits. Raises TimeoutError."""
    deadline = time.monotonic() + SETTLE_S
    while not _is_settled(stage):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the box does not settle: {ask_status(stage.places)}")
        time.sleep(LOOK_S)


def _is_settled(stage: Stage) -> bool:
    try:
        status = ask_status(stage.places)
    except Refused:
        return False
    return bool(status["online"]) and status["waiting"] == 0


def alarms_stored(stage: Stage) -> int:
    """How many alarms the centre has on its disk."""
    with closing(sqlite3.connect(f"file:{stage.centre_places.store}?mode=ro", uri=True, timeout=20.0)) as db:
        return int(db.execute("SELECT count(*) FROM event WHERE name = 'alarm'").fetchone()[0])


def forget_hour(stage: Stage) -> None:
    """Forget what has sounded, while alarm is away: a bench presses more often than an hour allows."""
    stage.places.activations.unlink(missing_ok=True)
