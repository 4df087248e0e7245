"""A lamp never shows more than can be proved: examples, a model, and rhythms that can be told apart."""

from itertools import combinations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge.core.lamps import BLINK, RECEIVED_NS, REMEMBERED, TOUCH_NS, Face, Lamps
from edge.core.patterns import at
from edge.core.words import Epoch, EventId

S = 1_000_000_000
MS = 1_000_000


def event(seq: int) -> EventId:
    return EventId(Epoch("7c1f0b2e"), seq)


def test_a_press_goes_from_touched_to_sending_to_received_to_armed() -> None:
    lamps = Lamps()
    assert lamps.face(0) is Face.SIAGA
    lamps.touched(0)
    assert lamps.face(1) is Face.DITEKAN
    lamps.raised(event(1))
    assert lamps.face(S) is Face.DITEKAN
    lamps.stored(event(1), S + 5 * MS)
    assert lamps.face(S + 5 * MS) is Face.MENGIRIM
    lamps.received(event(1), 2 * S)
    assert lamps.face(2 * S) is Face.DITERIMA
    assert lamps.due_ns == 2 * S + RECEIVED_NS
    assert lamps.face(2 * S + RECEIVED_NS) is Face.SIAGA
    assert lamps.due_ns is None


def test_a_touch_that_comes_to_nothing_goes_out() -> None:
    lamps = Lamps()
    lamps.touched(0)
    assert lamps.face(0) is Face.DITEKAN
    assert lamps.due_ns == TOUCH_NS
    assert lamps.face(TOUCH_NS) is Face.SIAGA


def test_numbered_but_not_stored_is_not_sending_even_while_another_is() -> None:
    lamps = Lamps()
    lamps.stored(event(1), 0)
    lamps.raised(event(2))
    assert lamps.face(0) is Face.DITEKAN
    lamps.stored(event(2), 1)
    assert lamps.face(1) is Face.MENGIRIM


def test_received_needs_every_alarm() -> None:
    lamps = Lamps()
    lamps.stored(event(1), 0)
    lamps.stored(event(2), 0)
    lamps.received(event(1), 1)
    assert lamps.face(2) is Face.MENGIRIM
    lamps.received(event(2), 3)
    assert lamps.face(4) is Face.DITERIMA


def test_alarm_that_no_disk_holds_is_sent_with_a_fault_until_it_is_stored() -> None:
    lamps = Lamps()
    lamps.undurable(event(1), 0)
    assert lamps.face(0) is Face.GANGGUAN_MENGIRIM
    lamps.stored(event(1), 1)
    assert lamps.face(1) is Face.MENGIRIM
    lamps.undurable(event(1), 2)
    assert lamps.face(2) is Face.MENGIRIM


def test_trouble_and_bypass_show_and_a_receipt_is_shown_over_them_for_its_time() -> None:
    lamps = Lamps()
    lamps.troubled("uplink")
    assert lamps.face(0) is Face.GANGGUAN
    lamps.stored(event(1), 0)
    assert lamps.face(0) is Face.GANGGUAN_MENGIRIM
    lamps.received(event(1), 1)
    assert lamps.face(1) is Face.DITERIMA
    lamps.restored("uplink")
    lamps.bypassed(frozenset({"masjid"}))
    assert lamps.face(1 + RECEIVED_NS) is Face.GANGGUAN
    lamps.bypassed(frozenset())
    assert lamps.face(2 + RECEIVED_NS) is Face.SIAGA


def test_late_commit_of_a_received_alarm_does_not_light_sending_again() -> None:
    lamps = Lamps()
    lamps.undurable(event(1), 0)
    lamps.received(event(1), 1)
    lamps.stored(event(1), 2)
    lamps.raised(event(1))
    assert lamps.face(2) is Face.DITERIMA


def test_a_receipt_that_is_told_before_the_commit_ends_the_flicker_too() -> None:
    lamps = Lamps()
    lamps.touched(0)
    lamps.raised(event(1))
    lamps.received(event(1), 5 * MS)
    lamps.stored(event(1), 6 * MS)
    assert lamps.face(6 * MS) is Face.DITERIMA
    lamps.touched(S)
    lamps.received(event(1), S + MS)  # told again, it says nothing of this touch
    assert lamps.face(S + MS) is Face.DITEKAN


def test_a_receipt_of_an_alarm_that_was_stored_before_says_nothing_of_a_new_touch() -> None:
    lamps = Lamps()
    lamps.stored(event(1), 0)
    lamps.touched(S)
    lamps.received(event(1), S + MS)
    assert lamps.face(S + MS) is Face.DITEKAN


def test_alarm_that_can_no_longer_be_delivered_stops_sending() -> None:
    lamps = Lamps()
    lamps.stored(event(1), 0)
    lamps.lost(event(1))
    assert lamps.face(1) is Face.SIAGA


