"""A connected stream as paho wants to see it: buffered reads, a size limit, bytes noticed, faults remembered."""

import array
import fcntl
import socket
import ssl
import termios
from typing import Final

from drivers.dial import tls_fault

CHUNK: Final = 16 * 1024  # one TLS record at most, so nothing stays behind inside the TLS object
PIECE: Final = 64 * 1024  # written in one call
TURN_LIMIT: Final = CHUNK  # read in one turn; the rest waits in the kernel, and the link to alarm is not flooded


class Wire:
    """paho reads a packet's header byte by byte; here each of those is a slice, not a system call.

    limit:  the largest packet we said we would take; paho asks for a packet's rest in one piece, so a longer
            one is refused before a byte of it is read
    gather: bytes that wait for `flush`, so that twenty packets are one TLS record and one system call; 0: none
    """

    def __init__(self, sock: socket.socket, *, limit: int, gather: int = 0) -> None:
        self.cause = ""  # why it ended, where we know better than "lost"
        self.text = ""
        self.heard = False  # a byte has come in since this was last cleared
        self.drained = False  # there is nothing more to read now
        self._sock = sock
        self._limit = limit
        self._buffer = memoryview(b"")
        self._allowance = 0
        self._broken = ""  # why a send failed
        self._gather = gather
        self._gathered = bytearray()

    def begin_turn(self) -> None:
        self.drained = False
        self._allowance = TURN_LIMIT

    def recv(self, size: int) -> bytes:
        """Raises BlockingIOError when there is nothing now, OSError when it is over; b"" at the end of the stream."""
        if size > self._limit:
            self._note("oversize", f"the broker sends {size} bytes in one packet; we said at most {self._limit}")
            raise ConnectionAbortedError(self.text)
        if not self._buffer and not self._fill():
            return b""
        piece, self._buffer = self._buffer[:size], self._buffer[size:]
        return bytes(piece)

    def _fill(self) -> bool:
        if self._allowance <= 0:
            self.drained = True
            raise BlockingIOError
        try:
            received = self._sock.recv(CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self.drained = True
            if self._broken:
                self._note("lost", self._broken)
                raise ConnectionAbortedError(self._broken) from None
            raise
        except OSError as error:
            self._remember(error)
            raise
        self._allowance -= len(received)
        self._buffer = memoryview(received)
        self.heard = self.heard or bool(received)
        return bool(received)

    def send(self, piece: bytes | bytearray) -> int:
        """A broken pipe is not told here: why it broke (a DISCONNECT, an alert) waits to be read; then it is over."""
        if not self._gather:
            return self._write(piece)
        if len(self._gathered) >= self._gather:
            self.flush()
        if len(self._gathered) >= self._gather:
            raise BlockingIOError
        self._gathered += piece
        return len(piece)

    @property
    def wants_write(self) -> bool:
        return bool(self._gathered)

    def flush(self) -> None:
        """Write what has gathered, as far as the socket takes it now."""
        while self._gathered:
            try:
                written = self._write(
                    self._gathered[:PIECE]
                )  # TLS wants the same bytes again after a refusal: never fewer
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            del self._gathered[:written]

    def _write(self, piece: bytes | bytearray) -> int:
        if self._broken:
            return len(piece)
        try:
            return self._sock.send(piece)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            self._broken = self._broken or error.strerror or str(error)
            return len(piece)

    def _remember(self, error: OSError) -> None:
        self.drained = True
        if isinstance(error, ssl.SSLError):
            fault = tls_fault(error)
            self._note(fault.cause, str(fault))
        else:
            self._note("lost", error.strerror or str(error))

    def _note(self, cause: str, text: str) -> None:
        if not self.cause:
            self.cause, self.text = cause, text

    def unacknowledged(self) -> int:
        """Bytes that the far end's kernel has not confirmed (SIOCOUTQ, tcp(7)); 0 where the kernel does not say."""
        count = array.array("i", [0])
        try:
            fcntl.ioctl(self._sock.fileno(), termios.TIOCOUTQ, count)
        except OSError:
            return 0
        return count[0]

    def fileno(self) -> int:
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001  # paho's call
        self._sock.setblocking(flag)

    def close(self) -> None:
        self.flush()  # a DISCONNECT
        self.drained = True
        self._sock.close()
