"""Off after death, on a real character device."""

import json

import pytest

from tests.lab.rig import Lab

pytestmark = pytest.mark.lab


def test_each_free_output_is_driven_off_once_and_a_held_one_is_named(lab: Lab) -> None:
    ended = lab.run("python3 -m tests.lab.inside.alarm_off")
    assert ended.code == 0, ended.output
    found = json.loads(ended.last_line)
    assert found["driven"] == {"24": [0], "25": [1]}
    assert found["code"] == 1
    assert found["stderr"].startswith("GPIO26 could not be driven off")
