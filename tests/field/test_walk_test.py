"""`kentongan walk-test` on a real box: each button once, no alarm, no siren; told at the centre as a test."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.config.resources import CHECKOUT
from edge.core.faults import Exit
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import wait_for
from tests.daemons.test_orders import events

KENTONGAN = (sys.executable, "-u", "-c", "from edge.field.cli import main; main()", "walk-test")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", beat_s=0.5) as stage:
        stage.start()
        wait_for(lambda: ask_status(stage.places)["online"], "the box is online")
        yield stage


def begun(stage: Stage, *words: str) -> "subprocess.Popen[str]":
    command = [*KENTONGAN, *words, "--root", str(stage.places.root), "--lang", "en"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def running_told(stage: Stage) -> list[object]:
    return [event["data"]["running"] for event in events(stage, "walk-test")]


def test_every_button_once_and_nobody_is_alarmed(stage: Stage) -> None:
    running = begun(stage)
    wait_for(lambda: running_told(stage) == [True], "the centre knows that a walk test runs")
    visible = list(ask_status(stage.places)["zones"])
    for zone in visible:
        stage.wires.press(stage.line_of(zone))
        assert running.stdout is not None
        while f"✓ {zone}" not in (line := running.stdout.readline()):
            assert line, "the walk test has ended early"
        stage.wires.release(stage.line_of(zone))
    rest, _ = running.communicate(timeout=60)
    assert (running.returncode, f"All {len(visible)} buttons work" in rest) == (0, True)
    wait_for(lambda: running_told(stage) == [True, False], "and that it is over")
    assert events(stage, "alarm") == []
    assert "sounding" not in ask_status(stage.places)["sounders"].values()


def test_what_was_not_pressed_is_named_and_the_test_is_ended(stage: Stage) -> None:
    running = begun(stage)
    wait_for(lambda: running_told(stage) == [True], "it runs")
    running.send_signal(2)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == Exit.TEST
    assert "Not pressed: masjid, pos-ronda, posyandu." in said
    wait_for(lambda: running_told(stage) == [True, False], "it is ended at the box too")
    again = begun(stage, "--end")
    assert (again.communicate(timeout=60)[0], again.returncode) == ("The walk test is ended.\n", 0)
