"""Our MQTT 5 bytes against paho's, and against whatever else may come out of a socket."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties as PahoProperties

from drivers.mqtt_fields import (
    NO_PROPERTIES,
    Malformed,
    Properties,
    Property,
    write_properties,
    write_two,
    write_variable,
)
from drivers.mqtt_packets import (
    Connack,
    Connect,
    Disconnect,
    Heard,
    Ping,
    Pong,
    Puback,
    Publish,
    Stream,
    Suback,
    Subscribe,
    Will,
    decode,
    encode,
)

LIMIT = 16 * 1024
texts = st.text(max_size=40)
topics = st.text(st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), min_size=1, max_size=40)
properties = st.fixed_dictionaries(
    {},
    optional={
        0x01: st.integers(0, 255),
        0x02: st.integers(0, 2**32 - 1),
        0x03: texts,
        0x0B: st.integers(0, 268_435_455),
        0x23: st.integers(0, 65535),
        Property.CORRELATION: st.binary(max_size=300),
        Property.USER: st.lists(st.tuples(texts, texts), min_size=1, max_size=3).map(tuple),
    },
)
publications = st.builds(
    Publish, topics, st.binary(max_size=2000), st.integers(0, 65535), st.booleans(), st.just(False), properties
)
both_ways = st.one_of(
    publications,
    st.builds(Puback, st.integers(1, 65535), st.integers(0, 255)),
    st.builds(Disconnect, st.integers(0, 255)),
)


def heard(chunks: list[bytes], limit: int = LIMIT) -> list[Heard]:
    stream = Stream(limit)
    return [packet for chunk in chunks for packet in stream.feed(chunk)]


@given(st.lists(both_ways, max_size=8), st.lists(st.integers(1, 3000), max_size=30))
def test_what_is_written_is_read_again_however_it_is_cut(packets: list[Heard], cuts: list[int]) -> None:
    raw = b"".join(encode(packet) for packet in packets)  # type: ignore[arg-type]  # both ways
    chunks, at = [], 0
    for cut in cuts:
        chunks.append(raw[at : at + cut])
        at += cut
    assert heard([*chunks, raw[at:]]) == packets


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_other_bytes_are_malformed_and_raise_nothing_else(chunks: list[bytes]) -> None:
    with suppress(Malformed):
        heard(chunks, limit=150)


@given(st.integers(0, 255), st.binary(max_size=60))
def test_any_single_packet_is_read_or_malformed(first: int, rest: bytes) -> None:
    with suppress(Malformed):
        decode(first, rest)


@given(publications, st.data())
def test_a_packet_that_lacks_its_end_inside_its_head_is_malformed(packet: Publish, data: st.DataObject) -> None:
    raw = encode(packet)
    head = len(raw) - len(packet.raw)
    start = 1 + len(write_variable(len(raw) - 2 if len(raw) < 130 else len(raw) - 3))
    cut = data.draw(st.integers(start, head - 1))
    with pytest.raises(Malformed):
        decode(raw[0], raw[start:cut])


def test_what_only_a_broker_says_is_read() -> None:
    granted = {0x21: 20, 0x27: 70_000, 0x13: 30}
    connack = bytes((1, 0)) + write_properties(granted)
    refused = bytes((0, 0x87)) + write_properties({})
    suback = write_two(7) + write_properties({}) + bytes((1, 0x87))
    raws = [
        (0x20, connack),
        (0x20, refused),
        (0x20, bytes((0, 0x84))),
        (0x90, suback),
        (0xD0, b""),
        (0x40, write_two(9)),
    ]
    assert heard([bytes((first,)) + write_variable(len(rest)) + rest for first, rest in raws]) == [
        Connack(0, resumed=True, properties=granted),
        Connack(0x87, properties=NO_PROPERTIES),
        Connack(0x84),
        Suback(7, (1, 0x87)),
        Pong(),
        Puback(9, 0),
    ]


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (0x34, write_two(1) + b"t" + write_two(1) + b"\0"),  # QoS 2
        (0x32, write_two(1) + b"t" + write_two(0) + b"\0"),  # packet id 0
        (0x30, write_two(1) + b"t" + b"\x02\x99\x00"),  # no such property
        (0x30, write_two(1) + b"t" + b"\x04\x01\x00\x01\x00"),  # the same one twice
        (0x30, write_two(1) + b"\xff\0"),  # not UTF-8
        (0x41, write_two(1)),  # flags that a PUBACK has not
        (0x10, b""),  # what only a client says
        (0xF0, b"\0"),  # AUTH
    ],
)
def test_what_the_standard_forbids_is_malformed(first: int, rest: bytes) -> None:
    with pytest.raises(Malformed):
        decode(first, rest)


def test_a_packet_over_our_limit_is_refused_before_it_has_come() -> None:
    whole = Publish("t", bytes(100))
    size = len(encode(whole))
    assert heard([encode(whole)], limit=size) == [whole]
    with pytest.raises(Malformed):
        heard([encode(whole)[:3]], limit=size - 1)


def test_what_no_packet_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="Publish"):
        encode(Publish("t" * 65536, b""))
    with pytest.raises(ValueError, match="Puback"):
        encode(Puback(65536))
    with pytest.raises(ValueError, match="0x11"):
        encode(Publish("t", b"", properties={Property.SESSION_EXPIRY_S: "soon"}))


# ---- paho, from whom we took nothing, writes the same bytes ----------------------------------------------------------


@contextmanager
def paho() -> Iterator[tuple[Client, socket.socket]]:
    """A client whose broker we are."""
    ours, theirs = socket.socketpair()
    client = Client(CallbackAPIVersion.VERSION2, client_id="ktg-k7q2m7xa", protocol=MQTTProtocolVersion.MQTTv5)
    client._create_socket = lambda: theirs  # type: ignore[method-assign]  # as WiredClient does
    ours.settimeout(5)
    try:
        yield client, ours
    finally:
        theirs.close()
        ours.close()


def paho_properties(kind: int, **said: object) -> PahoProperties:
    made = PahoProperties(kind)  # type: ignore[no-untyped-call]  # paho has no types here
    for name, value in said.items():
        setattr(made, name, value)
    return made


def test_connect_is_what_paho_writes() -> None:
    with paho() as (client, broker):
        client.username = "ktg-k7q2m7xa"
        delayed = paho_properties(PacketTypes.WILLMESSAGE, WillDelayInterval=15)
        client.will_set("a/state", b'{"online":false}', qos=1, retain=True, properties=delayed)
        wanted = paho_properties(PacketTypes.CONNECT, SessionExpiryInterval=86400, MaximumPacketSize=16384)
        client.connect("broker.example", keepalive=30, clean_start=False, properties=wanted)
        theirs = broker.recv(4096)

    ours = Connect(
        "ktg-k7q2m7xa", "ktg-k7q2m7xa", Will("a/state", b'{"online":false}', 15), 30,
        {Property.SESSION_EXPIRY_S: 86400, Property.PACKET_LIMIT: 16384},
    )  # fmt: skip
    assert encode(ours) == theirs


def test_publish_subscribe_ping_and_goodbye_are_what_paho_writes() -> None:
    with paho() as (client, broker):
        client.connect("broker.example")
        broker.recv(4096)
        said = []
        durable = paho_properties(PacketTypes.PUBLISH, UserProperty=("durable", "false"), CorrelationData=b"c")
        for step in (
            lambda: client.publish("a/event/alarm", b"{}" * 400, qos=1, properties=durable),
            lambda: client.publish("a/state", b"{}", qos=0, retain=True),
            lambda: client.subscribe([("a/receipt", 1), ("a/state", 1)]),
            client._send_pingreq,
            client.disconnect,
        ):
            step()
            client.loop_write()
            said.append(broker.recv(4096))

    told: Properties = {Property.CORRELATION: b"c", Property.USER: (("durable", "false"),)}
    assert said == [
        encode(Publish("a/event/alarm", b"{}" * 400, 1, properties=told)),
        encode(Publish("a/state", b"{}", retain=True)),
        encode(Subscribe(3, ("a/receipt", "a/state"))),
        encode(Ping()),
        encode(Disconnect()),
    ]
