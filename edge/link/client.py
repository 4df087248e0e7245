"""A daemon's end of the link to alarm: connect, say hello, frames in and out; gone and back without drama."""

import select
import socket
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from edge.link.frames import Ask, BadFrame, Frame, Hello, Status, pack, unpack
from edge.link.sockets import connect, receive

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
        self._waiting: deque[bytes] = deque()

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

    def send(self, frame: Frame) -> None:
        """Queue one frame and write what can be written; silently dropped while not connected."""
        if self._sock is None:
            return
        if len(self._waiting) >= BACKLOG:
            self.close()
            return
        self._waiting.append(pack(frame))
        self.flush()

    def flush(self) -> None:
        """Write what the socket takes now; call when it is writable."""
        while self._sock is not None and self._waiting:
            try:
                self._sock.send(self._waiting[0])
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
            self._waiting.popleft()

    def frames(self) -> list[Frame]:
        """Everything that has arrived; a peer that has gone or speaks nonsense closes the link."""
        arrived: list[Frame] = []
        while self._sock is not None:
            raw = receive(self._sock)
            if raw is None:
                break
            try:
                arrived.append(unpack(raw))
            except BadFrame:
                self.close()
        return arrived

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
        self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
