"""Abuse and then the truth; an old card put back: a real box with its broker and its centre."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.centre import reader
from edge.config.drafts import Draft
from edge.config.load import SystemUsers
from edge.config.resources import CHECKOUT
from edge.config.trial import begin
from edge.core.faults import Refused
from edge.daemons.runtime import boot_id
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import wait_for
from tests.daemons.spent import spend
from tests.daemons.test_centre_restored import alarms, pressed
from tests.daemons.test_orders import told

CACHE = CHECKOUT.parent / ".cache"
PAUSES = '[calls]\ncrime = "----"\n'


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CACHE, beat_s=0.5) as stage:
        yield stage


def sounds(stage: Stage) -> bool:
    return "sounding" in ask_status(stage.places)["sounders"].values()


def test_after_every_abuse_a_real_press_elsewhere_sounds_and_arrives(stage: Stage) -> None:
    if not spend(stage.places, stage.site):
        pytest.skip("this machine has not been up for as long as the cap lasts")
    stage.start()
    wait_for(lambda: ask_status(stage.places)["online"], "the box is online")
    first, second = (zone.id for zone in stage.site.zones[:2])
    silent = [zone.id for zone in stage.site.zones if zone.silent]
    assert first not in silent
    assert second not in silent

    stage.wires.press(stage.line_of(first))
    wait_for(lambda: alarms(stage.centre_places.store), "the abused button still tells the centre")
    stage.wires.release(stage.line_of(first))
    assert not sounds(stage), "its hour is spent, or this test shows nothing"
    (abused,) = alarms(stage.centre_places.store)
    for _ in range(20):
        ask_status(stage.places, "silence", alarm=abused, by="abuse")
        ask_status(stage.places, "silence", alarm="00000000.7", by="abuse")
    ask_status(stage.places, "walk", by="abuse")
    with pytest.raises(Refused):
        begin(stage.places, Draft("j1", "abuse", PAUSES), SystemUsers(), boot_id())
    assert told(stage, "self-test")[1]["reason"] == "panel: an alarm sounds or the hour is spent"

    stage.wires.press(stage.line_of(second))
    wait_for(lambda: sounds(stage), "the siren sounds: the walk test ends for a press of three seconds")
    wait_for(lambda: len(alarms(stage.centre_places.store)) == 2, "and the centre has it")
    stage.wires.release(stage.line_of(second))
    wait_for(lambda: not ask_status(stage.places)["waiting"], "receipted")


def test_an_old_card_put_back_hides_no_press_and_is_noticed(tmp_path: Path) -> None:
    """The numbers of the ledger begin again; the epoch of each start is random, so none of them comes twice."""
    with Stage(tmp_path / "stage", cache=CACHE, kit="lab", beat_s=0.5) as stage:
        store, card = stage.centre_places.store, stage.places.ledger.parent
        stage.start()
        wait_for(lambda: ask_status(stage.places)["online"], "the box is online")
        pressed(stage, 8)
        stage.alarm.stop()
        shutil.copytree(card, tmp_path / "old card")
        again(stage)
        pressed(stage, 12)
        stage.alarm.stop()
        shutil.rmtree(card)
        shutil.copytree(tmp_path / "old card", card)
        again(stage)
        pressed(stage, 16)
        wait_for(lambda: len(set(alarms(store))) == 36, "every press is an alarm of its own")
        assert len(alarms(store)) == 36
        wait_for(lambda: "twice" in [each["code"] for each in notices(store)], "the centre notices")


def again(stage: Stage) -> None:
    stage.alarm.start()
    stage.alarm.wait_ready()
    wait_for(lambda: ask_status(stage.places)["online"], "the box is online again")


def notices(store: Path) -> list[Any]:
    return list(reader.troubles(store)["notices"])
