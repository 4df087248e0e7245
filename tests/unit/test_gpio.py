"""The gpiozero board's own part: factories by name, time, and whose fault it was. Its promises are in contract/."""

import errno
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from gpiozero.exc import PinUnknownPi

from drivers import gpio, registry
from drivers.gpio import GpioBoard
from drivers.ports import Busy, Configuration, ContactWiring, DriverError, NoPermission, NotFound, OutputWiring
from drivers.sim.board import SimBoard


class StampedFactory:
    """A factory whose clock and whose edges' times are ours."""

    alive = True

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def ticks(self) -> float:
        return self.now_s

    def ticks_diff(self, later: float, earlier: float) -> float:
        return later - earlier

    def close(self) -> None:
        self.alive = False


def stamped_board(monkeypatch: pytest.MonkeyPatch, clock_ns: int) -> tuple[GpioBoard, StampedFactory]:
    factory = StampedFactory(100.0)
    monkeypatch.setattr(gpio, "_factory", lambda _name, _origin: factory)
    return GpioBoard("gpiod", clock=lambda: clock_ns), factory


def test_an_edge_is_stamped_by_its_age_on_the_factorys_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    board, _ = stamped_board(monkeypatch, clock_ns=7_000_000_000)
    assert board.edge_ns(99.75) == 6_750_000_000


@pytest.mark.parametrize("ticks", [100.5, 1.0, -1e9])
def test_an_age_that_cannot_be_is_not_believed(monkeypatch: pytest.MonkeyPatch, ticks: float) -> None:
    board, _ = stamped_board(monkeypatch, clock_ns=7_000_000_000)
    assert board.edge_ns(ticks) == 7_000_000_000


def test_a_mock_edge_has_the_time_of_the_clock_handed_in() -> None:
    seen: list[tuple[bool, int]] = []
    with GpioBoard("mock", clock=lambda: 5_000) as board:
        board.contact(ContactWiring("GPIO23"), lambda active, at_ns: seen.append((active, at_ns)))
        board.pin_factory.pin("GPIO23").drive_low()
        board.pin_factory.pin("GPIO23").drive_high()
    assert seen == [(True, 5_000), (False, 5_001)]  # strictly rising, even on a clock that stands


def test_a_dead_edge_thread_makes_the_board_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    board, factory = stamped_board(monkeypatch, clock_ns=0)
    assert board.alive
    factory.alive = False
    assert not board.alive


def test_no_global_factory_is_made_and_two_boards_share_none() -> None:
    with GpioBoard("mock") as first, GpioBoard("mock") as second:
        first.output(OutputWiring("GPIO24")).on()
        assert gpiozero.Device.pin_factory is None
        assert not second.output(OutputWiring("GPIO24")).is_on


def test_an_unknown_factory_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(Configuration, match="gpiod, mock"):
        GpioBoard("pigpio")


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "drivers.gpiod_pins", None)
    with pytest.raises(NotFound, match="pip install gpiod") as refusal:
        GpioBoard("gpiod")
    assert isinstance(refusal.value.__cause__, ImportError)


@pytest.mark.skipif(any(Path("/dev").glob("gpiochip*")), reason="this machine has a GPIO chip")
def test_a_machine_without_a_chip_is_not_found_and_nothing_else_is_tried() -> None:
    with pytest.raises(NotFound) as refusal:
        GpioBoard("gpiod")
    assert refusal.value.__cause__ is not None
    assert gpiozero.Device.pin_factory is None


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (OSError(errno.EBUSY, "GPIO23 is held by 'mqtt-io'"), Busy),
        (PermissionError(errno.EACCES, "no"), NoPermission),
        (FileNotFoundError(errno.ENOENT, "no chip"), NotFound),
        (OSError(errno.ENODEV, "unplugged"), NotFound),
        (OSError(errno.EIO, "broken"), DriverError),
        (PinUnknownPi("no revision"), NotFound),
        (gpiozero.PinFixedPull("GPIO2 has a physical pull-up resistor"), Configuration),
        (gpiozero.GPIODeviceClosed("closed"), DriverError),
    ],
)
def test_each_fault_is_named_by_what_can_be_done(fault: Exception, expected: type[DriverError]) -> None:
    with pytest.raises(DriverError) as refusal, gpio._translated("GPIO23"):
        raise fault
    assert type(refusal.value) is expected
    assert refusal.value.__cause__ is fault
    assert "GPIO23" in str(refusal.value)


def test_a_busy_line_tells_the_name_the_owner_gave_to_the_kernel() -> None:
    with pytest.raises(Busy, match="mqtt-io"), gpio._translated("GPIO23"):
        raise OSError(errno.EBUSY, "GPIO23 is held by 'mqtt-io'")


def test_a_line_with_a_resistor_of_its_own_cannot_be_pulled_down() -> None:
    with GpioBoard("mock") as board, pytest.raises(Configuration, match="GPIO2"):
        board.contact(ContactWiring("GPIO2", wiring="to-3v3"), lambda _active, _at_ns: None)


@pytest.mark.parametrize("name", sorted(registry.BOARDS))
def test_every_registered_board_exists(name: str) -> None:
    module, _, class_name = registry.BOARDS[name].partition(":")
    assert callable(getattr(importlib.import_module(module), class_name).opened)


def test_the_registry_opens_boards_by_name(tmp_path: Path) -> None:
    sim = registry.open_board("sim", tmp_path / "sim")
    mock = registry.open_board("mock", tmp_path / "none")
    assert (type(sim), type(mock)) == (SimBoard, GpioBoard)
    sim.close()
    mock.close()
    assert not (tmp_path / "none").exists()


def test_the_registry_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(Configuration, match="gpiod, mock, sim"):
        registry.open_board("rpi", tmp_path)


def test_a_driver_without_its_package_is_not_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "drivers.gpio")
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    with pytest.raises(NotFound, match="gpiozero"):
        registry.open_board("mock", tmp_path)


LOADED = "import sys; import drivers.registry; print(*sorted(sys.modules))"


def test_the_registry_itself_loads_no_vendor_and_no_board() -> None:
    loaded: Any = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout
    assert not {"gpiozero", "gpiod", "drivers.sim.board"} & set(loaded.split())
