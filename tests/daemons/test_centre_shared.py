"""Several ingest processes on one shared subscription, killed one after the other, on both kinds of database."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.centre import reader
from edge.core.events import Frozen
from edge.core.words import Epoch, EventClass
from edge.field.broker import find_broker
from tests.daemons.centre_world import FakeBox, RunningCentre, World

CACHE = Path(__file__).parents[2] / ".cache"
PROCESSES = 4
BOXES = 3
EVENTS = 1602  # of each box: in each of two epochs its start, 400 alarms and their restorals
KILL_EVERY_S = 1.0
KILLS = 4  # at the least: each of the first four
WITHIN_S = 400.0  # half a minute on two idle cores; with ten programs waiting for them it took more than one
RESENT_S = 4.0  # a box sends again what no receipt has covered; ours does so sooner than a real one


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(find_broker(CACHE), tmp_path) as world:
        yield world


class Crowd:
    """Ingest processes of one group; a killed one is followed by another."""

    def __init__(self, world: World, url: str) -> None:
        self._world = world
        self._words = ("--share", "pusat", "--store", url)
        self.kills = 0
        self._members: list[RunningCentre] = [world.centre(words=self._words) for _ in range(PROCESSES)]
        self._due_s = time.monotonic() + KILL_EVERY_S

    def turn(self) -> None:
        """Kill the oldest one when a second has gone by; on a slow machine, when the one that followed has begun."""
        if time.monotonic() < self._due_s or not self._members[-1].lines("connected"):
            return
        self._members.pop(0).kill()
        self.kills += 1
        self._members.append(self._world.start(words=self._words))
        self._due_s = time.monotonic() + KILL_EVERY_S


def interleaved(box: FakeBox) -> list[Frozen]:
    """Alarms and their restorals of two epochs, by turns: what an old ledger and a new one would send together."""
    events: list[Frozen] = []
    heads = {"00000001": 0, "00000002": 0}
    for number in range(EVENTS):
        epoch = "0000000" + "12"[number % 2]
        heads[epoch] += 1
        box.epoch, box.head = Epoch(epoch), heads[epoch]
        seq = heads[epoch]
        if seq == 1:
            events.append(box.event(1, name="start", at=EventClass.AUDIT, ordinal=int(epoch), alarm=None))
            continue
        first = seq if seq % 2 == 0 else seq - 1  # an alarm, and its restoral right behind it
        kind = ("alarm", EventClass.ALARM) if seq % 2 == 0 else ("restoral", EventClass.RESTORAL)
        events.append(box.event(seq, name=kind[0], at=kind[1], alarm=f"{epoch}.{first}"))
    return events


def send_until_received(boxes: dict[FakeBox, list[Frozen]], crowd: Crowd, within_s: float) -> None:
    """Each box sends everything, and again what no receipt covers, as a box does."""
    deadline, again_s = time.monotonic() + within_s, 0.0
    while any(box.lacks(*events) for box, events in boxes.items()) or crowd.kills < KILLS:
        assert time.monotonic() < deadline, {box.name: len(box.lacks(*events)) for box, events in boxes.items()}
        if time.monotonic() >= again_s:
            again_s = time.monotonic() + RESENT_S
            for box, events in boxes.items():
                lacking = box.lacks(*events)
                for event in events:
                    if event.id in lacking:
                        box.send(event)
        for box in boxes:
            box.turn(0.01)
        crowd.turn()


@pytest.mark.timeout(600)
def test_every_event_is_stored_once_while_ingest_processes_are_killed(world: World, url: str) -> None:
    crowd = Crowd(world, url)
    boxes = {box: interleaved(box) for box in (world.box().connect() for _ in range(BOXES))}

    send_until_received(boxes, crowd, within_s=WITHIN_S)

    assert crowd.kills >= KILLS
    stored = Counter((row["box"], row["epoch"], row["seq"]) for row in reader.export(url))
    assert stored == {(box.name, e.id.epoch, e.id.seq): 1 for box, events in boxes.items() for e in events}
    alarms = reader.alarms(url)
    assert [alarm for alarm in alarms if alarm.open] == []
    for box in boxes:
        in_order = [alarm.alarm for alarm in reversed(alarms) if alarm.box == box.name]
        assert in_order == sorted(in_order, key=lambda name: (name.split(".")[0], int(name.split(".")[1])))
        assert len(in_order) == 800
    assert reader.troubles(url)["notices"] == []
    cursor, seen = 0, 0
    while page := reader.events_after(url, cursor):
        assert all(int(str(row["arrival"])) > cursor for row in page)
        cursor, seen = int(str(page[-1]["arrival"])), seen + len(page)
    assert seen == BOXES * EVENTS
