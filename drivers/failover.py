"""Two brokers as one uplink: the second one speaks while the first cannot be reached, and never back and forth.

From the first to the second after two failed attempts; a session that stood for a while and ended is no failed attempt.
Back only when the first has answered every knock (names, TCP and TLS, no CONNECT: that would end the session) for
some minutes, and nothing is in flight. A return that does not last makes the next one wait twice as long.
"""

import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from drivers.dial import DialFailed
from drivers.ports import Down, Message, Session, Settled, Up, Uplink, UplinkEvent

SECOND_NS: Final = 1_000_000_000
STOOD_NS: Final = 30 * SECOND_NS  # a session that stood this long was no failed attempt
LASTED_NS: Final = 600 * SECOND_NS  # the first broker is well again
ATTEMPTS: Final = 2  # at the first broker; the second has one, so that nobody is stuck at it
KNOCK_NS: Final = 60 * SECOND_NS
PATIENCE_NS: Final = 300 * SECOND_NS  # how long every knock is answered before the return
PATIENCE_MAX_NS: Final = 3600 * SECOND_NS
MOVED: Final = "moved"


class Knock(Protocol):
    """What `drivers.dial.Dial` offers."""

    def fileno(self) -> int: ...

    def take(self) -> socket.socket | None: ...

    def abandon(self) -> None: ...


class Failover:
    """`drivers.ports.Uplink` over two of them.

    knock: begins one attempt to reach the first broker
    """

    def __init__(self, first: Uplink, second: Uplink, knock: Callable[[], Knock]) -> None:
        self._first = first
        self._second = second
        self._current = first
        self._knock = _Knocking(knock)
        self._failures = 0
        self._up_ns: int | None = None
        self._in_flight = 0
        self._patience_ns = PATIENCE_NS
        self._returned = False  # to the first, and it has not lasted yet

    def __str__(self) -> str:
        return str(self._current)

    def connect(self, session: Session) -> None:
        self._current.connect(session)

    def sockets(self) -> list[tuple[int, bool]]:
        return [*self._current.sockets(), *self._knock.sockets()]

    def publish(self, message: Message) -> int:
        ticket = self._current.publish(message)
        self._in_flight += 1
        return ticket

    def flush(self) -> None:
        self._current.flush()

    def close(self) -> None:
        self._current.close()
        self._knock.stop()
        self._up_ns, self._in_flight = None, 0

    def turn(self, now_ns: int) -> list[UplinkEvent]:
        events = [self._named(event) for event in self._current.turn(now_ns)]
        for event in events:
            self._note(event, now_ns)
        if self._current is self._second and self._up_ns is not None and self._may_return(now_ns):
            events.append(self._return())
        return events

    def _named(self, event: UplinkEvent) -> UplinkEvent:
        return replace(event, secondary=self._current is self._second) if isinstance(event, Up) else event

    def _note(self, event: UplinkEvent, now_ns: int) -> None:
        match event:
            case Settled():
                self._in_flight = max(0, self._in_flight - 1)
            case Up():
                self._up_ns = now_ns
                self._knock.begin(now_ns)
            case Down():
                self._ended(now_ns)

    def _ended(self, now_ns: int) -> None:
        stood_ns = 0 if self._up_ns is None else now_ns - self._up_ns
        self._up_ns, self._in_flight = None, 0
        self._knock.stop()
        if self._current is self._first and stood_ns >= LASTED_NS:
            self._patience_ns, self._returned = PATIENCE_NS, False
        self._failures = 0 if stood_ns >= STOOD_NS else self._failures + 1
        if self._failures >= (ATTEMPTS if self._current is self._first else 1):
            self._switch()

    def _switch(self) -> None:
        self._failures = 0
        if self._current is self._second:
            self._current = self._first
            return
        self._current = self._second
        if self._returned:
            self._returned = False
            self._patience_ns = min(2 * self._patience_ns, PATIENCE_MAX_NS)

    def _may_return(self, now_ns: int) -> bool:
        return self._knock.answered_for_ns(now_ns) >= self._patience_ns and not self._in_flight

    def _return(self) -> Down:
        self.close()
        self._current, self._failures, self._returned = self._first, 0, True
        return Down(MOVED, f"{self._first} answers again: back to it from {self._second}")


class _Knocking:
    """Whether somebody has answered at the first broker's door, each minute, and since when."""

    def __init__(self, knock: Callable[[], Knock]) -> None:
        self._knock = knock
        self._door: Knock | None = None
        self._due_ns: int | None = None
        self._since_ns: int | None = None

    def begin(self, now_ns: int) -> None:
        self._due_ns, self._since_ns = now_ns + KNOCK_NS, None

    def stop(self) -> None:
        if self._door is not None:
            self._door.abandon()
        self._door = self._due_ns = self._since_ns = None

    def sockets(self) -> list[tuple[int, bool]]:
        return [] if self._door is None else [(self._door.fileno(), False)]

    def answered_for_ns(self, now_ns: int) -> int:
        """How long every knock has been answered; -1 after one that was not."""
        if self._door is not None:
            self._listen(now_ns)
        elif self._due_ns is not None and now_ns >= self._due_ns:
            self._door, self._due_ns = self._knock(), now_ns + KNOCK_NS
        return -1 if self._since_ns is None else now_ns - self._since_ns

    def _listen(self, now_ns: int) -> None:
        assert self._door is not None
        try:
            sock = self._door.take()
        except DialFailed:
            self._door = self._since_ns = None
            return
        if sock is not None:
            sock.close()
            self._door = None
            self._since_ns = now_ns if self._since_ns is None else self._since_ns
