"""The panel by example: presses, storms, silence, confirmation, silent zones."""

import pytest

from edge.core.words import (
    Activation,
    Cancel,
    EventClass,
    Keep,
    Pressed,
    Purpose,
    Record,
    Silence,
    Sound,
    Stuck,
    Switched,
    Touched,
)
from tests.unit.panel_box import (
    ANI,
    FIRE,
    HUSHED,
    KEY,
    MASJID,
    MS,
    POS,
    SIREN,
    Box,
    S,
    audits,
    hushes,
    number,
    records,
    sounds,
)

# ---- a press -------------------------------------------------------------------------------------------------------


def test_press_keeps_then_sounds_then_records() -> None:
    box = Box()
    keep, sound, record = box.press()
    assert isinstance(sound, Sound)
    assert sound.activation == Activation(
        SIREN,
        Purpose.PRESS,
        "jateng.titir",
        "7c1f0b2e.1",
        POS,
        since_ns=box.now,
        until_ns=box.now + 180 * S,
        phase_ns=box.now,
    )
    assert keep == Keep((sound.activation,))
    assert isinstance(record, Record)
    assert (record.event_class, record.name, record.subject, record.shown) == (
        EventClass.ALARM,
        "alarm",
        "zone/pos-ronda",
        True,
    )
    assert record.content == {
        "alarm": "7c1f0b2e.1",
        "kind": "crime",
        "cid": "1120",
        "status": "actual",
        "zone": "pos-ronda",
        "held_ms": 1000,
        "confirmed": False,
        "presses": 1,
        "sounder": {"pattern": "jateng.titir", "state": "sounding", "max_s": 180},
    }


def test_touch_alone_does_nothing() -> None:
    assert Box().tell(Touched(POS, 1)) == []


def test_short_press_is_an_audit_event() -> None:
    box = Box()
    (record,) = box.tap()
    assert isinstance(record, Record)
    assert record.event_class is EventClass.AUDIT
    assert record.content == {"what": "press-short", "count": 1, "lasted_ms": 200}


def test_two_short_presses_within_five_seconds_alarm() -> None:
    box = Box()
    box.tap()
    box.wait(4.7)
    effects = box.tap()
    assert len(sounds(effects)) == 1
    assert records(effects, "alarm")[0].content["presses"] == 2


@pytest.mark.parametrize(("gap_s", "lasted_ms"), [(5.1, 200), (1.0, 49)])
def test_two_short_presses_too_far_apart_or_too_short_do_not(gap_s: float, lasted_ms: int) -> None:
    box = Box()
    box.tap(lasted_ms=lasted_ms)
    box.wait(gap_s)
    box.tap(lasted_ms=lasted_ms)
    assert sounds(box.effects) == []


def test_short_presses_of_two_zones_are_no_pair() -> None:
    box = Box()
    box.tap(POS)
    box.tap(MASJID)
    assert sounds(box.effects) == []


def test_third_short_press_begins_a_new_pair() -> None:
    box = Box()
    box.tap()
    box.tap()
    assert sounds(box.tap()) == []
    assert len(sounds(box.tap())) == 1


def test_noise_is_counted_and_not_told_each_time() -> None:
    box = Box()
    for _ in range(100):
        box.tap(lasted_ms=10)
    box.wait(60)
    told = audits(box.effects, "press-short")
    assert len(told) == 2
    assert sum(number(each.content["count"]) for each in told) == 100


# ---- one alarm per storm -------------------------------------------------------------------------------------------


def test_press_within_the_storm_is_the_same_alarm_and_sounds_again() -> None:
    box = Box()
    box.press()
    box.release()
    box.wait(30)
    effects = box.press()
    assert records(effects, "alarm") == []
    assert sounds(effects)[0].until_ns == box.now + 180 * S
    assert records(effects, "alarm-update")[0].content["presses"] == 1


def test_press_after_the_storm_is_a_new_alarm() -> None:
    box = Box()
    box.press()
    box.release()
    box.wait(61)
    box.press()
    assert [each.content["alarm"] for each in box.records("alarm")] == ["7c1f0b2e.1", "7c1f0b2e.4"]


