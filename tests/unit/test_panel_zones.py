"""The panel by example: bypass, walk test, troubles and notes."""

from edge.core.words import (
    Brief,
    Bypass,
    Epoch,
    EventClass,
    Gone,
    LostEdge,
    Noted,
    Pressed,
    Recalled,
    Record,
    Released,
    Restored,
    SounderId,
    Stimulus,
    Stuck,
    Switched,
    Touched,
    Troubled,
    WalkTest,
    ZoneId,
)
from tests.unit.panel_box import ANI, FIRE, HUSHED, MASJID, MS, POS, Box, S, audits, number, records, sounds

# ---- bypass and walk test ------------------------------------------------------------------------------------------


def test_bypassed_zone_only_leaves_an_audit_event_and_comes_back_by_itself() -> None:
    box = Box()
    (bypass,) = box.tell(Bypass(POS, 100 * 3600 * S, ANI))
    assert isinstance(bypass, Record)
    assert (bypass.event_class, bypass.content["cid"], bypass.content["for_s"]) == (
        EventClass.TROUBLE,
        "1570",
        8 * 3600,
    )
    (audit,) = box.press()
    assert isinstance(audit, Record)
    assert audit.content["what"] == "press-bypassed"
    box.release()
    assert set(box.panel.bypassed) == {POS}
    (restoral,) = records(box.wait(8 * 3600), "bypass")
    assert restoral.content["cid"] == "3570"
    assert len(sounds(box.press())) == 1


def test_last_zone_in_service_is_never_bypassed() -> None:
    box = Box()
    for zone in (POS, MASJID, FIRE):
        box.tell(Bypass(zone, 3600 * S, ANI))
    assert len(audits(box.tell(Bypass(HUSHED, 3600 * S, ANI)), "refused")) == 1
    assert set(box.panel.bypassed) == {POS, MASJID, FIRE}
    box.tell(Bypass(POS, 0, ANI))
    assert HUSHED not in box.panel.bypassed
    assert len(records(box.tell(Bypass(HUSHED, 3600 * S, ANI)), "bypass")) == 1


def test_unknown_zone_is_refused_or_audited() -> None:
    box = Box()
    nowhere = ZoneId("nowhere")
    stimuli: list[Stimulus] = [
        Touched(nowhere, 1),
        Pressed(nowhere, 1, 1),
        Brief(nowhere, 1, 1),
        Released(nowhere, 1),
        Stuck(nowhere, 1),
        LostEdge(nowhere, 1),
        Switched(SounderId("nowhere"), True, 1),
        Recalled(frozenset({nowhere}), 0),
        Bypass(nowhere, S, ANI),
    ]
    effects = [effect for each in stimuli for effect in box.tell(each)] + box.wait(10)
    assert {each.event_class for each in effects if isinstance(each, Record)} == {EventClass.AUDIT}
    assert len(effects) == 4  # unknown zone now, the rest as a count; unknown sounder; refused bypass
    assert sum(number(each.content["count"]) for each in audits(effects, "unknown-zone")) == 7


def test_walk_test_records_tests_without_sound() -> None:
    box = Box()
    (begun,) = box.tell(WalkTest(3600 * S, ANI))
    assert isinstance(begun, Record)
    assert (begun.event_class, begun.content["for_s"]) == (EventClass.TEST, 900)
    (test,) = box.press()
    assert isinstance(test, Record)
    assert (test.event_class, test.content["cid"], test.content["status"]) == (EventClass.TEST, "1607", "test")
    box.wait(1.9)
    assert box.release() == []
    assert box.wait(10) == []


def test_press_held_three_seconds_in_a_walk_test_is_real() -> None:
    box = Box()
    box.tell(WalkTest(900 * S, ANI))
    box.press()
    edge = box.now - S
    effects = box.wait(2)
    assert box.now == edge + 3 * S
    assert len(sounds(effects)) == 1
    assert records(effects, "alarm")[0].content["held_ms"] == 3000
    assert records(effects, "alarm")[0].content["status"] == "actual"


def test_release_before_three_seconds_that_arrives_late_was_a_test() -> None:
    box = Box()
    box.tell(WalkTest(900 * S, ANI))
    box.press()
    edge = box.now - S
    box.now = edge + 3 * S + 30 * MS
    assert box.tell(Released(POS, edge + 3 * S - 10 * MS)) == []


