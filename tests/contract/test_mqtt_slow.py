"""A line so slow that one part of a picture takes longer than a half-open one is given: alive as long as it drains."""

import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.dial import Endpoint
from drivers.mqtt import MqttUplink
from drivers.ports import Down, Message, Outcome, Session, Settled, Up, UplinkEvent
from edge.field.broker import LOOPBACK, Broker, find_broker
from tests.daemons.narrow import Narrow

CACHE = Path(__file__).parents[2] / ".cache"
PART = bytes(4096)


class Line:
    def __init__(self, narrow: Narrow) -> None:
        self.narrow = narrow
        self.uplink = MqttUplink(Endpoint(LOOPBACK, narrow.port))
        self.events: list[UplinkEvent] = []

    def until(self, kind: type[UplinkEvent], within_s: float) -> UplinkEvent:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            watched = self.uplink.sockets()
            select.select([fd for fd, _ in watched], [fd for fd, wants in watched if wants], [], 0.1)
            for event in self.uplink.turn(time.monotonic_ns()):
                self.events.append(event)
                if isinstance(event, kind | Down):
                    return event
        raise AssertionError(self.events)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    plain = ("allow_anonymous true",)
    broker = Broker(find_broker(CACHE), listeners={"plain": plain}, lines=(), parent=tmp_path)
    with broker, Narrow(broker.ports["plain"], 1_000_000) as narrow:
        line = Line(narrow)
        line.uplink.connect(Session("ktg-k7q2m9xa", b"{}", b"{}"))
        assert isinstance(line.until(Up, 10.0), Up)
        yield line
        line.uplink.close()


def test_a_part_that_takes_ten_seconds_is_waited_for(line: Line) -> None:
    line.narrow.bits_s = 8 * len(PART) // 10
    began = time.monotonic()
    line.uplink.publish(Message("picture/7c1f0b2e.1/1", PART))
    settled = line.until(Settled, 30.0)
    assert isinstance(settled, Settled), line.events
    assert settled.outcome in {Outcome.PUBLISHED, Outcome.NOBODY}
    assert time.monotonic() - began > 7.0


def test_a_line_that_no_longer_drains_is_half_open(line: Line) -> None:
    line.narrow.bits_s = 8
    line.uplink.publish(Message("picture/7c1f0b2e.1/1", PART))
    down = line.until(Settled, 20.0)
    assert isinstance(down, Down), line.events
    assert down.cause == "half-open"
