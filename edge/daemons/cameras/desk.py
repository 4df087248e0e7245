"""The daemon's end of its socket for people: who comes, what they ask, and answers that never make the loop wait."""

import logging
import os
import selectors
import socket
import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge.daemons.border import Border
from edge.link.counter import Answer, Finished, Refused, Request, pack, unpack_request
from edge.link.frames import FRAME_LIMIT, BadFrame
from edge.link.sockets import listen

log = logging.getLogger("kentongan.cameras")

VISITORS_MAX: Final = 4
BACKLOG: Final = 512  # answers for a visitor who does not read; more and the visit is over


class Visitor:
    """One connection; one request at a time."""

    def __init__(
        self, sock: socket.socket, selector: selectors.BaseSelector, gone: Callable[["Visitor"], None]
    ) -> None:
        self.sock: Final = sock
        self._selector = selector
        self._gone = gone
        self._waiting: deque[bytes] = deque()
        self.is_busy = False
        self.is_here = True
        _pid, self.uid, _gid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))

    def say(self, answer: Answer) -> None:
        """Queue an answer; nothing happens where the visitor has left."""
        if not self.is_here:
            return
        if isinstance(answer, Finished | Refused):
            self.is_busy = False
        if len(self._waiting) >= BACKLOG:
            self.leave()
            return
        self._waiting.append(pack(answer))
        self.flush()

    def flush(self) -> None:
        while self._waiting:
            try:
                self.sock.send(self._waiting[0])
            except BlockingIOError:
                break
            except OSError:
                self.leave()
                return
            self._waiting.popleft()
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._waiting else 0)
        if self._selector.get_key(self.sock).events != events:
            self._selector.modify(self.sock, events, self._selector.get_key(self.sock).data)

    def leave(self) -> None:
        if self.is_here:
            self.is_here = False
            self._selector.unregister(self.sock)
            self.sock.close()
            self._gone(self)


class Desk:
    """ask: called with a visitor and a request; it answers sooner or later with `visitor.say`."""

    def __init__(
        self, path: Path, selector: selectors.BaseSelector, ask: Callable[[Visitor, Request], None], border: Border
    ) -> None:
        self._border = border
        self._path = path
        self._selector = selector
        self._ask = ask
        self._listening: socket.socket | None = None
        self._visitors: list[Visitor] = []

    def open(self) -> None:
        """Listen. The folder's group may connect, which is the technicians' (tmpfiles.d). Raises OSError."""
        self._listening = listen(self._path, user=None)
        self._selector.register(self._listening, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        for visitor in tuple(self._visitors):
            visitor.leave()
        if self._listening is not None:
            self._selector.unregister(self._listening)
            self._listening.close()
            self._path.unlink(missing_ok=True)

    def _accept(self, _events: int) -> None:
        assert self._listening is not None
        try:
            sock, _ = self._listening.accept()
        except OSError:
            return
        if len(self._visitors) >= VISITORS_MAX:
            sock.close()
            return
        os.set_blocking(sock.fileno(), False)
        visitor = Visitor(sock, self._selector, self._visitors.remove)
        self._visitors.append(visitor)
        self._selector.register(sock, selectors.EVENT_READ, lambda events: self._serve(visitor, events))

    def _serve(self, visitor: Visitor, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            visitor.flush()
        if not events & selectors.EVENT_READ or not visitor.is_here:
            return
        try:
            raw = visitor.sock.recv(FRAME_LIMIT + 1)
        except BlockingIOError:
            return
        except OSError:
            raw = b""
        if not raw:
            visitor.leave()
            return
        self._hear(visitor, raw)

    def _hear(self, visitor: Visitor, raw: bytes) -> None:
        try:
            request = unpack_request(raw)
        except BadFrame as error:
            self._send_away(visitor, str(error))
            return
        if visitor.is_busy:
            self._send_away(visitor, "one request at a time")
            return
        visitor.is_busy = True
        if not self._border.call(self._ask, visitor, request):
            visitor.leave()

    def _send_away(self, visitor: Visitor, why: str) -> None:
        log.warning("a visitor was sent away  uid=%d cause=%s", visitor.uid, why)
        visitor.leave()
