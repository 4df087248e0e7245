"""The same outage for everybody: upstream gone, events offered, the process that queues them killed, upstream back."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from drivers.clock import boot_ns
from edge.field.broker import Broker
from tests.peers.upstream import Counter, Heard


@dataclass(frozen=True, slots=True)
class About:
    """Who it is, by what input it is fed, how it is set up, and how long after all was acknowledged it is killed.

    played: root of a centre and name of a box, where the subscriber plays the centre
    """

    title: str
    fed: str
    settings: str
    rest_s: float
    played: tuple[str, ...] = ()


class Contender(Protocol):
    """Something that queues events while its upstream is away. The process that queues is `pid`."""

    @property
    def about(self) -> About: ...

    @property
    def pid(self) -> int: ...

    def begin(self) -> None:
        """Start for the first time; upstream is there. Returns when it is connected."""

    def offer(self, count: int) -> None:
        """Give it the events; returns when it has acknowledged all of them."""

    def kill(self) -> None:
        """SIGKILL the process that queues."""

    def again(self) -> None:
        """Start what was killed. Returns when it runs; upstream is still away."""

    def settle(self, back_ns: int) -> str:
        """Wait for its own receiver; says what that one stored and when, "" where it has none.

        back_ns: when upstream returned, boot clock
        """

    def close(self) -> None:
        """End every process of it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of `offered` events. back_s: from upstream's return to the first event."""

    about: About
    offered: int
    heard: Heard
    back_s: float
    stored: str

    @property
    def lost(self) -> int:
        return self.offered - self.heard.different


class Survived(AssertionError):
    """It was to be killed and lives."""


def endure(contender: Contender, upstream: Broker, count: int) -> Outcome:
    """The whole outage. Raises what the contender raises; it is closed in any case."""
    try:
        with Counter(upstream.ports["plain"], count, contender.about.played) as counter:
            contender.begin()
            upstream.stop()
            contender.offer(count)
            time.sleep(contender.about.rest_s)
            pid = contender.pid
            contender.kill()
            if _alive(pid):
                raise Survived(f"{contender.about.title}: {pid}")
            contender.again()
            back_ns = boot_ns()
            upstream.start()
            heard = counter.heard()
            back_s = max(0, heard.first_ns - back_ns) / 1e9
            return Outcome(contender.about, count, heard, back_s, contender.settle(back_ns))
    finally:
        contender.close()
        if not upstream.running:
            upstream.start()


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
