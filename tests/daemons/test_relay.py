"""The relay as a real process: what it carries, what it survives, and what it tells."""

import os
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from edge.core.delivery import Answer
from edge.core.faults import Exit
from edge.core.words import EventClass
from edge.daemons.relay.courier import BATCH_LIMIT, BATCH_TYPE
from edge.link.carry import ROWS
from edge.link.frames import Bytes, LinkState, Send
from tests.bench.centre import events_of
from tests.contract.crooked import CONNECT, DISCONNECT, PUBLISH, Crooked, connack
from tests.contract.far import MosquittoFar
from tests.daemons.relay_world import BOX, World, row


@pytest.fixture
def crooked() -> Iterator[Crooked]:
    made = Crooked()
    yield made
    made.close()


@pytest.fixture
def odd_world(crooked: Crooked, root: Path) -> Iterator[World]:
    """A world with a broker of replies instead of mosquitto."""
    made = World(root, crooked.port, crooked.poll)
    yield made
    made.close()


def own(leaf: str) -> str:
    return f"kentongan/v1/{BOX}/{leaf}"


def events(far: MosquittoFar) -> Counter[bytes]:
    return Counter(raw for seen in far.seen if "/event/" in seen.topic for raw in events_of(seen.raw))


def wanted(*seqs: int) -> set[bytes]:
    return {row(seq).raw for seq in seqs}


def test_rows_flow_each_once_and_each_is_marked(world: World, far: MosquittoFar) -> None:
    far.listen()
    world.start_up()
    classes = list(ROWS)

    world.alarm.add(*(row(seq, classes[seq % len(classes)], durable=seq != 7) for seq in range(1, 201)))
    world.until(lambda: len(world.alarm.marked(Answer.PUBLISHED)) == 200)
    world.until(lambda: len(events(far)) == 200)

    assert events(far) == Counter(wanted(*range(1, 201)))
    assert {seen.topic.rpartition("/")[2] for seen in far.seen if "/event/" in seen.topic} == set(ROWS)
    assert [seen.raw for seen in far.seen if not seen.durable] == [row(7).raw]


def test_nobody_and_forbidden_are_told_to_alarm(world: World) -> None:
    world.start_up()

    world.alarm.add(row(1, EventClass.ALARM))
    world.until(lambda: world.alarm.marked(Answer.NOBODY) == {1})


def test_what_alarm_sends_leaves_and_what_comes_is_passed_on_unread(world: World, far: MosquittoFar) -> None:
    far.listen()
    world.start_up()
    world.until(lambda: world.alarm.all(Bytes))  # its own state: the subscriptions stand
    far.tell(own("receipt"), b"\x00 not even JSON")
    far.tell(own("command"), b"\xff", correlation=b"c1")
    far.tell("kentongan/v1/keys", b"keys", retain=True)
    world.alarm.tell(Send("beat", b"beat"))
    world.alarm.tell(Send("reply", b"reply", b"c1"))
    world.alarm.tell(Send("state", b"state 2"))
    world.until(lambda: len(world.alarm.all(Bytes)) >= 5)
    world.until(lambda: any(seen.raw == b"state 2" for seen in far.seen))

    arrived = world.alarm.all(Bytes)
    for frame in (Bytes("receipt", b"\x00 not even JSON"), Bytes("command", b"\xff", b"c1"), Bytes("keyset", b"keys")):
        assert frame in arrived
    assert [seen.correlation for seen in far.seen if seen.topic == own("reply")] == [b"c1"]
    assert any(seen.topic == own("beat") for seen in far.seen)


def all_stored(world: World, far: MosquittoFar, seqs: Iterable[int]) -> bool:
    """Do alarm's part: what got an answer of the broker but no receipt of the centre is sent again."""
    if not world.alarm.up or not world.alarm.idle:
        return False
    stored = set(events(far))
    missing = [row(seq) for seq in seqs if row(seq).raw not in stored]
    if missing:
        world.alarm.add(*missing)
    return not missing


