"""GPIO lines of a Raspberry Pi through gpiozero, on a pin factory named by the caller.

gpiozero chooses a factory by itself when none is given, and goes down a list of worse ones when the best is missing;
on a siren box that is a fault at start, so the factory is named, handed to every device, and never made twice.
Debouncing is not done here (the factories disagree on what bounce_time means): edges leave as they came.
"""

import errno
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from gpiozero import InputDevice, OutputDevice
from gpiozero.exc import (
    GPIOPinInUse,
    GPIOZeroError,
    PinFixedPull,
    PinInvalidPin,
    PinMultiplePins,
    PinNoPins,
    PinUnknownPi,
)

from drivers.clock import Clock, boot_ns
from drivers.lines import EdgePath, active, line_number, on_level, pulled_up
from drivers.ports import (
    Busy,
    Configuration,
    ContactWiring,
    DriverError,
    EdgeSink,
    NoPermission,
    NotFound,
    OutputWiring,
)

AGE_MAX_NS = 60_000_000_000  # an edge "older" than this was stamped on another clock than the factory's own


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a pin factory comes from. stamped: its pins give the time of the edge itself, on the factory's ticks."""

    module: str
    name: str
    install: str
    stamped: bool


_ORIGINS = {
    "gpiod": _Origin("drivers.gpiod_pins", "GpiodFactory", "pip install gpiod", stamped=True),
    "mock": _Origin("drivers.mock_pins", "QuietMockFactory", "pip install gpiozero", stamped=False),
}


class GpioBoard:
    """The lines of one Pi; a drivers.ports.Board."""

    def __init__(self, factory_name: str, *, clock: Clock = boot_ns) -> None:
        """Open the pin factory `factory_name`: gpiod or mock.

        raises: Configuration for an unknown name; NotFound when the package, the chip or the Pi is missing;
                NoPermission, Busy as the device says
        """
        origin = _origin(factory_name)
        self._stamped = origin.stamped
        self._clock = clock
        self.pin_factory = _factory(factory_name, origin)
        # Strong references: a gpiozero device nobody holds is closed by the garbage collector, silently.
        self._open: list[GpioContact | GpioOutput] = []
        self._closed = False

    @classmethod
    def opened(cls, name: str, folder: Path, clock: Clock = boot_ns) -> Self:
        """Open as the registry does; real lines need no folder."""
        del folder
        return cls(name, clock=clock)

    def contact(self, wiring: ContactWiring, sink: EdgeSink) -> "GpioContact":
        line_number(wiring.line)
        contact = GpioContact(self, wiring, sink)
        self._open.append(contact)
        return contact

    def output(self, wiring: OutputWiring) -> "GpioOutput":
        line_number(wiring.line)
        output = GpioOutput(self, wiring)
        self._open.append(output)
        return output

    @property
    def alive(self) -> bool:
        """False once closed, and when the factory says that the thread which reads its edges has died."""
        return not self._closed and bool(getattr(self.pin_factory, "alive", True))

    @property
    def sink_faults(self) -> int:
        """How often a sink raised; each time one edge reached nobody."""
        return sum(device.edges.faults for device in self._open if isinstance(device, GpioContact))

    def edge_ns(self, ticks: Any) -> int:
        """Put the factory's own time of an edge on the boot clock, through the edge's age."""
        now_ns = self._clock()
        if not self._stamped:
            return now_ns
        age_ns = int(self.pin_factory.ticks_diff(self.pin_factory.ticks(), ticks) * 1_000_000_000)
        return now_ns - age_ns if 0 <= age_ns <= AGE_MAX_NS else now_ns

    def close(self) -> None:
        """Outputs off, lines and factory released; closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        for device in self._open:
            device.close()
        self.pin_factory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class GpioContact:
    """One input; a drivers.ports.Contact."""

    def __init__(self, board: GpioBoard, wiring: ContactWiring, sink: EdgeSink) -> None:
        self._board = board
        self._wiring = wiring
        self.edges = EdgePath(wiring, sink)
        with _translated(wiring.line):
            self._device = InputDevice(wiring.line, pull_up=pulled_up(wiring), pin_factory=board.pin_factory)
        try:
            with _translated(wiring.line):
                self._watch()
        except DriverError:
            self._device.close()
            raise

    def _watch(self) -> None:
        pin = self._device.pin
        pin.bounce = None
        pin.edges = "both"
        # The pin's own callback and not when_activated: this one brings the time and the level of the edge itself.
        # gpiozero keeps a weak reference to it; the strong one is in the board's list.
        pin.when_changed = self._changed

    def _changed(self, ticks: Any, state: Any) -> None:
        self.edges.arrived(bool(state), self._board.edge_ns(ticks))

    @property
    def active(self) -> bool:
        with _translated(self._wiring.line):
            return active(self._wiring, self._device.is_active != pulled_up(self._wiring))

    def close(self) -> None:
        if self._device.closed:
            return
        self._device.pin.when_changed = None
        self._device.close()


class GpioOutput:
    """One on/off line; a drivers.ports.Output."""

    def __init__(self, board: GpioBoard, wiring: OutputWiring) -> None:
        self._line = wiring.line
        with _translated(wiring.line):
            self._device = OutputDevice(
                wiring.line, active_high=on_level(wiring), initial_value=False, pin_factory=board.pin_factory
            )

    def on(self) -> None:
        with _translated(self._line):
            self._device.on()

    def off(self) -> None:
        with _translated(self._line):
            self._device.off()

    @property
    def is_on(self) -> bool:
        with _translated(self._line):
            return bool(self._device.is_active)

    def close(self) -> None:
        if self._device.closed:
            return
        try:
            self.off()
        finally:
            self._device.close()


def _origin(name: str) -> _Origin:
    try:
        return _ORIGINS[name]
    except KeyError:
        raise Configuration(f"no pin factory {name!r}: choose one of {', '.join(sorted(_ORIGINS))}") from None


def _factory(name: str, origin: _Origin) -> Any:
    try:
        make = getattr(importlib.import_module(origin.module), origin.name)
    except ImportError as fault:
        raise NotFound(f"pin factory {name} cannot be loaded ({fault}): {origin.install}") from fault
    with _translated(f"pin factory {name}"):
        return make()


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn what gpiozero, a factory or the kernel raises into the error family of ports, cause kept."""
    try:
        yield
    except DriverError:
        raise
    except PinUnknownPi as fault:
        raise NotFound(f"{what}: this is no Raspberry Pi ({fault})") from fault
    except GPIOPinInUse as fault:
        raise Busy(f"{what} is already open in this process (pid {os.getpid()}): {fault}") from fault
    except (PinInvalidPin, PinNoPins, PinMultiplePins, PinFixedPull) as fault:
        raise Configuration(f"{what}: {fault}") from fault
    except OSError as fault:
        raise _from_kernel(what, fault) from fault
    except GPIOZeroError as fault:
        raise DriverError(f"{what}: {fault}") from fault


def _from_kernel(what: str, fault: OSError) -> DriverError:
    if fault.errno == errno.EBUSY:
        return Busy(f"{what} is held by another program ({fault})")
    if fault.errno in (errno.EACCES, errno.EPERM):
        return NoPermission(f"{what}: {fault}; the user must be in group gpio")
    if fault.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return NotFound(f"{what}: {fault}")
    return DriverError(f"{what}: {fault}")
