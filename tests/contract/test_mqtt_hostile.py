"""Hostile packets, failing sockets and bugs of our own: caught at the border, counted, survived."""

import errno
import socket
from typing import cast

import pytest

from drivers import mqtt
from drivers.dial import Endpoint
from drivers.mqtt import MqttUplink
from drivers.ports import Arrived, Down, Message, Outcome, Up
from drivers.wire import Wire
from tests.contract.crooked import CONNECT, DISCONNECT, PUBLISH, Crooked, connack, packet, publish
from tests.contract.far import BOX, SESSION, Drive, wait_for

ALARM = Message("event/alarm", b"alarm")
RECEIPT = f"kentongan/v1/{BOX}/receipt"


def faults(drive: Drive) -> int:
    assert isinstance(drive.uplink, MqttUplink)
    return drive.uplink.faults


def test_an_oversize_packet_ends_the_session_before_it_is_read(drive: Drive, broker: Crooked) -> None:
    drive.until(Up)
    broker.say(packet(PUBLISH, bytes(17_000), flags=2)[:100])

    (down,) = drive.until(Down)

    assert down.cause == "oversize"


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x00\x00",
        b"\x40\x01\x00",
        b"\x40\x04\x00\x01\x42\x00",
        b"\x32\x02\xff\xff",
        b"\x32\x07\x00\x01a\x00\x01\x05\x99",
        b"\x90\x03\x00\x02\xff",
        b"\x20\x01\x00",
        b"\xe0\x02\x42\x00",
        b"\x30\xff\xff\xff\xff\x7f",
    ],
    ids=lambda raw: raw.hex(),
)
def test_nonsense_ends_the_session_and_nothing_else(drive: Drive, broker: Crooked, nonsense: bytes) -> None:
    drive.until(Up)
    broker.say(nonsense)

    (down,) = drive.until(Down)

    assert down.cause in {"protocol", "fault"}
    drive.uplink.connect(SESSION)
    drive.until(Up, count=2)
    assert drive.settled(drive.uplink.publish(ALARM)).outcome is Outcome.PUBLISHED


def test_a_message_on_a_foreign_topic_is_dropped_and_acknowledged(drive: Drive, broker: Crooked) -> None:
    drive.until(Up)
    broker.say(publish("something/else", b"x", mid=7) + publish(RECEIPT, b"receipt", mid=8))

    assert [event.raw for event in drive.until(Arrived)] == [b"receipt"]
    wait_for(lambda: len(broker.of(4)) == 2, drive.turn)
    assert drive.all(Down) == []


class Unsendable:
    """A socket that cannot send for want of memory, with a farewell to read."""

    def __init__(self, *farewell: bytes) -> None:
        self._farewell = list(farewell)
        self.sends = 0

    def send(self, _piece: bytes) -> int:
        self.sends += 1
        raise OSError(errno.ENOBUFS, "No buffer space available")

    def recv(self, _size: int) -> bytes:
        if not self._farewell:
            raise BlockingIOError
        return self._farewell.pop(0)


def test_after_a_failed_send_what_waits_is_read_and_then_it_is_over() -> None:
    sock = Unsendable(b"farewell")
    wire = Wire(cast("socket.socket", sock), limit=99)
    wire.begin_turn()

    assert (wire.send(b"lost"), wire.send(b"lost too")) == (4, 8)
    assert sock.sends == 1  # a stream with a hole in it is of no use
    assert wire.recv(99) == b"farewell"
    with pytest.raises(ConnectionAbortedError):
        wire.recv(1)
    assert (wire.cause, wire.text) == ("lost", "No buffer space available")


CALLBACKS = ("_on_connect", "_on_subscribe", "_on_publish", "_on_disconnect", "_on_message")


@pytest.mark.parametrize("callback", CALLBACKS)
def test_an_exception_in_a_callback_is_caught_counted_and_survived(
    broker: Crooked, monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(mqtt._Connection, callback, broken)
    uplink = MqttUplink(Endpoint("127.0.0.1", broker.port))
    drive = Drive(uplink, broker)  # type: ignore[arg-type]  # only `poll` is asked
    uplink.connect(SESSION)
    wait_for(lambda: bool(broker.of(CONNECT)), drive.turn)
    provoke(drive, broker, callback)

    monkeypatch.undo()
    uplink.connect(SESSION)
    drive.events.clear()
    drive.until(Up)
    assert drive.settled(uplink.publish(ALARM)).outcome is Outcome.PUBLISHED
    assert faults(drive) == 1
    uplink.close()


def provoke(drive: Drive, broker: Crooked, callback: str) -> None:
    if callback == "_on_disconnect":
        drive.until(Up)
        broker.say(packet(DISCONNECT, b"\x8b\0"))
    if callback == "_on_message":
        drive.until(Up)
        broker.say(publish(RECEIPT, b"receipt", mid=9))
        wait_for(lambda: bool(broker.of(4)), drive.turn)  # acknowledged, so that it does not come back for ever
        assert drive.all(Down) == []
    else:
        assert drive.until(Down)[0].cause == "fault"


def test_messages_that_wait_for_a_release_are_refused_before_they_fill_the_memory(
    drive: Drive, broker: Crooked
) -> None:
    """We subscribe at QoS 1; at QoS 2 paho would keep 65,535 packets of 16 KiB until the broker releases them."""
    drive.until(Up)
    body = len(RECEIPT).to_bytes(2, "big") + RECEIPT.encode() + b"\0\7\0" + b"x"
    broker.say(packet(PUBLISH, body, flags=4))

    (down,) = drive.until(Down)

    assert down.cause == "protocol"
    assert drive.all(Arrived) == []


def test_a_second_welcome_is_no_second_session(drive: Drive, broker: Crooked) -> None:
    drive.until(Up)
    broker.say(connack())

    (down,) = drive.until(Down)

    assert down.cause == "protocol"
    assert len(drive.all(Up)) == 1
