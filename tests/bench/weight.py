"""What the daemons cost before anything happens, and after a thousand events: CPU to armed, memory."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from edge.core.words import BoxId, EventId
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.bench.bare import BarePaho
from tests.bench.box import ZONES, opened, start
from tests.bench.centre import PlayedCentre, events_of, id_of
from tests.bench.figures import Budget, Line

EVENTS: Final = 1000
STARTS: Final = 7
PATIENCE_S: Final = 120.0
MEMORY_BUDGET: Final = Budget(30.0, unit=" MB")
CPU_BUDGET: Final = Budget(0.20, unit=" s")
PAHO: Final = "import paho.mqtt.client"
PINS: Final = "import gpiozero"
TELL: Final = "; import sys; sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"


def lines(folder: Path) -> list[Line]:
    with opened(folder / "stage") as stage:
        found = _armed(stage)
        start(stage)
        _live(stage)
        return [*found, *_memory(stage)]


# ---- CPU -------------------------------------------------------------------------------------------------------------


def _armed(stage: Stage) -> list[Line]:
    """Starts in turns with two bare ones; the first is not counted: it makes the ledger and the byte code."""
    ours: list[float] = []
    empty: list[float] = []
    pins: list[float] = []
    for _ in range(STARTS + 1):
        stage.alarm.start()
        stage.alarm.wait_ready()
        ours.append(cpu_s(stage.alarm.pid))
        stage.alarm.stop()
        empty.append(_of_python("pass", cpu_s))
        pins.append(_of_python(PINS, cpu_s))
    own, bare, zero = (median(values[1:]) for values in (ours, empty, pins))
    return [
        _cpu("alarm to armed, CPU", own, "python3 -c pass", bare),
        _cpu("alarm to armed, CPU", own, f'python3 -c "{PINS}"', zero),
    ]


def _cpu(name: str, own: float, beside: str, other: float) -> Line:
    return Line(name, f"{own:.3f} s", beside, f"{other:.3f} s", own / other, CPU_BUDGET, own)


def cpu_s(pid: int) -> float:
    """CPU time of the living threads (proc(5), schedstat), in nanoseconds where utime has 10 ms."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


# ---- memory ----------------------------------------------------------------------------------------------------------


def _live(stage: Stage) -> None:
    """A thousand events, receipted, so that nothing is held only because it waits."""
    box = BoxId(stage.box)
    centre = PlayedCentre(stage.centre_places, box)
    stored: set[EventId] = set()
    deadline = time.monotonic() + PATIENCE_S
    with BarePaho("ear", stage.broker.ports["boxes"], stage.centre_places) as ear:
        ear.subscribe(f"kentongan/v1/{box}/event/#")
        while len(stored) < EVENTS or ask_status(stage.places)["waiting"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"a thousand events take too long: {len(stored)} {ask_status(stage.places)}")
            for act in (stage.wires.press, stage.wires.release):
                _all(stage, act)
                ear.until(ear.idle)
            stored.update(id_of(raw) for _, letter, _ in ear.heard for raw in events_of(letter))
            for dispatch in centre.answer(raw for _, raw, _ in ear.heard):
                ear.publish(dispatch.topic, dispatch.raw)
            ear.heard.clear()


def _all(stage: Stage, act: Callable[[str], int]) -> None:
    for zone in ZONES:
        act(stage.line_of(zone))


def _memory(stage: Stage) -> list[Line]:
    paho = _of_python(PAHO, pss_mb)
    found = []
    for child in (stage.alarm, stage.relay):
        own = pss_mb(child.pid)
        name = f"{child.name}: PSS after {EVENTS} events"
        found.append(
            Line(name, f"{own:.1f} MB", f'python3 -c "{PAHO}"', f"{paho:.1f} MB", own / paho, MEMORY_BUDGET, own)
        )
    return found


def pss_mb(pid: int) -> float:
    """Proportional set size (proc(5), smaps_rollup)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError("no Pss in smaps_rollup")


def _of_python(statement: str, look: Callable[[int], float]) -> float:
    """What a bare Python shows once it has run the statement."""
    command = [sys.executable, "-c", statement + TELL]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read(1)
        return look(child.pid)
