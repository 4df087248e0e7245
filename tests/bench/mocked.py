"""The real alarm daemon on gpiozero's mock pins, and a thread that presses them. A process of its own.

python -m tests.bench.mocked ROOT RESULT PRESSES
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar, Final

from gpiozero import Button, OutputDevice

import drivers.mock_pins
from drivers.clock import boot_ns
from drivers.mock_pins import QuietMockFactory, QuietMockPin
from edge.config.active import read_active
from edge.config.places import Places
from edge.daemons.alarm import main
from edge.field.status import ask_status
from edge.link.client import LinkClient
from edge.link.frames import Ask

SIREN: Final = "sirene"
CHANGE_MAX_S: Final = 5.0
QUIET_S: Final = 0.03
SETTLE_S: Final = 0.1  # a release settles after 40 ms


class StampedPin(QuietMockPin):
    """Notes when its level last changed."""

    changed_ns = 0

    def __init__(self, factory: object, info: object) -> None:
        self.changed = threading.Event()
        super().__init__(factory, info)

    def _change_state(self, value: bool) -> bool:
        changed = bool(super()._change_state(value))
        if changed:
            self.changed_ns = boot_ns()
            self.changed.set()
        return changed


class StampedFactory(QuietMockFactory):
    """The board's factory, reachable from the thread that presses."""

    made: ClassVar[list["StampedFactory"]] = []

    def __init__(self) -> None:
        super().__init__()
        self.pin_class = StampedPin
        self.made.append(self)


class Hand:
    """Presses the box's zones one by one, and after each of them the bare button."""

    def __init__(self, places: Places) -> None:
        site = read_active(places).configuration
        assert site is not None
        self._places = places
        self._zones = [zone.pin for zone in site.zones]
        self._siren = next(each.pin for each in site.sounders if each.id == SIREN)
        self._bare = StampedFactory()
        self._button = Button("GPIO17", pin_factory=self._bare)
        self._output = OutputDevice("GPIO23", pin_factory=self._bare)
        self._button.when_pressed = self._output.on

    def measure(self, presses: int) -> dict[str, list[int]]:
        """Nanoseconds from the edge to the output's level."""
        board = self._board()
        ours, bare = [], []
        for number in range(presses):
            button = board.pin(self._zones[number % len(self._zones)])
            ours.append(press_ns(button, board.pin(self._siren)))
            time.sleep(QUIET_S)
            self._silence(board.pin(self._siren))
            button.drive_high()
            time.sleep(SETTLE_S)
            bare.append(press_ns(self._bare.pin("GPIO17"), self._bare.pin("GPIO23")))
            self._bare.pin("GPIO17").drive_high()
            self._output.off()
        return {"ours": ours[len(self._zones) :], "bare": bare[len(self._zones) :]}

    def _board(self) -> StampedFactory:
        """The daemon's own pins, once every line is open and somebody answers."""
        deadline = time.monotonic() + CHANGE_MAX_S
        while time.monotonic() < deadline:
            if len(StampedFactory.made) > 1 and (self._places.link / "cli.sock").exists():
                return StampedFactory.made[-1]
            time.sleep(QUIET_S)
        raise TimeoutError("the daemon opened no pins")

    def _silence(self, siren: Any) -> None:
        """Hush this alarm; the pattern may be between two strokes, so ask until it is off for good."""
        with LinkClient(self._places.link / "cli.sock") as link:
            link.open()
            link.send(Ask("silence", {"alarm": str(ask_status(self._places)["journey"]["id"]), "by": "bench"}))
            deadline = time.monotonic() + CHANGE_MAX_S
            while ask_status(self._places)["sounders"][SIREN] != "quiet" or siren.state:
                if time.monotonic() > deadline:
                    raise TimeoutError("the siren does not fall silent")
                time.sleep(QUIET_S)


def press_ns(button: Any, output: Any) -> int:
    """Pull the button's pin down; returns how long until the output's level changed."""
    output.changed.clear()
    pressed_ns = boot_ns()
    button.drive_low()
    if not output.changed.wait(CHANGE_MAX_S):
        raise TimeoutError("no sound")
    return int(output.changed_ns) - pressed_ns


def measure(root: Path, result: Path, presses: int) -> None:
    measured = Hand(Places(root)).measure(presses)
    unfinished = result.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(measured))
    unfinished.rename(result)


if __name__ == "__main__":
    drivers.mock_pins.QuietMockFactory = StampedFactory  # type: ignore[misc]  # drivers.gpio looks it up by name
    arguments = (Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    threading.Thread(target=measure, args=arguments, daemon=True).start()
    sys.exit(main(["--root", sys.argv[1]]))
