"""A line of so many bits a second in each direction, with next to no buffer: what a village gets in the rain."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from edge.field.cable import LOOPBACK

PIECE: Final = 200  # bytes at a time; at 64 kbit/s 25 ms


class Narrow:
    """Forwards `port` to `far_port`, at `bits_s` in each direction of each connection."""

    def __init__(self, far_port: int, bits_s: int = 64_000) -> None:
        self.bits_s = bits_s
        self._far_port = far_port
        self._listener = socket.create_server((LOOPBACK, 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)  # else the kernel takes all at once
        self.port: Final[int] = self._listener.getsockname()[1]
        self._socks: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="narrow")]
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in self._socks:
            sock.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection((LOOPBACK, self._far_port))
            except OSError:
                return
            for sock in (near, far):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                self._socks.append(sock)
            for pair in ((near, far), (far, near)):
                thread = threading.Thread(target=self._forward, args=pair, name="narrow")
                self._threads.append(thread)
                thread.start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                self._closing.wait(8 * len(piece) / self.bits_s)
                sink.sendall(piece)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
