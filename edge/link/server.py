"""Alarm's end of the link: one socket per role, one selector, one thread (the caller's)."""

import os
import selectors
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from edge.core.words import SECOND_NS
from edge.link.frames import (
    ALLOWED,
    MARKED_LIMIT,
    BadFrame,
    Bytes,
    File,
    Frame,
    Hello,
    Marks,
    Pull,
    Role,
    pack,
    unpack,
)
from edge.link.sockets import Datagram, close_all, listen, receive, transmit

BACKLOG: Final = (
    384  # frames for a peer that does not read: all that it may pull at once, and words; then it is dropped
)
ROWS_BURST: Final = MARKED_LIMIT
PULL_COSTS: Final = 5  # rows: it makes more work than a mark
PEERS: Final[Mapping[Role, int]] = {Role.CLI: 4, Role.PAGE: 4}  # the others: one, and a newcomer replaces it


class Bucket:
    """Tokens that refill with time; an empty bucket says how long to wait."""

    __slots__ = ("_at_ns", "_burst", "_rate", "_tokens")

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._rate = rate_per_s
        self._burst = burst
        self._tokens = float(burst)
        self._at_ns = 0

    def wait_ns(self, now_ns: int, wanted: int = 1) -> int:
        """Take so many tokens and return 0, or return how long until there are as many. wanted: at most the burst."""
        self._tokens = min(self._burst, self._tokens + (now_ns - self._at_ns) * self._rate / SECOND_NS)
        self._at_ns = now_ns
        if self._tokens >= wanted:
            self._tokens -= wanted
            return 0
        return int((wanted - self._tokens) * SECOND_NS / self._rate) + 1


class Peer:
    """One connection. A peer over its rate is not read for a while: its own socket pushes back, nothing is lost."""

    def __init__(self, role: Role, sock: socket.socket) -> None:
        self.role: Final = role
        self.sock: Final = sock
        self.greeted = False
        self.waiting: deque[Datagram] = deque()
        self.held: Frame | None = None
        self.descriptor = -1  # of the File that is held or being heard
        self.resume_ns = 0
        # Rows flow as fast as the broker takes them; receipts have their own lane; files cost a look at each byte of
        # theirs; the rest is people and faults.
        self.lanes: Final = {
            "rows": Bucket(100_000, ROWS_BURST),
            "receipt": Bucket(500, 200),
            "file": Bucket(4, 8),
            "other": Bucket(50, 50),
        }

    def take(self) -> int:
        """The descriptor of the File being heard, now the hearer's; what nobody takes is closed. -1: none."""
        taken, self.descriptor = self.descriptor, -1
        return taken

    def wait_ns(self, frame: Frame, now_ns: int) -> int:
        """0 and its part of the rate is taken; else how long until this frame may be heard."""
        match frame:
            case Marks():
                return self.lanes["rows"].wait_ns(now_ns, frame.covered)
            case Pull():
                return self.lanes["rows"].wait_ns(now_ns, PULL_COSTS)
            case Bytes(kind="receipt"):
                return self.lanes["receipt"].wait_ns(now_ns)
            case File():
                return self.lanes["file"].wait_ns(now_ns)
            case _:
                return self.lanes["other"].wait_ns(now_ns)


