"""A real mosquitto that grants less than we would like: what it said at CONNECT is kept to, and everything arrives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.ports import Up
from drivers.sim.uplink import Seen
from edge.core.delivery import Answer
from edge.core.words import EventClass
from edge.field.broker import find_broker
from tests.bench.centre import events_of
from tests.bootstrap import CACHE
from tests.contract.far import SESSION, Drive, MosquittoFar
from tests.daemons.relay_world import BOX, World, row

PACKET, WINDOW, KEEPALIVE_S = 1500, 2, 10  # mosquitto takes no shorter keepalive
LIMITS = (f"max_packet_size {PACKET}", f"max_inflight_messages {WINDOW}", f"max_keepalive {KEEPALIVE_S}")


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[MosquittoFar]:
    made = MosquittoFar(find_broker(CACHE), tmp_path, *LIMITS)
    yield made
    made.close()


def test_what_mosquitto_grants_is_what_we_keep_to(strict: MosquittoFar) -> None:
    drive = Drive(strict.uplink(), strict)
    drive.uplink.connect(SESSION)

    assert drive.until(Up) == [Up(window=WINDOW, packet=PACKET, keepalive_s=KEEPALIVE_S)]


def test_a_backlog_passes_a_strict_broker_in_batches_that_it_takes(strict: MosquittoFar, root: Path) -> None:
    world = World(root, strict.broker.ports["plain"], strict.poll)
    try:
        strict.listen()
        world.start_up()
        world.alarm.add(*(row(seq) for seq in range(1, 301)), row(301, EventClass.ALARM))
        world.until(lambda: len(world.alarm.marked(Answer.PUBLISHED)) == 301, within_s=40)

        def sent_events() -> list[Seen]:
            return [seen for seen in strict.seen if "/event/" in seen.topic]

        def heard() -> set[bytes]:
            return {raw for seen in sent_events() for raw in events_of(seen.raw)}

        world.until(lambda: len(heard()) >= 301, within_s=20)  # the broker answers before it passes on
        sent = sent_events()
        assert heard() == {row(seq).raw for seq in range(1, 302)}
        assert len(sent) < 150
        assert max(len(seen.raw) for seen in sent) <= PACKET - len(f"kentongan/v1/{BOX}/event/audit")
        assert world.alarm.details() == []  # no connection was lost over it
    finally:
        world.close()


@pytest.mark.slow
def test_the_keepalive_that_the_broker_wants_keeps_an_idle_session_alive(strict: MosquittoFar, root: Path) -> None:
    """mosquitto ends a session after 1.5 keepalives without a packet."""
    world = World(root, strict.broker.ports["plain"], strict.poll)
    try:
        world.start_up()
        with pytest.raises(AssertionError):
            world.until(world.alarm.details, within_s=3 * KEEPALIVE_S)

        assert world.alarm.up
    finally:
        world.close()


def test_a_broker_that_drops_large_packets_gets_small_ones(tmp_path: Path, root: Path) -> None:
    """mosquitto's message_size_limit is not told at CONNECT, and answered with a code that no PUBACK may have."""
    far = MosquittoFar(find_broker(CACHE), tmp_path, "message_size_limit 2000")
    world = World(root, far.broker.ports["plain"], far.poll)
    every = {row(seq).raw for seq in range(1, 501)}
    try:
        far.listen()
        world.start_up()
        world.alarm.add(*(row(seq) for seq in range(1, 501)))
        world.until(lambda: {raw for seen in far.seen for raw in events_of(seen.raw)} >= every, within_s=60)

        assert max(len(seen.raw) for seen in far.seen) <= 2000
    finally:
        world.close()
        far.close()
