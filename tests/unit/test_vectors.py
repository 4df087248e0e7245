"""The worked bytes that strangers build on are what our own types make and take, and what they refuse."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge.core.events import read_event
from edge.core.messages import Receipt, decode, digest_of, read_beat, read_reply
from edge.core.orders import Policy, wish_of
from edge.core.seal import Forged, Use, open_jws, read_binding, read_keyset, sha256, unb64
from edge.core.sms import Answers, nonce_of, read_told
from edge.daemons.alarm.gate import Gate
from edge.daemons.alarm.keyring import Keyring
from tests.vectors.make import BOX, KEYS, SITE, keyset, vectors

FOLDER = Path(__file__).parents[1] / "vectors"
VECTORS: dict[str, Any] = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")}


def test_what_is_committed_is_what_the_types_make() -> None:
    assert json.loads(json.dumps(vectors())) == VECTORS


def test_keyset_and_binding_are_the_roots() -> None:
    assert read_keyset(VECTORS["keys"]["keyset"]["jws"].encode(), KEYS["root"].public) == keyset()
    assert read_binding(VECTORS["keys"]["binding"]["jws"].encode(), KEYS["root"].public).site == SITE
    for each in VECTORS["keys"]["refused"]:
        with pytest.raises(Forged, match=each["why"]):
            read_keyset(each["jws"].encode(), KEYS["root"].public)


def test_events_and_their_batch() -> None:
    raws = [each["raw"].encode() for each in VECTORS["events"]["events"]]
    assert [read_event(raw, KEYS["box"].public).id.seq for raw in raws] == [1, 2, 3]
    assert [sha256(raw) for raw in raws] == [unb64(each["sha256"]) for each in VECTORS["events"]["events"]]
    assert VECTORS["events"]["batch"].encode() == b"[" + b",".join(raws) + b"]"
    for each in VECTORS["events"]["refused"]:
        with pytest.raises(Forged, match=each["why"]):
            read_event(each["raw"].encode(), KEYS["box"].public)


def test_beat_and_reply() -> None:
    assert read_beat(VECTORS["beat"]["beat"].encode(), KEYS["box"].public).nonce == "b-0017"
    assert read_reply(VECTORS["beat"]["reply"].encode(), KEYS["box"].public).result == "done"


def test_receipts_prove_the_bytes_of_the_events() -> None:
    digests = {number: unb64(each["sha256"]) for number, each in enumerate(VECTORS["events"]["events"], 1)}

    def proves(jws: str) -> bool:
        receipt = decode(open_jws(jws.encode(), keyset().key_of(Use.RECEIPT)), Receipt)
        return all(
            have.digest == digest_of(digests[seq] for first, last in have.ranges for seq in range(first, last + 1))
            for have in receipt.have
        )

    assert [proves(each["jws"]) for each in VECTORS["receipts"]["accepted"]] == [True] * 4
    assert [proves(each["jws"]) for each in VECTORS["receipts"]["refused"]] == [False]


def test_what_the_box_says_by_sms() -> None:
    told = VECTORS["sms"]["told"]
    assert [read_told(each["text"], KEYS["box"].public).box for each in told] == [BOX] * len(told)
    assert [(len(each["text"]), nonce_of(each["text"])) for each in told] == [
        (each["septets"], each["nonce"]) for each in told
    ]
    for each in VECTORS["sms"]["told_refused"]:
        with pytest.raises(Forged, match=rf"^{each['why']}\b"):
            read_told(each["text"], KEYS["box"].public)


def answered(text: str, after: str = "") -> dict[str, Any]:
    """What a box understands that has sent everything in `told`, and has heard `after` already."""
    memory = Answers(BOX)
    for each in VECTORS["sms"]["told"]:
        memory.sent(each["text"], 0)
    if after:
        memory.command(after, 0, keyset())
    if text.startswith("KTR"):
        return {"stored": list(memory.receipt(text, keyset()))}
    command, _ = memory.command(text, 0, keyset())
    return {"name": command.name, "args": command.args, "by": command.by}


def test_what_the_centre_answers_by_sms() -> None:
    for each in VECTORS["sms"]["accepted"]:
        assert (answered(each["text"]), len(each["text"])) == (each["says"], each["septets"])
    for each in VECTORS["sms"]["refused"]:
        with pytest.raises(Forged, match=rf"^{each['why']}\b"):
            answered(each["text"], each.get("after", ""))


def gate() -> Gate:
    door = Gate(BOX, Keyring(BOX, keyset(), None, None), lambda: str(VECTORS["commands"]["nonce"]))
    door.renew(0)
    return door


def taken(jws: str) -> str:
    believed = gate().command(jws.encode(), 0, VECTORS["commands"]["now"])
    wish_of(believed.command, Policy(), keys=believed.keys)
    return believed.command.name


def test_commands_are_taken_or_refused_for_the_reason_given() -> None:
    for each in VECTORS["commands"]["accepted"]:
        assert taken(each["jws"]) == each["payload"]["name"]
    for each in VECTORS["commands"]["refused"]:
        with pytest.raises(Forged, match=f"^{each['why']}"):
            taken(each["jws"])