def test_walk_test_ends_by_itself_and_a_press_then_sounds() -> None:
    box = Box()
    box.tell(WalkTest(60 * S, ANI))
    (ended,) = box.wait(60)
    assert isinstance(ended, Record)
    assert ended.content["running"] is False
    assert box.panel.walk_test_until_ns is None
    assert len(sounds(box.press())) == 1


def test_alarm_that_was_open_before_the_walk_test_stays_real() -> None:
    box = Box()
    box.press()
    box.release()
    box.tell(WalkTest(60 * S, ANI))
    assert len(sounds(box.press())) == 1


# ---- parts ---------------------------------------------------------------------------------------------------------


def test_trouble_is_told_once_and_restored_once() -> None:
    box = Box()
    (trouble,) = box.tell(Troubled("E-BROKER-AWAY", "354", "no answer"))
    assert isinstance(trouble, Record)
    assert trouble.content == {"code": "E-BROKER-AWAY", "cid": "1354", "status": "actual", "text": "no answer"}
    assert box.tell(Troubled("E-BROKER-AWAY", "354", "no answer")) == []
    assert box.panel.shown_troubles == {"E-BROKER-AWAY"}
    (restoral,) = box.tell(Restored("E-BROKER-AWAY"))
    assert isinstance(restoral, Record)
    assert restoral.content["cid"] == "3354"
    assert box.tell(Restored("E-BROKER-AWAY")) == []


def test_trouble_that_the_lamp_must_not_show_is_told_all_the_same() -> None:
    box = Box()
    assert len(box.tell(Troubled("E-LOOP/kasir", "", "cut", lamp=False))) == 1
    assert box.panel.shown_troubles == frozenset()


def test_noted_is_an_audit_event() -> None:
    (record,) = Box().tell(Noted("anchor", {"utc": "2026-11-23T13:05:22Z", "what": "not this"}))
    assert isinstance(record, Record)
    assert record.content == {"what": "anchor", "utc": "2026-11-23T13:05:22Z"}


def test_what_can_never_be_sent_is_told_as_the_centre_counts_it() -> None:
    (record,) = Box().tell(Gone(Epoch("7c1f0b2e"), ((3, 5), (9, 9))))
    assert isinstance(record, Record)
    assert (record.event_class, record.name) == (EventClass.AUDIT, "lost")
    assert record.content == {"epoch": "7c1f0b2e", "ranges": [[3, 5], [9, 9]]}


def test_lost_edges_are_counted() -> None:
    box = Box()
    for _ in range(7):
        box.tell(LostEdge(POS, box.now))
    box.wait(6)
    assert sum(number(each.content["count"]) for each in audits(box.effects, "lost-edge")) == 7


def test_a_zone_stays_out_of_service_over_a_restart_and_comes_back_in_time() -> None:
    box = Box()
    box.take(box.panel.restore([], box.now, {POS: box.now + 60 * S, ZoneId("gone"): box.now + 60 * S}))
    assert box.panel.bypassed == {POS: box.now + 60 * S}
    box.press(POS)
    assert not sounds(box.effects)
    box.wait(61)
    assert box.panel.bypassed == {}
    (back,) = box.records("bypass")
    assert (back.event_class, back.content["bypassed"]) == (EventClass.RESTORAL, False)


def test_what_was_kept_never_takes_the_last_zone_out_of_service() -> None:
    box = Box()
    box.take(box.panel.restore([], box.now, dict.fromkeys((POS, MASJID, FIRE, HUSHED), box.now + 60 * S)))
    assert len(box.panel.bypassed) == 3


def test_it_is_quiet_when_nobody_calls_and_nobody_could_confirm() -> None:
    box = Box()
    assert box.panel.is_quiet(box.now)
    box.press(POS)
    box.release(POS)
    assert not box.panel.is_quiet(box.now)
    box.wait(181)
    assert not box.panel.is_quiet(box.now)  # silent by now, but a second press would still confirm it
    box.wait(8 * 60)
    assert box.panel.is_quiet(box.now)


def test_a_silent_alarm_and_a_walk_test_are_no_quiet_either() -> None:
    box = Box()
    box.press(HUSHED)
    assert not box.panel.is_quiet(box.now)
    box = Box()
    box.tell(WalkTest(60 * S, ANI))
    assert not box.panel.is_quiet(box.now)
