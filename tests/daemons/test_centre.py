"""The centre against real boxes' bytes, a real broker and real kills."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.mqtt_centre import WINDOW
from drivers.ports import Outcome
from edge.core.seal import Signer
from edge.core.words import EventClass
from edge.field.broker import find_broker
from tests.daemons.centre_world import FakeBox, World, dying_centre, wait_for

CACHE = Path(__file__).parents[2] / ".cache"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(find_broker(CACHE), tmp_path) as world:
        yield world


def keys(world: World) -> list[tuple[str, int, int]]:
    return [(row["epoch"], row["seq"], row["folded"]) for row in world.stored()]


def test_an_alarm_is_stored_shown_and_receipted(world: World) -> None:
    centre, box = world.centre(), world.box().connect()
    alarm = box.event(zone="masjid", presses=2)

    ticket = box.send(alarm)

    box.until_received(alarm)
    assert box.settled[ticket] is Outcome.PUBLISHED
    assert {receipt.receiver for receipt in box.receipts} == {"Pusat Uji"}
    (row,) = world.stored()
    assert (row["box"], row["zone"], row["alarm"], row["presses"]) == (box.name, "masjid", str(alarm.id), 2)
    wait_for(lambda: centre.lines("event"), "shown")
    (line,) = centre.lines("event")
    assert (line["box"], line["zone"], line["kept"], line["durable"]) == (box.name, "masjid", "new", True)


def test_the_same_bytes_again_fold_and_are_receipted_again(world: World) -> None:
    world.centre()
    box = world.box().connect()
    alarm = box.event()
    for times in range(1, 4):
        box.send(alarm)
        box.until_receipts(times)
    assert keys(world) == [(box.epoch, 1, 2)]


def test_a_batch_is_stored_event_by_event(world: World) -> None:
    world.centre()
    box = world.box().connect()
    batch = [box.event(zone=f"zone-{number}") for number in range(20)]

    box.publish("event/alarm", b"[" + b",".join(frozen.raw for frozen in batch) + b"]")

    box.until_received(*batch)
    assert [row["zone"] for row in world.stored()] == [f"zone-{number}" for number in range(20)]


def test_other_bytes_under_one_identity_are_both_kept_and_raise_an_alarm(world: World) -> None:
    world.centre()
    box = world.box().connect()
    first = box.event(1, zone="pos-ronda")
    box.send(first)
    box.until_received(first)

    second = box.event(1, zone="masjid")
    box.send(second)

    box.until_received(second)
    assert [row["zone"] for row in world.stored()] == ["pos-ronda", "masjid"]
    told = json.loads(world.run("troubles").stdout)
    assert [(notice["code"], notice["box"]) for notice in told["notices"]] == [("conflict", box.name)]


def test_a_beat_is_answered_with_its_nonce_and_a_gap_is_asked_for(world: World) -> None:
    world.centre()
    box = world.box().connect()
    one, _, three = box.event(), box.event(), box.event()
    for frozen in (one, three):
        box.send(frozen)
    box.until_received(one, three)

    box.beat("first")
    box.until(lambda: box.receipts[-1].beat == "first", "beat answered")
    assert not box.receipts[-1].ask  # it may still be under way
    box.beat("second")
    box.until(lambda: box.receipts[-1].beat == "second", "beat answered")
    assert box.receipts[-1].ask == ((box.epoch, 2, 2),)


def test_nothing_is_asked_for_that_the_box_still_has_waiting(world: World) -> None:
    world.centre()
    box = world.box().connect()
    box.beat("first", head=5, pending=5)
    box.beat("second", head=5, pending=5)
    box.until(lambda: any(receipt.beat == "second" for receipt in box.receipts), "beat answered")
    assert {receipt.ask for receipt in box.receipts} == {()}


def refused(world: World, reason: str) -> bool:
    return any(
        reason in row["reason"] for row in json.loads(world.run("troubles").stdout or '{"refusals": []}')["refusals"]
    )


def forgeries(box: FakeBox, other: FakeBox) -> dict[str, tuple[str, bytes]]:
    honest = box.event()
    stranger = other.event()
    broken = honest.raw[:-10] + (b"A" if honest.raw[-10:-9] != b"A" else b"B") + honest.raw[-9:]
    box.signer = Signer(bytes(32))
    foreign = box.event()
    return {
        "signature does not match": ("event/alarm", foreign.raw),
        "event": ("event/alarm", broken),
        "not an event": ("event/alarm", b"{}"),
        "larger than": ("event/alarm", b" " * 60_000),
        "not a batch": ("event/alarm", b"[" * 5000),
        "event of another class": ("event/audit", honest.raw),
        "signature does not match ": ("event/alarm", stranger.raw),
        "not a beat": ("beat", b"\xff\xfe"),
        "not a state": ("state", b"null"),
    }


def test_what_is_forged_or_broken_is_counted_and_never_receipted(world: World) -> None:
    centre = world.centre()
    box, other = world.box().connect(), world.box()
    box.event()
    sent = forgeries(box, other)

    tickets = [box.publish(leaf, raw, wrong=True) for leaf, raw in sent.values()]

    box.until(lambda: all(ticket in box.settled for ticket in tickets), "sent")
    wait_for(lambda: len(centre.lines("refused")) == len(sent), "refused")
    box.signer = Signer((box.home.secrets / "box.key").read_bytes())
    honest = box.event()
    box.send(honest)
    box.until_received(honest)
    assert box.received() == {honest.id}
    assert [row["seq"] for row in world.stored()] == [honest.id.seq]
    reasons = [line["reason"] for line in centre.lines("refused")]
    assert all(any(reason.startswith(expected.strip()) for reason in reasons) for expected in sent), reasons
    counted = json.loads(world.run("troubles").stdout)["refusals"]
    assert sum(row["count"] for row in counted) == len(sent)


def test_an_event_of_one_box_in_the_place_of_another_is_refused(world: World) -> None:
    """The broker's access list stops it; if that were open, the signature must."""
    centre = world.centre()
    box, thief = world.box().connect(), world.box()
    stolen = replace_source(thief, box)
    box.publish("event/alarm", stolen)
    wait_for(lambda: centre.lines("refused"), "refused")
    assert [line["reason"] for line in centre.lines("refused")] == ["event of another box"]
    assert world.stored() == []


