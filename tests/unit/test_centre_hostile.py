"""An admitted box that says anything its key can sign, and a broker that brings anything: the centre goes on."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from drivers.letters import Letter
from edge.centre.board import Board
from edge.centre.ingest import Ingest
from edge.centre.lines import as_json, as_text, line_of
from edge.centre.places import CentrePlaces
from edge.centre.receipts import ASK_LIMIT, Receipts
from edge.centre.registry import Registry, admission_path, sign_admission
from edge.centre.store import Store
from edge.centre.trust import CentreSigner
from edge.core.events import EVENT_LIMIT, canonical
from edge.core.faults import Language
from edge.core.messages import Receipt, decode
from edge.core.seal import CentreKey, Keyset, Signer, Use, b64, open_jws
from edge.core.words import BoxId, EventClass, Json, SiteId

BOX, SITE = BoxId("ktg-k7q2m9xa"), SiteId("33.74.10.1004-010-005")
ROOT, KEY, OURS = (Signer(bytes([number] * 32)) for number in (1, 2, 3))
ORDERS = CentreKey("command-1", Use.COMMAND_SILENCE, b64(OURS.public), 0, 2**40)
TOPIC = f"kentongan/v1/{BOX}/"

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.integers(-(2**53) + 1, 2**53 - 1)
ODD = st.sampled_from(["\x1b]0;x\x07", "[bold]", "\x9b2J", "\u202e", "-1", "7c1f0b2e.1", "0" * 4000, "\0"])
ANY = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT.filter(str.isascii), inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.sampled_from(
    ["alarm", "zone", "kind", "status", "presses", "cid", "ordinal", "previous", "epoch", "ranges", "last"]
)
PREVIOUS = st.fixed_dictionaries({"epoch": TEXT, "last": NUMBER})
CONTENT = st.dictionaries(KNOWN, ANY | PREVIOUS | st.lists(st.lists(NUMBER, max_size=3), max_size=3), max_size=6)
EVENT: dict[str, Json] = {
    "specversion": "1.0", "id": "7c1f0b2e.1", "source": f"urn:kentongan:{BOX}", "type": "id.kentongan.alarm.v1",
    "subject": "box", "time": "2026-11-23T13:05:22.417Z", "datacontenttype": "application/json", "dataschema": "x",
    "sequence": "0000000001", "epoch": "7c1f0b2e", "bootid": "5f0e2a9c", "bootclock": "1", "timequality": "synced",
    "site": SITE, "eventclass": "alarm", "data": {},
}  # fmt: skip
BEAT = {
    "v": 1, "box": BOX, "nonce": "n", "epoch": "7c1f0b2e", "ordinal": 1, "head": 1, "time": "t",
    "timequality": "synced", "pending": 0,
}  # fmt: skip


def signed(members: dict[str, Any], **changes: Json) -> bytes:
    body: dict[str, Json] = {**members, **changes}
    return canonical({**body, "sig": b64(KEY.sign(canonical(body)))})


class Centre:
    def __init__(self, root: Path) -> None:
        places = CentrePlaces(root)
        places.boxes.mkdir(parents=True)
        admission_path(places.boxes, BOX).write_bytes(sign_admission(BOX, SITE, KEY.public, ROOT))
        self.store = Store.open(places.store)
        self._ingest = Ingest(
            self.store, Registry(places.boxes, ROOT.public), Keyset(1, (ORDERS,)),
            Receipts(CentreSigner("receipt-1", OURS), "Pusat Uji"), lambda: 10**18,
        )  # fmt: skip
        self.board = Board(Language.EN)

    def take(self, *letters: tuple[str, bytes]) -> list[Receipt]:
        """What it says to the boxes; each fact is shown in every form."""
        harvest = self._ingest.take([Letter(topic, raw) for topic, raw in letters])
        for fact in harvest.facts:
            line = line_of(fact, 10**18)
            json.loads(as_json(line))
            assert as_text(line).isprintable()
            self.board.note(fact, 10**18)
        keys = {"receipt-1": OURS.public}.get
        return [decode(open_jws(dispatch.raw, keys), Receipt) for dispatch in harvest.dispatches]

    def drawn(self) -> str:
        from rich.console import Console as Terminal

        stream = io.StringIO()
        Terminal(file=stream, width=200, color_system=None, force_terminal=True).print(self.board.draw())
        return stream.getvalue()

    def is_working(self) -> bool:
        (receipt,) = self.take((f"{TOPIC}beat", signed(BEAT, nonce="alive")))
        return receipt.beat == "alive"


@contextmanager
def listening(store: Store) -> Iterator[list[str]]:
    """The statements that the store executes meanwhile."""
    asked: list[str] = []

    def hear(_c: object, _u: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(store.database.engine, "before_cursor_execute", hear)
    try:
        yield asked
    finally:
        event.remove(store.database.engine, "before_cursor_execute", hear)


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[Centre]:
    """One that has heard nothing yet."""
    centre = Centre(tmp_path)
    yield centre
    centre.store.close()


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """One for the whole file: what an earlier letter did to it may be what a later one stumbles over."""
    centre = Centre(tmp_path_factory.mktemp("centre"))
    yield centre
    centre.store.close()


CHANGES = st.fixed_dictionaries({}, optional={
    "subject": TEXT | ODD, "time": TEXT | ODD, "timequality": TEXT, "site": TEXT | ODD, "bootid": TEXT,
    "epoch": st.sampled_from(["00000000", "ffffffff", "7C1F0B2E", ""]), "bootclock": st.integers().map(str) | ODD,
    "type": st.sampled_from(["id.kentongan.lost.v1", "id.kentongan.audit.v1"]),
})  # fmt: skip


@given(CONTENT, st.sampled_from(EventClass), st.sampled_from([0, 1, 2, 9_999_999_999]), CHANGES)
@settings(max_examples=150)
def test_any_event_that_a_box_can_sign(
    centre: Centre, content: dict[str, Json], event_class: EventClass, seq: int, changes: dict[str, Json]
) -> None:
    body = {"eventclass": event_class.value, "data": content, **changes}
    identity = {"id": f"{body.get('epoch', '7c1f0b2e')}.{seq}", "sequence": f"{seq:010d}"}
    centre.take((f"{TOPIC}event/{event_class}", signed(EVENT, **body, **identity)))
    assert centre.is_working()
    assert all(line.isprintable() for line in centre.drawn().splitlines())


@given(
    st.fixed_dictionaries({}, optional={
        "ordinal": NUMBER, "head": NUMBER, "pending": NUMBER, "epoch": TEXT | ODD, "time": TEXT, "nonce": TEXT | ODD,
        "more": ANY,
    })
)  # fmt: skip
@settings(max_examples=100)
def test_any_beat_that_a_box_can_sign(centre: Centre, changes: dict[str, Json]) -> None:
    centre.take((f"{TOPIC}beat", signed(BEAT, **changes)))
    assert centre.is_working()


GARBAGE = st.one_of(
    st.binary(max_size=64),
    ANY.map(canonical),
    st.integers(1, 4000).map(lambda depth: b"[" * depth + b"]" * depth),
    st.integers(1, 4000).map(lambda depth: canonical(EVENT)[:-1] + b',"sig":' + b"[" * depth),
    st.integers(0, 70_000).map(lambda size: b"[" + b" " * size + b"]"),
    st.integers(4000, 5000).map(lambda digits: b'{"head":' + b"9" * digits + b"}"),
)
LEAF = st.sampled_from(["event/alarm", "event/", "beat", "state", "command", "reply", "", "event/alarm/\x1b[2J", "\0"])


@given(
    st.lists(st.tuples(st.sampled_from([TOPIC, "kentongan/v1/../", "kentongan/v1/ktg-zzzzzzzz/", ""]), LEAF, GARBAGE))
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_on_any_topic(centre: Centre, letters: list[tuple[str, str, bytes]]) -> None:
    assert centre.take(*((box + leaf, raw) for box, leaf, raw in letters)) == []
    assert centre.is_working()


def test_an_event_of_the_full_size_is_taken_and_one_byte_more_is_not(centre: Centre) -> None:
    empty = len(signed(EVENT, data={"text": ""}))
    full, over = (signed(EVENT, data={"text": "x" * (EVENT_LIMIT - empty + more)}) for more in (0, 1))
    assert len(full) == EVENT_LIMIT
    assert len(centre.take((f"{TOPIC}event/alarm", full))) == 1
    assert centre.take((f"{TOPIC}event/alarm", over)) == []


def test_a_box_with_ten_thousand_unfinished_epochs_is_asked_for_a_few(untouched: Centre) -> None:
    """Each beat asks the store about gaps: what it costs must not grow with what a box pretends to have had."""
    assert untouched.is_working()
    with untouched.store.group(1) as group:
        for number in range(10_000):
            group._raise_head(BOX, f"{number:08x}", 5, number + 1)  # type: ignore[arg-type]  # an epoch
    with listening(untouched.store) as asked:
        (receipt,) = untouched.take((f"{TOPIC}beat", signed(BEAT, nonce="again")))
    assert len(receipt.ask) == ASK_LIMIT
    assert len(asked) < 10 * ASK_LIMIT


def test_beats_of_one_group_ask_for_gaps_once(untouched: Centre) -> None:
    beats = [(f"{TOPIC}beat", signed(BEAT, nonce=f"n{number}")) for number in range(50)]
    with listening(untouched.store) as asked:
        untouched.take(*beats)
    assert sum("reach < head" in statement for statement in asked) == 1
