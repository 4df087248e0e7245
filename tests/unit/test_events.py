import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.events import DEPTH_LIMIT, EVENT_LIMIT, Author, Frozen, canonical, freeze, read_event, source_of
from edge.core.seal import Forged, Signer, b64
from edge.core.timing import Stamp, TimeQuality, rfc3339
from edge.core.words import BoxId, Epoch, EventClass, EventId, Json, Record, SiteId

SIGNER = Signer(bytes(range(32)))
AUTHOR = Author(BoxId("ktg-k7q2m9xa"), SiteId("33.74.10.1004-010-005"), Epoch("7c1f0b2e"), "5f0e2a9c")
WHEN = Stamp(1_795_525_522_417_000_000, 1_843_221_004_512, TimeQuality.SYNCED)

SAFE_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SAFE_INTEGER = st.integers(-(2**53) + 1, 2**53 - 1)
KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | SAFE_INTEGER | SAFE_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def record(**content: Json) -> Record:
    return Record(EventId(AUTHOR.epoch, 4711), EventClass.ALARM, "alarm", "zone/pos-ronda", content, shown=True)


def frozen(**content: Json) -> Frozen:
    return freeze(record(**content), WHEN, AUTHOR, SIGNER)


@given(JSON)
def test_canonical_is_what_rfc_8785_asks_for(value: Any) -> None:
    """Python's own encoder writes strings as ECMAScript does; with sorted ASCII keys that is the canonical form."""
    expected = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert canonical(value) == expected


@pytest.mark.parametrize("value", [1.5, float("nan"), 2**53, -(2**53), {"é": 1}, {1: 2}, b"x", "\ud800", [{"a": 0.0}]])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(value)


@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_an_event_reads_back_as_it_was_frozen(content: dict[str, Json]) -> None:
    made = frozen(**content)
    event = read_event(made.raw, SIGNER.public)
    assert (event.id, event.box, event.name, event.event_class) == (made.id, AUTHOR.box, "alarm", EventClass.ALARM)
    assert event.data == content
    assert event.time == "2026-11-24T13:05:22.417Z"
    assert event.boot_ns == WHEN.boot_ns
    assert source_of(made.raw) == AUTHOR.box


def test_an_event_is_a_cloudevent() -> None:
    body = json.loads(frozen(kind="crime").raw)
    assert body["specversion"] == "1.0"
    assert body["id"] == "7c1f0b2e.4711"
    assert body["type"] == "id.kentongan.alarm.v1"
    assert body["sequence"] == "0000004711"
    extensions = set(body) - {
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "dataschema",
        "data",
    }
    assert all(name.isalnum() and name.islower() and len(name) <= 20 for name in extensions)


def test_the_same_record_is_the_same_bytes() -> None:
    assert frozen(kind="crime", zone="pos").raw == frozen(zone="pos", kind="crime").raw


@given(st.data())
def test_no_altered_byte_is_accepted(data: st.DataObject) -> None:
    raw = bytearray(frozen(kind="crime").raw)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Forged):
        read_event(bytes(raw), SIGNER.public)


def _resigned(**changes: Json) -> bytes:
    body = {**json.loads(frozen(kind="crime").raw), **changes}
    del body["sig"]
    return canonical({**body, "sig": b64(SIGNER.sign(canonical(body)))})


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "7c1f0b2e.4712"},
        {"epoch": "7C1F0B2E", "id": "7C1F0B2E.4711"},
        {"sequence": "4711"},
        {"sequence": "0000000000", "id": "7c1f0b2e.0"},
        {"type": "com.example.alarm"},
        {"source": "https://example"},
        {"bootclock": "-1"},
        {"bootclock": "1" * 5000},
        {"bootclock": "\u0663"},
        {"extra": "member"},
        {"eventclass": "nonsense"},
    ],
)
def test_a_well_signed_event_of_the_wrong_form_is_refused(changes: dict[str, Json]) -> None:
    with pytest.raises(Forged):
        read_event(_resigned(**changes), SIGNER.public)


def test_other_spellings_of_the_same_json_are_refused() -> None:
    body = json.loads(frozen(kind="crime").raw)
    with pytest.raises(Forged, match="canonical"):
        read_event(json.dumps(body, sort_keys=True).encode(), SIGNER.public)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[" * 5000, b'"' * 10, b"x" * (EVENT_LIMIT + 1), b"\xff\xfe", b"null"])
def test_garbage_is_refused_and_never_crashes(raw: bytes) -> None:
    with pytest.raises(Forged):
        read_event(raw, SIGNER.public)
    with pytest.raises(Forged):
        source_of(raw)


@pytest.mark.parametrize("depth", [DEPTH_LIMIT, 900, 990, 1000, 2000, 3500])
def test_deep_content_is_refused_before_anybody_can_stumble_over_it(depth: int) -> None:
    """Some Pythons let msgspec go deeper than our own recursion may follow; whoever prints it would stumble too."""
    deep = b"[" * depth + b"]" * depth
    with pytest.raises(Forged):
        read_event(frozen(x=0).raw.replace(b'"x":0', b'"x":' + deep), SIGNER.public)


def test_what_is_deeper_than_any_event_has_no_canonical_form() -> None:
    nested: Json = 1
    for _ in range(DEPTH_LIMIT):
        nested = [nested]
    assert canonical(nested) == b"[" * DEPTH_LIMIT + b"1" + b"]" * DEPTH_LIMIT
    with pytest.raises(ValueError, match="deep"):
        canonical([nested])


def test_milliseconds_are_cut_not_rounded() -> None:
    assert rfc3339(999_999_999) == "1970-01-01T00:00:00.999Z"
