"""The real alarm daemon on a real GPIO chip: what it drives is read back at the chip."""

import pytest

from tests.lab.rig import Lab
from tests.lab.test_pins import facts

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("contact", ["quick", "loop", "rail"])
def test_a_press_sounds_both_sirens_and_a_stop_silences_them(lab: Lab, contact: str) -> None:
    found = facts(lab, f"python3 -m tests.lab.inside.alarm contacts {contact}")
    assert found["before"] == [False, False]
    assert found["sounded"]
    assert found["last_driven"] == [0, 1]  # a high-on and a low-on relay


def test_each_of_100_presses_of_40_ms_is_an_alarm(lab: Lab) -> None:
    found = facts(lab, "python3 -m tests.lab.inside.alarm short_presses")
    assert (found["alarms"], found["others"]) == (found["pressed"], []), found


def test_no_start_after_a_kill_drives_a_siren_on(lab: Lab) -> None:
    found = facts(lab, "python3 -m tests.lab.inside.alarm starts")
    assert found["siren"] == [[0]] * found["starts"]
    assert found["horn"] == [[1]] * found["starts"]


def test_a_line_held_at_the_start_is_named_and_taken_when_it_is_free(lab: Lab) -> None:
    found = facts(lab, "python3 -m tests.lab.inside.alarm held_line")
    assert found["sounded"]
    [refusal] = [line for line in found["log"] if "E-DEVICE-BUSY" in line]
    assert "GPIO17" in refusal
    assert "gpioset" in refusal
    assert found["back"]