def replace_source(thief: FakeBox, victim: FakeBox) -> bytes:
    """An event that the victim's own key has signed, but in the thief's name."""
    honest, thief.signer = thief.signer, victim.signer
    try:
        return thief.event().raw
    finally:
        thief.signer = honest


def test_a_box_that_was_never_admitted_is_not_heard(world: World) -> None:
    centre = world.centre()
    box = world.box()
    (world.places.boxes / f"{box.name}.jws").unlink()
    box.connect().send(box.event())
    wait_for(lambda: len(centre.lines("refused")) == 2, "its state and its event refused")
    assert {line["reason"] for line in centre.lines("refused")} == {"unknown box"}
    assert world.stored() == []


def test_killed_between_receive_and_commit_nothing_is_lost(world: World) -> None:
    dying = world.centre(program=dying_centre())
    box = world.box().connect()
    alarms = [box.event() for _ in range(50)]

    for alarm in alarms:
        box.send(alarm)
    box.until(lambda: not dying.alive, "the centre died with the events in its hands")
    dying.wait_killed()
    assert box.receipts == []
    assert world.stored() == []

    world.centre()
    box.until_received(*alarms)
    assert sorted(row["seq"] for row in world.stored()) == [alarm.id.seq for alarm in alarms]


def test_killed_again_and_again_each_event_is_there_once_and_no_receipt_lied(world: World) -> None:
    box = world.box().connect()
    kills = 0
    alarms = []
    for _ in range(4):
        centre = world.centre()
        batch = [box.event() for _ in range(120)]
        alarms += batch
        for alarm in batch:
            box.send(alarm)
        box.until_receipts(len(box.receipts) + 1)
        centre.kill()
        kills += 1
        promised = box.received()
        stored = {(row["epoch"], row["seq"]) for row in world.stored()}
        assert {(identity.epoch, identity.seq) for identity in promised} <= stored
    assert kills == 4
    world.centre()
    box.until_received(*alarms)
    assert sorted(row["seq"] for row in world.stored()) == [alarm.id.seq for alarm in alarms]


