"""What is wrong while somebody presses, each fault a context: it holds inside and is over after."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Final

from drivers.mqtt_centre import SessionLost
from edge.core.timing import TimeQuality
from tests.bench import priority
from tests.bench.rough_alarm import TALK
from tests.bench.rough_stage import Journal, RoughStage, alarms_stored, forget_hour, settle
from tests.daemons import flood
from tests.daemons.forger import forge, forger
from tests.daemons.hung import ERRORS, PIPE, thaw
from tests.daemons.mounted import MountedLedger, full, may_mount, seen_from_outside
from tests.daemons.stepped import jump, step

HOGS_PER_CORE: Final = 2
FLOOD: Final = str(Path(flood.__file__))
ARRIVE_S: Final = 20.0  # a commit is given up after 1 s, a receipt asked for again after 5
HOG: Final = "while True: pass"


class LeftOut(Exception):
    """This machine does not allow the fault; the text says why."""


@dataclass(slots=True)
class Rough:
    """What the faults break. received, pressed: at the centre and at the buttons, while the disk was frozen."""

    stage: RoughStage
    journal: Journal
    presses: Callable[[], int]
    chance: random.Random = field(default_factory=lambda: random.Random(11))
    received: int = 0
    pressed: int = 0


Fault = Callable[[Rough], AbstractContextManager[None]]


# ---- the disk --------------------------------------------------------------------------------------------------------


@contextmanager
def disk_frozen(rough: Rough) -> Iterator[None]:
    """The first commit of this time never returns; what is pressed meanwhile has to reach the centre meanwhile."""
    ledger = rough.stage.places.ledger
    settle(rough.stage)  # what was pressed before is at the centre before
    pressed, received = rough.presses(), alarms_stored(rough.stage)
    os.mkfifo(ledger.with_name(PIPE))
    yield
    pressed = rough.presses() - pressed
    _until(lambda: alarms_stored(rough.stage) - received >= pressed, ARRIVE_S)
    rough.pressed += pressed
    rough.received += alarms_stored(rough.stage) - received
    thaw(ledger)


@contextmanager
def disk_errors(rough: Rough) -> Iterator[None]:
    """Each commit fails with EIO, and the ledger is opened again every two seconds."""
    errors = rough.stage.places.ledger.with_name(ERRORS)
    errors.touch()
    yield
    errors.unlink()


@contextmanager
def disk_full(rough: Rough) -> Iterator[None]:
    """A real small disk without a byte of room, not even for ballast."""
    with _on_a_small_disk(rough, "size=8m") as folder, full(folder):
        yield


@contextmanager
def disk_read_only(rough: Rough) -> Iterator[None]:
    """A real disk that was read-only when alarm started."""
    with _on_a_small_disk(rough, "ro,size=64k"):
        yield


@contextmanager
def _on_a_small_disk(rough: Rough, options: str) -> Iterator[Path]:
    if not may_mount():
        raise LeftOut("this machine lets us mount nothing")
    stage = rough.stage
    small = MountedLedger(options)
    small.folder = stage.places.ledger.parent
    stage.alarm.stop()
    forget_hour(stage)
    with stage.rough.child(small(stage.rough.alarm_command())) as alarm:
        alarm.wait_ready()
        time.sleep(1.0)  # it opens its ledger, and says what it finds
        yield seen_from_outside(alarm.pid, small.folder)
    forget_hour(stage)
    stage.alarm.start()
    stage.alarm.wait_ready()


# ---- the network and the centre --------------------------------------------------------------------------------------


@contextmanager
def broker_stopped(rough: Rough) -> Iterator[None]:
    rough.stage.broker.freeze()
    yield
    rough.stage.broker.thaw()


@contextmanager
def broker_flaps(rough: Rough) -> Iterator[None]:
    def flap() -> None:
        rough.stage.broker.kill()
        rough.stage.broker.start()

    with again_and_again(flap, 0.5):
        yield


@contextmanager
def cable_cut(rough: Rough) -> Iterator[None]:
    rough.stage.cable.hush()
    yield
    rough.stage.cable.plug()


@contextmanager
def centre_gone(rough: Rough) -> Iterator[None]:
    rough.stage.centre.kill()
    yield
    rough.stage.centre.start()


@contextmanager
def centre_slow(rough: Rough) -> Iterator[None]:
    """It lives for a fifth of a second in three."""

    def nap() -> None:
        rough.stage.centre.signal(SIGSTOP)
        time.sleep(2.8)
        rough.stage.centre.signal(SIGCONT)

    with again_and_again(nap, 0.2):
        yield
    rough.stage.centre.signal(SIGCONT)


@contextmanager
def commands_flood(rough: Rough) -> Iterator[None]:
    """Forged orders through the broker, as fast as it takes them."""

    def pour() -> None:
        with suppress(SessionLost, OSError), forger(rough.stage.centre_places, rough.chance) as session:
            for _ in range(100):
                forge(session, rough.stage.box, "command", rough.chance)
            session.settle(5.0)

    with again_and_again(pour, 0.0):
        yield


# ---- the box itself --------------------------------------------------------------------------------------------------


@contextmanager
def clock_steps(rough: Rough) -> Iterator[None]:
    """An hour or a year to and fro, five times a second."""
    root = rough.stage.places.root

    with again_and_again(partial(jump, root, rough.chance), 0.2):
        yield
    step(root, 0, TimeQuality.SYNCED)


@contextmanager
def garbage_on_the_link(rough: Rough) -> Iterator[None]:
    with beside(FLOOD, str(rough.stage.places.link)):
        yield


@contextmanager
def asks_on_the_link(rough: Rough) -> Iterator[None]:
    with beside(FLOOD, str(rough.stage.places.link), flood.ASKS):
        yield


@contextmanager
def log_unread(rough: Rough) -> Iterator[None]:
    """The log's socket is full, and each press wants to say something before its siren."""
    talk = rough.stage.places.run / TALK
    talk.touch()
    with rough.journal.deaf():
        yield
    talk.unlink()


