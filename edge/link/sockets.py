"""Unix sockets at paths of any length: bound and connected through a descriptor of their folder.

`sun_path` has 108 bytes (unix(7)); a deep checkout needs more.
"""

import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.link.frames import FRAME_LIMIT


@contextmanager
def _short(path: Path) -> Iterator[str]:
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def listen(path: Path, *, user: int, mode: int = 0o660) -> socket.socket:
    """Bind and listen for one user; a socket file left by a dead owner is replaced. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        with _short(path) as short:
            sock.bind(short)
        path.chmod(mode)
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


def receive(sock: socket.socket) -> bytes | None:
    """One datagram; None when there is none now; b"" when the peer has gone. An overlong one comes back too long."""
    try:
        return sock.recv(FRAME_LIMIT + 1)
    except BlockingIOError:
        return None
    except OSError:
        return b""
