"""Ten thousand stored events at the subscriber: history in batches, and alarms one by one, as they always leave.

Beside both a bare paho loop in the same run, with the same bytes one by one and the relay's window.
"""

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from drivers.mqtt import WINDOW
from edge.core.events import Author, Frozen, freeze
from edge.core.seal import Signer
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import SECOND_NS, BoxId, Epoch, EventClass, EventId, Json, Record
from edge.field.children import dies_with_us
from edge.field.stage import SITE, Stage
from edge.ledger.ledger import Ledger
from tests.bench.bare import BarePaho
from tests.bench.box import opened
from tests.bench.figures import Budget, Line

EVENTS: Final = 10_000
RUNS: Final = 2
BATCHED: Final = Budget(0.7, at_most=False)
SINGLE: Final = Budget(0.35, at_most=False)
EAR_MAX_S: Final = 90.0


def lines(folder: Path) -> list[Line]:
    with opened(folder / "stage") as stage:
        return [
            _line(stage, "drain of 10,000 in batches", EventClass.AUDIT, BATCHED),
            _line(stage, "drain of 10,000 one by one", EventClass.ALARM, SINGLE),
        ]


def _line(stage: Stage, name: str, event_class: EventClass, budget: Budget) -> Line:
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(RUNS):
        events = stored(stage, event_class)
        bare.append(_bare(stage, [event.raw for event in events]))
        ours.append(_ours(stage))
    own, other = sum(ours) / RUNS, sum(bare) / RUNS
    beside = f"bare paho loop one by one, window {WINDOW}"
    return Line(name, f"{own:.0f} /s", beside, f"{other:.0f} /s", own / other, budget)


def stored(stage: Stage, event_class: EventClass) -> list[Frozen]:
    """A ledger with ten thousand signed events of an earlier start that nobody has received."""
    shutil.rmtree(stage.places.ledger.parent, ignore_errors=True)
    epoch = Epoch(secrets.token_hex(4))
    author = Author(BoxId(stage.box), SITE, epoch, "0123abcd")
    signer = Signer((stage.places.secrets / "box.key").read_bytes())
    events = [_event(EventId(epoch, seq), event_class, author, signer) for seq in range(1, EVENTS + 1)]
    with Ledger(stage.places.ledger, epoch) as ledger:
        for start in range(0, EVENTS, 500):
            ledger.append(events[start : start + 500])
    return events


def _event(identity: EventId, event_class: EventClass, author: Author, signer: Signer) -> Frozen:
    content: dict[str, Json] = {"what": "press-short", "lasted_ms": 120, "count": 1}
    record = Record(identity, event_class, "audit", "zone/zone-00", content)
    return freeze(record, Stamp(1_755_400_000 * SECOND_NS, identity.seq, TimeQuality.SYNCED), author, signer)


def _ours(stage: Stage) -> float:
    """Events a second from the first to the last at the subscriber; alarm has read its ledger before relay starts."""
    topic = f"kentongan/v1/{stage.box}/event/#"
    with Ear(stage, stage.box, topic) as ear:
        stage.alarm.start()
        stage.alarm.wait_ready()
        stage.relay.start()
        try:
            return ear.rate()
        finally:
            stage.relay.stop()
            stage.alarm.stop()


def _bare(stage: Stage, rows: Sequence[bytes]) -> float:
    topic = "kentongan/v1/bare/event/audit"
    with Ear(stage, "", topic) as ear, BarePaho("bare", stage.broker.ports["boxes"], stage.centre_places) as paho:
        paho.drain(topic, rows, WINDOW)
        return ear.rate()


class Ear:
    """tests.bench.ear as a process."""

    def __init__(self, stage: Stage, box: str, topic: str) -> None:
        port, keys = str(stage.broker.ports["boxes"]), str(stage.centre_places.root)
        words = ["-m", "tests.bench.ear", port, keys, box, topic, str(EVENTS)]
        self._child = subprocess.Popen([*dies_with_us(), sys.executable, *words], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        assert self._child.stdout is not None
        if not self._child.stdout.readline():
            raise ConnectionError("the subscriber does not listen")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.terminate()
        self._child.wait()
        assert self._child.stdout is not None
        self._child.stdout.close()

    def rate(self) -> float:
        """Messages a second, once all have come. Raises TimeoutError."""
        told, _ = self._child.communicate(timeout=EAR_MAX_S)
        if not told:
            raise TimeoutError(f"not all of {EVENTS} messages came")
        heard: dict[str, int] = json.loads(told)
        return (EVENTS - 1) / ((heard["last_ns"] - heard["first_ns"]) / 1e9)
