"""The worked bytes that strangers build on are what our own types make and take, and what they refuse."""

import json
import re
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from edge.core.events import read_event
from edge.core.messages import read_beat, read_part, read_reply
from edge.core.orders import ARGUMENTS, Policy, wish_of
from edge.core.outbox import Outbox, Waiting
from edge.core.receipts import Claim, Disproved, Receipts
from edge.core.seal import Forged, read_binding, read_keyset, sha256, unb64
from edge.core.sms import Answers, nonce_of, read_told
from edge.core.words import EventClass, EventId
from edge.daemons.alarm.gate import Gate
from edge.daemons.alarm.keyring import Keyring
from tests.vectors.make import BOX, EPOCH, KEYS, SITE, keyset, vectors

PAGE = (Path(__file__).parents[2] / "docs/contract.md").read_text(encoding="utf-8")
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
    assert read_part(VECTORS["beat"]["part"].encode(), KEYS["box"].public).parts == 1
    assert read_reply(VECTORS["beat"]["reply"].encode(), KEYS["box"].public).result == "done"
    for each in VECTORS["beat"]["refused"]:
        with pytest.raises(Forged, match=rf"^{each['why']}\b"):
            read_beat(each["beat"].encode(), KEYS["box"].public)


def verdict(jws: str) -> str:
    """What the real gate and the real judge make of a receipt, in the box that made these events; "" if good."""
    outbox = Outbox(lambda: 0.5)
    for seq, each in enumerate(VECTORS["events"]["events"], 1):
        outbox.add(Waiting(EventId(EPOCH, seq), 1, EventClass.AUDIT, unb64(each["sha256"])))
    asked: list[object] = []
    judge = Receipts(EPOCH, lambda: int(VECTORS["receipts"]["head"]), outbox, lambda *told: asked.append(told[3]))
    try:
        verdicts = judge.judge(gate().receipt(jws.encode()))
    except Forged as refusal:
        return str(refusal)
    late = (judge.answered(claim, {}) for claim in asked if isinstance(claim, Claim))
    return " ".join(each.reason for each in (*verdicts, *late) if isinstance(each, Disproved))


def test_receipts_prove_the_bytes_of_the_events_or_are_refused_for_the_reason_given() -> None:
    assert [verdict(each["jws"]) for each in VECTORS["receipts"]["accepted"]] == [""] * 4
    for each in VECTORS["receipts"]["refused"]:
        assert re.match(rf"{each['why']}\b", verdict(each["jws"])), (each["why"], verdict(each["jws"]))


def test_what_the_box_says_by_sms() -> None:
    told = VECTORS["sms"]["told"]
    assert [read_told(each["text"], KEYS["box"].public).box for each in told] == [BOX] * len(told)
    assert [(len(each["text"]), nonce_of(each["text"])) for each in told] == [
        (each["septets"], each["nonce"]) for each in told
    ]
    for each in VECTORS["sms"]["told_refused"]:
        with pytest.raises(Forged, match=rf"^{each['why']}\b"):
            read_told(each["text"], KEYS["box"].public)


def test_the_sms_are_signed_as_their_rule_says_by_somebody_elses_hand() -> None:
    """With PyNaCl alone, as a stranger reads the page."""
    by = {"KTG": "box", "KTR": "receipt", "KTC": "command-silence"}
    for each in (*VECTORS["sms"]["told"], *VECTORS["sms"]["accepted"]):
        words, _, sig = each["text"].rpartition(" ")
        key = SigningKey(bytes.fromhex(VECTORS["keys"]["keys"][by[words[:3]]]["seed"])).verify_key
        key.verify(b"kentongan/sms/v1\n" + words.encode(), urlsafe_b64decode(sig + "=="))


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


def taken(jws: str, after: str = "", policy: Policy = Policy()) -> str:  # noqa: B008  # frozen
    door = gate()
    if after:
        door.command(after.encode(), 0, VECTORS["commands"]["now"])
    believed = door.command(jws.encode(), 0, VECTORS["commands"]["now"])
    wish_of(believed.command, policy, keys=believed.keys)
    return believed.command.name


def test_commands_are_taken_or_refused_for_the_reason_given() -> None:
    for each in VECTORS["commands"]["accepted"]:
        assert taken(each["jws"]) == each["payload"]["name"]
    for each in VECTORS["commands"]["refused"]:
        with pytest.raises(Forged, match=rf"^{each['why']}\b"):
            taken(each["jws"], each.get("after", ""), Policy(**each.get("policy", {})))


def test_there_is_a_vector_for_every_command_that_is_taken() -> None:
    assert {each["payload"]["name"] for each in VECTORS["commands"]["accepted"]} == ARGUMENTS.keys()


def test_there_is_a_vector_for_every_word_that_the_page_calls_stable() -> None:
    """But for what a single message cannot show: too many, and what the panel makes of it."""
    words = {"commands": r"stable: ([a-z, ]+)\. `result`", "receipts": r"stable here too: ([a-z, \n]+)\."}
    for name, pattern in words.items():
        found = re.search(pattern, PAGE)
        assert found is not None
        told = set(re.split(r",\s+", found[1])) - {"rate", "panel", "camera", "disk", "busy"}
        assert told == {each["why"] for each in VECTORS[name]["refused"]}
