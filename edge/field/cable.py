"""The network cable between a box and the broker: a TCP forwarder on loopback that can be pulled and put back."""

import selectors
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

LOOPBACK: Final = "127.0.0.1"
CHUNK: Final = 65536


class Cable:
    """Forwards `port` to `far_port` while plugged in.

    pull(): the box's own plug: connections break, new ones are refused. hush(): a cut beyond the switch: silence.
    drip(): a way so bad that one byte passes in a second.
    """

    def __init__(self, far_port: int) -> None:
        self._far_port = far_port
        self._reserved = _bound()
        self.port: Final[int] = self._reserved.getsockname()[1]
        self._listener: socket.socket | None = None
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._silent = False
        self._dripping = False
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cable", daemon=True)

    def plug(self) -> None:
        """Connections work again."""
        with self._lock:
            self._silent = self._dripping = False
            if self._listener is None:
                self._listener = _bound(self.port)
                self._listener.listen(64)
                self._selector.register(self._listener, selectors.EVENT_READ)

    def pull(self) -> None:
        """Break every connection and refuse new ones."""
        with self._lock:
            if self._listener is not None:
                self._selector.unregister(self._listener)
                self._listener.close()
                self._listener = None
            for sock in tuple(self._pairs):
                self._drop(sock)

    def hush(self) -> None:
        """Keep every connection open and carry nothing: what a dead cell or a cut behind the switch looks like."""
        with self._lock:
            self._silent = True

    def drip(self) -> None:
        """From now on one byte a second in each direction of every connection."""
        with self._lock:
            self._dripping = True

    def __enter__(self) -> Self:
        self.plug()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self.pull()
        self._selector.close()
        self._reserved.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._dripping:
                self._stopping.wait(1.0)
            ready = self._selector.select(0.02)
            with self._lock:
                for key, _ in ready:
                    self._serve(key.fileobj)

    def _serve(self, sock: object) -> None:
        if sock is self._listener:
            self._accept()
        elif isinstance(sock, socket.socket) and sock in self._pairs:
            self._forward(sock)

    def _accept(self) -> None:
        assert self._listener is not None
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection((LOOPBACK, self._far_port), timeout=2.0)
        except OSError:
            near.close()
            return
        for sock, other in ((near, far), (far, near)):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs[sock] = other
            self._selector.register(sock, selectors.EVENT_READ)

    def _forward(self, sock: socket.socket) -> None:
        try:
            chunk = sock.recv(1 if self._dripping else CHUNK)
            if chunk and not self._silent:
                self._pairs[sock].sendall(chunk)
        except OSError:
            chunk = b""
        if not chunk:
            self._drop(sock)

    def _drop(self, sock: socket.socket) -> None:
        other = self._pairs.pop(sock, None)
        for end in (sock, other):
            if end is not None:
                self._pairs.pop(end, None)
                with suppress(KeyError, ValueError):
                    self._selector.unregister(end)
                end.close()


def _bound(port: int = 0) -> socket.socket:
    """A loopback port that stays ours while the cable is out: bound, not listening."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((LOOPBACK, port))
    return sock
