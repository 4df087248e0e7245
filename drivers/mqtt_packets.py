"""MQTT 5 packets between a box and its broker, as values and as bytes. No socket, no clock.

What a client sends and hears at QoS 0 and 1, and nothing else: no QoS 2, no UNSUBSCRIBE, no AUTH.
paho stays where one box speaks; where ten thousand speak from one process, its client costs too much (docs/decisions).

Source: OASIS MQTT Version 5.0 (2019-03-07); each clause is named where it is followed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from drivers.mqtt_fields import (
    CONTINUED,
    NO_PROPERTIES,
    Malformed,
    Properties,
    Property,
    Reader,
    write_binary,
    write_properties,
    write_text,
    write_two,
    write_variable,
)

QOS_1: Final = 0x02  # 3.3.1.2: bit 1 of a PUBLISH's flags
AT_QOS_1: Final = 0x01  # 3.8.3.1: subscription options: everything else as it comes


class Kind(IntEnum):
    """2.1.2: the upper four bits of the first byte."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


# ---- what is said ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Will:
    """3.1.3: what the broker says, retained and at QoS 1, once we are gone for delay_s."""

    topic: str
    raw: bytes
    delay_s: int


@dataclass(frozen=True, slots=True)
class Connect:
    """3.1, without Clean Start and without a password."""

    client_id: str
    username: str
    will: Will
    keepalive_s: int
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscribe:
    """3.8, each topic at QoS 1."""

    packet_id: int
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Publish:
    """3.3. packet_id: 1-65535 at QoS 1, 0 at QoS 0."""

    topic: str
    raw: bytes
    packet_id: int = 0
    retain: bool = False
    again: bool = False  # 3.3.1.1: DUP
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Puback:
    """3.4. code: 2.4; drivers.mqtt_codes.PUBACKS says what it means."""

    packet_id: int
    code: int = 0


@dataclass(frozen=True, slots=True)
class Ping:
    """3.12."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """3.14, from either side. 0x04 leaves the will standing."""

    code: int = 0


# ---- what is only heard ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connack:
    """3.2. code: 0, or a refusal (drivers.mqtt_codes.REFUSALS)."""

    code: int
    resumed: bool = False
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suback:
    """3.9. codes: in the order of the topics; 0x80 and above refuse."""

    packet_id: int
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pong:
    """3.13."""


Said = Connect | Subscribe | Publish | Puback | Ping | Disconnect
Heard = Connack | Suback | Publish | Puback | Pong | Disconnect


# ---- values to bytes -------------------------------------------------------------------------------------------------


def encode(packet: Said) -> bytes:
    """Raises ValueError for what no packet can hold: a text over 65,535 bytes, a number out of its range."""
    try:
        return _encoded(packet)
    except OverflowError as error:
        raise ValueError(f"{type(packet).__name__}: {error}") from error


def _encoded(packet: Said) -> bytes:
    match packet:
        case Publish():
            return _publish(packet)
        case Puback(packet_id, code):
            return _packet(Kind.PUBACK, 0, write_two(packet_id) + (bytes((code,)) if code else b""))
        case Connect():
            return _packet(Kind.CONNECT, 0, _connect(packet))
        case Subscribe(packet_id, topics):
            wanted = b"".join(write_text(topic) + bytes((AT_QOS_1,)) for topic in topics)
            return _packet(Kind.SUBSCRIBE, 2, write_two(packet_id) + write_properties({}) + wanted)  # 3.8.1: flags 0010
        case Ping():
            return _packet(Kind.PINGREQ, 0, b"")
        case Disconnect(code):
            return _packet(Kind.DISCONNECT, 0, bytes((code,)) if code else b"")


def _publish(packet: Publish) -> bytes:
    flags = (8 if packet.again else 0) | (QOS_1 if packet.packet_id else 0) | (1 if packet.retain else 0)
    identified = write_two(packet.packet_id) if packet.packet_id else b""
    return _packet(
        Kind.PUBLISH, flags, write_text(packet.topic) + identified + write_properties(packet.properties) + packet.raw
    )


def _connect(packet: Connect) -> bytes:
    """3.1.2.3: user name, will retained at QoS 1, will; no Clean Start, so that what waits for us is kept."""
    flags = 0x80 | 0x20 | 0x08 | 0x04
    will = packet.will
    return b"".join((
        write_text("MQTT"), bytes((5, flags)), write_two(packet.keepalive_s), write_properties(packet.properties),
        write_text(packet.client_id), write_properties({Property.WILL_DELAY_S: will.delay_s}), write_text(will.topic),
        write_binary(will.raw), write_text(packet.username),
    ))  # fmt: skip


def _packet(kind: Kind, flags: int, rest: bytes) -> bytes:
    return bytes((kind << 4 | flags,)) + write_variable(len(rest)) + rest


# ---- bytes to values -------------------------------------------------------------------------------------------------


class Stream:
    """Cuts what comes out of a socket into packets.

    limit: the largest packet that we told the broker to send, header and all (3.1.2.11.4)
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pending = b""

    def feed(self, chunk: bytes) -> Iterator[Heard]:
        """Everything that is whole now. Raises Malformed, after what came before it; the connection is over then."""
        self._pending += chunk
        at = 0
        try:
            while (span := _span(self._pending, at)) is not None:
                start, end = span
                if end - at > self._limit:
                    raise Malformed(f"a packet of {end - at} bytes; we said at most {self._limit}")
                if end > len(self._pending):
                    return
                first, body, at = self._pending[at], self._pending[start:end], end
                yield decode(first, body)
        finally:
            self._pending = self._pending[at:]


