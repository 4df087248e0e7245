"""A thousand presses by sixteen hands on real processes that are killed at random, and the count afterwards."""

import bisect
import json
import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from drivers.clock import boot_ns
from drivers.sim.bench import Bench
from edge.config.model import Configuration
from edge.field.stage import Stage

HOLD_S: Final = (0.06, 0.15)  # the lab kit decides after 0.02 s
REST_S: Final = 0.12  # a release settles after 0.04 s
STEADY_S: Final = 0.15  # a hand lets go only when the box has been alive for this long
SECOND_NS: Final = 1_000_000_000
UNSEEN_NS: Final = SECOND_NS // 2  # an edge waits this long at most for a loaded machine to look at it
DEATH_REACH_NS: Final = SECOND_NS  # a death this soon after a press was let go may have come before its commit


@dataclass(slots=True)
class Press:
    zone: str
    at_ns: int
    released_ns: int = 0


class Alive:
    """Since when the alarm daemon lives (None while it does not), and when it died."""

    def __init__(self) -> None:
        self._since_s: float | None = time.monotonic()
        self.deaths_ns: list[int] = []

    def steady(self, now_s: float) -> bool:
        since_s = self._since_s
        return since_s is not None and now_s - since_s >= STEADY_S

    def may_have_missed(self, released_ns: int, now_s: float) -> bool:
        """A release just before a death may not have been seen: closed again in the gap, it would be the same press."""
        died = any(released_ns <= death_ns <= released_ns + UNSEEN_NS for death_ns in self.deaths_ns[-3:])
        return died and not self.steady(now_s)

    def dies(self) -> None:
        self._since_s = None
        self.deaths_ns.append(boot_ns())

    def is_back(self) -> None:
        self._since_s = time.monotonic()


class Buttons(Protocol):
    """Where hands press: a box, or a stage with one."""

    @property
    def site(self) -> Configuration: ...

    @property
    def wires(self) -> Bench: ...

    def line_of(self, name: str) -> str: ...


class Hands:
    """Press every zone of one box at random, `rate` a second; a hand holds on while the box is dead."""

    def __init__(self, buttons: Buttons, chance: random.Random, rate: float, alive: Alive) -> None:
        self._buttons = buttons
        self._chance = chance
        self._every_s = 1 / rate
        self._alive = alive
        self._next_s = time.monotonic()
        self._rested_s = {zone.id: 0.0 for zone in buttons.site.zones}
        self._released_ns = dict.fromkeys(self._rested_s, 0)
        self._held: dict[str, tuple[Press, float]] = {}
        self.presses: list[Press] = []

    def press(self, total: int) -> None:
        """Make `total` presses; returns when every button is released."""
        while self.turn(total):
            time.sleep(0.002)

    def turn(self, total: int) -> bool:
        """Let go and press what is due; False once `total` presses are made and every button is released."""
        now_s = time.monotonic()
        for zone in [
            zone for zone, (_, until_s) in self._held.items() if until_s <= now_s and self._alive.steady(now_s)
        ]:
            press, _ = self._held.pop(zone)
            press.released_ns = self._released_ns[zone] = self._buttons.wires.release(self._buttons.line_of(zone))
            self._rested_s[zone] = now_s + REST_S
        if now_s >= self._next_s and len(self.presses) < total and (ready := self._ready(now_s)):
            zone = self._chance.choice(ready)
            self.presses.append(Press(zone, self._buttons.wires.press(self._buttons.line_of(zone))))
            self._held[zone] = (self.presses[-1], now_s + self._chance.uniform(*HOLD_S))
            self._next_s = max(self._next_s + self._every_s, now_s - 1.0)
        return len(self.presses) < total or bool(self._held)

    def _ready(self, now_s: float) -> list[str]:
        rested = [zone for zone, until_s in self._rested_s.items() if until_s <= now_s and zone not in self._held]
        return [zone for zone in rested if not self._alive.may_have_missed(self._released_ns[zone], now_s)]


