"""Outputs that stay driven after their owner's death, as a Pi's kernel keeps them, and somebody who only listens.

The daemon is killed again and again while a finger is on a button; after each death the script of the unit runs, as
systemd would run it, and the daemon comes back.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from drivers.clock import boot_ns
from drivers.sim.lines import Copper
from edge.core.words import SECOND_NS
from tests.daemons.alarm_box import AlarmBox
from tests.off_script import switch_off

LOOK_S: Final = 0.001
RELEASE_S: Final = 0.1  # it settles after 40 ms
PAUSE_NS: Final = SECOND_NS // 2  # between two strokes of a beat the siren sounds for whoever hears it


class Listener:
    """Looks at one line from outside, and adds up for how long it sounded, pauses of the beat included."""

    def __init__(self, board: Path, line: str) -> None:
        self._copper = Copper(board)
        self._line = line
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)
        self._heard_ns = 0
        self._since_ns = self._last_ns = 0

    @property
    def heard_s(self) -> float:
        return (self._heard_ns + self._last_ns - self._since_ns) / SECOND_NS

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._copper.close()

    def _listen(self) -> None:
        while not self._over.wait(LOOK_S):
            if not self._copper.level(self._line):
                continue
            now_ns = boot_ns()
            if now_ns - self._last_ns > PAUSE_NS:
                self._heard_ns += self._last_ns - self._since_ns
                self._since_ns = now_ns
            self._last_ns = now_ns


@dataclass(slots=True)
class Torment:
    """What is done to a box. every_s: how long a life lasts; forget: what /run keeps is lost at each death."""

    box: AlarmBox
    heard: Listener
    every_s: float
    forget: bool = False
    deaths: int = 0
    silent_lives: int = 0  # the last ones, in which nothing was heard
    off_max_s: float = 0.0  # from a death to the line's being off

    def hold(self, zone: str, until: Callable[[], bool], within_s: float) -> bool:
        """One finger, never lifted; False if the time was over first."""
        self.box.wires.press(self.box.line_of(zone))
        return self._lives(lambda: None, until, within_s)

    def press(self, zone: str, until: Callable[[], bool], within_s: float) -> bool:
        """A finger that presses anew in each life, and holds on through the death that follows."""
        pin = self.box.line_of(zone)

        def again() -> None:
            self.box.wires.release(pin)
            time.sleep(RELEASE_S)
            self.box.wires.press(pin)

        return self._lives(again, until, within_s)

    def _lives(self, act: Callable[[], None], until: Callable[[], bool], within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while not until():
            if time.monotonic() > deadline:
                return False
            before_s = self.heard.heard_s
            act()
            time.sleep(self.every_s)
            self._die()
            self.silent_lives = 0 if self.heard.heard_s > before_s else self.silent_lives + 1
        return True

    def _die(self) -> None:
        """`Child.kill` raises unless it died of it. The unit's ExecStopPost= runs before the next start, as there."""
        died = time.monotonic()
        self.box.alarm.kill()
        self.deaths += 1
        places = self.box.places
        assert switch_off(places.run / "outputs", places.run / "sim", boot_ns()) == 0
        assert not self.box.wires.level(self.box.line_of("sirene"))
        self.off_max_s = max(self.off_max_s, time.monotonic() - died)
        if self.forget:
            places.activations.unlink(missing_ok=True)
        self.box.start()
