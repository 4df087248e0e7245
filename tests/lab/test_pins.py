"""The pins on a real character device: what the mock cannot show."""

import json
from typing import Any

import pytest

from tests.lab.rig import Lab

pytestmark = pytest.mark.lab

STARTS = 100


def facts(lab: Lab, command: str) -> dict[str, Any]:
    ended = lab.run(command)
    assert ended.code == 0, ended.output
    found: dict[str, Any] = json.loads(ended.last_line)
    return found


def test_the_contract_of_a_board_holds_on_the_real_device(lab: Lab) -> None:
    ended = lab.run("KENTONGAN_LAB=1 python3 -m pytest -p no:cacheprovider tests/contract -k gpiod", timeout_s=90)
    assert ended.code == 0, ended.output
    assert " passed" in ended.last_line


@pytest.mark.parametrize("relay", ["low-on", "high-on"])
def test_the_first_level_driven_is_off_at_each_of_100_starts(lab: Lab, relay: str) -> None:
    found = facts(lab, f"python3 -m tests.lab.inside.first_level gpiod {relay} {STARTS}")
    off = int(relay == "low-on")
    assert found["levels"] == [[off]] * STARTS


def test_the_analyser_sees_the_chirp_of_a_factory_that_chirps(lab: Lab) -> None:
    found = facts(lab, "cd /run && python3 -m tests.lab.inside.first_level lgpio low-on 3")
    assert found["levels"] == [[0, 1]] * 3


def test_an_edge_that_the_kernel_dropped_is_counted(lab: Lab) -> None:
    found = facts(lab, "python3 -m tests.lab.inside.faults slow_receiver")
    assert found["lost"] > 0
    assert found["seen"] + found["lost"] == found["made"]
    assert found["alive"]


def test_a_receiver_that_raises_silences_no_button(lab: Lab) -> None:
    found = facts(lab, "python3 -m tests.lab.inside.faults receiver_raises")
    assert found == {"raised": 2, "counted": 2, "seen": 20, "alive": True, "threads": 2}


def test_a_chip_that_goes_away_is_noticed(lab: Lab) -> None:
    found = facts(lab, "python3 -m tests.lab.inside.faults chip_gone")
    assert (found["before"], found["after"]) == (True, False)


def test_a_line_held_by_another_program_names_it_and_the_siren_still_works(lab: Lab) -> None:
    found = facts(lab, "python3 -m tests.lab.inside.faults held_line")
    assert found["code"] == "E-DEVICE-BUSY"
    assert "GPIO17" in found["text"]
    assert "gpioset" in found["text"]
    assert found["siren"] == 1
