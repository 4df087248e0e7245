"""One suite for every uplink: the one in memory, and paho against a real mosquitto under our access list."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.ports import Arrived, Down, Flawed, Message, Outcome, Session, Settled, Up
from edge.field.broker import find_broker
from tests.contract.far import BOX, SESSION, Drive, Far, MosquittoFar, PairFar, SimFar

CACHE = Path(__file__).parents[2] / ".cache"
ALARM = Message("event/alarm", b'{"id":"7c1f0b2e.1"}')


FAKES = {"sim": SimFar, "first of two": PairFar}


@pytest.fixture(params=[*FAKES, "mosquitto"])
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Far]:
    fake = FAKES.get(request.param)
    made: Far = fake() if fake else MosquittoFar(find_broker(CACHE), tmp_path)
    yield made
    made.close()


@pytest.fixture
def drive(far: Far) -> Iterator[Drive]:
    """An uplink with a session."""
    drive = Drive(far.uplink(), far)
    drive.uplink.connect(SESSION)
    drive.until(Up)
    yield drive
    drive.uplink.close()


def own(leaf: str) -> str:
    return f"kentongan/v1/{BOX}/{leaf}"


def test_up_tells_what_was_granted(drive: Drive) -> None:
    (up,) = drive.all(Up)

    assert 1 <= up.window <= 20
    assert up.packet >= 16 * 1024
    assert up.keepalive_s == 30


def test_the_state_is_published_and_retained(drive: Drive, far: Far) -> None:
    drive.until(Arrived)
    far.listen()

    (state,) = drive.seen(own("state"))

    assert (state.raw, state.retained) == (SESSION.state, True)


def test_a_publication_reaches_the_centre_byte_for_byte(drive: Drive, far: Far) -> None:
    far.listen()

    settled = drive.settled(drive.uplink.publish(ALARM))

    assert (settled.outcome, settled.code) == (Outcome.PUBLISHED, 0x00)
    (seen,) = drive.seen(own("event/alarm"))
    assert (seen.raw, seen.durable, seen.correlation) == (ALARM.raw, True, b"")


def test_without_a_centre_nobody_is_told(drive: Drive) -> None:
    settled = drive.settled(drive.uplink.publish(ALARM))

    assert (settled.outcome, settled.code) == (Outcome.NOBODY, 0x10)


def test_a_forbidden_topic_is_said_to_be_forbidden(drive: Drive, far: Far) -> None:
    far.listen()

    settled = drive.settled(drive.uplink.publish(Message("firmware", b"x")))

    assert (settled.outcome, settled.code) == (Outcome.FORBIDDEN, 0x87)
    drive.settled(drive.uplink.publish(ALARM))
    drive.seen(own("event/alarm"))
    assert [seen.topic for seen in far.seen if not seen.topic.endswith("state")] == [own("event/alarm")]


def test_a_row_without_disk_says_so(drive: Drive, far: Far) -> None:
    far.listen()

    drive.uplink.publish(Message("event/alarm", b"x", durable=False))

    (seen,) = drive.seen(own("event/alarm"))
    assert seen.durable is False


def test_a_batch_says_what_it_is(drive: Drive, far: Far) -> None:
    far.listen()

    drive.uplink.publish(Message("event/audit", b"[1,2]", content_type="application/cloudevents-batch+json"))
    drive.uplink.publish(ALARM)

    assert drive.seen(own("event/audit"))[0].content_type == "application/cloudevents-batch+json"
    assert drive.seen(own("event/alarm"))[0].content_type == ""


def test_a_reply_carries_the_correlation_of_its_command(drive: Drive, far: Far) -> None:
    far.listen()
    far.tell(own("command"), b"signed", correlation=b"\x00\xffq1")
    command = next(event for event in drive.until(Arrived, count=2) if event.kind == "command")
    assert (command.raw, command.correlation) == (b"signed", b"\x00\xffq1")

    drive.uplink.publish(Message("reply", b"done", correlation=command.correlation))

    (reply,) = drive.seen(own("reply"))
    assert reply.correlation == b"\x00\xffq1"


def test_the_keyset_is_brought_at_every_connection(far: Far) -> None:
    far.tell("kentongan/v1/keys", b"keyset", retain=True)
    drive = Drive(far.uplink(), far)
    for times in (1, 2):
        drive.uplink.connect(SESSION)
        drive.until(Up, count=times)
        drive.until(Arrived, count=2 * times)

    assert [event.raw for event in drive.all(Arrived) if event.kind == "keyset"] == [b"keyset"] * 2
    drive.uplink.close()


def test_a_receipt_waits_for_a_box_that_is_away(drive: Drive, far: Far) -> None:
    drive.until(Arrived)
    drive.uplink.close()
    far.tell(own("receipt"), b"receipt 1")

    drive.uplink.connect(SESSION)

    assert b"receipt 1" in [event.raw for event in drive.until(Arrived, count=3) if event.kind == "receipt"]


def test_a_foreign_state_shows_itself(drive: Drive, far: Far) -> None:
    drive.until(Arrived)

    far.tell(own("state"), b"somebody else", retain=True)

    assert [event.raw for event in drive.until(Arrived, count=2)] == [SESSION.state, b"somebody else"]


def test_what_is_meant_for_another_box_does_not_come(drive: Drive, far: Far) -> None:
    far.tell("kentongan/v1/ktg-aaaaaaaa/receipt", b"not ours")
    far.tell(own("receipt"), b"ours")

    assert [event.raw for event in drive.until(Arrived, count=2) if event.kind == "receipt"] == [b"ours"]


def test_nothing_can_be_published_without_a_session(far: Far) -> None:
    uplink = far.uplink()

    with pytest.raises(ConnectionError):
        uplink.publish(ALARM)


def test_nothing_can_be_published_after_the_session_and_nothing_is_kept(drive: Drive, far: Far) -> None:
    far.stop()
    drive.until(Down)

    with pytest.raises(ConnectionError):
        drive.uplink.publish(ALARM)
    far.start()
    far.listen()
    drive.uplink.connect(SESSION)
    drive.until(Up, count=2)
    drive.settled(drive.uplink.publish(Message("beat", b"now")))
    drive.seen(own("beat"))
    assert [seen.topic for seen in far.seen if not seen.topic.endswith("state")] == [own("beat")]


def test_a_broker_that_dies_is_told_once(drive: Drive, far: Far) -> None:
    far.stop()

    (down,) = drive.until(Down)
    for _ in range(5):
        drive.turn()

    assert drive.all(Down) == [down]
    assert down.cause == "lost"
    assert drive.uplink.sockets() == []


def test_a_broker_that_is_away_is_unreachable(far: Far) -> None:
    far.stop()
    drive = Drive(far.uplink())

    drive.uplink.connect(SESSION)

    (down,) = drive.until(Down)
    assert down.cause == "unreachable"
    far.start()


def test_an_open_ticket_dies_with_its_connection(drive: Drive, far: Far) -> None:
    drive.until(Arrived)
    far.freeze()
    drive.uplink.publish(ALARM)
    drive.turn()
    far.stop()
    drive.until(Down)
    far.thaw() if isinstance(far, SimFar) else None
    far.start()

    drive.uplink.connect(SESSION)
    drive.until(Up, count=2)
    fresh = drive.uplink.publish(ALARM)

    assert drive.settled(fresh)
    assert [event.ticket for event in drive.all(Settled)] == [fresh]


def test_silence_with_a_row_in_flight_is_half_open_after_six_seconds(drive: Drive, far: Far) -> None:
    drive.until(Arrived)
    far.freeze()
    drive.uplink.publish(ALARM)
    drive.turn()

    drive.push(5.5)
    drive.turn()
    assert drive.all(Down) == []
    drive.push(1.0)
    (down,) = drive.until(Down)

    assert down.cause == "half-open"
    far.thaw()


def test_silence_counts_from_the_publication_on(drive: Drive, far: Far) -> None:
    drive.until(Arrived)
    far.freeze()
    drive.turn()
    drive.push(5)
    drive.uplink.publish(ALARM)
    drive.turn()
    drive.push(5)
    drive.turn()

    assert drive.all(Down) == []
    far.thaw()


def test_silence_with_nothing_in_flight_is_peace(drive: Drive, far: Far) -> None:
    drive.settled(drive.uplink.publish(ALARM))
    drive.until(Arrived)
    far.freeze()
    for _ in range(3):
        drive.push(7)
        drive.turn()

    assert drive.all(Down) == []
    far.thaw()


def test_a_broker_that_accepts_and_never_answers_is_given_ten_seconds(far: Far) -> None:
    far.freeze()
    drive = Drive(far.uplink())
    drive.uplink.connect(SESSION)
    while not drive.all(Down) and not any(write is False and drive.events for _, write in drive.uplink.sockets()):
        drive.turn()
        drive.push(0.5)

    assert [down.cause for down in drive.until(Down)] == ["no-connack"]
    far.thaw()


def test_more_than_the_window_is_settled_in_order(drive: Drive, far: Far) -> None:
    far.listen()

    tickets = [drive.uplink.publish(Message("event/audit", str(n).encode())) for n in range(100)]
    drive.until(Settled, count=100)

    assert [event.ticket for event in drive.all(Settled)] == tickets
    assert [seen.raw for seen in drive.seen(own("event/audit"), count=100)] == [str(n).encode() for n in range(100)]


def test_a_second_connection_of_the_same_box_ends_the_first(drive: Drive, far: Far) -> None:
    twin = Drive(far.uplink(), far)
    twin.uplink.connect(SESSION)
    twin.until(Up)

    (down,) = drive.until(Down)

    assert down.cause in {"closed-0x8E", "lost"}  # mosquitto 2.0.11 just hangs up
    twin.uplink.close()


def test_connect_ends_what_there_was(drive: Drive, far: Far) -> None:
    drive.uplink.connect(Session(BOX, b"will 2", b"state 2"))
    drive.until(Up, count=2)

    assert drive.all(Down) == []
    assert drive.all(Flawed) == []


def test_close_leaves_nothing_to_watch_and_can_be_repeated(drive: Drive) -> None:
    drive.uplink.close()
    drive.uplink.close()

    assert drive.uplink.sockets() == []
    assert drive.uplink.turn(0) == []
