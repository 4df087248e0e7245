"""A daemon's end of the link to alarm: connect, say hello, frames in and out; gone and back without drama."""

import os
import select
import socket
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from edge.link.frames import Ask, BadFrame, File, Frame, Hello, Status, pack, unpack
from edge.link.sockets import Datagram, close_all, connect, receive, transmit

ANSWER_AFTER: Final = 16  # frames that may come before the one asked for
BACKLOG: Final = 256  # frames waiting for a slow alarm; more and the link starts over


class LinkClient:
    """Never blocks; the caller's selector watches `fileno()`.

    Use: `if client.open(): ...`; `client.send(frame)`; on readable: `for frame in client.frames(): ...`;
    after `client.connected` turned False, call `open()` again a little later.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sock: socket.socket | None = None
        self._waiting: deque[Datagram] = deque()
        self._given: deque[int] = deque()

    @property
    def connected(self) -> bool:
        return self._sock is not None

    @property
    def wants_write(self) -> bool:
        return bool(self._waiting)

    def fileno(self) -> int:
        """-1 while not connected."""
        return self._sock.fileno() if self._sock else -1

    def open(self) -> bool:
        """Try once to connect and greet; False while alarm is away."""
        if self._sock is None:
            try:
                self._sock = connect(self._path)
            except OSError:
                return False
            self.send(Hello())
        return self._sock is not None

    def send(self, frame: Frame, descriptor: int = -1) -> None:
        """Queue one frame and write what can be written; silently dropped while not connected.

        descriptor: of a File; stays the caller's, and may be closed at once. Raises OSError where it is not open.
        """
        if self._sock is None:
            return
        if len(self._waiting) >= BACKLOG:
            self.close()
            return
        raw = pack(frame)
        self._waiting.append(Datagram(raw, os.dup(descriptor) if descriptor >= 0 else -1))
        self.flush()

    def flush(self) -> None:
        """Write what the socket takes now; call when it is writable."""
        while self._sock is not None and self._waiting:
            try:
                transmit(self._sock, self._waiting[0])
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
            self._waiting.popleft()

    def frames(self) -> list[Frame]:
        """Everything that has arrived; a peer that has gone or speaks nonsense closes the link.

        Descriptors of an earlier call that nobody took are closed.
        """
        self._forget_given()
        arrived: list[Frame] = []
        while self._sock is not None:
            datagram = receive(self._sock, descriptors=True)
            if datagram is None:
                break
            try:
                arrived.append(self._frame(datagram))
            except BadFrame:
                self.close()
            finally:
                datagram.close()
        return arrived

    def _frame(self, datagram: Datagram) -> Frame:
        frame = unpack(datagram.raw)
        if datagram.is_stray or isinstance(frame, File) != (datagram.descriptor >= 0):
            raise BadFrame("a descriptor too many, or none")
        if isinstance(frame, File):
            self._given.append(datagram.take())
        return frame

    def take(self) -> int:
        """The descriptor of the next File that `frames` returned, in their order; now the caller's. -1: it is gone."""
        return self._given.popleft() if self._given else -1

    def ask(self, what: str, within_s: float, **args: str) -> bytes | None:
        """Ask, and wait for the answer, which is the status: JSON, docs/contract.md. None where nobody answers in time.

        For who has nothing else to do; other frames that arrive meanwhile are dropped.
        """
        if not self.open():
            return None
        self.send(Ask(what, args))
        for _ in range(ANSWER_AFTER):
            if not self.connected or not select.select([self], [], [], within_s)[0]:
                return None
            for frame in self.frames():
                if isinstance(frame, Status):
                    return frame.raw
        return None

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
        self._sock = None
        close_all(datagram.take() for datagram in self._waiting)
        self._waiting.clear()
        self._forget_given()

    def _forget_given(self) -> None:
        close_all(self._given)
        self._given.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
