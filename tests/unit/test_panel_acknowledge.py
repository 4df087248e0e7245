"""Who has taken an alarm, by whose keys, and which alarm nobody can have taken."""

import pytest

from edge.core.alarms import REMEMBERED
from edge.core.words import Acknowledge, Operator, Purpose, Silence, SoundFor
from tests.unit.panel_box import ANI, Box, audits, hushes, records


def test_acknowledgement_is_recorded_and_sounds_on() -> None:
    box = Box()
    box.press()
    effects = box.tell(Acknowledge("7c1f0b2e.1", "T-17", ANI))
    assert hushes(effects) == []
    assert audits(effects, "acknowledged")[0].content == {
        "what": "acknowledged",
        "alarm": "7c1f0b2e.1",
        "ticket": "T-17",
        "known": True,
        "by": "ani",
        "where": "centre",
    }


def test_the_keys_that_signed_are_named_with_the_operator() -> None:
    box = Box()
    box.press()
    both = Operator("ani", "centre", ("command-sound-1", "command-sound-2"))
    for wish in (Silence("7c1f0b2e.1", both), SoundFor("jateng.theft", 0, Purpose.REMOTE, both)):
        (told,) = records(box.tell(wish), "audit")
        assert told.content["keys"] == ["command-sound-1", "command-sound-2"]


@pytest.mark.parametrize("name", ["7c1f0b2e.2", "7c1f0b2e.99", "7c1f0b2e.01", "7c1f0b2e", "T-17", "", "7C1F0B2E.1"])
def test_an_alarm_that_never_was_is_not_acknowledged(name: str) -> None:
    box = Box()
    box.press()
    effects = box.tell(Acknowledge(name, "T-17", ANI))
    assert audits(effects, "acknowledged") == []
    (told,) = audits(effects, "refused")
    assert (told.content["asked"], told.content["reason"]) == ("acknowledge", "unknown alarm")


def test_an_alarm_of_before_the_power_cut_is_acknowledged_on_the_centres_word() -> None:
    (told,) = audits(Box().tell(Acknowledge("00000001.7", "T-17", ANI)), "acknowledged")
    assert told.content["known"] is False


def test_an_alarm_that_many_others_followed_is_acknowledged_though_forgotten() -> None:
    box = Box()
    for _ in range(REMEMBERED + 2):
        box.press()
        box.release()
        box.wait(90)
    first, newest = box.records("alarm")[0].content["alarm"], box.records("alarm")[-1].content["alarm"]
    (told,) = audits(box.tell(Acknowledge(str(first), "T-17", ANI)), "acknowledged")
    assert told.content["known"] is False
    assert audits(box.tell(Acknowledge(str(newest), "T-17", ANI)), "acknowledged")[0].content["known"] is True
    assert audits(box.tell(Acknowledge("7c1f0b2e.99999", "T-17", ANI)), "refused")
