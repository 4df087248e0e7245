"""One knock at one port: asks for the time, as anybody may, and listens just long enough to tell who is there.

Not a conversation: nothing of the answer is parsed or kept, no login is ever sent, and no answer is followed.
"""

import errno
import re
import socket
from collections.abc import Callable
from enum import Enum
from typing import Final

from drivers.camera import Candidate

CONNECT_S: Final = 1.0  # on a local network; also for a camera whose Wi-Fi sleeps
ANSWER_S: Final = 3.0  # from the first packet to the last byte, however they drip
ANSWER_LIMIT: Final = 16 * 1024  # bytes; a time and a fault are less than 4 KiB
READ_BYTES: Final = 4096

QUESTION: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    '<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)
ACTION: Final = "http://www.onvif.org/ver10/device/wsdl/GetSystemDateAndTime"
TIME: Final = re.compile(rb"[<:]GetSystemDateAndTimeResponse[\s/>]")
FAULT: Final = re.compile(rb"[<:]Fault[\s/>]")
SOAP: Final = b"http://www.w3.org/2003/05/soap-envelope"
LOCKED: Final = re.compile(rb"HTTP/1\.[01] 40[13]\b")


class Answer(Enum):
    """Who is there."""

    ONVIF = "the time, or a fault in SOAP 1.2"
    LOCKED = "somebody who wants a login first"
    OTHER = "somebody who says something else, or nothing whole"
    CLOSED = "a machine with nothing on this port"
    NOBODY = "no sign of life"


class Knock:
    """One exchange that never blocks: watch `fileno()` for writing while `connecting`, then for reading.

    turn: call on readiness; the answer once there is one. Call `expire` at `deadline` at the latest.
    """

    def __init__(self, target: Candidate, clock: Callable[[], float]) -> None:
        self.target = target
        self.connecting = True
        self.deadline = clock() + CONNECT_S
        self._latest = clock() + ANSWER_S
        self._question = _request(target)
        self._heard = b""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    def begin(self) -> Answer | None:
        return self._judged(self._socket.connect_ex((self.target.address.host, self.target.address.port)))

    def fileno(self) -> int:
        return self._socket.fileno()

    def turn(self) -> Answer | None:
        try:
            return self._connected() if self.connecting else self._listen()
        except OSError as error:
            return self._judged(error.errno or 0) if self.connecting else self._verdict()

    def expire(self) -> Answer:
        """Its time is over: nobody, or whatever the bytes until now say."""
        return Answer.NOBODY if self.connecting else self._verdict()

    def close(self) -> None:
        self._socket.close()

    def _judged(self, error: int) -> Answer | None:
        """What connect(2) says; None while it is under way."""
        if error in {0, errno.EINPROGRESS, errno.EINTR}:
            return None
        return Answer.CLOSED if error in {errno.ECONNREFUSED, errno.ECONNRESET} else Answer.NOBODY

    def _connected(self) -> Answer | None:
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            return self._judged(error) or Answer.NOBODY
        self.connecting = False
        self.deadline = self._latest
        self._socket.send(self._question)  # less than a segment: an empty send buffer takes it whole
        return None

    def _listen(self) -> Answer | None:
        try:
            raw = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return None
        self._heard += raw
        if raw and len(self._heard) < ANSWER_LIMIT and self._verdict() is not Answer.ONVIF:
            return None
        return self._verdict()

    def _verdict(self) -> Answer:
        if TIME.search(self._heard) or (SOAP in self._heard and FAULT.search(self._heard)):
            return Answer.ONVIF
        return Answer.LOCKED if LOCKED.match(self._heard) else Answer.OTHER


def _request(target: Candidate) -> bytes:
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.address}\r\n"
        f'Content-Type: application/soap+xml; charset=utf-8; action="{ACTION}"\r\n'
        f"Content-Length: {len(QUESTION)}\r\nConnection: close\r\n\r\n"
    )
    return (head + QUESTION).encode("ascii")