@contextmanager
def relay_killed(rough: Rough) -> Iterator[None]:
    def kill() -> None:
        rough.stage.relay.kill()
        rough.stage.relay.start()

    with again_and_again(kill, 1.0):
        yield


@contextmanager
def hogs(rough: Rough) -> Iterator[None]:
    """Two endless loops per core, at normal priority; alarm has its unit's."""
    with ExitStack() as several:
        for _ in range(HOGS_PER_CORE * (os.cpu_count() or 1)):
            several.enter_context(beside("-c", HOG))
        yield


@contextmanager
def hogs_beside_an_equal(rough: Rough) -> Iterator[None]:
    """The same beside an alarm that its unit gives nothing."""
    pid = rough.stage.alarm.pid
    priority.give(pid, 0)
    with hogs(rough):
        yield
    priority.give(pid, priority.ALARM)


# ---- how they are done -----------------------------------------------------------------------------------------------


@contextmanager
def again_and_again(act: Callable[[], None], pause_s: float) -> Iterator[None]:
    """In a thread of its own; the last time ends before this does. What it raises is raised here."""
    over = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            while not over.wait(pause_s):
                act()
        except BaseException as error:  # noqa: BLE001  told below
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]


@contextmanager
def beside(*program: str) -> Iterator[int]:
    """Another process that runs meanwhile, and must not have ended by itself; its pid."""
    with subprocess.Popen([sys.executable, *program], stdout=subprocess.DEVNULL) as child:
        try:
            yield child.pid
            if child.poll() is not None:
                raise RuntimeError(f"{' '.join(program)} ended with {child.returncode}")
        finally:
            child.kill()


def _until(reached: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.1)


FAULTS: Final[dict[str, Fault]] = {
    "disk frozen": disk_frozen,
    "disk full": disk_full,
    "disk gives EIO": disk_errors,
    "disk read-only": disk_read_only,
    "broker stopped": broker_stopped,
    "broker killed twice a second": broker_flaps,
    "cable cut": cable_cut,
    "centre gone": centre_gone,
    "slow centre": centre_slow,
    "clock steps": clock_steps,
    "garbage on the link": garbage_on_the_link,
    "questions on the link": asks_on_the_link,
    "log that nobody reads": log_unread,
    "relay killed every second": relay_killed,
    "forged orders": commands_flood,
    "2 endless loops per core": hogs,
    "the same, alarm without its unit's priority": hogs_beside_an_equal,
}
UNPROMISED: Final = frozenset({"the same, alarm without its unit's priority"})
