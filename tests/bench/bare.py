"""The baselines: one paho client in one loop with nothing around it, one file that is appended to and synced."""

import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from drivers.clock import boot_ns
from edge.centre.places import CentrePlaces
from edge.field.broker import LOOPBACK

ANSWER_MAX_S: Final = 10.0


class BarePaho:
    """paho, MQTT 5, QoS 1, driven by the caller's thread. Enter to connect.

    keys: over TLS as the centre; None: a plain listener
    """

    def __init__(self, name: str, port: int, keys: CentrePlaces | None) -> None:
        self.heard: list[tuple[str, bytes, int]] = []  # topic, payload, boot-clock ns
        self.answered = 0
        self._up = False
        self._port = port
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.max_inflight_messages = 0  # the window is the caller's
        if keys is not None:
            self._client.tls_set_context(_context(keys))
        self._client.on_connect = lambda *_: self._connected()
        self._client.on_publish = lambda *_: self._published()
        self._client.on_subscribe = lambda *_: self._published()
        self._client.on_message = lambda _client, _user, message: self._message(message)

    def __enter__(self) -> Self:
        self._client.connect(LOOPBACK, self._port, keepalive=600)
        self.until(lambda: self._up)
        self._socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()

    def subscribe(self, topic: str, qos: int = 0) -> None:
        before = self.answered
        self._client.subscribe(topic, qos)
        self.until(lambda: self.answered > before)

    def publish(self, topic: str, raw: bytes) -> None:
        """Hand one message over without waiting."""
        self._client.publish(topic, raw, qos=1)

    def round_trip_ns(self, topic: str, raw: bytes) -> int:
        """PUBLISH to PUBACK."""
        before, began_ns = self.answered, boot_ns()
        self.publish(topic, raw)
        self.until(lambda: self.answered > before)
        return boot_ns() - began_ns

    def drain(self, topic: str, rows: Sequence[bytes], window: int) -> None:
        """Publish every row, `window` in flight; returns after the last PUBACK."""
        before, sent = self.answered, 0
        while self.answered - before < len(rows):
            while sent < len(rows) and sent - (self.answered - before) < window:
                self.publish(topic, rows[sent])
                sent += 1
            self.turn(1.0)

    def until(self, reached: Callable[[], object], within_s: float = ANSWER_MAX_S) -> None:
        """Run the loop until then. Raises TimeoutError."""
        deadline = time.monotonic() + within_s
        while not reached():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("the broker or the box does not answer in time")
            self.turn(left_s)

    def idle(self) -> bool:
        """Whether nothing has come for 0.3 s."""
        before = len(self.heard)
        self.turn(0.3)
        return len(self.heard) == before

    def turn(self, within_s: float) -> None:
        """Wait for the socket, then do all there is to do."""
        sock = self._socket()
        if not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
            writing = [sock] if self._client.want_write() else []
            select.select([sock], writing, [], min(within_s, 0.5))
        self._client.loop_read()
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()

    def _socket(self) -> socket.socket:
        sock = self._client.socket()
        if not isinstance(sock, socket.socket):
            raise ConnectionError("the broker closed the connection")
        return sock

    def _connected(self) -> None:
        self._up = True

    def _published(self) -> None:
        self.answered += 1

    def _message(self, message: MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload), boot_ns()))


class Disk:
    """A file on the disk that the ledger lies on."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / "appended", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def append_ns(self, raw: bytes) -> int:
        """Append and fdatasync."""
        began_ns = boot_ns()
        os.write(self._descriptor, raw)
        os.fdatasync(self._descriptor)
        return boot_ns() - began_ns

    def close(self) -> None:
        os.close(self._descriptor)


def _context(keys: CentrePlaces) -> ssl.SSLContext:
    folder = keys.certificates
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(str(folder / "centre.pem"), str(folder / "centre.key"))
    return context