def test_memory_of_receipts_is_bounded() -> None:
    lamps = Lamps()
    for seq in range(2 * REMEMBERED):
        lamps.received(event(seq), 0)
    assert len(lamps._received) == REMEMBERED


class LampAndWitness(RuleBasedStateMachine):
    """Beside the lamp stands a witness that knows, per alarm, all that was ever told of it."""

    @initialize()
    def begin(self) -> None:
        self.lamps = Lamps()
        self.now = 0
        self.told: dict[EventId, set[str]] = {}
        self.troubles: set[str] = set()
        self.bypassed: frozenset[str] = frozenset()
        self.last_receipt = -(10**18)

    alarms = st.integers(1, 6).map(event)

    @rule(ns=st.sampled_from([1, 5 * MS, TOUCH_NS, 60 * S, RECEIVED_NS]))
    def time_passes(self, ns: int) -> None:
        self.now += ns

    @rule()
    def somebody_touches(self) -> None:
        self.lamps.touched(self.now)

    @rule(alarm=alarms, what=st.sampled_from(["raised", "stored", "undurable", "received", "lost"]))
    def told_of(self, alarm: EventId, what: str) -> None:
        if what == "raised":
            self.lamps.raised(alarm)
        elif what == "lost":
            self.lamps.lost(alarm)
        else:
            getattr(self.lamps, what)(alarm, self.now)
        known = self.told.setdefault(alarm, set())
        if what == "received" and "received" not in known:
            self.last_receipt = self.now
        if what == "lost":
            known.discard("raised")
            known.discard("stored")
            known.discard("undurable")
        else:
            known.add(what)

    @rule(code=st.sampled_from("ab"), works=st.booleans())
    def part_reports(self, code: str, works: bool) -> None:
        if works:
            self.lamps.restored(code)
            self.troubles.discard(code)
        else:
            self.lamps.troubled(code)
            self.troubles.add(code)

    @rule(zones=st.frozensets(st.sampled_from(["pos", "masjid"])))
    def zones_bypassed(self, zones: frozenset[str]) -> None:
        self.lamps.bypassed(zones)
        self.bypassed = zones

    @invariant()
    def never_more_than_can_be_proved(self) -> None:
        face = self.lamps.face(self.now)
        waiting = [known for known in self.told.values() if known and "received" not in known]
        broken = bool(self.troubles or self.bypassed)
        if face is Face.MENGIRIM:
            assert waiting
            assert all("stored" in known for known in waiting)
            assert not broken
        if face is Face.GANGGUAN_MENGIRIM:
            assert waiting
            assert all(known & {"stored", "undurable"} for known in waiting)
        if face is Face.DITERIMA:
            assert not waiting
            assert self.now < self.last_receipt + RECEIVED_NS
        if face is Face.SIAGA:
            assert not waiting
            assert not broken
        if face is Face.GANGGUAN:
            assert broken

    @invariant()
    def the_face_holds_until_it_is_due(self) -> None:
        face, due = self.lamps.face(self.now), self.lamps.due_ns
        if due is not None:
            assert due > self.now
            assert self.lamps.face(due - 1) is face


TestLampAndWitness = LampAndWitness.TestCase
TestLampAndWitness.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def sampled(face: Face, offset: int = 0) -> list[bool]:
    return [at(BLINK[face], (offset + n) * 50 * MS).on for n in range(240)]


@pytest.mark.parametrize(("one", "other"), list(combinations(Face, 2)))
def test_two_faces_differ_by_rhythm_wherever_one_begins_to_look(one: Face, other: Face) -> None:
    seen = sampled(one)
    nearest = min(
        sum(a != b for a, b in zip(seen, sampled(other, offset), strict=True))
        for offset in range(BLINK[other].cycle_ns // (50 * MS))
    )
    assert nearest / len(seen) >= 0.1


@pytest.mark.parametrize("face", Face)
def test_no_face_is_dark_or_flashes_more_than_three_times_a_second(face: Face) -> None:
    timeline = BLINK[face]
    strokes = [step for step in timeline.steps if step.on]
    assert len(strokes) / (timeline.cycle_ns / S) <= 3
    assert timeline.cycle_ns <= 4 * S


def test_who_looks_for_the_box_sees_it_and_never_instead_of_an_alarm() -> None:
    lamps = Lamps()
    lamps.troubled("E-X")
    lamps.identify(60 * S)
    assert lamps.face(0) is Face.KENALI
    assert lamps.due_ns == 60 * S
    lamps.touched(0)
    assert lamps.face(0) is Face.DITEKAN
    lamps.stored(event(1), 1)
    assert lamps.face(1) is Face.GANGGUAN_MENGIRIM
    lamps.received(event(1), 2)
    assert lamps.face(2) is Face.DITERIMA
    assert lamps.face(60 * S) is Face.DITERIMA
    assert lamps.face(2 + RECEIVED_NS) is Face.GANGGUAN