def test_a_broker_killed_under_way_loses_nothing(world: World, far: MosquittoFar) -> None:
    far.listen()
    world.start_up()
    killed = far.broker.pid
    world.alarm.add(*(row(seq) for seq in range(1, 801)))
    world.until(lambda: len(world.alarm.marked(Answer.PUBLISHED)) > 200)

    far.broker.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(killed, 0)
    world.until(lambda: not world.alarm.up)
    far.start()
    far.listen()
    world.until(lambda: all_stored(world, far, range(1, 801)), within_s=40)

    assert world.alarm.details()[0] == "lost"
    log = world.relay.output().splitlines()
    assert len([line for line in log if "uplink lost" in line]) == 1
    assert len([line for line in log if "uplink back" in line and "after_s=" in line]) == 1


def test_a_frozen_broker_is_half_open_after_six_seconds(world: World, far: MosquittoFar) -> None:
    far.listen()
    world.start_up()
    world.until(lambda: world.alarm.all(Bytes))
    far.freeze()
    world.until(lambda: state_of(far.broker.pid) == "T")

    world.alarm.add(row(1, EventClass.ALARM))
    world.until(world.alarm.details, within_s=8)

    assert world.alarm.details()[0] == "half-open"
    far.thaw()
    world.until(lambda: world.alarm.marked(Answer.PUBLISHED) == {1}, within_s=25)
    world.until(lambda: set(events(far)) == wanted(1))


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_refusal_is_told_by_its_code_and_logged_once(odd_world: World, crooked: Crooked) -> None:
    crooked.replies[CONNECT] = lambda _: connack(0x87)
    odd_world.start()

    odd_world.until(lambda: len(odd_world.alarm.details()) >= 3)

    assert set(odd_world.alarm.details()) == {"refused-0x87"}
    assert odd_world.relay.output().count("E-BROKER-REFUSED") == 1
    crooked.replies[CONNECT] = lambda _: connack()
    odd_world.until(lambda: odd_world.alarm.up, within_s=30)


def test_an_unreachable_broker_feeds_the_watchdog_all_the_same(odd_world: World, crooked: Crooked) -> None:
    crooked.close()
    odd_world.start()
    odd_world.until(odd_world.alarm.details)

    assert odd_world.alarm.details()[0] == "unreachable"
    assert "E-BROKER-UNREACHABLE" in odd_world.relay.output()
    notify = odd_world.relay._notify
    assert notify is not None
    notify.settimeout(3)
    assert [notify.recv(99) for _ in range(2)] == [b"WATCHDOG=1"] * 2


def test_a_row_that_kills_the_connection_is_found_and_the_others_leave(odd_world: World, crooked: Crooked) -> None:
    straight = crooked.replies[PUBLISH]

    def reply(body: bytes) -> bytes:
        if b'"13"' in body:
            crooked.hang_up()
            return b""
        return straight(body)

    crooked.replies[PUBLISH] = reply
    odd_world.start_up()
    odd_world.alarm.add(*(row(seq, EventClass.ALARM) for seq in range(10, 20)))
    odd_world.until(lambda: odd_world.alarm.marked(Answer.POISON), within_s=40)
    odd_world.until(lambda: len(odd_world.alarm.marked(Answer.PUBLISHED)) == 9, within_s=30)

    assert odd_world.alarm.marked(Answer.POISON) == {13}
    assert odd_world.alarm.marked(Answer.PUBLISHED) == set(range(10, 20)) - {13}


def test_a_backlog_leaves_in_batches_also_of_alarms_that_waited_and_new_alarms_one_by_one(
    world: World, far: MosquittoFar
) -> None:
    far.listen()
    world.start_up()
    new = [row(seq, EventClass.ALARM) for seq in range(1001, 1011)]
    waited = [row(seq, EventClass.ALARM)._replace(alone=False) for seq in range(2001, 2101)]
    world.alarm.add(*(row(seq) for seq in range(1, 1001)), *waited, *new)
    world.until(lambda: len(world.alarm.marked(Answer.PUBLISHED)) == 1110)
    world.until(lambda: sum(events(far).values()) == 1110)

    assert events(far) == Counter(wanted(*range(1, 1011), *range(2001, 2101)))
    alarms = [seen for seen in far.seen if seen.topic == own("event/alarm")]
    history = [seen for seen in far.seen if seen.topic == own("event/audit")]
    joined = [seen for seen in alarms if seen.raw.startswith(b"[")]
    assert [seen.raw for seen in alarms if seen.raw in {each.raw for each in new}] == [each.raw for each in new]
    assert joined
    assert len(history) < 200
    assert {seen.content_type for seen in [*history, *joined] if seen.raw.startswith(b"[")} == {BATCH_TYPE}
    assert max(len(seen.raw) for seen in history) <= BATCH_LIMIT


