"""What goes wrong with lines while the pins are in use; one case per run, its facts printed as one line of JSON.

python3 -m tests.lab.inside.faults slow_receiver|receiver_raises|chip_gone|held_line
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gpiod
from gpiozero import InputDevice

from drivers import gpiod_pins
from drivers.gpio import GpioBoard
from drivers.gpiod_pins import GpiodFactory
from drivers.ports import Busy, ContactWiring, OutputWiring
from tests.lab.inside.chip import TICK_S, Chip

BUTTON, OTHER, SIREN = 17, 5, 27
SETTLE_S = 0.3


class Button:
    """An input whose edges are counted, or given to `also` first."""

    def __init__(self, factory: GpiodFactory, line: int, also: Callable[[int], object] | None = None) -> None:
        self.edges = 0
        self._also = also
        self._device = InputDevice(f"GPIO{line}", pull_up=True, pin_factory=factory)
        self._device.pin.edges = "both"
        self._device.pin.when_changed = self.changed

    def changed(self, _ticks: float, state: int) -> None:
        self.edges += 1
        if self._also is not None:
            self._also(state)


def slow_receiver(chip: Chip) -> dict[str, Any]:
    """Hold the edge thread while 20 presses are made into a kernel queue of 8."""
    gpiod_pins.KERNEL_QUEUE = 8  # small, so that it overflows in seconds
    factory, go = GpiodFactory(), threading.Event()
    button = Button(factory, BUTTON, lambda _state: go.wait(10.0))
    for _ in range(20):
        chip.press(BUTTON, TICK_S)
        time.sleep(TICK_S)
    go.set()
    time.sleep(SETTLE_S)
    facts = {"made": 40, "seen": button.edges, "lost": factory.lost_edges, "alive": factory.alive}
    factory.close()
    return facts


def receiver_raises(chip: Chip) -> dict[str, Any]:
    """Raise in one button's receiver, then press another one."""

    def broken(_state: int) -> None:
        raise RuntimeError("a fault in a callback")

    factory = GpiodFactory()
    Button(factory, OTHER)
    bad, good = Button(factory, OTHER + 1, broken), Button(factory, BUTTON)
    chip.press(OTHER + 1, TICK_S)
    time.sleep(TICK_S)
    for _ in range(10):
        chip.press(BUTTON, TICK_S)
        time.sleep(TICK_S)
    time.sleep(SETTLE_S)
    facts = {
        "raised": bad.edges,
        "counted": factory.callback_faults,
        "seen": good.edges,
        "alive": factory.alive,
        "threads": threading.active_count(),
    }
    factory.close()
    return facts


def chip_gone(chip: Chip) -> dict[str, Any]:
    """Take the chip away under an open input, as an unplugged expander does."""
    factory = GpiodFactory()
    button = Button(factory, BUTTON)
    before = factory.alive
    Path("/sys/kernel/config/gpio-sim/pi/live").write_text("0")
    deadline = time.monotonic() + 5.0
    while factory.alive and time.monotonic() < deadline:
        time.sleep(TICK_S)
    facts = {"before": before, "after": factory.alive, "edges": button.edges}
    factory.close()
    return facts


def held_line(chip: Chip) -> dict[str, Any]:
    """Let another program hold the button's line; the siren on its own line must still work."""
    output = gpiod.LineSettings(direction=gpiod.line.Direction.OUTPUT)
    with gpiod.request_lines("/dev/gpiochip0", {BUTTON: output}, consumer="gpioset"), GpioBoard("gpiod") as board:
        try:
            board.contact(ContactWiring(f"GPIO{BUTTON}"), lambda _active, _at_ns: None)
        except Busy as refusal:
            code, text = refusal.code, str(refusal)
        siren = board.output(OutputWiring(f"GPIO{SIREN}"))
        siren.on()
        return {"code": code, "text": text, "siren": chip.level(SIREN)}


CASES = {case.__name__: case for case in (slow_receiver, receiver_raises, chip_gone, held_line)}

if __name__ == "__main__":
    print(json.dumps(CASES[sys.argv[1]](Chip())))
