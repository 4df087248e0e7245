"""gpiozero's pins on the Linux GPIO character device, through gpiod 2; the reasons are in docs/decisions/002."""

import errno
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gpiod
from gpiod.line import Bias, Direction, Value
from gpiod.line import Edge as Detect
from gpiozero.exc import (
    PinFixedPull,
    PinInvalidBounce,
    PinInvalidEdges,
    PinInvalidFunction,
    PinInvalidPin,
    PinInvalidPull,
    PinInvalidState,
    PinSetInput,
)
from gpiozero.pins.local import LocalPiFactory, LocalPiPin

from drivers.edge_watch import EdgeWatch

CONSUMER = "kentongan"  # what `gpioinfo` and the error of a second owner show
# The header's chip on a Pi 5, on a Pi 4, and on every older one. Numbers moved between kernels, labels did not.
HEADER_LABELS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
KERNEL_QUEUE = 256  # edges kept by the kernel per line: 2.5 s of 100 Hz chatter while the thread waits for the CPU

BIASES = {"up": Bias.PULL_UP, "down": Bias.PULL_DOWN, "floating": Bias.DISABLED}
PULLS = {Bias.PULL_UP: "up", Bias.PULL_DOWN: "down"}
DETECTS = {"none": Detect.NONE, "rising": Detect.RISING, "falling": Detect.FALLING, "both": Detect.BOTH}


class LineHeld(OSError):
    """Somebody else owns the line; errno is EBUSY, `consumer` is the name the owner gave to the kernel."""

    def __init__(self, line: str, consumer: str) -> None:
        super().__init__(errno.EBUSY, f"{line} is held by {consumer!r}")
        self.line = line
        self.consumer = consumer


def open_chip(labels: Sequence[str]) -> gpiod.Chip:
    """Open the GPIO chip that carries the first of `labels` to be found.

    raises: PermissionError if it is not there but some chip could not be opened, FileNotFoundError naming the labels
            that were seen
    """
    seen: dict[str, str] = {}
    denied: PermissionError | None = None
    for path in sorted({str(name.resolve()) for name in Path("/dev").glob("gpiochip*")}):
        try:
            with gpiod.Chip(path) as chip:
                seen.setdefault(chip.get_info().label, path)
        except PermissionError as refusal:
            denied = PermissionError(errno.EACCES, "may not open the GPIO chip", path)
            denied.__cause__ = refusal
    for label in labels:
        if label in seen:
            return gpiod.Chip(seen[label])
    if denied is not None:
        raise denied
    raise FileNotFoundError(errno.ENOENT, f"no GPIO chip labelled {' or '.join(labels)}; seen: {sorted(seen)}")


