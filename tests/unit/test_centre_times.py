"""An event whose box did not know the time: as said, and corrected beside it, never in its place."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.centre import reader
from edge.centre.ingest import Taken
from edge.centre.kept import Kept
from edge.centre.lines import line_of
from edge.centre.places import CentrePlaces
from edge.centre.store import Store
from edge.centre.stored import Feed
from edge.centre.webhook import time_headers
from edge.core.events import Author, Event, canonical, freeze, read_event
from edge.core.seal import Signer, b64
from edge.core.timing import ANCHOR, Stamp, TimeQuality, anchor_content
from edge.core.words import SECOND_NS, BoxId, Epoch, EventClass, EventId, Json, Record, SiteId

SIGNER = Signer(bytes(range(32)))
BOX, OTHER = BoxId("ktg-k7q2m9xa"), BoxId("ktg-aaaaaaaa")
EPOCH, LATER = Epoch("7c1f0b2e"), Epoch("0000beef")
BOOT, NEXT_BOOT = "5f0e2a9c", "0badcafe"
BORN_NS = 1_795_525_522_000_000_000
PRESSED_NS = 100 * SECOND_NS
SAID = "1970-01-01T00:01:40.000Z"
TRUE = "2026-11-24T13:07:02.000Z"


def made(
    seq: int,
    when: Stamp,
    name: str = "alarm",
    *,
    box: BoxId = BOX,
    epoch: Epoch = EPOCH,
    boot: str = BOOT,
    **said: Json,
) -> Event:
    author = Author(box, SiteId("33.74.10.1004-010-005"), epoch, boot)
    event_class = EventClass.AUDIT if name == "audit" else EventClass.ALARM
    record = Record(EventId(epoch, seq), event_class, name, "box", said)
    return read_event(freeze(record, when, author, SIGNER).raw, SIGNER.public)


def press(seq: int = 2, **where: object) -> Event:
    """Made while the box thought it was 1970."""
    when = Stamp(PRESSED_NS, PRESSED_NS, TimeQuality.UNSYNCED)
    said: dict[str, Json] = {"kind": "crime", "cid": "1120", "status": "actual", "held_ms": 1000, "confirmed": False}
    return made(seq, when, alarm=f"{EPOCH}.{seq}", zone="pos-ronda", **said, **where)  # type: ignore[arg-type]


def anchor(seq: int, *, off_s: int = 0, of: str = BOOT, quality: str = "synced", **where: object) -> Event:
    now = Stamp(BORN_NS + (500 + off_s) * SECOND_NS, 500 * SECOND_NS, TimeQuality(quality))
    return made(seq, now, "audit", what=ANCHOR, **anchor_content(now, of), **where)  # type: ignore[arg-type]


@pytest.fixture
def path(root: Path) -> Path:
    return CentrePlaces(root).store


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


def put(store: Store, *events: Event) -> None:
    with store.group(BORN_NS) as group:
        for event in events:
            group.put(event)


def corrections(path: Path) -> list[Json]:
    return [row["corrected"] for row in reader.export(path)]


def test_an_anchor_corrects_what_came_before_it_and_keeps_what_was_said(store: Store, path: Path) -> None:
    put(store, press())
    assert corrections(path) == [None]
    put(store, anchor(3))
    told, _ = reader.export(path)
    assert (told["time"], told["timequality"]) == (SAID, "unsynced")
    assert told["corrected"] == {"time": TRUE, "quality": "synced", "error_ms": 40, "disputed": False}
    assert told["digest"] == hashlib.sha256(press().raw).hexdigest()


def test_an_anchor_that_arrived_first_serves_as_well_and_over_a_restart_in_the_boot(store: Store, path: Path) -> None:
    put(store, anchor(3), press(epoch=LATER))
    assert [row and row["time"] for row in corrections(path)][1] == TRUE  # type: ignore[index, call-overload]


def test_another_boot_and_another_box_are_not_corrected_by_it(store: Store, path: Path) -> None:
    put(store, anchor(3), press(boot=NEXT_BOOT), press(3, epoch=LATER, box=OTHER))
    assert corrections(path)[1:] == [None, None]


def test_a_box_cannot_vouch_for_a_boot_that_it_does_not_speak_from(store: Store, path: Path) -> None:
    put(store, press(), anchor(3, of=NEXT_BOOT), anchor(4, of=BOOT, boot=NEXT_BOOT))
    assert corrections(path) == [None, None, None]


def test_two_anchors_that_disagree_leave_a_dispute_in_sight(store: Store, path: Path) -> None:
    put(store, press(), anchor(3), anchor(4, off_s=3600))
    first = corrections(path)[0]
    assert isinstance(first, dict)
    assert (first["disputed"], first["error_ms"]) == (True, 3_600_000)


def test_alarms_are_listed_with_both_times(store: Store, path: Path) -> None:
    put(store, press(), anchor(3))
    (alarm,) = reader.alarms(path)
    assert alarm.time == SAID
    assert alarm.corrected is not None
    assert alarm.corrected["time"] == TRUE


def test_the_order_stays_that_of_the_box_whatever_the_times_say(store: Store, path: Path) -> None:
    put(store, anchor(1), press(3), press(2))
    assert [alarm.alarm for alarm in reader.alarms(path)] == [f"{EPOCH}.3", f"{EPOCH}.2"]


def test_what_is_forwarded_carries_the_corrected_time_beside_the_frozen_bytes(store: Store, path: Path) -> None:
    put(store, press(), anchor(3))
    feed = Feed(path)
    assert feed.raw(1) == press().raw
    assert time_headers(feed.corrected(1)) == {
        "kentongan-corrected-time": TRUE,
        "kentongan-corrected-quality": "synced; error=40ms",
    }
    assert time_headers(feed.corrected(99)) == {}


def test_the_live_line_has_both(store: Store) -> None:
    put(store, anchor(3))
    with store.group(1) as group:
        found = group.corrected(press())
    line = line_of(Taken(press(), Kept.NEW, durable=True, received_ns=BORN_NS + 101 * SECOND_NS, corrected=found), 0)
    assert (line["time"], line["timequality"], line["corrected"], line["late_ms"]) == (SAID, "unsynced", TRUE, 1000)


@pytest.mark.parametrize("clock", ["9" * 19, "0"])
def test_a_boot_clock_that_lies_costs_nobody_their_export(store: Store, path: Path, clock: str) -> None:
    said = {**json.loads(press().raw), "bootclock": clock}
    said.pop("sig")
    raw = canonical({**said, "sig": b64(SIGNER.sign(canonical(said)))})
    put(store, anchor(3), read_event(raw, SIGNER.public))
    assert len(corrections(path)) == 2
