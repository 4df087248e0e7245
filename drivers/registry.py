"""The boards by the name a site writes, each loaded only when it is asked for."""

import importlib
from pathlib import Path
from typing import cast

from drivers.clock import Clock, boot_ns
from drivers.ports import Board, Configuration, DriverError, NotFound

BOARDS = {
    "gpiod": "drivers.gpio:GpioBoard",
    "mock": "drivers.gpio:GpioBoard",
    "sim": "drivers.sim.board:SimBoard",
}


def open_board(name: str, folder: Path, *, clock: Clock = boot_ns) -> Board:
    """Open a board.

    name:   gpiod, mock or sim
    folder: where the virtual board lives (`run/kentongan/sim` under the root); real boards do not use it
    raises: Configuration for an unknown name, NotFound when a package is missing, and what the board raises
    """
    try:
        module, _, class_name = BOARDS[name].partition(":")
    except KeyError:
        raise Configuration(f"no driver {name!r}: choose one of {', '.join(sorted(BOARDS))}") from None
    try:
        board = getattr(importlib.import_module(module), class_name)
    except DriverError:
        raise
    except ImportError as fault:
        raise NotFound(f"driver {name} needs a package that is not installed: {fault}") from fault
    return cast("Board", board.opened(name, folder, clock))
