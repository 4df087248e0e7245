"""The panel by example: budgets, crashes, brown-outs, broken sounders."""

import pytest

from edge.core.panel import SounderPlan
from edge.core.words import (
    Activation,
    EventClass,
    Keep,
    Purpose,
    Recalled,
    Record,
    Restored,
    Silence,
    Sound,
    SounderId,
    SoundFor,
    Stuck,
    Touched,
    Troubled,
)
from tests.unit.panel_box import (
    ANI,
    FIRE,
    HORN,
    KEY,
    MASJID,
    POS,
    SIREN,
    Box,
    S,
    audits,
    hushes,
    kept,
    records,
    sounds,
    spend,
)

# ---- caps ----------------------------------------------------------------------------------------------------------


def test_fifteen_minutes_an_hour_then_silence_for_that_zone_and_one_trouble() -> None:
    box = Box()
    spend(box, POS, 1000)
    assert sum(each.until_ns - each.since_ns for each in kept(box)) == 900 * S
    effects = box.press(POS)
    assert sounds(effects) == []
    assert len([each for each in box.records("trouble") if each.content["code"] == "E-SOUND-CAP"]) == 1
    assert box.panel.shown_troubles == {"E-SOUND-CAP"}


def test_other_zone_gets_thirty_seconds_once_an_hour_after_the_cap() -> None:
    box = Box()
    spend(box, POS, 1000)
    (grace,) = sounds(box.press(MASJID))
    assert (grace.grace, grace.until_ns - box.now) == (True, 30 * S)
    box.release(MASJID)
    box.wait(100)
    capped = box.press(MASJID)
    assert sounds(capped) == []
    assert len(sounds(box.press(FIRE))) == 1


def test_capped_alarm_is_recorded_as_such() -> None:
    box = Box()
    spend(box, POS, 1000)
    box.wait(100)
    effects = box.press(POS)
    assert records(effects, "alarm")[0].content["sounder"] == {"pattern": "jateng.titir", "state": "capped", "max_s": 0}


def test_trouble_is_restored_when_the_budget_is_back() -> None:
    box = Box()
    spend(box, POS, 1000)
    restored_at = None
    for _ in range(4000):
        if [each for each in box.wait(1) if isinstance(each, Record) and each.content.get("code") == "E-SOUND-CAP"]:
            restored_at = box.now
    assert restored_at is not None
    assert box.panel.shown_troubles == frozenset()
    assert sounds(box.press(POS))[0].until_ns == box.now + 180 * S


def test_remote_and_test_have_budgets_of_their_own() -> None:
    box = Box()
    spend(box, POS, 1000)
    box.wait(60)
    for purpose, budget_s in ((Purpose.REMOTE, 180), (Purpose.TEST, 60)):
        (sound,) = sounds(box.tell(SoundFor("jateng.fire", 600 * S, purpose, ANI)))
        assert sound.until_ns - box.now == budget_s * S
        box.wait(200)
        assert len(audits(box.tell(SoundFor("jateng.fire", 5 * S, purpose, ANI)), "refused")) == 1


def test_command_never_replaces_a_press_and_a_press_always_replaces_a_command() -> None:
    box = Box()
    box.tell(SoundFor("jateng.theft", 60 * S, Purpose.REMOTE, ANI))
    box.wait(5)
    assert sounds(box.press())[0].purpose is Purpose.PRESS
    assert sounds(box.tell(SoundFor("jateng.theft", 60 * S, Purpose.REMOTE, ANI))) == []
    assert hushes(box.tell(Silence("7c1f0b2e.2", ANI))) == [SIREN]


@pytest.mark.parametrize(
    ("pattern", "purpose", "reason"),
    [("nowhere.none", Purpose.TEST, "unknown pattern"), ("jateng.fire", Purpose.PRESS, "only a button presses")],
)
def test_sound_that_makes_no_sense_is_refused(pattern: str, purpose: Purpose, reason: str) -> None:
    (record,) = Box().tell(SoundFor(pattern, S, purpose, ANI))
    assert isinstance(record, Record)
    assert record.content["reason"] == reason


def test_sound_of_no_duration_ends_it() -> None:
    box = Box()
    effects = box.tell(SoundFor("jateng.fire", 30 * S, Purpose.TEST, ANI))
    assert records(effects, "test")[0].content["status"] == "test"
    assert hushes(box.tell(SoundFor("", 0, Purpose.TEST, ANI))) == [SIREN]


def test_presses_do_not_restart_the_pattern_into_a_steady_tone() -> None:
    box = Box()
    first = sounds(box.press(POS, held_s=0.3))[0]
    box.release(POS)
    again = sounds(box.press(POS, held_s=0.3))[0]
    assert (again.pattern, again.phase_ns) == ("jateng.titir", first.phase_ns)
    soon = sounds(box.press(FIRE, held_s=0.3))[0]
    assert (soon.zone, soon.pattern, soon.phase_ns) == (FIRE, "jateng.titir", first.phase_ns)
    (later,) = sounds(box.wait(4))
    assert (later.zone, later.pattern, later.phase_ns) == (FIRE, "jateng.fire", first.phase_ns + 4 * S)
    assert later.until_ns == soon.until_ns


def test_what_is_kept_stays_small_in_a_storm() -> None:
    box = Box()
    for _ in range(600):
        box.press(POS, held_s=0.3)
        box.release(POS)
        box.press(FIRE, held_s=0.3)
        box.release(FIRE)
    assert len(kept(box)) <= 65
    assert sum(each.until_ns - each.since_ns for each in kept(box) if not each.grace) <= 900 * S


