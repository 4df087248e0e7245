"""One thread that waits for the edges of every input line and hands them on."""

import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Edge = TypeVar("Edge")

TURN_S = 1.0  # the thread proves that it lives at least this often, edges or not
STALL_S = 5.0  # a receiver that holds the thread longer than this is as bad as a dead thread
JOIN_S = 2.0  # how long close() waits for a receiver that is still running

Read = Callable[[], Iterable[Edge]]
Receive = Callable[[Edge], None]


class EdgeWatch(Generic[Edge]):
    """Read whatever line is ready and give each edge to its receiver, all on one thread.

    A receiver that raises loses its own edge, is counted, and stops nothing. A line that cannot be read any more (its
    chip is gone) is let go and makes `alive` False: no edge of that line can arrive again.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._lines: dict[int, tuple[Read[Edge], Receive[Edge]]] = {}
        self._poll = select.epoll()
        self._stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll.register(self._stop, select.EPOLLIN)
        self._thread: threading.Thread | None = None
        self._turned_ns = clock_ns()
        self._closed = False
        self.lines_gone = 0
        self.receiver_faults = 0
        self.last_fault: Exception | None = None

    def watch(self, descriptor: int, read: Read[Edge], receive: Receive[Edge]) -> None:
        """Start handing on the edges of one line; the first call starts the thread.

        descriptor: readable while edges wait; the caller keeps it open until `unwatch`
        read:       called on readiness; returns the edges and leaves none behind; OSError = the line is gone
        receive:    called once per edge; it only enqueues
        """
        with self._lock:
            self._lines[descriptor] = (read, receive)
            self._poll.register(descriptor, select.EPOLLIN)
            if self._thread is None:
                self._turned_ns = self._clock_ns()
                self._thread = threading.Thread(target=self._run, name="gpio-edges", daemon=True)
                self._thread.start()

    def unwatch(self, descriptor: int) -> None:
        """Forget one line; an edge that was already read may still be delivered. Unknown lines are ignored."""
        with self._lock:
            if self._lines.pop(descriptor, None) is not None:
                self._poll.unregister(descriptor)

    @property
    def alive(self) -> bool:
        """True while every watched line can still deliver: thread running, no receiver stuck in it, no line gone."""
        if self._closed or self.lines_gone:
            return False
        if self._thread is None:
            return True
        return self._thread.is_alive() and self._clock_ns() - self._turned_ns < STALL_S * 1e9

    def close(self) -> None:
        """Stop the thread and let every line go; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        os.eventfd_write(self._stop, 1)
        if self._thread is not None:
            self._thread.join(JOIN_S)
        self._poll.close()
        os.close(self._stop)

    def _run(self) -> None:
        while not self._closed:
            self._turned_ns = self._clock_ns()
            for descriptor, _ in self._poll.poll(TURN_S):
                self._turn(descriptor)

    def _turn(self, descriptor: int) -> None:
        line = self._lines.get(descriptor)
        if line is None:
            return
        read, receive = line
        try:
            edges = read()
        except OSError as fault:
            self.last_fault = fault
            self.lines_gone += 1
            self.unwatch(descriptor)
            return
        for edge in edges:
            self._deliver(receive, edge)

    def _deliver(self, receive: Receive[Edge], edge: Edge) -> None:
        try:
            receive(edge)
        except Exception as fault:  # noqa: BLE001  one bad receiver must not silence every button of the site
            self.last_fault = fault
            self.receiver_faults += 1