def test_without_a_storm_each_press_is_its_own_alarm() -> None:
    box = Box(storm_s=0)
    for _ in range(5):
        box.press()
        box.release()
    assert len(box.records("alarm")) == len(box.records("restoral")) == 5
    assert box.records("alarm-update") == []


def test_updates_come_at_most_every_five_seconds_and_add_up() -> None:
    box = Box()
    for _ in range(50):
        box.press(held_s=0.3)
        box.wait(0.3)
        box.release()
    box.wait(120)
    updates = box.records("alarm-update")
    assert len(box.records("alarm")) == 1
    assert 1 + sum(number(each.content["presses"]) for each in updates) == 50
    assert box.records("restoral")[0].content["total"] == 50
    assert len(updates) <= 30 / 5 + 2


def test_alarm_closes_with_one_restoral_when_released_and_calm() -> None:
    box = Box()
    box.press()
    box.wait(90)
    assert box.records("restoral") == []
    box.release()
    (restoral,) = box.records("restoral")
    assert restoral.event_class is EventClass.RESTORAL
    assert restoral.content["cid"] == "3120"
    assert restoral.content["alarm"] == "7c1f0b2e.1"
    assert box.panel.open_alarms == ()


def test_release_within_the_storm_is_told_as_an_update() -> None:
    box = Box()
    box.press()
    box.wait(10)
    effects = box.release()
    assert records(effects, "alarm-update")[0].content["released"] is True
    assert box.panel.open_alarms[0].presses == 1
    box.wait(60)
    assert len(box.records("restoral")) == 1


# ---- silence and cancel --------------------------------------------------------------------------------------------


def test_silence_hushes_and_a_new_press_sounds_again() -> None:
    box = Box()
    box.press()
    box.release()
    effects = box.tell(Silence("7c1f0b2e.1", ANI))
    assert hushes(effects) == [SIREN]
    assert audits(effects, "silenced")[0].content["by"] == "ani"
    assert len(sounds(box.press())) == 1


def test_silence_of_one_alarm_leaves_the_other_sounding() -> None:
    box = Box()
    box.press(POS)
    until = box.now + 180 * S
    box.wait(10)
    box.press(FIRE)
    box.wait(5)
    effects = box.tell(Silence("7c1f0b2e.2", ANI))
    assert hushes(effects) == []
    (resumed,) = sounds(effects)
    assert (resumed.zone, resumed.pattern, resumed.until_ns) == (POS, "jateng.titir", until)
    assert sounds(box.tell(Silence("7c1f0b2e.2", ANI))) == []
    assert hushes(box.tell(Silence("7c1f0b2e.1", ANI))) == [SIREN]


def test_unknown_alarm_is_refused_and_changes_nothing() -> None:
    box = Box()
    box.press()
    for wish in (Silence("0badc0de.1", ANI), Cancel("0badc0de.1", ANI)):
        effects = box.tell(wish)
        assert sounds(effects) == []
        assert hushes(effects) == []
        assert audits(effects, "refused")[0].content["reason"] == "unknown alarm"


def test_local_key_cancels_every_audible_alarm_and_none_that_is_silent() -> None:
    box = Box()
    box.press(POS)
    box.press(FIRE)
    box.press(HUSHED)
    effects = box.press(KEY, held_s=0.3)
    assert hushes(effects) == [SIREN]
    cancelled = [each for each in records(effects, "alarm-update") if each.content["cid"] == "1406"]
    assert {each.content["zone"] for each in cancelled} == {POS, FIRE}
    assert {each.content["where"] for each in cancelled} == {"local"}


def test_press_after_a_cancel_is_a_new_alarm() -> None:
    box = Box()
    box.press()
    box.release()
    box.tell(Cancel("7c1f0b2e.1", ANI))
    assert len(records(box.press(), "alarm")) == 1


def test_press_after_a_cancel_is_a_new_alarm_though_no_release_was_seen() -> None:
    box = Box()
    box.press()
    box.tell(Cancel("7c1f0b2e.1", ANI))
    assert len(records(box.press(), "alarm")) == 1


