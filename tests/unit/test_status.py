"""What the alarm daemon answers at its socket: ages on the boot clock, causes, and nothing of a silent zone."""

import json

import msgspec
import pytest

from edge.core.status import PRIMARY, SECONDARY, Bearer, BoxStatus, Journey, Oldest
from edge.core.words import SECOND_NS, Troubled
from edge.daemons.alarm.voice import View
from edge.ledger.told import Opened, Stored
from edge.link.frames import FRAME_LIMIT, Ask, LinkState, Send, Status, pack
from tests.unit.panel_box import Box
from tests.unit.test_dispatch import EPOCH, OLD, World, event, waiting


@pytest.fixture
def world() -> World:
    return World()


def asked(world: World) -> BoxStatus:
    world.dispatch._hear(world.link.person, Ask("status", {}))
    answer = world.link.sent.pop()
    assert isinstance(answer, Status)
    return msgspec.json.decode(answer.raw, type=BoxStatus)


def oldest(told: BoxStatus) -> Oldest:
    assert told.oldest is not None
    return told.oldest


def test_a_silent_zone_is_seen_in_no_member(world: World) -> None:
    seen = View({"masjid": "normal", "warung": "normal"}, {"sirene": "quiet"}, silent=frozenset({"warung"}))
    world.voice.show(seen)
    world.up()
    before = asked(world)
    world.voice.show(View({"masjid": "normal", "warung": "closed"}, {"sirene": "quiet"}, silent=frozenset({"warung"})))
    world.dispatch.offer(event(1, shown=False), world.clock.now)
    world.turn()
    assert asked(world) == before
    assert before.zones == {"masjid": "normal"}
    assert "warung" not in str(before)


def test_the_oldest_alarm_that_the_lamp_follows_is_told_with_its_age(world: World) -> None:
    assert asked(world).oldest is None
    world.dispatch.offer(event(1, shown=False), world.clock.now)
    world.dispatch.offer(event(2), world.clock.now)
    world.turn()
    world.dispatch.offer(event(3), world.clock.now + 7 * SECOND_NS)
    world.turn(after_s=7)
    told = asked(world)
    assert (told.waiting, oldest(told).id, oldest(told).earlier) == (2, f"{EPOCH}.2", False)
    assert told.boot_ms - oldest(told).made_ms == 7000
    world.outbox.received([event(2).id])
    assert oldest(asked(world)).id == f"{EPOCH}.3"


def test_an_alarm_of_an_earlier_start_is_older_than_the_daemon_and_than_every_other(world: World) -> None:
    world.dispatch.offer(event(1), world.clock.now)
    world.turn(after_s=5)
    world.dispatch.told(Opened(2, None, {}, waiting(7, 8)))
    world.turn()
    told = asked(world)
    assert (oldest(told).id, oldest(told).earlier) == (f"{OLD}.7", True)
    assert told.boot_ms - oldest(told).made_ms == 5000  # at least


def test_the_bearer_says_which_of_two_brokers(world: World) -> None:
    world.up()
    assert asked(world).bearers["mqtt"].broker == PRIMARY
    world.turn(LinkState("mqtt", up=False, detail="lost"))
    assert asked(world).bearers["mqtt"].broker == ""
    world.turn(LinkState("mqtt", up=True, detail=SECONDARY))
    assert asked(world).bearers["mqtt"].broker == SECONDARY


def test_the_bearer_says_since_when_and_why(world: World) -> None:
    assert asked(world).bearers["mqtt"] == Bearer(detail="no bearer")
    world.up()
    came_ms = world.clock.now // 10**6
    world.turn(after_s=3)
    assert asked(world).bearers["mqtt"] == Bearer(up=True, since_ms=came_ms, broker=PRIMARY)
    world.turn(LinkState("mqtt", up=False, detail="timeout"), after_s=4)
    down = Bearer(since_ms=came_ms + 7000, detail="timeout")
    assert asked(world).bearers["mqtt"] == down
    world.turn(LinkState("mqtt", up=False, detail="timeout"), after_s=60)  # still down: since the first time
    assert asked(world).bearers["mqtt"] == down


def test_the_centres_last_answer_is_told_and_stays_when_it_falls_silent(world: World) -> None:
    world.up()
    assert (asked(world).answered_ms, asked(world).receiver) == (None, "")
    beat = next(json.loads(frame.raw) for frame in world.link.sent if isinstance(frame, Send) and frame.kind == "beat")
    assert world.voice.answered(beat["nonce"], "Pusat", world.clock.now)
    answered_ms = world.clock.now // 10**6
    world.turn(LinkState("mqtt", up=False, detail="timeout"), LinkState("mqtt", up=True), after_s=200)
    told = asked(world)
    assert (told.answered_ms, told.receiver) == (answered_ms, "Pusat")
    assert told.boot_ms - answered_ms == 200_000


def test_the_journey_of_the_newest_alarm_is_told_step_by_step(world: World) -> None:
    assert asked(world).journey is None
    made_ns = world.clock.now
    world.dispatch.offer(event(1), made_ns)
    world.turn()
    assert asked(world).journey == Journey(f"{EPOCH}.1", str(made_ns))
    world.dispatch.told(Stored((event(1).id,)))
    world.turn(after_s=0.25)
    assert asked(world).journey == Journey(f"{EPOCH}.1", str(made_ns), stored="250.00")


def test_a_trouble_tells_its_cause_and_a_silent_zones_trouble_does_not() -> None:
    box = Box()
    box.tell(Troubled("E-DEVICE-MISSING/sirene", "321", "GPIO23"))
    box.tell(Troubled("E-DEVICE-MISSING/kasir", "380", "GPIO5", lamp=False))
    assert box.panel.causes == {"E-DEVICE-MISSING/sirene": "GPIO23"}
    assert box.panel.shown_troubles == frozenset(box.panel.causes)


def test_causes_of_every_length_fit_one_frame(world: World) -> None:
    troubles = [f"E-DEVICE-MISSING/zone-{number:02}" for number in range(84)]  # every line that a box can have
    world.voice.show(View(troubles=tuple(troubles), causes=dict.fromkeys(troubles, '\x1b\udcff"é' * 5000)))
    world.dispatch._hear(world.link.person, Ask("status", {}))
    assert len(pack(world.link.sent.pop())) < FRAME_LIMIT
    assert len(asked(world).causes[troubles[0]]) > 40
    assert not [letter for letter in asked(world).causes[troubles[0]] if not letter.isprintable()]
