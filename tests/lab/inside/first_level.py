"""Open an output again and again, each time in a new process that dies with the siren on; print what each drove first.

    python3 -m tests.lab.inside.first_level gpiod|lgpio low-on|high-on TIMES

One line: {"levels": [[levels of start 1], ...], "after_death": [level left by each dead owner, ...]}
"""

import importlib
import json
import os
import signal
import socket
import sys
from typing import Any

from gpiozero import OutputDevice

from tests.lab.inside.chip import Analyser, Chip

SIREN = 27
FACTORIES = {"gpiod": ("drivers.gpiod_pins", "GpiodFactory"), "lgpio": ("gpiozero.pins.lgpio", "LGPIOFactory")}


def start_and_die(make_factory: Any, parent: socket.socket, *, active_high: bool) -> None:
    """The life of one owner: open at off, report, switch on when told, be killed."""
    siren = OutputDevice(f"GPIO{SIREN}", active_high=active_high, pin_factory=make_factory())
    parent.send(b"opened")
    parent.recv(8)
    siren.on()
    parent.send(b"on")
    signal.pause()


def one_start(make_factory: Any, chip: Chip, *, active_high: bool) -> tuple[list[int], int]:
    """Returns the levels driven until the output was open, and the level that the dead owner left."""
    ours, theirs = socket.socketpair()
    with ours, theirs, Analyser.recording() as analyser:
        child = os.fork()
        if child == 0:
            start_and_die(make_factory, theirs, active_high=active_high)
            os._exit(1)
        ours.recv(8)
        levels = analyser.driven(SIREN)
        ours.send(b"on")
        ours.recv(8)
        assert chip.level(SIREN) == int(active_high)
        os.kill(child, signal.SIGKILL)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    return levels, chip.level(SIREN)


def main(name: str, relay: str, times: int) -> None:
    module, factory = FACTORIES[name]
    make_factory = getattr(importlib.import_module(module), factory)
    chip = Chip()
    starts = [one_start(make_factory, chip, active_high=relay == "high-on") for _ in range(times)]
    print(json.dumps({"levels": [levels for levels, _ in starts], "after_death": [left for _, left in starts]}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