def test_key_hushes_an_alarm_that_is_over_but_still_sounds() -> None:
    box = Box()
    box.press()
    box.release()
    box.wait(90)
    assert box.panel.open_alarms == ()
    assert hushes(box.press(KEY)) == [SIREN]


def test_alarm_button_never_cancels_and_the_key_never_alarms() -> None:
    box = Box()
    box.press(KEY)
    box.tap(KEY)
    box.tap(KEY)
    assert box.records("alarm") == []
    assert len(audits(box.effects, "cancelled-nothing")) == 1


# ---- confirmation --------------------------------------------------------------------------------------------------


def test_second_held_press_on_another_zone_confirms_both() -> None:
    box = Box()
    box.press(POS)
    box.wait(300)
    effects = box.press(MASJID)
    (update,) = records(effects, "alarm-update")
    assert (update.content["alarm"], update.content["cid"], update.content["by_zone"]) == ("7c1f0b2e.1", "1129", MASJID)
    assert records(effects, "alarm")[0].content["confirmed"] is True


def test_confirmation_comes_once_per_alarm() -> None:
    box = Box()
    for zone in (POS, MASJID, POS, MASJID):
        box.press(zone)
        box.release(zone)
        box.wait(3)
    assert len([each for each in box.records("alarm-update") if each.content["cid"] == "1129"]) == 1


def test_same_zone_too_late_or_two_short_presses_do_not_confirm() -> None:
    box = Box()
    box.press(POS)
    box.release(POS)
    box.wait(100)
    box.press(POS)
    box.release(POS)
    box.wait(10)
    box.tap(MASJID)
    box.tap(MASJID)
    box.wait(481)
    box.press(FIRE)
    assert [each for each in box.records("alarm-update") if each.content["cid"] == "1129"] == []
    assert {each.content["confirmed"] for each in box.records("alarm")} == {False}


@pytest.mark.parametrize(("after_ms", "confirms"), [(-600, True), (-500, False), (0, False), (500, False), (501, True)])
def test_edge_near_a_switching_sounder_does_not_confirm(after_ms: int, confirms: bool) -> None:
    box = Box()
    box.press(POS)
    box.wait(5)
    box.tell(Switched(SIREN, True, box.now))
    edge = box.now + after_ms * MS
    box.wait(2)
    effects = box.tell(Pressed(MASJID, edge, S))
    assert records(effects, "alarm")[0].content["confirmed"] is confirms
    assert len(sounds(effects)) == 1


def test_cancelled_alarm_confirms_nothing() -> None:
    box = Box()
    box.press(POS)
    box.release(POS)
    box.press(KEY)
    assert records(box.press(MASJID), "alarm")[0].content["confirmed"] is False


# ---- silent zone ---------------------------------------------------------------------------------------------------


def test_silent_zone_only_records_and_is_never_shown() -> None:
    box = Box()
    (record,) = box.press(HUSHED)
    assert isinstance(record, Record)
    assert (record.content["cid"], record.shown) == ("1122", False)
    assert record.content["sounder"] == {"pattern": "", "state": "silent", "max_s": 0}
    assert box.panel.open_alarms == ()
    assert box.panel.is_silent(HUSHED)
    assert not box.panel.is_silent(POS)


def test_silent_press_confirms_without_a_trace_in_what_is_shown() -> None:
    box = Box()
    box.press(HUSHED)
    effects = box.press(POS)
    assert records(effects, "alarm")[0].content["confirmed"] is False
    confirmed = [each.content["zone"] for each in records(effects, "alarm-update") if each.content["cid"] == "1129"]
    assert confirmed == [HUSHED, POS]


def test_stuck_silent_contact_is_told_and_not_shown() -> None:
    box = Box()
    (trouble,) = box.tell(Stuck(HUSHED, box.now))
    assert isinstance(trouble, Record)
    assert trouble.event_class is EventClass.TROUBLE
    assert box.panel.shown_troubles == frozenset()
    box.tell(Stuck(POS, box.now))
    assert box.panel.shown_troubles == {"E-ZONE-STUCK/pos-ronda"}