def test_a_row_that_kills_the_connection_is_found_in_its_batch(odd_world: World, crooked: Crooked) -> None:
    straight, batched = crooked.replies[PUBLISH], []

    def reply(body: bytes) -> bytes:
        if b'"60"' in body:
            batched.append(body.count(b'"sequence"'))
            crooked.hang_up()
            return b""
        return straight(body)

    crooked.replies[PUBLISH] = reply
    odd_world.start_up()
    odd_world.alarm.add(*(row(seq) for seq in range(1, 100)))
    odd_world.until(lambda: odd_world.alarm.marked(Answer.POISON), within_s=60)
    odd_world.until(lambda: len(odd_world.alarm.marked(Answer.PUBLISHED)) == 98, within_s=60)

    assert batched[0] > 1
    assert batched[-2:] == [1, 1]  # twice alone, as the delivery table asks
    assert odd_world.alarm.marked(Answer.POISON) == {60}


def test_a_killed_relay_is_replaced_and_sends_again_under_the_same_id(world: World, far: MosquittoFar) -> None:
    far.listen()
    world.start_up()
    world.alarm.add(*(row(seq) for seq in range(1, 801)))
    world.until(lambda: len(world.alarm.marked(Answer.PUBLISHED)) > 200)

    killed = world.relay.kill()
    world.start()

    assert world.relay.pid != killed
    world.until(lambda: len(world.alarm.marked(Answer.PUBLISHED)) == 800, within_s=40)
    world.until(lambda: set(events(far)) == wanted(*range(1, 801)))
    assert world.alarm.handed > 800 - 20


def test_a_relay_outlives_its_alarm_and_speaks_for_the_new_one(world: World, far: MosquittoFar) -> None:
    far.listen()
    world.start_up()
    pid = world.relay.pid
    world.until(lambda: any(seen.raw == b'{"session":1}' for seen in far.seen))

    world.alarm.die()
    for _ in range(10):
        world.alarm.turn()
    world.alarm.open()
    world.until(lambda: world.alarm.spoken == 2 and world.alarm.up)
    world.alarm.add(row(1, EventClass.ALARM))
    world.until(lambda: world.alarm.marked(Answer.PUBLISHED) == {1})
    world.until(lambda: any(seen.raw == b'{"session":2}' for seen in far.seen))

    assert world.relay.pid == pid


def test_an_alarm_that_stays_away_takes_the_box_offline(odd_world: World, crooked: Crooked) -> None:
    odd_world.start_up()
    odd_world.until(lambda: crooked.of(PUBLISH))

    odd_world.alarm.die()
    odd_world.until(lambda: crooked.of(DISCONNECT), within_s=8)

    assert crooked.of(DISCONNECT)[0][0] == 0x04  # with will: the centre sees it


def test_an_order_to_stop_leaves_the_will_and_no_error(odd_world: World, crooked: Crooked) -> None:
    odd_world.start_up()

    odd_world.relay.signal(signal.SIGTERM)
    odd_world.until(lambda: not odd_world.relay.running)
    odd_world.until(lambda: crooked.of(DISCONNECT))

    assert odd_world.relay.stop() == Exit.OK
    assert crooked.of(DISCONNECT)[0][0] == 0x04


def test_without_a_configuration_it_says_so_and_ends(odd_world: World) -> None:
    (odd_world.places.generations / "active.json").unlink()
    odd_world.relay.start()

    odd_world.until(lambda: not odd_world.relay.running)

    assert odd_world.relay.stop() == Exit.CONFIGURATION
    assert "E-CONFIG-NONE" in odd_world.relay.output()


def test_a_connection_is_asked_for_before_it_is_made(odd_world: World, crooked: Crooked) -> None:
    odd_world.start_up()

    states = [(state.up, state.detail) for state in odd_world.alarm.all(LinkState)]
    assert states == [(False, "connecting"), (True, "")]
    assert b'{"will":1}' in crooked.of(CONNECT)[0]
