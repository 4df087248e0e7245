"""The units as they are installed, under a real systemd, on a real character device."""

import json
from typing import Any

import pytest

from tests.lab.rig import Ended, Lab, Setup

pytestmark = [pytest.mark.lab, pytest.mark.slow]

SYSTEMD = Setup(init="systemd")
DEAD_MAN_S = 5.0


def story(lab: Lab, name: str) -> dict[str, Any]:
    return facts_of(lab.run(f"python3 -m tests.lab.inside.units {name}", SYSTEMD))


def facts_of(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended.output
    # systemd may write to the console after the story has ended
    [facts] = [row for row in ended.output.splitlines() if row.startswith("{")]
    found: dict[str, Any] = json.loads(facts)
    return found


def test_a_press_sounds_the_siren_through_the_whole_sandbox(lab: Lab) -> None:
    found = story(lab, "arm")
    assert found["state"] == "active"
    assert found["heard"]
    assert found["locked_kb"] > 0
    assert (found["driven_first"], found["driven_last"]) == (0, 0)
    assert found["ledger"]
    assert {"activations.json", "outputs", "starts.json"} <= set(found["kept"])


@pytest.mark.parametrize("how", ["killed", "hung"])
def test_a_dead_or_hung_alarm_is_silent_first_and_then_back(lab: Lab, how: str) -> None:
    found = story(lab, how)
    assert found["heard"]
    assert found["back"]
    assert found["off_s"] < DEAD_MAN_S
    # off by the script, off at the first level of the new start, on again: the activation had time left
    assert found["driven"] == [0, 0, 1]


def test_a_button_pressed_after_a_kill_is_heard(lab: Lab) -> None:
    assert story(lab, "killed_at_rest") == {"back": True, "restarts": 1, "heard": True}


def test_without_its_key_the_alarm_starts_and_with_a_credential_it_would_not(lab: Lab) -> None:
    found = story(lab, "no_credential")
    assert found["state"] != "active"  # the second start, the one with LoadCredential=
    assert found["locked_kb"] > 0  # the first start was real
    assert found["with_credential"] == "243"


def test_the_sandbox_forbids_and_allows_what_the_unit_says(lab: Lab) -> None:
    found = story(lab, "sandbox")
    allowed = {name for name, answer in found.items() if answer == "done"}
    assert allowed == {"unix socket", "gpio chip", "memory lock", "ledger", "runtime", "socket's group"}
    assert set(found) - allowed == {"internet socket", "disk", "code in memory", "configuration", "etc", "tmp"}


def test_the_relay_runs_without_its_key_and_reaches_alarm_as_another_user(lab: Lab) -> None:
    found = story(lab, "relay")
    assert found["state"] == "active"
    assert found["reached"]
    assert found["credentials"] == {"tls.key": "missing", "tls.pem": "missing"}


@pytest.mark.parametrize(("dependencies", "alarm"), [("no", "active"), ("yes", "inactive")])
def test_a_disk_that_is_gone_ends_the_boot_in_emergency_mode_and_not_the_siren(
    lab: Lab, dependencies: str, alarm: str
) -> None:
    found = facts_of(lab.run(f"sh tests/lab/inside/emergency.sh {dependencies}"))
    assert found == {"emergency": "active", "alarm": alarm}
