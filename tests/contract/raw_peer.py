"""Whoever may sit at a camera's address: accepts connections and answers each with bytes of its own."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self

BEAT_S: Final = 0.02

Talk = Callable[["RawPeer", socket.socket], None]
"""Answers one request; what the other end does to the connection ends it."""


class Listening:
    """One thread, one connection after another, each given to `_talk`."""

    def __init__(self, name: str, host: str = "127.0.0.1") -> None:
        self._server = socket.create_server((host, 0))
        self._thread = threading.Thread(target=self._serve, name=name)

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                connection.settimeout(5.0)
                with connection, suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        raise NotImplementedError


class RawPeer(Listening):
    """Says what a test wants it to say. asked: each request as it came, head and body."""

    def __init__(self, *talks: Talk) -> None:
        """talks: one for each connection, the last for all that follow."""
        self.asked: list[bytes] = []
        self.sent = 0
        self._talks = talks
        self._gone = threading.Event()
        super().__init__("raw-peer")

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        super().__exit__()

    def send(self, connection: socket.socket, raw: bytes) -> None:
        connection.sendall(raw)
        self.sent += len(raw)

    def beat(self) -> bool:
        """Wait a little; whether to go on."""
        return not self._gone.wait(BEAT_S)

    def _talk(self, connection: socket.socket) -> None:
        self.asked.append(_request(connection))
        self._talks[min(len(self.asked), len(self._talks)) - 1](self, connection)


def _request(connection: socket.socket) -> bytes:
    raw = b""
    while b"\r\n\r\n" not in raw and (part := connection.recv(65536)):
        raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length and (part := connection.recv(65536)):
        body += part
    return head + b"\r\n\r\n" + body


def saying(raw: bytes) -> Talk:
    return lambda peer, connection: peer.send(connection, raw)


def page(body: bytes = b"", *headers: str, status: str = "200 OK") -> Talk:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return saying("\r\n".join(lines).encode() + body)


def dripping(first: bytes, drop: bytes) -> Talk:
    def talk(peer: RawPeer, connection: socket.socket) -> None:
        peer.send(connection, first)
        while peer.beat():
            peer.send(connection, drop)

    return talk


def pouring(first: bytes, drop: bytes) -> Talk:
    """As fast as it goes, without end."""

    def talk(peer: RawPeer, connection: socket.socket) -> None:
        peer.send(connection, first)
        while True:
            peer.send(connection, drop)

    return talk