def test_a_disk_that_refuses_costs_time_and_no_event(world: World) -> None:
    """Its files may grow no further for a while: nothing is receipted that is not stored, and all of it in the end."""
    centre, box = world.centre(), world.box().connect()
    first = box.event()
    box.send(first)
    box.until_received(first)

    centre.limit_files(world.places.store.with_name("centre.db-wal").stat().st_size)
    late = [box.event() for _ in range(5)]
    for alarm in late:
        box.send(alarm)
    wait_for(lambda: [line for line in centre.lines("disconnected") if line["cause"] == "store"], "the disk refused")
    box.turn(0.2)
    assert box.received() == {first.id}

    centre.limit_files(None)
    box.until_received(*late)
    assert sorted(row["seq"] for row in world.stored()) == [1, 2, 3, 4, 5, 6]


def test_a_long_backlog_does_not_keep_a_centre_from_starting(world: World) -> None:
    """More than the broker may hand over unacknowledged waits before the subscription is confirmed."""
    world.centre().stop()
    box = world.box().connect()
    waiting = [box.event() for _ in range(WINDOW + 200)]
    tickets = [box.send(alarm) for alarm in waiting]
    box.until(lambda: all(ticket in box.settled for ticket in tickets), "queued at the broker")

    world.centre()

    box.until_received(*waiting)


def test_a_broker_that_goes_and_comes_back_is_found_again(world: World) -> None:
    centre = world.centre()
    world.broker.stop()
    wait_for(lambda: centre.lines("disconnected"), "disconnected")
    world.broker.start()
    wait_for(lambda: len(centre.lines("connected")) == 2, "connected again")
    box = world.box().connect()
    alarm = box.event()
    box.send(alarm)
    box.until_received(alarm)


def test_a_box_that_comes_and_goes_is_seen(world: World) -> None:
    centre = world.centre()
    box = world.box().connect()
    wait_for(lambda: centre.lines("online"), "seen")
    assert centre.lines("online")[0]["box"] == box.name


def test_a_stopped_centre_ends_in_order(world: World) -> None:
    centre = world.centre()
    assert centre.stop() == 0
    assert "Traceback" not in centre.words()


def test_a_second_centre_on_the_same_store_is_refused(world: World) -> None:
    world.centre()
    done = world.run("run")
    assert (done.returncode, "E-CENTRE-BUSY" in done.stderr) == (3, True)


def test_state_follows_the_order_of_events_not_of_arrival(world: World) -> None:
    world.centre()
    box = world.box().connect()
    alarm = box.event()
    cancelled = box.event(name="alarm-update", alarm=str(alarm.id), cancelled=True)
    restored = box.event(name="restoral", at=EventClass.RESTORAL, alarm=str(alarm.id))
    audited = box.event(name="audit", at=EventClass.AUDIT, alarm=str(alarm.id), what="silenced")
    stranger = box.event(name="audit", at=EventClass.AUDIT, alarm="00000000.1", what="refused")
    for frozen in (stranger, audited, restored, cancelled, alarm):
        box.send(frozen)
        box.until_received(frozen)
    (row,) = map(json.loads, world.run("list", "--json").stdout.splitlines())
    assert (row["open"], row["cancelled"], row["last"], row["kind"]) == (False, True, "restoral", "crime")


def test_what_a_box_had_not_stored_says_so(world: World) -> None:
    world.centre()
    box = world.box().connect()
    alarm = box.event()
    box.send(alarm, durable=False)
    box.until_received(alarm)
    assert [row["durable"] for row in world.stored()] == [False]


def test_a_site_that_differs_is_noticed_but_the_alarm_is_taken(world: World) -> None:
    world.centre()
    box = world.box().connect()
    box._site = replace(box.state(), site="33.74.10.1004-010-006").site  # type: ignore[assignment]  # test only
    alarm = box.event()
    box.send(alarm)
    box.until_received(alarm)
    assert [notice["code"] for notice in json.loads(world.run("troubles").stdout)["notices"]] == ["site"]
