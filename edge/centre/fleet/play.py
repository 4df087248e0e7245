"""What a fleet plays: everybody comes, a tenth presses, the broker falls and stands up again, all come back."""

import asyncio
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.dial import Endpoint
from edge.centre.fleet.box import SimulatedBox
from edge.centre.fleet.figures import GRACE_S
from edge.centre.fleet.life import BEAT_S, Life, Way
from edge.centre.fleet.roster import Identity
from edge.centre.fleet.tally import Tally
from edge.centre.places import CentrePlaces
from edge.centre.trust import open_keyset
from edge.core.retry import CAP_S, SPREAD_S, Backoff
from edge.core.seal import Use
from edge.core.words import Epoch
from edge.daemons.runtime import SystemClock

LOOK_S: Final = 0.1
SOURCES: Final = 16  # of our own addresses on loopback: 127.0.1.1 and on, each with 28,000 ports
BACK_MAX_S: Final = CAP_S + GRACE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """rate: boxes that are switched on in a second; limit_s: of each wait; part: of the boxes press, 0: none.

    press_s:  within which that part presses; the broker ends in the middle
    dead_s:   how long the broker is away
    spread_s: as in edge.core.retry.Backoff; tests have less time
    """

    rate: float = 400.0
    part: float = 0.0
    jitter: bool = True
    seed: int = 0
    beat_s: float = BEAT_S
    limit_s: float = BACK_MAX_S + 30.0
    press_s: float = 10.0
    dead_s: float = 1.0
    spread_s: float = SPREAD_S


class Fleet:
    """Made and used on one running event loop. stop: set it, and the piece ends after the present wait."""

    def __init__(self, identities: Sequence[Identity], places: CentrePlaces, endpoint: Endpoint, plan: Plan) -> None:
        self.tally: Final = Tally()
        self.stop: Final = asyncio.Event()
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        self.began_s: Final = self._loop.time()
        self._random = random.Random(plan.seed)  # noqa: S311  # repeatable on purpose; nothing here is secret
        self._clock = SystemClock()
        self._key_of = open_keyset(places).key_of(Use.RECEIPT)
        self._ordinal = self._clock.utc_ns() // 10**9  # each simulation is a later life of the same boxes
        self.lives: Final = [self._life(number, one, endpoint) for number, one in enumerate(identities)]

    @property
    def epochs(self) -> frozenset[str]:
        return frozenset(life.box.epoch for life in self.lives)

    def _life(self, number: int, identity: Identity, endpoint: Endpoint) -> Life:
        epoch = Epoch(os.urandom(4).hex())  # never twice, whatever the seed says
        box = SimulatedBox(
            identity, epoch, self._ordinal, self._clock, key_of=self._key_of, random01=self._random.random,
            token=lambda: f"{self._random.getrandbits(64):016x}",
        )  # fmt: skip
        jitter = self._random.random if self._plan.jitter else _none
        source = f"127.0.1.{number % SOURCES + 1}" if endpoint.host.startswith("127.") else ""
        way = Way(endpoint, identity.tls, source)
        return Life(box, way, Backoff(jitter, spread_s=self._plan.spread_s), self.tally, beat_s=self._plan.beat_s)

    # ---- acts --------------------------------------------------------------------------------------------------------

    async def come(self) -> bool:
        """Switch everybody on and wait until the centre has what they have to say; False: not in time, or stopped."""
        spread_s = len(self.lives) / self._plan.rate
        for life in self.lives:
            life.begin(self._random.random() * spread_s)
        return await self.until(lambda: len(self.tally.online) == len(self.lives) and self._quiet(), spread_s)

    def press(self) -> None:
        """The part that presses will have done so press_s from now."""
        chosen = self._random.sample(self.lives, round(len(self.lives) * self._plan.part))
        for life in chosen:
            self._loop.call_later(self._random.random() * self._plan.press_s, life.press)

    async def pressed(self) -> bool:
        """Wait until all have pressed and every alarm has its receipt."""
        wanted = round(len(self.lives) * self._plan.part)
        return await self.until(lambda: len(self.tally.presses) >= wanted and self._received(), self._plan.press_s)

    async def restart(self, end: Callable[[], None], start: Callable[[], None]) -> bool:
        """The broker ends, is away for dead_s, and comes again; wait until every box is back."""
        self.tally.broker_ends(self._loop.time())
        await asyncio.to_thread(end)
        await asyncio.sleep(self._plan.dead_s)
        await asyncio.to_thread(start)
        self.tally.broker_is_back(self._loop.time())
        return await self.until(lambda: len(self.tally.online) == len(self.lives))

    async def until(self, reached: Callable[[], bool], longer_s: float = 0.0) -> bool:
        deadline_s = self._loop.time() + longer_s + self._plan.limit_s
        while not reached():
            if self.stop.is_set() or self._loop.time() > deadline_s:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    async def end(self) -> None:
        for life in self.lives:
            await life.end()
        await asyncio.sleep(LOOK_S)  # what they said last leaves the sockets

    def _quiet(self) -> bool:
        return not any(life.box.waiting for life in self.lives)

    def _received(self) -> bool:
        return len(self.tally.latencies) == len(self.tally.presses)


def _none() -> float:
    """No jitter: everybody waits the whole interval."""
    return 1.0