def boot_minus_monotonic_ns() -> int:
    """Measure CLOCK_BOOTTIME - CLOCK_MONOTONIC: the time spent suspended, so 0 on a Pi, which cannot suspend.

    The kernel stamps edges with CLOCK_MONOTONIC and offers no boot clock; the closest of a few readings is taken, since
    a thread may lose the CPU between two.
    """
    readings = []
    for _ in range(8):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        readings.append((after - before, boot - (before + after) // 2))
    return min(readings)[1]


class GpiodFactory(LocalPiFactory):  # type: ignore[misc]  # gpiozero ships no types
    """Pins of one GPIO chip, found by its label.

    chip_label: None looks for the header's chip of any Raspberry Pi
    raises:     FileNotFoundError, PermissionError, later LineHeld; PinUnknownPi off a Pi

    Ticks are float seconds on the boot clock (CLOCK_BOOTTIME). Outputs are requested at their first level in one system
    call, so that a relay of either polarity sees no other level. All inputs share one thread. There is no software PWM
    and no bounce_time: debouncing is decided on the edges' own time, not here.
    """

    def __init__(self, chip_label: str | None = None) -> None:
        super().__init__()
        # Of this factory alone. gpiozero shares them in the class to keep two libraries off one pin: the kernel does.
        self.pins: dict[Any, GpiodPin] = {}
        self._reservations: defaultdict[Any, list[Any]] = defaultdict(list)
        self._res_lock = threading.Lock()
        self.pin_class = GpiodPin
        self._chip = open_chip((chip_label,) if chip_label is not None else HEADER_LABELS)
        self._chip_lock = threading.Lock()
        self._watch: EdgeWatch[gpiod.EdgeEvent] = EdgeWatch()
        self._boot_offset_ns = boot_minus_monotonic_ns()
        self.lost_edges = 0

    @staticmethod
    def ticks() -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    @property
    def alive(self) -> bool:
        """True while edges can still arrive; False must stop the watchdog from being fed."""
        return self._watch.alive

    @property
    def callback_faults(self) -> int:
        """How many edges a callback lost by raising."""
        return self._watch.receiver_faults

    @property
    def last_fault(self) -> Exception | None:
        return self._watch.last_fault

    def close(self) -> None:
        """Let every line go (an output keeps or loses its level as the kernel likes: drive it off first)."""
        super().close()
        self._watch.close()
        self._chip.close()

    def line_info(self, offset: int) -> gpiod.LineInfo:
        """Ask the kernel what a line is now, whoever owns it."""
        with self._chip_lock:
            return self._chip.get_line_info(offset)

    def request(self, offset: int, name: str, settings: gpiod.LineSettings) -> gpiod.LineRequest:
        """Take one line. Raises LineHeld, PinInvalidPin if the chip has no such line."""
        try:
            with self._chip_lock:
                return self._chip.request_lines({offset: settings}, CONSUMER, KERNEL_QUEUE)
        except ValueError as fault:
            raise PinInvalidPin(f"{name} is not a line of {self._chip.get_info().label}") from fault
        except OSError as fault:
            if fault.errno != errno.EBUSY:
                raise
            raise LineHeld(name, self.line_info(offset).consumer) from fault

    def disown(self, pin: "GpiodPin") -> None:
        """Forget a pin that did not get its line.

        gpiozero's half-made device lives as long as the traceback of its failure: it would keep the line reserved, and
        in the end close the pin under whoever got the line at a second try.
        """
        self.pins.pop(pin.info, None)
        self._reservations.pop(pin.info, None)

    def watch(self, pin: "GpiodPin", descriptor: int) -> None:
        self._watch.watch(descriptor, pin.read_edges, pin.deliver)

    def unwatch(self, descriptor: int) -> None:
        self._watch.unwatch(descriptor)

    def boot_ticks(self, kernel_ns: int) -> float:
        """Turn a kernel event's time into ticks."""
        return (kernel_ns + self._boot_offset_ns) / 1e9


class GpiodPin(LocalPiPin):  # type: ignore[misc]  # gpiozero ships no types
    """One line; owned from its first use until `close`."""

    def __init__(self, factory: GpiodFactory, info: Any) -> None:
        super().__init__(factory, info)
        self._when_changed: Any = None
        self._lock = threading.Lock()
        self._request: gpiod.LineRequest | None = None
        self._settings = gpiod.LineSettings()
        self._edges = "both"
        self._next_edge = 1

    def close(self) -> None:
        """Stop watching and give the line back; works on a line whose chip is gone."""
        self._when_changed = None
        with self._lock:
            if self._request is not None:
                self.factory.unwatch(self._request.fd)
                self._request.release()
            self._request = None
            self._settings = gpiod.LineSettings()

    def output_with_state(self, state: Any) -> None:
        """Make the line an output whose first level is `state`: no other level is ever driven."""
        self._apply(gpiod.LineSettings(direction=Direction.OUTPUT, output_value=self._level(state)))

    def input_with_pull(self, pull: str) -> None:
        self._apply(gpiod.LineSettings(direction=Direction.INPUT, bias=self._bias(pull)))

    def read_edges(self) -> list[gpiod.EdgeEvent]:
        """Take what the kernel has queued, and count what it had to drop. Raises OSError when the chip is gone."""
        with self._lock:
            if self._request is None or not self._request.wait_edge_events(0):
                return []
            events = self._request.read_edge_events()
            for event in events:
                self.factory.lost_edges += event.line_seqno - self._next_edge
                self._next_edge = event.line_seqno + 1
            return events

    def deliver(self, event: gpiod.EdgeEvent) -> None:
        """Call the receiver, if it still exists, with the time of the edge and the level after it."""
        reference = self._when_changed
        receiver = reference() if reference is not None else None
        if receiver is not None:
            rising = event.event_type is gpiod.EdgeEvent.Type.RISING_EDGE
            receiver(self.factory.boot_ticks(event.timestamp_ns), int(rising))

    def _live(self) -> gpiod.LineRequest:
        if self._request is None:
            try:
                self._request = self.factory.request(self._number, self.info.name, self._settings)
            except BaseException:
                self.factory.disown(self)
                raise
            self._next_edge = 1
        return self._request

    def _apply(self, settings: gpiod.LineSettings) -> None:
        with self._lock:
            before, self._settings = self._settings, settings
            try:
                if self._request is None:
                    self._live()
                else:
                    self._request.reconfigure_lines({self._number: settings})
            except BaseException:
                self._settings = before
                raise

    def _level(self, state: Any) -> Value:
        if state not in {0, 1}:
            raise PinInvalidState(f"invalid state {state!r} for pin {self!r}: a line is high or low")
        return Value.ACTIVE if state else Value.INACTIVE

    def _bias(self, pull: str) -> Bias:
        if pull not in BIASES:
            raise PinInvalidPull(f'invalid pull "{pull}" for pin {self!r}')
        if self.info.pull not in {pull, ""}:
            raise PinFixedPull(f"{self!r} has a physical pull-{self.info.pull} resistor")
        return BIASES[pull]

    def _get_function(self) -> str:
        return "output" if self.factory.line_info(self._number).direction is Direction.OUTPUT else "input"

    def _set_function(self, value: str) -> None:
        if value == "input":
            self._apply(gpiod.LineSettings(direction=Direction.INPUT))
        elif value == "output":  # "left in whatever state the pin is found in": read before driving
            self.output_with_state(self.state)
        else:
            raise PinInvalidFunction(f'invalid function "{value}" for pin {self!r}')

    def _get_state(self) -> int:
        with self._lock:
            return int(bool(self._live().get_value(self._number)))

    def _set_state(self, value: Any) -> None:
        level = self._level(value)
        with self._lock:
            if self._request is None or self._settings.direction is not Direction.OUTPUT:
                raise PinSetInput(f"cannot set state of pin {self!r}")
            self._request.set_value(self._number, level)

    def _get_pull(self) -> str:
        return PULLS.get(self.factory.line_info(self._number).bias, "floating")

    def _set_pull(self, value: str) -> None:
        if self.function != "input":
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        self._apply(
            gpiod.LineSettings(
                direction=Direction.INPUT, bias=self._bias(value), edge_detection=self._settings.edge_detection
            )
        )

    def _get_bounce(self) -> None:
        return None

    def _set_bounce(self, value: float | None) -> None:
        if value is not None:
            raise PinInvalidBounce("bounce_time is not offered: debounce on the time that each edge carries")

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        if value not in DETECTS:
            raise PinInvalidEdges(f'invalid edges "{value}" for pin {self!r}')
        self._edges = value
        if self._when_changed is not None:
            self._detect(DETECTS[value])

    def _detect(self, detect: Detect) -> None:
        bias = self._settings.bias
        self._apply(gpiod.LineSettings(direction=Direction.INPUT, bias=bias, edge_detection=detect))

    def _enable_event_detect(self) -> None:
        self._detect(DETECTS[self._edges])
        if self._request is not None:
            self.factory.watch(self, self._request.fd)

    def _disable_event_detect(self) -> None:
        if self._request is not None:
            self.factory.unwatch(self._request.fd)
            self._detect(Detect.NONE)
