"""Several real boxes, one real broker, the reference centre: everything that the chaos may break."""

import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from edge.core.codes import STATE_READONLY
from edge.core.faults import Refused
from edge.core.timing import TimeQuality
from edge.core.words import SiteId
from edge.field.stage import Home, Scene
from edge.field.status import ask_status
from tests.daemons.presses import Alive, Hands
from tests.daemons.stepped import step

BEAT_S: Final = 5.0
WHOLE_S: Final = 30.0  # safety bound: a ledger that failed is opened again every two seconds


class FragileHome(Home):
    """Its disk and its clock may break."""

    alarm_program = "tests.chaos.fragile"

    def program(self, name: str) -> tuple[str, ...]:
        return ("-m", self.alarm_program) if name == "alarm" else super().program(name)


class PlantedHome(FragileHome):
    """Its alarm deletes what the broker has taken."""

    alarm_program = "tests.chaos.planted"


@dataclass(slots=True)
class House:
    """One box with its hands. busy: whoever breaks a part of it, alone."""

    home: Home
    alive: Alive
    hands: Hands
    busy: threading.Lock = field(default_factory=threading.Lock)

    def status(self) -> dict[str, Any] | None:
        try:
            return ask_status(self.home.places)
        except Refused:
            return None

    @property
    def settled(self) -> bool:
        status = self.status()
        return status is not None and bool(status["online"]) and status["waiting"] == 0

    def await_ledger(self) -> None:
        """Wait until everything that was pressed is safe here or at the centre. Raises TimeoutError."""
        deadline = time.monotonic() + WHOLE_S
        while not self._has_its_ledger():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.home.box} does not get its ledger back: {self.status()}")
            time.sleep(0.1)

    def _has_its_ledger(self) -> bool:
        status = self.status()
        if status is None or not status["ordinal"]:
            return False
        journey = status["journey"]
        is_safe = journey is None or bool(journey["stored"] or journey["received"])
        return is_safe and STATE_READONLY.code not in status["troubles"]


class Town:
    """Enter to set it up and start every part."""

    def __init__(self, folder: Path, cache: Path, *, boxes: int, rate: float, seed: int, planted: bool) -> None:
        self._folder = folder
        self._boxes = boxes
        self._rate = rate
        self._chance = random.Random(seed)
        self._home: type[Home] = PlantedHome if planted else FragileHome
        self.scene: Final = Scene(folder / "scene", cache=cache)
        self.houses: list[House] = []
        self.broker_busy: Final = threading.Lock()
        self.centre_busy: Final = threading.Lock()

    def __enter__(self) -> Self:
        self.scene.__enter__()
        try:
            self.scene.start()
            for number in range(1, self._boxes + 1):
                self.houses.append(self._build(number))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for house in self.houses:
            house.home.__exit__(kind, error, trace)
        self.scene.__exit__(kind, error, trace)

    def press(self, each: int, until_s: float) -> None:
        """`each` presses at every box, unless the time is over before; returns when all buttons are released."""
        busy = True
        while busy:
            total = each if time.monotonic() < until_s else 0
            turns = [house.hands.turn(total) for house in self.houses]
            busy = any(turns)
            time.sleep(0.004)

    def settle(self, within_s: float) -> list[str]:
        """Wait until every box is online and has nothing that waits; the names of those that do not get there."""
        deadline = time.monotonic() + within_s
        waiting = list(self.houses)
        while waiting and time.monotonic() < deadline:
            waiting = [house for house in waiting if not house.settled]
            time.sleep(0.5)
        return [house.home.box for house in waiting]

    def _build(self, number: int) -> House:
        site = SiteId(f"33.74.10.1004-010-{number:03}")
        port = self.scene.broker.ports["boxes"]
        folder = self._folder / f"box-{number}"
        folder.mkdir()
        home = self._home(folder, self.scene.authority, port, site=site, kit="lab", beat_s=BEAT_S)
        alive = Alive()
        step(home.places.root, 0, TimeQuality.SYNCED)
        home.start()
        return House(home, alive, Hands(home, random.Random(self._chance.random()), self._rate, alive))
