"""Hands and instruments on the lab's GPIO chip, for scripts that run inside a machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

TRACING = Path("/sys/kernel/tracing")
FIRST_NUMBER = 512  # the kernel numbers the lines of its first chip from here, and traces by that number
# gpio-sim hands an edge on at the next tick of the kernel, 1 ms here: two edges within one tick would become one.
TICK_S = 0.003


class Chip:
    """The wires of the one chip. Lines are bare offsets: GPIO17 is 17."""

    def __init__(self) -> None:
        self._folder = next(Path("/sys/devices/platform").glob("gpio-sim.*/gpiochip*/sim_gpio0")).parent

    def lay(self, line: int, *, high: bool) -> None:
        """Pull a wire from outside, as a button and a resistor do."""
        (self._folder / f"sim_gpio{line}/pull").write_text("pull-up" if high else "pull-down")

    def level(self, line: int) -> int:
        """What a meter on the line shows."""
        return int((self._folder / f"sim_gpio{line}/value").read_text())

    def let_an_edge_pass(self) -> None:
        time.sleep(TICK_S)

    def press(self, line: int, hold_s: float, *, rest_high: bool = True) -> None:
        """Close a contact for a while and open it again; the next edge may follow at once."""
        self.lay(line, high=not rest_high)
        time.sleep(hold_s)
        self.lay(line, high=rest_high)

    def wait_level(self, line: int, level: int, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self.level(line) != level:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True


class Analyser:
    """A logic analyser on every line: the kernel's own record of each level that a program drives."""

    @classmethod
    @contextmanager
    def recording(cls) -> Iterator[Self]:
        (TRACING / "trace").write_text("")
        (TRACING / "events/gpio/enable").write_text("1")
        try:
            yield cls()
        finally:
            (TRACING / "events/gpio/enable").write_text("0")

    def driven(self, line: int) -> list[int]:
        """Every level driven onto the line since the recording began, in order."""
        mark = f"gpio_value: {FIRST_NUMBER + line} set "
        return [int(entry.rpartition(mark)[2]) for entry in self._entries() if mark in entry]

    def _entries(self) -> list[str]:
        return [entry for entry in (TRACING / "trace").read_text().splitlines() if not entry.startswith("#")]
