"""A centre whose database is an old copy asks until everything is back; a card that was copied is noticed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.centre import reader
from edge.centre.receipts import ASK_LIMIT
from edge.core.events import Frozen
from edge.core.words import EventId
from edge.field.broker import find_broker
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import FakeBox, World, wait_for

CACHE = Path(__file__).parents[2] / ".cache"
EVENTS = 400
LATER = 100


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(find_broker(CACHE), tmp_path) as world:
        yield world


def sent(box: FakeBox, events: list[Frozen]) -> None:
    for event in events:
        box.send(event)
    box.until_received(*events)


def answered(box: FakeBox, nonce: str) -> int:
    """One beat, and what a box does at its receipt; returns how many ranges it was asked for."""
    box.beat(nonce)
    box.until(lambda: any(receipt.beat == nonce for receipt in box.receipts), f"the beat {nonce} answered")
    (asked,) = (receipt.ask for receipt in box.receipts if receipt.beat == nonce)
    again = [box.made[EventId(epoch, seq)] for epoch, first, last in asked for seq in range(first, last + 1)]
    box.forget_receipts()
    sent(box, again)
    return len(asked)


def test_a_store_restored_from_an_old_copy_gets_everything_back_by_asking(world: World, tmp_path: Path) -> None:
    """The copy was made when every second event was still on its way: more holes than one receipt has room for."""
    centre, box = world.centre(), world.box().connect()
    events = [box.event() for _ in range(EVENTS)]
    sent(box, events[1::2])
    answered(box, "before the copy")
    assert centre.stop() == 0
    shutil.copy(world.places.store, tmp_path / "copy.db")
    centre = world.centre()
    sent(box, events[::2])
    sent(box, [box.event() for _ in range(LATER)])
    answered(box, "after the copy")
    assert centre.stop() == 0
    for name in ("centre.db", "centre.db-wal", "centre.db-shm"):
        world.places.store.with_name(name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy.db", world.places.store)

    world.centre()
    asked = [answered(box, f"restored {number}") for number in range(8)]

    assert max(asked) == ASK_LIMIT
    assert asked[-1] == 0
    assert sum(count > 0 for count in asked) >= 3
    stored = [(row["epoch"], row["seq"], row["digest"]) for row in reader.export(world.places.store)]
    assert sorted(stored) == [(i.epoch, i.seq, made.digest.hex()) for i, made in sorted(box.made.items())]


def pressed(stage: Stage, times: int) -> None:
    """Presses of the lab's quick buttons, each stored at the centre and receipted to the box before this returns."""
    for zone in stage.site.zones[:times]:
        before = newest(stage)
        stage.wires.press(stage.line_of(zone.id))
        wait_for(lambda before=before: newest(stage) != before, "it is an alarm")  # type: ignore[misc]
        stage.wires.release(stage.line_of(zone.id))
    wait_for(lambda: set(ask_status(stage.places)["zones"].values()) == {"normal"}, "let go")
    wait_for(lambda: not ask_status(stage.places)["waiting"], "all received")


def newest(stage: Stage) -> object:
    journey = ask_status(stage.places)["journey"]
    return journey["id"] if journey else None


def test_a_real_box_gives_a_restored_centre_what_it_was_receipted_for_long_ago(tmp_path: Path) -> None:
    """Nothing at the box says that anything is missing: every row of its ledger has its receipt."""
    with Stage(tmp_path / "stage", cache=CACHE, kit="lab", beat_s=0.5) as stage:
        store = stage.centre_places.store
        stage.start()
        wait_for(lambda: ask_status(stage.places)["online"], "the box is online")
        pressed(stage, 3)
        assert stage.centre.stop() == 0
        shutil.copy(store, tmp_path / "copy.db")
        stage.centre.start()
        pressed(stage, 6)
        before = alarms(store)
        assert len(before) == len(set(before)) == 9
        assert stage.centre.stop() == 0
        for name in ("centre.db", "centre.db-wal", "centre.db-shm"):
            store.with_name(name).unlink(missing_ok=True)
        shutil.copy(tmp_path / "copy.db", store)
        assert len(alarms(store)) == 3

        stage.centre.start()
        wait_for(lambda: alarms(store) == before, "everything is back")
        wait_for(lambda: not ask_status(stage.places)["waiting"], "and receipted again")


def alarms(store: Path) -> list[str]:
    return sorted(f"{row['epoch']}.{row['seq']}" for row in reader.export(store) if row["name"] == "alarm")


def test_both_boxes_of_a_copied_card_are_heard_and_noticed(world: World) -> None:
    """They have one name and one key; each start has an epoch of its own, so no press hides another."""
    world.centre()
    first = world.box()
    heads = {"0000aaaa": 0, "0000bbbb": 0}
    for turn in range(3):
        for epoch, head in heads.items():
            box = world.twin(first.home, first.name, epoch=epoch)
            box.head = head
            box.connect()
            press = box.event(zone=f"zone-{turn}")
            sent(box, [press])
            box.beat(f"{epoch}-{turn}", ordinal=7)
            box.until_receipts(2)
            heads[epoch] = box.head
            box.close()

    stored = {(row["epoch"], row["seq"]) for row in world.stored()}
    assert stored == {(epoch, seq) for epoch in heads for seq in (1, 2, 3)}
    (notice,) = reader.troubles(world.places.store)["notices"]
    assert (notice["code"], notice["box"]) == ("twice", first.name)
    assert "0000aaaa and 0000bbbb" in str(notice["text"])
