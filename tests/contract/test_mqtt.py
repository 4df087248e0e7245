"""What only the MQTT uplink can be asked: every refusal, hostile packets, names and certificates."""

import time
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from drivers.mqtt_codes import DISCONNECTS, PUBACKS, REFUSALS
from drivers.ports import Down, Flawed, Message, Outcome, Settled, Up
from drivers.sim.uplink import ALLOWED
from tests.contract.crooked import (
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBLISH,
    SUBSCRIBE,
    Crooked,
    connack,
    packet,
    puback,
)
from tests.contract.far import BOX, SESSION, Drive, wait_for

ALARM = Message("event/alarm", b"alarm")
RECEIPT = f"kentongan/v1/{BOX}/receipt"


# ---- CONNECT --------------------------------------------------------------------------------------------------------


def test_connect_says_what_the_contract_says(drive: Drive, broker: Crooked) -> None:
    drive.until(Up)
    (body,) = broker.of(CONNECT)

    assert body[:7] == b"\0\4MQTT\5"
    assert body[7] == 0b1010_1100  # user name, will retained, will QoS 1, will; no clean start
    assert int.from_bytes(body[8:10], "big") == 30
    wanted, rest = unpacked(PacketTypes.CONNECT, body[10:])
    assert (wanted.SessionExpiryInterval, wanted.MaximumPacketSize) == (24 * 3600, 16 * 1024)
    box, rest = text(rest)
    will, rest = unpacked(PacketTypes.WILLMESSAGE, rest)
    assert will.WillDelayInterval == 15
    topic, rest = text(rest)
    payload, rest = text(rest)
    assert (box, topic, payload) == (BOX.encode(), f"kentongan/v1/{BOX}/state".encode(), SESSION.will)
    assert text(rest) == (BOX.encode(), b"")


def unpacked(kind: int, raw: bytes) -> tuple[Any, bytes]:
    properties = Properties(kind)  # type: ignore[no-untyped-call]  # paho has no types here
    _, length = properties.unpack(raw)  # type: ignore[no-untyped-call]  # as above
    return properties, raw[length:]


def text(raw: bytes) -> tuple[bytes, bytes]:
    end = 2 + int.from_bytes(raw[:2], "big")
    return raw[2:end], raw[end:]


def test_the_state_goes_out_before_the_subscriptions(drive: Drive, broker: Crooked) -> None:
    drive.until(Up)
    wait_for(lambda: bool(broker.of(SUBSCRIBE)), drive.turn)

    assert [sent.kind for sent in broker.packets] == [CONNECT, PUBLISH, SUBSCRIBE]
    subscribed = broker.of(SUBSCRIBE)[0]
    for topic in (RECEIPT, f"kentongan/v1/{BOX}/command", f"kentongan/v1/{BOX}/state", "kentongan/v1/keys"):
        assert len(topic).to_bytes(2, "big") + topic.encode() + b"\1" in subscribed


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_refusal_has_its_own_words(drive: Drive, broker: Crooked, code: int) -> None:
    broker.replies[CONNECT] = lambda _: connack(code)

    (down,) = drive.until(Down)

    assert down == Down(f"refused-0x{code:02X}", REFUSALS[code])
    assert list(REFUSALS.values()).count(down.text) == 1


def test_a_broker_of_3_1_1_is_refused_and_not_asked_again(drive: Drive, broker: Crooked) -> None:
    broker.replies[CONNECT] = lambda _: b"\x20\x02\x00\x01"  # CONNACK of 3.1.1: unacceptable protocol version

    (down,) = drive.until(Down)
    for _ in range(5):
        drive.turn()

    assert down.cause == "refused-0x84"
    assert (broker.connections, len(broker.of(CONNECT))) == (1, 1)


@pytest.mark.parametrize("lacks", [b"\x24\x00", b"\x25\x00"], ids=["QoS 1", "retained messages"])
def test_a_broker_without_what_we_need_is_refused(drive: Drive, broker: Crooked, lacks: bytes) -> None:
    broker.replies[CONNECT] = lambda _: connack(0, lacks)

    (down,) = drive.until(Down)

    assert down.cause == "refused-features"


def test_a_connack_that_drips_is_given_ten_seconds(drive: Drive, broker: Crooked) -> None:
    broker.replies[CONNECT] = lambda _: b""
    wait_for(lambda: bool(broker.of(CONNECT)), drive.turn)
    drive.turn()
    for byte in connack(0, b"\x21\x00\x14")[:-1]:
        broker.say(bytes([byte]))
        drive.push(1.3)
        drive.turn()

    (down,) = drive.until(Down)

    assert down.cause == "no-connack"


