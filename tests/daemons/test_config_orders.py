"""An overlay from an operator to the siren of a real box and back; a diagnosis; a lamp that shows which box it is."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.config.active import read_active
from edge.config.model import Configuration
from edge.config.resources import CHECKOUT
from edge.core.faults import Refused
from edge.daemons.config.steward import NEVER_WELL
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import wait_for
from tests.daemons.test_orders import events, told

FIRE = '[calls]\nfire = "disaster"\n'
PHONE = "081234567890"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", beat_s=0.5) as stage:
        stage.start()
        wait_for(lambda: ask_status(stage.places)["online"], "the box is online")
        yield stage


def active(stage: Stage) -> Configuration:
    configuration = read_active(stage.places).configuration
    assert configuration is not None
    return configuration


@pytest.fixture
def kentongan_config(stage: Stage) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    """What the path unit starts."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "edge.daemons.config", "--root", str(stage.places.root)]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.wait()


Start = Callable[[], "subprocess.Popen[bytes]"]


def runs_with(stage: Stage) -> int:
    """The generation of alarm as it says itself; 0 while it is away."""
    try:
        return int(ask_status(stage.places)["config"])
    except Refused:
        return 0


def alive(stage: Stage, reached: Callable[[], object], what: str) -> None:
    """Wait as under systemd: an alarm that has ended begins again."""

    def look() -> object:
        if not stage.alarm.running:
            stage.alarm.start()
            stage.alarm.wait_ready()
        return reached()

    wait_for(look, what, 180.0)  # a trial alone takes a minute


def told_of(stage: Stage, what: str) -> list[dict[str, Any]]:
    return [each["data"] for each in events(stage, "audit") if each["data"]["what"] == what]


def order_overlay(stage: Stage, text: str, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "overlay.toml").write_text(text, encoding="utf-8")
    return told(stage, "config", f"overlay=@{tmp_path / 'overlay.toml'}")[1]


def test_an_overlay_goes_all_the_way_and_a_good_one_stays(
    stage: Stage, kentongan_config: Start, tmp_path: Path
) -> None:
    answer = order_overlay(stage, FIRE, tmp_path)
    assert (answer["result"], answer["reason"]) == ("done", "config")
    running = kentongan_config()
    alive(stage, lambda: running.poll() is not None, "kentongan-config is done")
    assert running.returncode == 0
    assert (active(stage).calls.fire, active(stage).generation) == ("disaster", 2)
    wait_for(lambda: runs_with(stage) == 2, "alarm runs with it")
    wait_for(lambda: told_of(stage, "config-kept"), "the centre knows that it was kept")
    (kept,) = told_of(stage, "config-kept")
    assert (kept["by"], kept["generation"], kept["jti"]) == ("Sari", 2, answer["jti"])
    assert len(told_of(stage, "config-trial")) == 1
    assert stage.alarm.output().count("leaving to begin again") == 1

    stage.wires.press(stage.line_of("pos-ronda"))
    wait_for(lambda: "sounding" in ask_status(stage.places)["sounders"].values(), "a press still sounds")
    stage.wires.release(stage.line_of("pos-ronda"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_that_cuts_the_box_off_is_taken_back_though_everything_is_killed(
    stage: Stage, kentongan_config: Start, tmp_path: Path
) -> None:
    """The cable is cut as soon as the order is taken: no centre answers the box that runs with it."""
    order_overlay(stage, FIRE, tmp_path)
    stage.cable.pull()
    running = kentongan_config()
    alive(stage, lambda: runs_with(stage) == 2, "alarm runs with it")
    running.kill()
    running.wait()
    stage.alarm.kill()
    running = kentongan_config()
    alive(stage, lambda: running.poll() is not None, "kentongan-config is done")
    assert (active(stage).calls.fire, active(stage).generation) == ("", 3)
    alive(stage, lambda: runs_with(stage) == 3, "alarm runs with what it had")
    stage.cable.plug()
    stage.relay.kill()  # its next attempt would be a minute away
    stage.relay.start()
    wait_for(lambda: told_of(stage, "config-reverted"), "the centre is told")
    (reverted,) = told_of(stage, "config-reverted")
    assert (reverted["generation"], reverted["reason"]) == (3, NEVER_WELL)


def test_what_the_list_forbids_changes_nothing(stage: Stage, kentongan_config: Start, tmp_path: Path) -> None:
    before = active(stage)
    assert order_overlay(stage, "[panel]\nsound_s = 1\n", tmp_path)["result"] == "done"
    running = kentongan_config()
    alive(stage, lambda: running.poll() is not None, "kentongan-config is done")
    wait_for(lambda: told_of(stage, "config-refused"), "the centre is told")
    (refused,) = told_of(stage, "config-refused")
    assert "E-OVERLAY-KEY overlay:2" in refused["reason"]
    assert active(stage) == before


def test_too_long_a_text_is_refused_by_the_operators_own_command(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text("#" * 3000, encoding="utf-8")
    command = [sys.executable, "-c", "from edge.field.cli import main; main()", "centre", "order", stage.box, "config"]
    command += [f"overlay=@{tmp_path / 'long.toml'}", "--by", "Sari", "--root", str(stage.centre_places.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, "2048" in done.stderr) == (2, True), done.stderr


def test_a_diagnosis_comes_whole_and_tells_nothing_secret(stage: Stage, tmp_path: Path) -> None:
    code, answer = told(stage, "diag")
    assert (code, answer["result"]) == (0, "done")
    found = json.loads(answer["found"])
    assert found["configuration"]["site"]["id"] == stage.site.site.id
    assert found["state"]["config"] == active(stage).generation
    assert found["disk"]["free_kib"] > 0
    assert any("armed" in line for line in found["log"])
    raw = answer["found"]
    secrets = [path.read_bytes() for path in stage.places.secrets.iterdir()]
    assert not any(secret.hex() in raw or secret.decode("latin-1") in raw for secret in secrets)


def test_the_lamp_shows_which_box_it_is(stage: Stage) -> None:
    assert told(stage, "identify")[1]["result"] == "done"
    wait_for(lambda: told_of(stage, "identified"), "it is on record")
    assert told_of(stage, "identified")[0]["by"] == "Sari"


def test_a_box_whose_inbox_cannot_be_written_says_so(stage: Stage, tmp_path: Path) -> None:
    stage.places.inbox.write_bytes(b"no folder")
    answer = order_overlay(stage, FIRE, tmp_path)
    assert (answer["result"], answer["reason"].partition(":")[0]) == ("refused", "disk")


def test_a_zone_out_of_service_stays_so_when_alarm_dies(stage: Stage) -> None:
    zone = stage.site.zones[0].id
    assert told(stage, "bypass", f"zone={zone}", "duration=600")[1]["result"] == "done"
    stage.alarm.kill()
    stage.alarm.start()
    stage.alarm.wait_ready()
    assert ask_status(stage.places)["zones"][zone] == "bypassed"
    wait_for(lambda: ask_status(stage.places)["online"], "the box is online again")
    assert told(stage, "bypass", f"zone={zone}", "duration=0")[1]["result"] == "done"
    assert ask_status(stage.places)["zones"][zone] == "normal"
