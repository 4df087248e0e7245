import json
from dataclasses import replace
from typing import Any, cast

from edge.core.events import Author, Frozen
from edge.core.seal import Signer
from edge.core.timing import TimeQuality
from edge.core.words import BoxId, Epoch, EventClass, EventId, Record, SiteId
from edge.daemons.alarm.dispatch import Dispatch
from edge.daemons.alarm.scribe import Scribe
from edge.ledger.recorder import Recorder

EPOCH = Epoch("7c1f0b2e")


class Clock:
    def boot_ns(self) -> int:
        return 1

    def utc_ns(self) -> int:
        return 1_795_525_522_417_000_000

    def quality(self) -> TimeQuality:
        return TimeQuality.SYNCED


class World:
    def __init__(self, *, room: bool = True) -> None:
        self.room = room
        self.offered: list[EventId] = []
        self.bodies: list[dict[str, Any]] = []
        author = Author(BoxId("ktg-k7q2m9xa"), SiteId("33.74.10.1004-010-005"), EPOCH, "5f0e2a9c")
        ends = cast("Recorder", self), cast("Dispatch", self)
        self.scribe = Scribe(author, Signer(bytes(32)), Clock(), *ends)

    def append(self, event: Frozen, _notes: object = None) -> bool:
        self.bodies.append(json.loads(event.raw))
        return self.room

    def offer(self, event: Frozen, _at_ns: int) -> None:
        self.offered.append(event.id)


def record(seq: int, **content: Any) -> Record:
    return Record(EventId(EPOCH, seq), EventClass.ALARM, "alarm", "zone/kasir", content)


def test_a_record_that_cannot_be_written_down_costs_none_of_those_beside_it() -> None:
    world = World()
    for each in (record(1, half=0.5), record(2, text="\ud800"), record(3)):
        world.scribe.write(each, 1)
    assert world.offered == [EventId(EPOCH, 3)]
    assert world.scribe.refused == 2


def test_what_happened_before_it_is_written_down_carries_its_own_time() -> None:
    world = World()
    world.scribe.write(replace(record(1), at_ns=7_000_000), 500_000_000)
    world.scribe.write(record(2), 500_000_000)
    assert [body["bootclock"] for body in world.bodies] == ["7000000", "500000000"]
    assert [body["time"] for body in world.bodies] == ["2026-11-24T13:05:22.423Z", "2026-11-24T13:05:22.916Z"]


def test_what_memory_refuses_is_counted_in_the_log_and_not_named(caplog: Any) -> None:
    """It may be the alarm of a silent zone."""
    world = World(room=False)
    world.scribe.write(record(1), 1)
    assert world.scribe.refused == 1
    assert "refused=1" in caplog.text
    assert "alarm" not in caplog.text.replace("kentongan.alarm", "")
    assert "kasir" not in caplog.text
