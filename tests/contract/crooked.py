"""A broker made of replies: says to each packet what a test tells it to, so that every refusal can be seen."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14

Reply = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Packet:
    kind: int
    body: bytes


def packet(kind: int, body: bytes = b"", *, flags: int = 0) -> bytes:
    length, size = b"", len(body)
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | (0x80 if size else 0)])
        if not size:
            return bytes([kind << 4 | flags]) + length + body


def connack(code: int = 0, properties: bytes = b"") -> bytes:
    return packet(CONNACK, bytes([0, code, len(properties)]) + properties)


def publish(topic: str, raw: bytes, *, mid: int = 1) -> bytes:
    name = topic.encode()
    return packet(PUBLISH, len(name).to_bytes(2, "big") + name + mid.to_bytes(2, "big") + b"\0" + raw, flags=2)


def mid_of(body: bytes) -> bytes:
    """Packet id of a PUBLISH."""
    start = 2 + int.from_bytes(body[:2], "big")
    return body[start : start + 2]


def puback(body: bytes, code: int = 0) -> bytes:
    return packet(PUBACK, mid_of(body) + bytes([code, 0]))


STRAIGHT: Mapping[int, Reply] = {
    CONNECT: lambda _body: connack(),
    PUBLISH: puback,
    SUBSCRIBE: lambda body: packet(SUBACK, body[:2] + b"\0" + b"\1" * 4),
    PINGREQ: lambda _body: packet(PINGRESP),
}


class Crooked:
    """Listens on loopback; `poll` accepts, reads and replies. Everything read is in `packets`."""

    def __init__(self, replies: Mapping[int, Reply] | None = None) -> None:
        self.replies: dict[int, Reply] = {**STRAIGHT, **(replies or {})}
        self.packets: list[Packet] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._talk: socket.socket | None = None
        self._read = b""

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def poll(self) -> None:
        if self._listener.fileno() >= 0:
            self._accept()
        if self._talk is None:
            return
        try:
            received = self._talk.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            received = b""
        if not received:
            self.hang_up()
        self._read += received
        while self._take():
            pass

    def say(self, raw: bytes) -> None:
        assert self._talk is not None
        self._talk.sendall(raw)

    def hang_up(self) -> None:
        if self._talk is not None:
            self._talk.close()
            self._talk = None

    def close(self) -> None:
        self.hang_up()
        self._listener.close()

    def of(self, kind: int) -> list[bytes]:
        return [packet.body for packet in self.packets if packet.kind == kind]

    def _accept(self) -> None:
        try:
            talk, _ = self._listener.accept()
        except BlockingIOError:
            return
        self.hang_up()
        self.connections += 1
        self._read = b""
        talk.setblocking(False)
        self._talk = talk

    def _take(self) -> bool:
        if len(self._read) < 2:
            return False
        size, shift, start = 0, 0, 1
        while True:
            digit = self._read[start]
            size |= (digit & 0x7F) << shift
            shift, start = shift + 7, start + 1
            if not digit & 0x80:
                break
        if len(self._read) < start + size:
            return False
        kind, body = self._read[0] >> 4, self._read[start : start + size]
        self._read = self._read[start + size :]
        self.packets.append(Packet(kind, body))
        reply = self.replies.get(kind)
        answer = b"" if reply is None else reply(body)
        if answer and self._talk is not None:
            self.say(answer)
        return self._talk is not None
