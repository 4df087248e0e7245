"""A thousand presses by sixteen hands on real processes that are killed at random, and the count afterwards."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from edge.field.stage import Stage

HOLD_S: Final = (0.06, 0.15)  # the lab kit decides after 0.02 s
REST_S: Final = 0.12  # a release settles after 0.04 s
STEADY_S: Final = 0.15  # a hand lets go only when the box has been alive for this long


@dataclass(slots=True)
class Hands:
    """Presses every zone in turn, `rate` a second; a hand holds on while the box is dead, as a person would."""

    stage: Stage
    chance: random.Random
    rate: float
    pressed: Counter[str] = field(default_factory=Counter)

    def press(self, total: int, alive: "Alive") -> None:
        """Make `total` presses; returns when every button is released."""
        free = {zone.id: 0.0 for zone in self.stage.site.zones}
        held: dict[str, float] = {}
        next_s = time.monotonic()
        while sum(self.pressed.values()) < total or held:
            now_s = time.monotonic()
            for zone in [zone for zone, until_s in held.items() if until_s <= now_s and alive.steady(now_s, STEADY_S)]:
                self.stage.wires.release(self.stage.line_of(zone))
                del held[zone]
                free[zone] = now_s + REST_S
            ready = [zone for zone, since_s in free.items() if since_s <= now_s and zone not in held]
            if ready and now_s >= next_s and sum(self.pressed.values()) < total:
                zone = self.chance.choice(ready)
                self.stage.wires.press(self.stage.line_of(zone))
                self.pressed[zone] += 1
                held[zone] = now_s + self.chance.uniform(*HOLD_S)
                next_s = max(next_s + 1 / self.rate, now_s - 1.0)
            time.sleep(0.002)


class Alive:
    """Since when the alarm daemon lives; -1 while it does not."""

    def __init__(self) -> None:
        self.since_s = time.monotonic()

    def steady(self, now_s: float, for_s: float) -> bool:
        since_s = self.since_s
        return since_s >= 0 and now_s - since_s >= for_s


@dataclass(slots=True)
class Reaper:
    """Kills alarm, relay, broker and centre at random moments, and starts them again at once, as systemd would."""

    stage: Stage
    chance: random.Random
    alive: Alive
    pause_s: tuple[float, float] = (0.3, 1.2)
    kills: Counter[str] = field(default_factory=Counter)
    error: BaseException | None = None
    _done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            while not self._done.wait(self.chance.uniform(*self.pause_s)):
                self._kill(self.chance.choice(["alarm", "alarm", "relay", "relay", "broker", "centre"]))
        except BaseException as error:  # noqa: BLE001  told to the test, which fails
            self.error = error

    def stop(self) -> None:
        self._done.set()

    def _kill(self, name: str) -> None:
        if name == "alarm":
            self.alive.since_s = -1.0
        if name == "broker":
            self.stage.broker.kill()
            self.stage.broker.start()
        else:
            child = {"alarm": self.stage.alarm, "relay": self.stage.relay, "centre": self.stage.centre}[name]
            child.kill()
            child.start()
            if name == "alarm":
                child.wait_ready()
                self.alive.since_s = time.monotonic()
        self.kills[name] += 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """lost: presses without an alarm at the centre; doubled: alarms beyond the presses; twice: events stored twice."""

    lost: Mapping[str, int]
    doubled: Mapping[str, int]
    twice: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.twice)


def judge(pressed: Mapping[str, int], stored: Iterable[Mapping[str, Any]]) -> Verdict:
    """Compare what the hands did with what the centre has."""
    rows = list(stored)
    alarms = Counter(str(row["zone"]) for row in rows if row["name"] == "alarm")
    identities = Counter(f"{row['box']}/{row['epoch']}.{row['seq']}" for row in rows)
    zones = {*pressed, *alarms}
    return Verdict(
        lost={zone: pressed.get(zone, 0) - alarms[zone] for zone in zones if alarms[zone] < pressed.get(zone, 0)},
        doubled={zone: alarms[zone] - pressed.get(zone, 0) for zone in zones if alarms[zone] > pressed.get(zone, 0)},
        twice=tuple(name for name, times in identities.items() if times > 1),
    )
