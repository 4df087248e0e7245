"""SIGKILL at each system call of one alarm's way that touches disk or link; WALK=all takes every one of them.

By themselves the tests take a few by chance. The calls are recorded first; then, life by life, one of them is the last.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.core.delivery import Answer
from edge.core.faults import Refused
from edge.core.words import EventClass
from edge.field.broker import find_broker
from edge.field.status import ask_status
from tests.bench.centre import events_of
from tests.bootstrap import CACHE
from tests.contract.far import MosquittoFar
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox
from tests.daemons.bearer import Bearer
from tests.daemons.killing import Point, chosen, killed_at, recorded
from tests.daemons.relay_world import World, row
from tests.power.strace import Strace, find_strace_or_skip

pytestmark = pytest.mark.timeout(1800)  # each call of the whole walk is two lives

REACHED = 0.75  # of the points: how often a thread asks a socket in vain is never quite the same twice
MISSED = 3  # of a few chosen ones, so many may happen to be such
WAY_S = 60.0  # two lives under strace on a busy machine


@pytest.fixture
def strace() -> Strace:
    return find_strace_or_skip()


# ---- alarm -----------------------------------------------------------------------------------------------------------


@contextmanager
def fresh(folder: Path) -> Iterator[tuple[AlarmBox, Bearer]]:
    with AlarmBox(folder) as box:
        box.start()
        bearer = box.bearer()
        bearer.until(lambda: bearer.rows, PATIENCE_S, "the first event")
        yield box, bearer


def one_alarm_s_way(box: AlarmBox, bearer: Bearer, zone: str) -> None:
    """From the contact to the lamp that says received; or until the daemon dies."""
    box.wires.press(box.line_of(zone))
    bearer.until(lambda: bearer.alarms(zone) or not box.alarm.running, WAY_S, "the alarm")
    bearer.pass_on("receipt", box.receipt(bearer.alarms(zone)))
    bearer.until(lambda: not box.alarm.running or lamp(box) == "diterima", WAY_S, "its receipt")


def revived(box: AlarmBox) -> bool:
    """Start it anew if the kill has ended it."""
    if box.alarm.running:
        return False
    assert box.alarm.stop() == -signal.SIGKILL
    box.start()
    return True


def is_received(box: AlarmBox, bearer: Bearer) -> bool:
    """Of every row; the receipt is given until the daemon of this life has it."""
    bearer.pass_on("receipt", box.receipt(bearer.rows.values()))
    return not box.alarm.running or lamp(box) in {"diterima", "siaga"}


def lamp(box: AlarmBox) -> str:
    """As the box answers; "" while nobody does."""
    try:
        return str(ask_status(box.places)["lamp"])
    except Refused:
        return ""


def test_alarm_killed_at_each_call_of_an_alarm_s_way_tells_it_exactly_once(
    tmp_path: Path, strace: Strace, seed: int
) -> None:
    points: list[Point] = []
    with fresh(tmp_path / "recorded") as (box, bearer), recorded(strace, box.alarm.pid, tmp_path / "calls", points):
        one_alarm_s_way(box, bearer, box.site.zones[0].id)
    assert {point.name for point in points} >= {"pwrite64", "fdatasync", "sendto"}
    walked = chosen(points, seed)
    reached = 0
    for begin in range(0, len(walked), 16):
        with fresh(tmp_path / f"walk-{begin}") as (box, bearer):
            for point, zone in zip(walked[begin : begin + 16], box.site.zones, strict=False):
                reached += killed_on_the_way(box, bearer, strace, point, zone.id)
    print(f"killed at {reached} of {len(walked)} calls; {len(set(points))} were recorded")
    assert reached >= min(REACHED * len(walked), len(walked) - MISSED)


def killed_on_the_way(box: AlarmBox, bearer: Bearer, strace: Strace, point: Point, zone: str) -> bool:
    """One life that ends at this call and one after it; whether it ended there."""
    before = len(box.strokes("sirene"))
    with killed_at(strace, box.alarm.pid, point, box.places.root / "calls"):
        one_alarm_s_way(box, bearer, zone)
    killed = revived(box)
    bearer.until(lambda: bearer.alarms(zone), WAY_S, f"the press that was killed at {point}")
    while True:
        bearer.until(lambda: is_received(box, bearer), WAY_S, f"the receipt of what was killed at {point}")
        if not revived(box):
            break
        killed = True  # it came to that call as strace let go of it
    assert box.wires.watch(lambda _: any(on for _, on in box.strokes("sirene")[before:]), PATIENCE_S), point
    box.wires.release(box.line_of(zone))
    told = bearer.alarms(zone)
    assert len(told) == 1 or not all(row.durable for row in told), point  # a disk that takes a second: told before
    return killed


# ---- relay -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def far(tmp_path: Path) -> Iterator[MosquittoFar]:
    made = MosquittoFar(find_broker(CACHE), tmp_path)
    made.listen()
    yield made
    made.close()


@pytest.fixture
def world(far: MosquittoFar, root: Path) -> Iterator[World]:
    made = World(root, far.broker.ports["plain"], far.poll)
    yield made
    made.close()


def stored(far: MosquittoFar) -> list[bytes]:
    return [raw for seen in far.seen if "/event/" in seen.topic for raw in events_of(seen.raw)]


def one_row_s_way(world: World, seq: int) -> None:
    """From the first word of alarm to the mark; or until the relay dies."""
    world.alarm.add(row(seq, EventClass.ALARM))
    world.until(lambda: seq in world.alarm.marked(Answer.PUBLISHED) or not world.relay.running, WAY_S)


def test_relay_killed_at_each_call_of_a_row_s_way_sends_it_under_the_same_id(
    world: World, far: MosquittoFar, strace: Strace, seed: int, tmp_path: Path
) -> None:
    points: list[Point] = []
    world.start()
    with recorded(strace, world.relay.pid, tmp_path / "calls", points):
        one_row_s_way(world, 1)
    assert {point.name for point in points} >= {"connect", "sendto", "recvfrom"}
    walked = chosen(points, seed)
    reached = 0
    for seq, point in enumerate(walked, start=2):
        world.relay.stop()
        world.until(lambda: not world.alarm.up)
        world.start()
        with killed_at(strace, world.relay.pid, point, tmp_path / "calls"):
            one_row_s_way(world, seq)
        killed = not world.relay.running
        while seq not in world.alarm.marked(Answer.PUBLISHED):
            if not world.relay.running:
                assert world.relay.stop() == -signal.SIGKILL
                killed = True
                world.start()
            world.until(lambda: seq in world.alarm.marked(Answer.PUBLISHED) or not world.relay.running, WAY_S)  # noqa: B023
        reached += killed
    print(f"killed at {reached} of {len(walked)} calls; {len(set(points))} were recorded")
    assert reached >= min(REACHED * len(walked), len(walked) - MISSED)
    wanted = {row(seq, EventClass.ALARM).raw for seq in range(1, len(walked) + 2)}
    world.until(lambda: set(stored(far)) == wanted)
    assert world.alarm.idle
