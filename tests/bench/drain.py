"""Ten thousand stored events at the subscriber: history in batches, and one by one where the broker takes no batches.

Beside both a bare paho loop in the same run, with the same bytes one by one and the relay's window.
"""

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from drivers.mqtt import WINDOW
from edge.core.events import Author, Frozen, freeze
from edge.core.seal import Signer
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import SECOND_NS, BoxId, Epoch, EventClass, EventId, Json, Record
from edge.field.stage import SITE, Stage
from edge.ledger.ledger import Ledger
from tests.bench.bare import BarePaho
from tests.bench.box import opened
from tests.bench.figures import Budget, Line
from tests.bench.subscriber import Subscriber

EVENTS: Final = 10_000
RUNS: Final = 2
BATCHED: Final = Budget(0.7, at_most=False)
SINGLE: Final = Budget(0.35, at_most=False)
PACKET: Final = 1400
EAR_MAX_S: Final = 90.0


class Patient(Stage):
    """Its broker drops nothing that waits for a subscriber, however slow: not the broker is measured."""

    def _limits(self) -> tuple[str, ...]:
        return ("max_queued_messages 0",)


class Narrow(Patient):
    """It takes an event of ours, but not two of them in one packet."""

    def _limits(self) -> tuple[str, ...]:
        return (*super()._limits(), f"max_packet_size {PACKET}")


def lines(folder: Path) -> list[Line]:
    with opened(folder / "stage", Patient) as stage:
        batched = [
            _line(stage, "drain of 10,000 in batches", EventClass.TROUBLE, BATCHED),
            _line(stage, "drain of 10,000 alarms that waited", EventClass.ALARM, BATCHED),
        ]
    with opened(folder / "narrow", Narrow) as stage:
        return [*batched, _line(stage, "drain of 10,000 one by one", EventClass.TROUBLE, SINGLE)]


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
    record = Record(identity, event_class, event_class.value, "zone/zone-00", content)
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
    topic = "kentongan/v1/bare/event/trouble"
    with Ear(stage, "", topic) as ear, BarePaho("bare", stage.broker.ports["boxes"], stage.centre_places) as paho:
        paho.drain(topic, rows, WINDOW)
        return ear.rate()


class Ear(Subscriber):
    """tests.bench.ear."""

    def __init__(self, stage: Stage, box: str, topic: str) -> None:
        port, keys = str(stage.broker.ports["boxes"]), str(stage.centre_places.root)
        super().__init__("tests.bench.ear", port, keys, box, topic, str(EVENTS))

    def rate(self) -> float:
        """Events a second, once all have come. Raises ConnectionError."""
        heard = self.told(EAR_MAX_S)
        return (EVENTS - 1) / ((heard["last_ns"] - heard["first_ns"]) / 1e9)