class LinkServer:
    """Listen for every role, check each peer's uid, and pass on what its role may say.

    hear:  called with (peer, frame), in the thread that calls `turn`; a File's descriptor is `peer.take()`
    lost:  called with a peer that has gone
    """

    def __init__(
        self,
        folder: Path,
        uids: Mapping[Role, int],
        hear: Callable[[Peer, Frame], None],
        lost: Callable[[Peer], None],
        boot_ns: Callable[[], int],
    ) -> None:
        self._folder = folder
        self._uids = uids
        self._hear = hear
        self._lost = lost
        self._boot_ns = boot_ns
        self._selector = selectors.DefaultSelector()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector.register(self._wake_fd, selectors.EVENT_READ, None)
        self._listeners: dict[Role, socket.socket] = {}
        self._peers: dict[Role, list[Peer]] = {role: [] for role in Role}
        self._paused: list[Peer] = []
        self._closed = False
        self.dropped: Final[Counter[str]] = Counter()

    def open(self) -> None:
        """Bind a socket for every role that has a uid. Raises OSError."""
        for role, uid in self._uids.items():
            if role not in self._listeners:
                sock = listen(self._folder / f"{role}.sock", user=uid)
                self._listeners[role] = sock
                self._selector.register(sock, selectors.EVENT_READ, role)

    def peers(self, role: Role) -> tuple[Peer, ...]:
        """Greeted peers of a role."""
        return tuple(peer for peer in self._peers[role] if peer.greeted)

    def wake(self) -> None:
        """End a `turn` early; callable from any thread."""
        if not self._closed:
            os.eventfd_write(self._wake_fd, 1)

    def send(self, peer: Peer, frame: Frame, descriptor: int = -1) -> None:
        """Queue a frame and write what the socket takes; a peer that does not read is dropped.

        descriptor: of a File; stays the caller's, and may be closed at once. Raises OSError where it is not open.
        """
        if len(peer.waiting) >= BACKLOG:
            self._drop(peer, "backlog")
            return
        raw = pack(frame)
        peer.waiting.append(Datagram(raw, os.dup(descriptor) if descriptor >= 0 else -1))
        self._flush(peer)

    def turn(self, timeout_s: float) -> None:
        """Wait for at most `timeout_s`, then hear everything that has come."""
        now_ns = self._boot_ns()
        self._resume(now_ns)
        if self._paused:
            timeout_s = min(timeout_s, max(0.0, (self._paused[0].resume_ns - now_ns) / SECOND_NS))
        for key, events in self._selector.select(max(0.0, timeout_s)):
            match key.data:
                case None:
                    os.eventfd_read(self._wake_fd)
                case Role() as role:
                    self._accept(role)
                case Peer() as peer:
                    if events & selectors.EVENT_WRITE:
                        self._flush(peer)
                    if events & selectors.EVENT_READ:
                        self._read(peer)

    def close(self) -> None:
        """Drop every peer; closing twice does nothing. No other thread may `wake` any more."""
        if self._closed:
            return
        self._closed = True
        for role in Role:
            for peer in tuple(self._peers[role]):
                self._drop(peer, "closing")
        for sock in self._listeners.values():
            sock.close()
        self._selector.close()
        os.close(self._wake_fd)

    def _accept(self, role: Role) -> None:
        try:
            sock, _ = self._listeners[role].accept()
        except OSError:
            return
        sock.setblocking(False)  # noqa: FBT003  the socket's own signature
        _pid, uid, _gid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid != self._uids[role]:
            self.dropped["uid"] += 1
            sock.close()
            return
        while len(self._peers[role]) >= PEERS.get(role, 1):
            self._drop(self._peers[role][0], "replaced")
        peer = Peer(role, sock)
        self._peers[role].append(peer)
        self._selector.register(sock, selectors.EVENT_READ, peer)

    def _read(self, peer: Peer) -> None:
        for _ in range(64):  # then the others get their turn
            if peer.held is not None or peer not in self._peers[peer.role]:
                return
            datagram = receive(peer.sock, descriptors=File in ALLOWED[peer.role])
            if datagram is None:
                return
            if not datagram.raw and not datagram.is_stray:
                self._drop(peer, "gone")
                return
            try:
                self._take_in(peer, datagram)
            except BadFrame:
                self._drop(peer, "bad frame")
                return
            finally:
                datagram.close()

    def _take_in(self, peer: Peer, datagram: Datagram) -> None:
        frame = unpack(datagram.raw, role=peer.role)
        if datagram.is_stray or isinstance(frame, File) != (datagram.descriptor >= 0):
            raise BadFrame("a descriptor too many, or none")
        peer.descriptor = datagram.take()
        self._admit(peer, frame)

    def _admit(self, peer: Peer, frame: Frame) -> None:
        if not peer.greeted and not isinstance(frame, Hello):
            raise BadFrame("no greeting")
        now_ns = self._boot_ns()
        wait_ns = peer.wait_ns(frame, now_ns)
        if wait_ns:
            peer.held, peer.resume_ns = frame, now_ns + wait_ns
            self._paused.append(peer)
            self._paused.sort(key=lambda paused: paused.resume_ns)
            self._watch(peer)
            return
        peer.greeted = True
        try:
            self._hear(peer, frame)
        finally:
            close_all((peer.take(),))

    def _resume(self, now_ns: int) -> None:
        while self._paused and self._paused[0].resume_ns <= now_ns:
            peer = self._paused.pop(0)
            frame, peer.held = peer.held, None
            if frame is not None and peer in self._peers[peer.role]:
                self._watch(peer)
                self._admit(peer, frame)

    def _flush(self, peer: Peer) -> None:
        while peer.waiting:
            try:
                transmit(peer.sock, peer.waiting[0])
            except BlockingIOError:
                break
            except OSError:
                self._drop(peer, "gone")
                return
            peer.waiting.popleft()
        self._watch(peer)

    def _watch(self, peer: Peer) -> None:
        events = (0 if peer.held else selectors.EVENT_READ) | (selectors.EVENT_WRITE if peer.waiting else 0)
        key = self._selector.get_map().get(peer.sock)
        if key is None:
            if events:
                self._selector.register(peer.sock, events, peer)
        elif not events:
            self._selector.unregister(peer.sock)
        elif key.events != events:
            self._selector.modify(peer.sock, events, peer)

    def _drop(self, peer: Peer, why: str) -> None:
        if peer not in self._peers[peer.role]:
            return
        self.dropped[why] += 1
        self._peers[peer.role].remove(peer)
        if peer in self._paused:
            self._paused.remove(peer)
        if peer.sock in self._selector.get_map():
            self._selector.unregister(peer.sock)
        peer.sock.close()
        close_all((peer.take(), *(datagram.take() for datagram in peer.waiting)))
        peer.waiting.clear()
        self._lost(peer)