def _span(raw: bytes, at: int) -> tuple[int, int] | None:
    """Where the packet that begins at `at` has its rest and its end; None while its length is not there yet."""
    length = 0
    for place in range(4):
        where = at + 1 + place
        if where >= len(raw):
            return None
        length |= (raw[where] & 0x7F) << 7 * place
        if raw[where] < CONTINUED:
            return where + 1, where + 1 + length
    raise Malformed("a length of more than four bytes")


def decode(first: int, rest: bytes) -> Heard:
    """One packet: its first byte, and what follows its length. Raises Malformed."""
    reader = Reader(rest)
    kind, flags = first >> 4, first & 0x0F
    if kind == Kind.PUBLISH:
        return _read_publish(flags, reader)
    if flags:
        raise Malformed(f"flags {flags:04b} on a packet of kind {kind}")  # 2.1.3
    match kind:
        case Kind.PUBACK:
            return _read_puback(reader)
        case Kind.CONNACK:
            resumed, code = reader.number(1), reader.number(1)
            return Connack(code, resumed == 1, reader.properties() if reader.left else NO_PROPERTIES)
        case Kind.SUBACK:
            packet_id, _ = reader.number(2), reader.properties()
            return Suback(packet_id, tuple(reader.rest()))
        case Kind.PINGRESP:
            return Pong()
        case Kind.DISCONNECT:  # 3.14.2.1: without a code it is 0x00
            return Disconnect(reader.number(1) if reader.left else 0)
        case _:
            raise Malformed(f"a packet of kind {kind}, which no broker sends us")


def _read_publish(flags: int, reader: "Reader") -> Publish:
    quality = flags >> 1 & 3
    if quality > 1:
        raise Malformed(f"QoS {quality}, which nobody asked for")
    topic = reader.text()
    packet_id = reader.number(2) if quality else 0
    if quality and not packet_id:
        raise Malformed("packet id 0")  # 2.2.1
    properties = reader.properties()
    return Publish(topic, reader.rest(), packet_id, bool(flags & 1), bool(flags & 8), properties)


def _read_puback(reader: "Reader") -> Puback:
    """3.4.2.1: without a code it is a success."""
    packet_id = reader.number(2)
    return Puback(packet_id, reader.number(1) if reader.left else 0)
