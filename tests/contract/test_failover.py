"""Two real brokers behind one uplink, and a clock that a test can push."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from drivers.dial import Dial, Endpoint, Names
from drivers.failover import Failover
from drivers.mqtt import MqttUplink
from drivers.ports import Down, Message, Session, Up
from edge.field.broker import LOOPBACK, find_broker
from tests.contract.far import BOX, SESSION, Drive, MosquittoFar, open_files

CACHE = Path(__file__).parents[2] / ".cache"
STATE = f"kentongan/v1/{BOX}/state"


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[tuple[MosquittoFar, MosquittoFar]]:
    with ExitStack() as stack:
        made = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            made.append(MosquittoFar(find_broker(CACHE), tmp_path / name))
            stack.callback(made[-1].close)
        yield made[0], made[1]


def both(first: MosquittoFar, second: MosquittoFar) -> Failover:
    near, far = (Endpoint(LOOPBACK, each.broker.ports["plain"]) for each in (first, second))
    names = Names()
    return Failover(MqttUplink(near, names), MqttUplink(far), lambda: Dial(near, names))


def at(drive: Drive) -> int:
    return int(str(drive.uplink).rpartition(":")[2])


def reconnected(drive: Drive, session: Session) -> None:
    """Do the courier's part: a new session after each end, until one stands."""
    for _ in range(4):
        downs, ups = len(drive.all(Down)), len(drive.all(Up))
        drive.uplink.connect(session)
        while len(drive.all(Down)) == downs and len(drive.all(Up)) == ups:
            drive.turn()
        if len(drive.all(Up)) > ups:
            return
    raise AssertionError(drive.events)


def test_over_to_the_second_and_back_to_the_first(brokers: tuple[MosquittoFar, MosquittoFar]) -> None:
    first, second = brokers
    drive = Drive(both(first, second))
    reconnected(drive, SESSION)
    files = open_files()
    assert at(drive) == first.broker.ports["plain"]

    first.stop()
    drive.until(Down)
    reconnected(drive, Session(BOX, b"will 2", b"state 2"))
    assert at(drive) == second.broker.ports["plain"]
    second.listen()
    drive.settled(drive.uplink.publish(Message("event/alarm", b"1")))
    while not {seen.topic for seen in second.seen} >= {STATE, f"kentongan/v1/{BOX}/event/alarm"}:
        drive.turn()
        second.poll()
    assert [seen.raw for seen in second.seen if seen.topic == STATE] == [b"state 2"]

    first.start()
    for _ in range(200):
        drive.push(5)
        drive.turn()
        if drive.all(Down)[-1].cause == "moved":
            break
    reconnected(drive, Session(BOX, b"will 3", b"state 3"))

    assert at(drive) == first.broker.ports["plain"]
    drive.settled(drive.uplink.publish(Message("event/alarm", b"2")))
    assert open_files() <= files + 4  # what this test's own subscription to the second broker holds
    drive.uplink.close()
