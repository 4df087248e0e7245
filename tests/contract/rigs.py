"""The far end of each board's wires, so that one suite can press and measure whatever the board is."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from gpiozero.pins.mock import MockPin

from drivers.gpio import GpioBoard
from drivers.lines import line_number
from drivers.mock_pins import QuietMockPin
from drivers.ports import Board, ContactWiring
from drivers.sim.bench import Bench
from drivers.sim.board import SimBoard
from tests.lab.inside.chip import Chip


class CountingBoard(Board, Protocol):
    """A board as the alarm uses it: it also counts the sinks that raised."""

    @property
    def sink_faults(self) -> int: ...


class Rig(Protocol):
    """One implementation with hands on its wires.

    one_device: two boards opened here are two owners of the same lines
    latching:   a wire keeps its level while nobody has the line open
    """

    one_device: bool
    latching: bool

    def board(self) -> CountingBoard: ...

    def wire(self, wiring: ContactWiring) -> None:
        """Attach a button at rest: before the board opens its line where the rig is latching, else after."""

    def press(self, line: str) -> None: ...

    def release(self, line: str) -> None: ...

    def level(self, line: str) -> bool:
        """What a meter on the line shows."""

    def driven(self, line: str) -> list[bool]:
        """The levels that an output has driven so far, first one first, as far as this rig can see."""

    def close(self) -> None: ...


class SimRig:
    one_device = True
    latching = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bench = Bench(folder)
        self.wire = self._bench.wire
        self.level = self._bench.level
        self.close = self._bench.close

    def board(self) -> SimBoard:
        return SimBoard(self._folder)

    def press(self, line: str) -> None:
        self._bench.press(line)

    def release(self, line: str) -> None:
        self._bench.release(line)

    def driven(self, line: str) -> list[bool]:
        return [stroke.level for stroke in self._bench.trace() if stroke.line == line]


class WatchedMockPin(QuietMockPin):
    """Notes each level at which it drives, from the moment it is an output."""

    driven: dict[str, list[bool]] = {}  # noqa: RUF012 - gpiozero makes the pins; the rig finds what they noted here

    def _set_function(self, value: str) -> None:
        super()._set_function(value)
        if value == "output":
            self._note()

    def _set_state(self, value: object) -> None:
        super()._set_state(value)
        self._note()

    def _note(self) -> None:
        self.driven.setdefault(self.info.name, []).append(bool(self._state))


class MockRig:
    one_device = False
    latching = False  # a mock pin opened with a pull forgets what was driven onto it

    def __init__(self) -> None:
        self._wires: dict[str, ContactWiring] = {}
        self._pin: Callable[[str], MockPin] | None = None
        WatchedMockPin.driven.clear()

    def board(self) -> GpioBoard:
        board = GpioBoard("mock")
        board.pin_factory.pin_class = WatchedMockPin
        self._pin = board.pin_factory.pin
        return board

    def wire(self, wiring: ContactWiring) -> None:
        self._wires[wiring.line] = wiring
        self.release(wiring.line)

    def press(self, line: str) -> None:
        self._lay(line, closed=self._wiring(line).contact == "no")

    def release(self, line: str) -> None:
        self._lay(line, closed=self._wiring(line).contact == "nc")

    def level(self, line: str) -> bool:
        return bool(self._at(line).state)

    def driven(self, line: str) -> list[bool]:
        return WatchedMockPin.driven.get(line, [])

    def close(self) -> None:
        self._pin = None

    def _wiring(self, line: str) -> ContactWiring:
        return self._wires.get(line) or ContactWiring(line)

    def _lay(self, line: str, *, closed: bool) -> None:
        grounded = closed == (self._wiring(line).wiring == "to-ground")
        pin = self._at(line)
        pin.drive_low() if grounded else pin.drive_high()

    def _at(self, line: str) -> MockPin:
        if self._pin is None:
            raise AssertionError("the mock's pins exist while its board does")
        return self._pin(line)


class KernelRig:
    """A gpio-sim chip with a Pi's label, made by the lab before the suite starts."""

    one_device = True
    latching = False  # gpio-sim forgets what lay on the wire when the kernel sets a pull

    def __init__(self) -> None:
        self._chip = Chip()
        self._wires: dict[str, ContactWiring] = {}

    def board(self) -> GpioBoard:
        return GpioBoard("gpiod")

    def wire(self, wiring: ContactWiring) -> None:
        self._wires[wiring.line] = wiring
        self.release(wiring.line)

    def press(self, line: str) -> None:
        self._lay(line, closed=self._wiring(line).contact == "no")

    def release(self, line: str) -> None:
        self._lay(line, closed=self._wiring(line).contact == "nc")

    def level(self, line: str) -> bool:
        return bool(self._chip.level(line_number(line)))

    def driven(self, line: str) -> list[bool]:
        return [self.level(line)]

    def close(self) -> None:
        for line in self._wires:
            self._chip.lay(line_number(line), high=False)

    def _wiring(self, line: str) -> ContactWiring:
        return self._wires.get(line) or ContactWiring(line)

    def _lay(self, line: str, *, closed: bool) -> None:
        grounded = closed == (self._wiring(line).wiring == "to-ground")
        self._chip.lay(line_number(line), high=not grounded)
        self._chip.let_an_edge_pass()
