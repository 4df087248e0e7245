"""Unix sockets at paths of any length: bound and connected through a descriptor of their folder.

`sun_path` has 108 bytes (unix(7)); a deep checkout needs more.
A datagram may carry one descriptor, where the reader wants it; whatever else is attached is closed here.
"""

import array
import os
import pwd
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.link.frames import FRAME_LIMIT


@contextmanager
def _short(path: Path) -> Iterator[str]:
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def listen(path: Path, *, user: int | None, mode: int = 0o660) -> socket.socket:
    """Bind and listen; a socket file left by a dead owner is replaced. Raises OSError.

    user: whose group may connect; None: the group that the folder gives to what is made in it
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        with _short(path) as short:
            sock.bind(short)
        path.chmod(mode)
        if user is not None:
            _give(path, user)
        sock.listen(4)
    except OSError:
        sock.close()
        raise
    return sock


def _give(path: Path, user: int) -> None:
    """Let the user's own group connect: daemons of different users share none by themselves.

    A user who does not exist, or whose group we are not in, cannot be let in; that user's daemon is the one to say so.
    """
    with suppress(KeyError, PermissionError):
        os.chown(path, -1, pwd.getpwuid(user).pw_gid)


def connect(path: Path) -> socket.socket:
    """Connect, then never block. Raises OSError while nobody listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        with _short(path) as short:
            sock.connect(short)
        sock.settimeout(0.0)
    except OSError:
        sock.close()
        raise
    return sock


@dataclass(slots=True)
class Datagram:
    """raw: b"" when the peer has gone; an overlong one comes back too long.

    descriptor: ours, to be closed by who holds the datagram; -1: none
    is_stray:   descriptors came that nobody asked for; they are closed, or never became ours
    """

    raw: bytes
    descriptor: int = -1
    is_stray: bool = False

    def take(self) -> int:
        """The descriptor, now the caller's; -1: there is none."""
        taken, self.descriptor = self.descriptor, -1
        return taken

    def close(self) -> None:
        close_all((self.take(),))


def close_all(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)


def receive(sock: socket.socket, *, descriptors: bool = False) -> Datagram | None:
    """One datagram; None when there is none now.

    descriptors: one may come with it, close-on-exec; without, the kernel drops what is attached before it is ours
    """
    try:
        raw, attached, flags, _ = sock.recvmsg(FRAME_LIMIT + 1, _ROOM if descriptors else 0, socket.MSG_CMSG_CLOEXEC)
    except BlockingIOError:
        return None
    except OSError:
        return Datagram(b"")
    given = _given(attached)
    if flags & socket.MSG_CTRUNC or len(given) > 1 or (given and not raw):
        close_all(given)
        return Datagram(raw, is_stray=True)
    return Datagram(raw, given[0] if given else -1)


_ROOM: Final = socket.CMSG_LEN(array.array("i").itemsize)  # CMSG_SPACE would be aligned, and hold two


def _given(attached: Iterable[tuple[int, int, bytes]]) -> list[int]:
    given: list[int] = []
    for level, kind, content in attached:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers = array.array("i")
            numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
            given.extend(numbers)
    return given


def transmit(sock: socket.socket, datagram: Datagram) -> None:
    """Write one datagram and close its descriptor: the reader has its own. Raises OSError, and then closes nothing."""
    if datagram.descriptor < 0:
        sock.send(datagram.raw)
        return
    rights = array.array("i", [datagram.descriptor])
    sock.sendmsg([datagram.raw], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    datagram.close()