def test_what_the_broker_grants_is_kept(drive: Drive, broker: Crooked) -> None:
    broker.replies[CONNECT] = lambda _: connack(0, b"\x21\x00\x03" + b"\x27\x00\x00\x01\x00" + b"\x13\x00\x07")

    (up,) = drive.until(Up)

    assert up == Up(window=3, packet=256, keepalive_s=7)


def test_never_more_in_flight_than_receive_maximum(drive: Drive, broker: Crooked) -> None:
    broker.replies[CONNECT] = lambda _: connack(0, b"\x21\x00\x03")
    broker.replies[PUBLISH] = lambda _: b""
    drive.until(Up)
    tickets = [drive.uplink.publish(ALARM) for _ in range(10)]
    for _ in range(5):
        drive.turn()
    assert len(broker.of(PUBLISH)) == 3

    answered = 0
    while answered < 11:
        broker.say(puback(broker.of(PUBLISH)[answered]))
        answered += 1
        drive.turn()
        drive.turn()
        assert len(broker.of(PUBLISH)) <= answered + 3

    assert [event.ticket for event in drive.until(Settled, count=10)] == tickets


def test_a_row_too_large_for_this_broker_is_poison_and_never_sent(drive: Drive, broker: Crooked) -> None:
    broker.replies[CONNECT] = lambda _: connack(0, b"\x27\x00\x00\x01\x00")
    drive.until(Up)

    settled = drive.settled(drive.uplink.publish(Message("event/audit", bytes(230))))

    assert (settled.outcome, settled.code) == (Outcome.POISON, 0x95)
    assert drive.settled(drive.uplink.publish(Message("event/audit", bytes(20)))).outcome is Outcome.PUBLISHED
    assert len(broker.of(PUBLISH)) == 2  # the state and the small one


def test_the_keepalive_of_the_broker_is_kept_and_silence_ends_the_session(drive: Drive, broker: Crooked) -> None:
    broker.replies[CONNECT] = lambda _: connack(0, b"\x13\x00\x01")
    broker.replies[PINGREQ] = lambda _: b""
    start = time.monotonic()

    (down,) = drive.until(Down)

    assert broker.of(PINGREQ) == [b""]
    assert down.cause == "keepalive"
    assert time.monotonic() - start < 2 * 1 + 1


# ---- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*sorted(PUBACKS), 0x8F], ids=hex)
def test_every_answer_has_its_outcome(drive: Drive, broker: Crooked, code: int) -> None:
    broker.replies[PUBLISH] = lambda body: puback(body, code if b"alarm" in body else 0)
    drive.until(Up)
    ticket = drive.uplink.publish(ALARM)
    if code == 0x8F:  # not a code of PUBACK: against the protocol
        assert drive.until(Down)[0].cause in {"protocol", "fault"}
        return

    settled = drive.settled(ticket)

    assert settled == Settled(ticket, PUBACKS[code], code)
    assert (settled.outcome is Outcome.PUBLISHED) == (code == 0)


def test_a_refused_subscription_is_a_flaw_of_a_session_that_stands(drive: Drive, broker: Crooked) -> None:
    broker.replies[SUBSCRIBE] = lambda body: packet(9, body[:2] + b"\0" + b"\x87\1\0\1")

    flaws = drive.until(Flawed, count=2)

    assert [flaw.cause for flaw in flaws] == ["subscribe-receipt-0x87", "subscribe-state-0x00"]
    assert drive.settled(drive.uplink.publish(ALARM)).outcome is Outcome.PUBLISHED


def test_a_refused_state_is_a_flaw(drive: Drive, broker: Crooked) -> None:
    broker.replies[PUBLISH] = lambda body: puback(body, 0x87)

    assert [flaw.cause for flaw in drive.until(Flawed)] == ["state-0x87"]


@pytest.mark.parametrize("code", sorted(DISCONNECTS))
def test_every_farewell_has_its_own_words(drive: Drive, broker: Crooked, code: int) -> None:
    drive.until(Up)
    broker.say(packet(DISCONNECT, bytes([code, 0])))
    broker.hang_up()

    (down,) = drive.until(Down)

    assert down == Down(f"closed-0x{code:02X}", DISCONNECTS[code])


def test_leaving_leaves_the_will_standing(drive: Drive, broker: Crooked) -> None:
    drive.until(Up)

    drive.uplink.close()
    wait_for(lambda: bool(broker.of(DISCONNECT)), broker.poll)

    assert broker.of(DISCONNECT)[0][0] == 0x04


def test_the_access_list_and_the_fake_agree_on_what_a_box_may_write() -> None:
    rules = (Path(__file__).parents[2] / "configs/broker/acl").read_text().splitlines()
    written = [rule.rpartition("%u/")[2] for rule in rules if rule.startswith("pattern write")]

    assert sorted(rule.removesuffix("#") for rule in written) == sorted(ALLOWED)
