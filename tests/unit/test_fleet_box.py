"""A simulated box is a box: what it says fits the contract, and only a proved receipt ends an alarm."""

from dataclasses import dataclass

import pytest

from edge.centre.fleet.box import SimulatedBox
from edge.centre.fleet.roster import Identity
from edge.centre.fleet.tally import Tally, at, peak
from edge.core.delivery import Answer
from edge.core.events import Frozen, read_event
from edge.core.messages import Have, Receipt, digest_of, encode, read_beat
from edge.core.seal import Forged, Signer, sign_jws
from edge.core.timing import TimeQuality
from edge.core.words import BoxId, Epoch, EventClass, EventId, SiteId
from tests.pages import Said, flaws

BOX = BoxId("ktg-k7q2m7xa")
EPOCH = Epoch("7c1f0b2e")
CENTRE = Signer(bytes(32))


@dataclass
class StillClock:
    now_ns: int = 10**15

    def boot_ns(self) -> int:
        return self.now_ns

    def utc_ns(self) -> int:
        return self.now_ns

    def quality(self) -> TimeQuality:
        return TimeQuality.SYNCED


@pytest.fixture
def box() -> SimulatedBox:
    words = iter(f"word-{number}" for number in range(100))
    identity = Identity(BOX, SiteId("33.74.10.1004-010-005"), Signer(b"k" * 32))
    return SimulatedBox(
        identity, EPOCH, 7, StillClock(), key_of={"receipt-1": CENTRE.public}.get, random01=lambda: 0.5,
        token=lambda: next(words),
    )  # fmt: skip


def receipt(*events: Frozen, beat: str | None = None, ask: tuple[tuple[Epoch, int, int], ...] = ()) -> bytes:
    seqs = sorted(event.id.seq for event in events)
    have = (Have(EPOCH, ((seqs[0], seqs[-1]),), digest_of(event.digest for event in events)),) if events else ()
    said = Receipt(BOX, "Pusat", "2026-11-23T13:05:22.431Z", have, beat, ask)
    return sign_jws(encode(said), "receipt-1", CENTRE)


def test_all_that_it_says_fits_the_contract(box: SimulatedBox) -> None:
    alarm = box.press()
    state, will = box.speak()
    events = box.take(20, 0)
    assert [event.id for event in events] == [alarm, EventId(EPOCH, 1)]  # the alarm overtakes the start
    said = [Said(f"kentongan/v1/{BOX}/event/{event.event_class}", event.raw, 1, retain=False) for event in events]
    said += [Said(f"kentongan/v1/{BOX}/state", raw, 1, retain=True) for raw in (state, will)]
    said.append(Said(f"kentongan/v1/{BOX}/beat", box.beat(), 1, retain=False))
    assert [flaw for each in said for flaw in flaws(each)] == []


def test_its_alarms_say_that_they_are_an_exercise(box: SimulatedBox) -> None:
    box.press()
    (alarm, _) = box.take(20, 0)
    assert read_event(alarm.raw, Signer(b"k" * 32).public).data["status"] == "exercise"


def test_its_beat_tells_what_waits(box: SimulatedBox) -> None:
    box.press()
    beat = read_beat(box.beat(), Signer(b"k" * 32).public)
    assert (beat.head, beat.pending, beat.ordinal) == (2, 2, 7)


def test_only_a_receipt_for_these_very_bytes_ends_an_alarm(box: SimulatedBox) -> None:
    alarm = box.press()
    events = {event.id: event for event in box.take(20, 0)}
    box.answered(alarm, Answer.PUBLISHED, 0)
    other = Frozen(alarm, EventClass.ALARM, b"other bytes")

    assert box.hear(receipt(other)).refused == ("digest: differs",)
    with pytest.raises(Forged):
        box.hear(receipt(events[alarm])[:-4] + b"AAAA")
    assert (box.alarm_waits, box.waiting) == (True, 2)

    assert box.hear(receipt(events[alarm])).received == (alarm,)
    assert (box.alarm_waits, box.waiting) == (False, 1)
    assert box.hear(receipt(events[alarm])).received == ()  # again: nothing was waiting


def test_what_the_centre_asks_for_waits_again(box: SimulatedBox) -> None:
    alarm = box.press()
    first = box.take(20, 0)
    box.hear(receipt(*sorted(first, key=lambda event: event.id)))
    assert box.waiting == 0

    heard = box.hear(receipt(ask=((EPOCH, 1, 9),)))

    assert heard.asked == 2
    assert box.alarm_waits
    assert [event.id for event in box.take(20, 0)] == [alarm, EventId(EPOCH, 1)]


def test_an_answered_beat_frees_what_found_nobody(box: SimulatedBox) -> None:
    (start,) = box.take(20, 0)
    box.answered(start.id, Answer.NOBODY, 0)
    assert box.take(20, 1) == []
    box.beat()

    assert not box.hear(receipt(beat="another")).answers_beat
    assert box.hear(receipt(beat="word-0")).answers_beat

    assert box.take(20, 2) == [start]


# ---- what a fleet counts ---------------------------------------------------------------------------------------------


def test_a_peak_is_the_most_within_any_one_second() -> None:
    assert peak([]) == 0
    assert peak([0.0, 0.9, 1.0, 1.1, 1.89, 5.0]) == 4  # 0.9, 1.0, 1.1 and 1.89
    assert peak([0.0, 0.1, 0.2, 9.0], since_s=0.15) == 1


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert at([1.0, 2.0, 3.0], 0.5) == 2.0
    assert (at([1.0, 2.0], 1.0), at([], 0.5)) == (2.0, 0.0)


def test_a_box_that_pressed_while_the_broker_was_away_is_counted_from_its_press() -> None:
    tally, other = Tally(), BoxId("ktg-aaaaaaaa")
    for each in (BOX, other):
        tally.came(each, 1.0, alarm_waits=False)
    tally.broker_ends(10.0)
    for each in (BOX, other):
        tally.lost(each, "lost")
    tally.pressed(BOX, EventId(EPOCH, 2), 15.0, online=False)
    tally.broker_is_back(12.0)
    tally.came(BOX, 18.0, alarm_waits=True)
    tally.came(other, 30.0, alarm_waits=False)
    assert tally.outage is not None
    assert (tally.outage.hurried, tally.outage.back, tally.outage.away) == ({BOX: 3.0}, {other: 18.0}, set())


def test_a_box_may_be_back_before_the_broker_is_said_to_be() -> None:
    tally = Tally()
    tally.broker_ends(10.0)
    tally.lost(BOX, "lost")
    tally.came(BOX, 18.0, alarm_waits=False)
    assert tally.outage is not None
    assert tally.outage.back == {BOX: 0.0}
