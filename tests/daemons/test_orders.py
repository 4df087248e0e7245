"""Every order as an operator gives it, to the real alarm daemon: what sounds, what is refused, what is told."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.centre import reader
from edge.centre.authority import Authority
from edge.config.resources import CHECKOUT
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import wait_for

WITHIN_S = 30.0
KENTONGAN = (sys.executable, "-c", "from edge.field.cli import main; main()", "centre")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("orders")
    with Stage(folder / "stage", cache=CHECKOUT.parent / ".cache", beat_s=0.5) as stage:
        stage.start()
        wait_for(lambda: ask_status(stage.places)["online"], "the box is online")
        yield stage


def told(stage: Stage, *words: str) -> tuple[int, dict[str, Any]]:
    """Give one order as an operator would; exit code and the box's answer."""
    command = [
        *KENTONGAN,
        "order",
        stage.box,
        *words,
        "--by",
        "Sari",
        "--json",
        "--root",
        str(stage.centre_places.root),
    ]
    while True:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
        assert done.stdout.startswith("{"), done.stderr
        answer = json.loads(done.stdout)
        if not str(answer["reason"]).startswith("rate"):  # five a second, and this operator is quick
            return done.returncode, answer


def believed(stage: Stage) -> bytes:
    return stage.places.keyset.read_bytes() if stage.places.keyset.exists() else b""


def sounding(stage: Stage) -> bool:
    return "sounding" in ask_status(stage.places)["sounders"].values()


def events(stage: Stage, name: str) -> list[dict[str, Any]]:
    return [dict(row) for row in reader.export(stage.centre_places.store) if row["name"] == name]


def audits(stage: Stage, what: str) -> list[dict[str, Any]]:
    return [each["data"] for each in events(stage, "audit") if each["data"]["what"] == what]


def test_the_centre_sounds_the_siren_and_ends_it(stage: Stage) -> None:
    assert told(stage, "sound", "pattern=jateng.theft", "duration=30")[1]["result"] == "done"
    wait_for(lambda: sounding(stage), "the siren sounds")
    assert told(stage, "sound", "pattern=jateng.theft", "duration=0")[1]["result"] == "done"
    wait_for(lambda: not sounding(stage), "the siren is quiet")
    wait_for(lambda: audits(stage, "sounded"), "it is on record")
    (sounded,) = audits(stage, "sounded")
    assert (sounded["by"], sounded["pattern"]) == ("Sari", "jateng.theft")
    assert len(sounded["keys"]) == 1


def test_one_person_alone_sounds_no_longer_than_thirty_seconds(stage: Stage, tmp_path: Path) -> None:
    code, answer = told(stage, "sound", "pattern=jateng.theft", "duration=31")
    assert (code, answer["result"], answer["reason"].partition(":")[0]) == (7, "refused", "signatures")
    assert not sounding(stage)

    key = tmp_path / "second.key"
    Authority.open(stage.centre_places).second(key)
    wait_for(
        lambda: believed(stage) == stage.centre_places.keyset.read_bytes(), "the box knows the second person's key"
    )
    assert told(stage, "sound", "pattern=jateng.theft", "duration=31", "--second-key", str(key))[1]["result"] == "done"
    wait_for(lambda: sounding(stage), "the siren sounds")
    told(stage, "sound", "pattern=jateng.theft", "duration=0")
    wait_for(lambda: [each for each in audits(stage, "sounded") if len(each["keys"]) == 2], "both who signed are named")


def test_a_zone_is_bypassed_and_put_back_and_never_all_of_them(stage: Stage) -> None:
    zones = [zone for zone, said in ask_status(stage.places)["zones"].items() if said]
    silent = [zone.id for zone in stage.site.zones if zone.silent]
    answers = [told(stage, "bypass", f"zone={zone}", "duration=600")[1] for zone in (*zones, *silent)]
    assert [answer["result"] for answer in answers] == ["done"] * (len(answers) - 1) + ["refused"]
    assert answers[-1]["reason"] == "panel: the last zone in service"
    assert set(ask_status(stage.places)["zones"].values()) == {"bypassed"}
    for zone in zones:
        assert told(stage, "bypass", f"zone={zone}", "duration=0")[1]["result"] == "done"
    assert "bypassed" not in ask_status(stage.places)["zones"].values()
    wait_for(lambda: len(events(stage, "bypass")) == 2 * len(zones), "each begins and ends at the centre")


def test_what_the_panel_refuses_is_no_done(stage: Stage) -> None:
    assert told(stage, "silence", "alarm=00000000.9")[1]["reason"] == "panel: unknown alarm"
    never = f"alarm={ask_status(stage.places)['epoch']}.999999999"
    assert told(stage, "acknowledge", never, "ticket=T-1")[1]["reason"] == "panel: unknown alarm"
    assert told(stage, "acknowledge", "alarm=00000000.9", "ticket=T-1")[1]["result"] == "done"  # of an earlier run
    assert told(stage, "bypass", "zone=nowhere", "duration=60")[1]["reason"] == "panel: unknown zone"
    assert told(stage, "snapshot", "camera=pos")[1]["reason"] == "camera: the part that speaks to cameras does not run"


def test_a_test_is_told_as_a_test_and_a_wrong_word_goes_nowhere(stage: Stage) -> None:
    assert told(stage, "squawk")[1]["result"] == "done"
    wait_for(lambda: events(stage, "test"), "the test is at the centre")
    assert events(stage, "test")[0]["data"]["status"] == "test"
    command = [*KENTONGAN, "order", stage.box, "squawk", "loud=1", "--by", "Sari", "--root", "/nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert (done.returncode, "loud" in done.stderr) == (2, True), done.stderr
