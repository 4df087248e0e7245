"""The relay beside brokers that stop, forget, drip and change places; what the centre gets is counted."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.core.delivery import Answer
from edge.core.status import SECONDARY
from edge.core.words import EventClass
from edge.field.broker import find_broker
from edge.field.cable import Cable
from edge.link.frames import Bytes, LinkState, Row
from tests.bench.centre import events_of
from tests.bootstrap import CACHE
from tests.contract.far import MosquittoFar
from tests.daemons.relay_world import BOX, World, row

PRESSES = 100
RECEIPT = f"kentongan/v1/{BOX}/receipt"


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[MosquittoFar]:
    made = MosquittoFar(find_broker(CACHE), tmp_path, persistent=False)
    yield made
    made.close()


@pytest.fixture
def forgetful_world(forgetful: MosquittoFar, root: Path) -> Iterator[World]:
    made = World(root, forgetful.broker.ports["plain"], forgetful.poll)
    yield made
    made.close()


def alarm(seq: int) -> Row:
    return row(seq, EventClass.ALARM)


def came(far: MosquittoFar) -> list[bytes]:
    """Every event in the order in which it came first."""
    return list(dict.fromkeys(raw for seen in far.seen if "/event/" in seen.topic for raw in events_of(seen.raw)))


def pause(world: World, seconds: float) -> None:
    end = time.monotonic() + seconds
    world.until(lambda: time.monotonic() >= end, within_s=seconds + 15)


def press(world: World, *seqs: int) -> None:
    """One press after the other, as a hundred people would."""
    for seq in seqs:
        world.alarm.add(alarm(seq))
        pause(world, 0.02)


def process_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("seconds", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_a_broker_stopped_under_a_hundred_presses_gets_all_of_them_in_order(
    world: World, far: MosquittoFar, seconds: int
) -> None:
    far.listen()
    world.start_up()
    press(world, *range(1, 31))
    far.freeze()
    world.until(lambda: process_state(far.broker.pid) == "T")
    frozen_at = time.monotonic()
    press(world, *range(31, PRESSES + 1))
    pause(world, seconds - (time.monotonic() - frozen_at))
    far.thaw()
    world.until(lambda: len(came(far)) == PRESSES, within_s=60)

    assert came(far) == [alarm(seq).raw for seq in range(1, PRESSES + 1)]
    assert bool(world.alarm.details()) == (seconds > 6)  # half-open after 6 s, and not before


def test_a_broker_without_persistence_that_dies_loses_no_event_and_no_receipt(
    forgetful_world: World, forgetful: MosquittoFar
) -> None:
    world, far = forgetful_world, forgetful
    far.listen()
    world.start_up()
    world.until(lambda: world.alarm.all(Bytes))
    press(world, *range(1, 11))
    killed = far.broker.pid
    far.broker.kill()
    assert not Path(f"/proc/{killed}").exists()
    press(world, *range(11, 21))
    world.until(lambda: not world.alarm.up)
    far.start()
    far.listen()
    world.until(lambda: world.alarm.up, within_s=30)
    world.until(lambda: world.alarm.idle, within_s=30)
    missing = [alarm(seq) for seq in range(1, 21) if alarm(seq).raw not in came(far)]
    if missing:  # the broker took them, and no receipt came: alarm says them once more
        world.alarm.add(*missing)
    world.until(lambda: len(came(far)) == 20, within_s=30)
    heard = len(world.alarm.all(Bytes))
    far.tell(RECEIPT, b"receipt after all")
    world.until(lambda: len(world.alarm.all(Bytes)) > heard)

    assert any(frame.raw == b"receipt after all" for frame in world.alarm.all(Bytes))
    states = [seen.raw for seen in far.seen if seen.topic.endswith("/state")]
    assert b'{"session":%d}' % world.alarm.spoken in states  # the last one asked for, however often nobody answered


def test_one_byte_a_second_is_given_up_and_the_watchdog_is_fed_all_the_while(far: MosquittoFar, root: Path) -> None:
    with Cable(far.broker.ports["plain"]) as cable:
        world = World(root, cable.port, far.poll)
        try:
            far.listen()
            cable.drip()
            world.start()
            notify = world.relay._notify
            assert notify is not None
            notify.settimeout(3)  # a turn a second, however little comes
            world.alarm.add(alarm(1))
            end = time.monotonic() + 12
            while time.monotonic() < end:
                assert notify.recv(99) == b"WATCHDOG=1"
                pause(world, 0.5)
            world.until(world.alarm.details, within_s=20)
            assert world.alarm.details()[0] == "no-connack"

            cable.plug()
            world.until(lambda: world.alarm.marked(Answer.PUBLISHED) == {1}, within_s=40)
            assert came(far) == [alarm(1).raw]
        finally:
            world.close()


@pytest.fixture
def second(tmp_path: Path) -> Iterator[MosquittoFar]:
    (tmp_path / "second").mkdir()
    made = MosquittoFar(find_broker(CACHE), tmp_path / "second")
    yield made
    made.close()


def test_the_second_broker_takes_over_from_a_first_that_died(
    far: MosquittoFar, second: MosquittoFar, root: Path
) -> None:
    world = World(root, far.broker.ports["plain"], far.poll, second.poll, second_port=second.broker.ports["plain"])
    try:
        far.listen()
        second.listen()
        world.start_up()
        press(world, *range(1, 11))
        world.until(lambda: len(came(far)) == 10)
        killed = far.broker.pid
        far.stop()
        assert not Path(f"/proc/{killed}").exists()
        press(world, *range(11, 21))
        world.until(lambda: len(came(second)) == 10, within_s=60)

        assert came(second) == [alarm(seq).raw for seq in range(11, 21)]
        states = [seen.raw for seen in second.seen if seen.topic.endswith("/state")]
        assert states == [b'{"session":%d}' % world.alarm.spoken]
        assert [state.detail for state in world.alarm.all(LinkState) if state.up] == ["", SECONDARY]
        second.tell(RECEIPT, b"by the second")
        world.until(lambda: any(frame.raw == b"by the second" for frame in world.alarm.all(Bytes)))
        far.start()
    finally:
        world.close()


def test_a_reload_that_changes_nothing_leaves_the_session_alone(world: World, far: MosquittoFar) -> None:
    far.listen()
    world.start_up()
    pid = world.relay.pid

    world.relay.signal(signal.SIGHUP)
    world.until(lambda: "reloaded  session=kept" in world.relay.output())
    press(world, 1)
    world.until(lambda: came(far))

    assert (world.alarm.spoken, world.relay.pid) == (1, pid)
    assert world.alarm.up


def test_a_reload_with_another_broker_moves_there_and_nothing_is_lost(
    world: World, far: MosquittoFar, second: MosquittoFar
) -> None:
    far.listen()
    second.listen()
    world.start_up()
    press(world, *range(1, 6))
    world.configure(second.broker.ports["plain"])

    world.relay.signal(signal.SIGHUP)
    press(world, *range(6, 11))
    world.follow(second.poll)
    world.until(lambda: len({*came(far), *came(second)}) == 10, within_s=30)

    assert world.alarm.details() == ["moved"]
    assert len(came(second)) > 0