@dataclass(slots=True)
class Reaper:
    """Kills alarm, relay, broker and centre at random moments, and starts them again at once, as systemd would."""

    stage: Stage
    chance: random.Random
    alive: Alive
    pause_s: tuple[float, float] = (0.2, 0.9)
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
        """`Child.kill` and `Broker.kill` raise unless the process really died of it."""
        match name:
            case "broker":
                self.stage.broker.kill()
                self.stage.broker.start()
            case "alarm":
                self.alive.dies()
                self.stage.alarm.kill()
                self.stage.alarm.start()
                self.stage.alarm.wait_ready()
                self.alive.is_back()
            case _:
                child = {"relay": self.stage.relay, "centre": self.stage.centre}[name]
                child.kill()
                child.start()
        self.kills[name] += 1


@dataclass(frozen=True, slots=True)
class Lit:
    """An alarm in the box's ledger: its commit is what lights "mengirim"."""

    id: str
    zone: str
    at_ns: int


def lit_in(ledger: Path) -> list[Lit]:
    """Every alarm that a stopped box has on disk."""
    return _alarms(ledger, "SELECT raw FROM event WHERE event_class = 'alarm'")


def lit_at(store: Path, box: str) -> list[Lit]:
    """Every alarm of this box that the centre has; the box's own ledger may lack one whose disk was away meanwhile."""
    return _alarms(store, "SELECT raw FROM event WHERE class = 'alarm' AND box = ?", box)


def _alarms(database: Path, question: str, *words: str) -> list[Lit]:
    with closing(sqlite3.connect(database)) as db:
        bodies = [json.loads(raw) for (raw,) in db.execute(question, words)]
    alarms = [body for body in bodies if body["type"] == "id.kentongan.alarm.v1"]
    return [Lit(body["id"], body["data"]["zone"], int(body["bootclock"])) for body in alarms]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What must not be.

    lost:        lit "mengirim", and the centre has not got it
    twice:       stored more than once at the centre
    doubled:     one press, two alarms
    unexplained: a press without an alarm although nothing died while it was held or just after
    phantom:     an alarm without a press
    """

    lost: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()
    phantom: tuple[str, ...] = ()
    unlit: int = 0  # let go before the lamp was lit, because the box died just then: allowed, and told

    @property
    def clean(self) -> bool:
        return not (self.lost or self.twice or self.doubled or self.unexplained or self.phantom)


def judge(
    presses: Sequence[Press], lit: Iterable[Lit], stored: Iterable[dict[str, Any]], deaths_ns: Sequence[int]
) -> Verdict:
    """Compare hands, ledger and centre."""
    lit = list(lit)
    at_centre = Counter(f"{row['epoch']}.{row['seq']}" for row in stored if row["name"] == "alarm")
    alarms_of, phantom = _matched(presses, lit)
    unlit = [press for index, press in enumerate(presses) if not alarms_of[index]]
    return Verdict(
        lost=tuple(alarm.id for alarm in lit if alarm.id not in at_centre),
        twice=tuple(name for name, times in at_centre.items() if times > 1),
        doubled=tuple(f"{presses[index].zone}: {ids}" for index, ids in alarms_of.items() if len(ids) > 1),
        unexplained=tuple(press.zone for press in unlit if not _died_over(press, deaths_ns)),
        phantom=phantom,
        unlit=len(unlit),
    )


def _matched(presses: Sequence[Press], lit: Iterable[Lit]) -> tuple[dict[int, list[str]], tuple[str, ...]]:
    """Give each alarm to the last press of its zone before it: it is dated when the press was decided."""
    by_zone: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for index, press in enumerate(presses):
        by_zone[press.zone].append((press.at_ns, index))
    alarms_of: dict[int, list[str]] = defaultdict(list)
    phantom: list[str] = []
    for alarm in lit:
        times = by_zone[alarm.zone]
        place = bisect.bisect_right(times, (alarm.at_ns, len(presses)))
        if place:
            alarms_of[times[place - 1][1]].append(alarm.id)
        else:
            phantom.append(alarm.id)
    return alarms_of, tuple(phantom)


def _died_over(press: Press, deaths_ns: Sequence[int]) -> bool:
    return any(press.at_ns <= death_ns <= press.released_ns + DEATH_REACH_NS for death_ns in deaths_ns)
