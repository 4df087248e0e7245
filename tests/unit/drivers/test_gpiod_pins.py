import errno
import time

import pytest

from drivers.gpiod_pins import GpiodFactory, LineHeld, boot_minus_monotonic_ns, open_chip


def test_a_chip_is_chosen_by_label_and_its_absence_named() -> None:
    with pytest.raises(FileNotFoundError, match="pinctrl-of-no-board"):
        open_chip(("pinctrl-of-no-board",))


def test_the_factory_asks_for_the_label_it_was_given() -> None:
    with pytest.raises(FileNotFoundError, match="pinctrl-of-no-board"):
        GpiodFactory("pinctrl-of-no-board")


def test_the_edge_clock_is_turned_into_the_boot_clock() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    turned = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + boot_minus_monotonic_ns()
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before - 1_000_000 <= turned <= after + 1_000_000


def test_a_held_line_names_its_holder() -> None:
    held = LineHeld("GPIO17", "gpioset")
    assert (held.errno, held.consumer, held.line) == (errno.EBUSY, "gpioset", "GPIO17")
    assert "GPIO17 is held by 'gpioset'" in str(held)
