"""One worker thread per output: plays what its slot holds until the lease ends, and never keeps the panel waiting."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from drivers.ports import DriverError, Output
from edge.core.patterns import Timeline, at
from edge.core.words import SECOND_NS

log = logging.getLogger("kentongan.alarm")

LEASE_NS: Final = 3 * SECOND_NS  # a panel that stops renewing has died: off
RETRY_NS: Final = SECOND_NS // 2


@dataclass(frozen=True, slots=True)
class Slot:
    """Play `timeline` as begun at `since_ns`, until `until_ns` at the latest."""

    timeline: Timeline
    since_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True)
class Played:
    """An activation really began (first stroke out) or ended at the output."""

    name: str
    playing: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class OutputFailed:
    name: str
    error: DriverError


@dataclass(frozen=True, slots=True)
class OutputMended:
    name: str


class OutputWorker:
    """The latest slot wins. `post` receives Played, OutputFailed and OutputMended, and must only enqueue."""

    def __init__(self, name: str, output: Output, post: Callable[[object], None], boot_ns: Callable[[], int]) -> None:
        self.name: Final = name
        self._output = output
        self._post = post
        self._boot_ns = boot_ns
        self._changed = threading.Condition()
        self._slot: Slot | None = None
        self._fresh = False
        self._stopping = False
        self._level = False
        self._playing = False
        self._failed = False
        self.faults = 0  # of our own, not the driver's
        self._thread = threading.Thread(target=self._run, name=f"output-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def play(self, slot: Slot | None) -> None:
        """Put a new slot in place of the old one; None is silence."""
        with self._changed:
            self._slot = slot
            self._fresh = True
            self._changed.notify()

    def stop(self, timeout_s: float = 1.0) -> None:
        """Off, then end the thread."""
        with self._changed:
            self._slot = None
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                slot, stopping, self._fresh = self._slot, self._stopping, False
            wait_ns = self._guarded(slot)
            if stopping:
                return
            with self._changed:
                if not self._fresh:
                    self._changed.wait(None if wait_ns is None else wait_ns / SECOND_NS)

    def _guarded(self, slot: Slot | None) -> int | None:
        """A bug of ours is tried again like a driver's fault: an output without its thread would need a restart."""
        try:
            return self._step(slot, self._boot_ns())
        except Exception:
            self.faults += 1
            if self.faults & (self.faults - 1) == 0:
                log.exception("output fault; going on  count=%d output=%s", self.faults, self.name)
            return RETRY_NS

    def _step(self, slot: Slot | None, now_ns: int) -> int | None:
        """Drive the level of this moment; returns how long it holds, None until a new slot comes."""
        if slot is None or now_ns >= slot.until_ns:
            self._drive(level=False)
            self._tell(playing=False)
            return RETRY_NS if self._failed else None
        moment = at(slot.timeline, max(0, now_ns - slot.since_ns))
        self._drive(level=moment.on)
        if moment.on:
            self._tell(playing=True)
        until_ns = min(slot.until_ns, slot.since_ns + moment.until_ns)
        return min(RETRY_NS, until_ns - now_ns) if self._failed else until_ns - now_ns

    def _drive(self, *, level: bool) -> None:
        if level == self._level and not self._failed:
            return
        try:
            if level:
                self._output.on()
            else:
                self._output.off()
        except Exception as error:  # noqa: BLE001  whatever a driver raises, this thread must live to try again
            self._level = level
            if not self._failed:
                self._failed = True
                self._post(
                    OutputFailed(self.name, error if isinstance(error, DriverError) else DriverError(str(error)))
                )
            return
        self._level = level
        if self._failed:
            self._failed = False
            self._post(OutputMended(self.name))

    def _tell(self, *, playing: bool) -> None:
        if playing != self._playing:
            self._playing = playing
            self._post(Played(self.name, playing, self._boot_ns()))