# ---- start, crash, brown-out ---------------------------------------------------------------------------------------


def test_sound_goes_on_after_a_crash_and_the_spent_time_stays_spent() -> None:
    box = Box()
    (activation,) = sounds(box.press())
    again = Box()
    again.now = box.now + 20 * S
    keep, sound = again.take(again.panel.restore(kept(box), again.now))
    assert sound == Sound(activation)
    assert isinstance(keep, Keep)
    again.wait(1000)
    spend(again, POS, 2000)
    assert sum(each.until_ns - each.since_ns for each in kept(again)) == 900 * S


def test_what_was_over_before_the_crash_does_not_sound() -> None:
    box = Box()
    box.press()
    again = Box()
    assert again.panel.restore(kept(box), box.now + 180 * S) == []


def test_restored_sound_can_be_silenced_by_name_and_cancelled_by_the_key() -> None:
    box = Box()
    box.press()
    again = Box(start_s=10_010)
    again.take(again.panel.restore(kept(box), again.now))
    assert hushes(again.tell(Silence("7c1f0b2e.1", ANI))) == [SIREN]
    third = Box(start_s=10_010)
    third.take(third.panel.restore(kept(box), third.now))
    effects = third.press(KEY)
    assert hushes(effects) == [SIREN]
    assert records(effects, "alarm-update")[0].content["alarm"] == "7c1f0b2e.1"


def test_press_after_a_crash_is_an_alarm_of_its_own_that_takes_the_sound_over() -> None:
    box = Box()
    box.press()
    again = Box(start_s=10_010)
    again.take(again.panel.restore(kept(box), again.now))
    effects = again.press()
    assert len(records(effects, "alarm")) == 1
    alarm = records(effects, "alarm")[0].content["alarm"]
    assert isinstance(alarm, str)
    assert hushes(again.tell(Silence(alarm, ANI))) == [SIREN]


def test_kept_nonsense_is_not_trusted() -> None:
    box = Box()
    long = Activation(SIREN, Purpose.PRESS, "jateng.titir", "a.1", POS, box.now - S, box.now + 10**6 * S)
    future = Activation(SIREN, Purpose.PRESS, "jateng.titir", "a.2", POS, box.now + S, box.now + 9 * S)
    unknown = Activation(SounderId("gone"), Purpose.PRESS, "x", "a.3", POS, box.now, box.now + 9 * S)
    (sound,) = sounds(box.panel.restore([future, long, unknown], box.now))
    assert sound.until_ns == box.now + 180 * S


BOTH = (SounderPlan(SIREN, "relay"), SounderPlan(HORN, "audio", backup=True))


def test_backup_stays_quiet_until_two_brown_outs() -> None:
    box = Box(sounders=BOTH)
    assert [each.sounder for each in sounds(box.press())] == [SIREN]
    box.tell(Recalled(frozenset(), 1))
    assert box.panel.shown_troubles == frozenset()
    effects = box.tell(Recalled(frozenset(), 2))
    assert hushes(effects) == [SIREN]
    assert [each.sounder for each in sounds(effects)] == [HORN]
    assert records(effects, "trouble")[0].content["cid"] == "1312"
    box.release()
    assert [each.sounder for each in sounds(box.press())] == [HORN]


def test_brown_outs_without_a_backup_are_told_and_it_sounds_on() -> None:
    box = Box()
    box.tell(Recalled(frozenset(), 2))
    assert [each.sounder for each in sounds(box.press())] == [SIREN]
    assert box.panel.shown_troubles == {"E-BROWN-OUT"}


def test_broken_sounder_brings_the_backup_beside_it_at_once() -> None:
    box = Box(sounders=BOTH)
    box.press()
    effects = box.tell(Troubled("E-DEVICE-MISSING/sirene", "321", "gone"))
    assert [each.sounder for each in sounds(effects)] == [HORN]
    effects = box.tell(Restored("E-DEVICE-MISSING/sirene"))
    assert hushes(effects) == [HORN]


def test_site_without_sounders_still_alarms() -> None:
    (record,) = Box(sounders=()).press()
    assert isinstance(record, Record)
    assert record.content["sounder"] == {"pattern": "jateng.titir", "state": "none", "max_s": 0}


def test_stuck_is_a_trouble_once_and_restored_on_release() -> None:
    box = Box()
    box.press()
    (trouble,) = records(box.tell(Stuck(POS, box.now)), "trouble")
    assert trouble.content["cid"] == "1380"
    assert box.tell(Stuck(POS, box.now)) == []
    assert [each.content["cid"] for each in records(box.wait(60) + box.release(), "restoral")] == ["3380", "3120"]


def test_zone_recalled_stuck_that_is_open_now_is_restored_once() -> None:
    box = Box()
    (restoral,) = box.tell(Recalled(frozenset({POS}), 0))
    assert isinstance(restoral, Record)
    assert (restoral.event_class, restoral.content["cid"]) == (EventClass.RESTORAL, "3380")
    assert box.tell(Recalled(frozenset({POS}), 0)) == []


def test_zone_recalled_stuck_that_is_closed_is_a_trouble_until_released() -> None:
    box = Box()
    box.tell(Touched(POS, box.now))
    assert len(records(box.tell(Recalled(frozenset({POS}), 0)), "trouble")) == 1
    assert len(records(box.release(), "restoral")) == 1
