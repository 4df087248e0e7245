"""How one simulated box lives: it waits its turn, dials, speaks, beats, loses its broker and comes back."""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from drivers.dial import DIAL_MAX_S, DialFailed, Endpoint, TlsFiles, tls_context, tls_fault
from drivers.ports import Outcome
from edge.centre.fleet.box import SimulatedBox
from edge.centre.fleet.tally import Tally
from edge.centre.fleet.wire import Wire
from edge.core.delivery import Answer
from edge.core.events import Frozen
from edge.core.retry import Backoff
from edge.core.seal import Forged
from edge.core.words import SECOND_NS, EventId

BEAT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach the broker. source: our own address, on loopback, so that ports do not run short; "": any."""

    endpoint: Endpoint
    tls: TlsFiles | None = None
    source: str = ""


class Life:
    """One box on the event loop that runs when it is made; `begin` switches it on, `end` off."""

    def __init__(self, box: SimulatedBox, way: Way, backoff: Backoff, tally: Tally, *, beat_s: float = BEAT_S) -> None:
        self.box: Final = box
        self._way = way
        self._backoff = backoff
        self._tally = tally
        self._beat_s = beat_s
        self._loop = asyncio.get_running_loop()
        self._wire: Wire | None = None
        self._dial: asyncio.Task[None] | None = None
        self._attempt: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._beat_due_s = 0.0
        self._up_s: float | None = None

    @property
    def online(self) -> bool:
        return self._up_s is not None

    def begin(self, after_s: float) -> None:
        self._attempt_at(self._loop.time() + after_s)

    def press(self) -> None:
        """An alarm: it hurries a box that waits for its broker, as the relay's courier does."""
        waited = self.box.alarm_waits
        self._tally.pressed(self.box.name, self.box.press(), self._loop.time(), online=self.online)
        if self._wire is not None:
            self._wire.pump()
            self._watch()
        elif self._attempt is not None and not waited:
            wait_s = 0.0 if self._backoff.fresh else self._backoff.wait_s(alarm_waits=True)
            self._attempt_at(min(self._attempt.when(), self._loop.time() + wait_s))

    async def end(self) -> None:
        """Say goodbye and leave no timer, task or socket behind."""
        for handle in (self._attempt, self._timer):
            if handle is not None:
                handle.cancel()
        if self._dial is not None:
            self._dial.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._dial
        if self._wire is not None:
            self._wire.leave()

    # ---- coming and going --------------------------------------------------------------------------------------------

    def _attempt_at(self, at_s: float) -> None:
        if self._attempt is not None:
            self._attempt.cancel()
        self._attempt = self._loop.call_at(at_s, self._try, at_s)

    def _try(self, at_s: float) -> None:
        self._attempt = None
        self._tally.attempted(at_s, self._loop.time())
        self._dial = self._loop.create_task(self._reach())

    async def _reach(self) -> None:
        state, will = self.box.speak()
        way, wire = self._way, Wire(self.box.name, state, will, self, self._loop.time)
        source = (way.source, 0) if way.source else None
        self._wire = wire
        try:
            secure = None if way.tls is None else tls_context(way.tls)
            async with asyncio.timeout(DIAL_MAX_S):
                await self._loop.create_connection(
                    lambda: wire, way.endpoint.host, way.endpoint.port, ssl=secure, local_addr=source
                )
        except DialFailed as failed:
            self.down(failed.cause)
        except ssl.SSLError as error:
            self.down(tls_fault(error).cause)
        except TimeoutError:
            self.down("timeout")
        except OSError:
            self.down("unreachable")
        else:
            self._dial = None
            self._watch()

    def down(self, cause: str) -> None:
        if self._wire is None:
            return  # it was told already: a handshake that fails also loses its transport
        self._wire = self._dial = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = self._loop.time()
        if self._up_s is not None:
            self._backoff.ended(cause, now_s - self._up_s)
            self._up_s = None
            self._tally.lost(self.box.name, cause)
        else:
            self._tally.failed(cause)
        self.box.disconnected()
        self._attempt_at(now_s + self._backoff.next_s(alarm_waits=self.box.alarm_waits))

    # ---- the wire's owner --------------------------------------------------------------------------------------------

    def connecting(self) -> None:
        self._tally.connecting(self._loop.time())

    def up(self) -> None:
        self._up_s = self._beat_due_s = self._loop.time()
        self._tally.came(self.box.name, self._up_s, alarm_waits=self.box.alarm_waits)
        self._watch()

    def rows(self, limit: int) -> Sequence[Frozen]:
        return self.box.take(limit, self._now_ns())

    def settled(self, identity: EventId, outcome: Outcome) -> None:
        self.box.answered(identity, Answer(outcome.value), self._now_ns())
        self._watch()

    def arrived(self, leaf: str, raw: bytes) -> None:
        if leaf == "receipt":
            self._receipt(raw)
        elif leaf == "state" and self._wire is not None and not self.box.is_ours(raw):
            self._wire.publish("state", self.box.state(online=True), retain=True)  # a late will of the session before

    def _receipt(self, raw: bytes) -> None:
        try:
            heard = self.box.hear(raw)
        except Forged as error:
            self._tally.refused(str(error))
            return
        for reason in heard.refused:
            self._tally.refused(reason)
        now_s = self._loop.time()
        for identity in heard.received:
            self._tally.received(self.box.name, identity, now_s)
        self._tally.receipts += 1
        self._tally.asked += heard.asked
        if self._wire is not None and (heard.asked or heard.answers_beat):
            self._wire.pump()

    # ---- time --------------------------------------------------------------------------------------------------------

    def _now_ns(self) -> int:
        return int(self._loop.time() * SECOND_NS)

    def _due_s(self, wire: Wire) -> float:
        due_s = wire.due_s
        if self.online:
            due_s = min(due_s, self._beat_due_s)
            if self.box.due_ns is not None:
                due_s = min(due_s, self.box.due_ns / SECOND_NS)
        return due_s

    def _watch(self) -> None:
        """Wake when something is due; an earlier waking is left as it is."""
        if self._wire is None:
            return
        due_s = self._due_s(self._wire)
        if self._timer is not None:
            if self._timer.when() <= due_s:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._wire is None:
            return
        self._wire.tick()
        if self._wire is not None and self.online:
            if self._loop.time() >= self._beat_due_s:
                self._beat_due_s = self._loop.time() + self._beat_s
                self._wire.publish("beat", self.box.beat())
            self._wire.pump()
        self._watch()
