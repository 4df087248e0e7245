"""A wall clock that jumps: sirens, orders and the order of events do not care, and the centre finds the time."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from drivers.letters import Letter
from edge.centre import reader
from edge.centre.ingest import Ingest
from edge.centre.receipts import Receipts
from edge.centre.registry import Registry
from edge.centre.store import Store
from edge.centre.trust import open_keyset, open_signer
from edge.core.messages import Command, State, decode, encode
from edge.core.seal import Use, sign_jws
from edge.core.timing import DAY_NS, TimeQuality
from edge.core.words import SECOND_NS
from tests.daemons.alarm_box import PATIENCE_S, SIREN_MAX_S, AlarmBox
from tests.daemons.bearer import Bearer
from tests.daemons.stepped import step

SOUND_S = 2
HOUR_NS = 3600 * SECOND_NS
TO_1970, TO_2099 = "1970", "2099"
STEPS = [TO_1970, TO_2099, -HOUR_NS, HOUR_NS]


def off_ns(to: str | int) -> int:
    """How far from the machine's clock."""
    if to == TO_1970:
        return -time.time_ns()
    return 73 * 365 * DAY_NS if to == TO_2099 else int(to)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    entry = ("-m", "tests.daemons.stepped")
    with AlarmBox(tmp_path / "kotak", panel=f"sound_s = {SOUND_S}", entry=entry) as box:
        step(box.places.root, 0, TimeQuality.UNSYNCED)
        yield box


def audits(bearer: Bearer, what: str) -> list[dict[str, Any]]:
    """`data` of what the box has noted."""
    bodies = [json.loads(row.raw) for row in bearer.rows.values()]
    return [body["data"] for body in bodies if body["data"].get("what") == what]


def taken_in(box: AlarmBox, bearer: Bearer) -> list[dict[str, Any]]:
    """What a centre exports of everything that the box has sent."""
    rows = sorted(bearer.rows.values(), key=lambda row: row.seq)
    receipts = Receipts(open_signer(box.centre, Use.RECEIPT), "Pusat Uji")
    with Store.open(box.centre.store) as store:
        registry = Registry(box.centre.boxes, box.centre.root_public.read_bytes())
        ingest = Ingest(store, registry, open_keyset(box.centre), receipts)
        ingest.take([Letter(f"kentongan/v1/{box.box}/event/{row.event_class}", row.raw) for row in rows])
    return [dict(row) for row in reader.export(box.centre.store)]


def test_a_press_from_before_the_clock_was_right_gets_its_time_at_the_centre(box: AlarmBox) -> None:
    step(box.places.root, off_ns(TO_1970), TimeQuality.UNSYNCED)
    box.start()
    bearer = box.bearer()
    assert box.sounds()
    pressed_s = time.time()
    bearer.until(bearer.alarms, PATIENCE_S, "the alarm")
    assert audits(bearer, "anchor") == []
    step(box.places.root, 0, TimeQuality.SYNCED)
    bearer.until(lambda: audits(bearer, "anchor"), PATIENCE_S, "the anchor")
    (alarm,) = (row for row in taken_in(box, bearer) if row["name"] == "alarm")
    assert (alarm["time"][:4], alarm["timequality"]) == ("1970", "unsynced")
    assert alarm["corrected"]["quality"] == "synced"
    assert abs(_seconds(alarm["corrected"]["time"]) - pressed_s) < SIREN_MAX_S
    assert not alarm["corrected"]["disputed"]


def test_a_second_anchor_follows_a_step_and_no_other_one_comes(box: AlarmBox) -> None:
    step(box.places.root, 0, TimeQuality.SYNCED)
    box.start()
    bearer = box.bearer()
    bearer.until(lambda: audits(bearer, "anchor"), PATIENCE_S, "the first anchor")
    step(box.places.root, HOUR_NS, TimeQuality.SYNCED)
    bearer.until(lambda: len(audits(bearer, "anchor")) == 2, PATIENCE_S, "the second anchor")
    step(box.places.root, off_ns(TO_2099), TimeQuality.UNSYNCED)
    assert box.sounds()
    bearer.until(bearer.alarms, PATIENCE_S, "the alarm")
    assert len(audits(bearer, "anchor")) == 2
    rows = taken_in(box, bearer)
    assert all(row["corrected"]["disputed"] for row in rows)  # an hour apart, and both were vouched for
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)


@pytest.mark.parametrize("to", STEPS, ids=["to 1970", "to 2099", "an hour back", "an hour on"])
def test_a_step_while_the_siren_sounds_moves_neither_its_end_nor_the_next_press(box: AlarmBox, to: str | int) -> None:
    step(box.places.root, 0, TimeQuality.SYNCED)
    box.start()
    assert box.sounds()
    step(box.places.root, off_ns(to), TimeQuality.UNSYNCED)
    assert box.wires.watch(lambda _bench: not box.strokes("sirene")[-1][1] and not _sounding(box), PATIENCE_S)
    (first_ns, _), *_, (last_ns, _) = box.strokes("sirene")
    assert SOUND_S - 1 < (last_ns - first_ns) / SECOND_NS < SOUND_S + SIREN_MAX_S
    assert box.sounds(box.site.zones[1].id)
    stamps = [at_ns for at_ns, _ in box.strokes("sirene")]
    assert all(one < other for one, other in pairwise(stamps))


@pytest.mark.parametrize("to", STEPS, ids=["in 1970", "in 2099", "an hour late", "an hour early"])
def test_an_order_lives_by_its_nonce_where_the_clock_is_wrong(box: AlarmBox, to: str | int) -> None:
    step(box.places.root, off_ns(to), TimeQuality.UNSYNCED)
    box.start()
    with Ordering(box) as bearer:
        bearer.until(lambda: bearer.nonce, PATIENCE_S, "its state")
        key = open_signer(box.centre, Use.COMMAND_SILENCE)
        order = Command(box.box, "j1", bearer.nonce, int(time.time()) + 60, "identify", {}, "Sari")
        bearer.pass_on("command", sign_jws(encode(order), key.kid, key.signer))
        bearer.until(lambda: bearer.replies, PATIENCE_S, "its answer")
    assert [(reply["jti"], reply["result"]) for reply in bearer.replies] == [("j1", "done")]


class Ordering(Bearer):
    """Keeps what an order needs."""

    def __init__(self, box: AlarmBox) -> None:
        super().__init__(box.places.link)
        self.nonce = ""
        self.replies: list[dict[str, Any]] = []

    def _tell(self, leaf: str, raw: bytes) -> None:
        super()._tell(leaf, raw)
        if leaf == "state":
            self.nonce = decode(raw, State).nonce
        if leaf == "reply":
            self.replies.append(json.loads(raw))


def _sounding(box: AlarmBox) -> bool:
    return any(each.until_ns > time.clock_gettime_ns(time.CLOCK_BOOTTIME) for each in box.activations())


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
