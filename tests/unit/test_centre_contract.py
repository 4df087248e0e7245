"""What docs/contract.md shows to integrators is what the code signs, verifies and refuses."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from edge.centre.codes import CATALOGUE
from edge.core.events import read_event
from edge.core.messages import Command, Receipt, decode, digest_of, encode, read_beat, read_reply
from edge.core.seal import Forged, Use, open_jws, read_keyset, unb64
from edge.core.sms import Call
from edge.core.timing import anchor_in, corrected, rfc3339

PAGE = (Path(__file__).parents[2] / "docs/contract.md").read_text(encoding="utf-8")
BLOCKS = {name: body.strip().encode() for name, body in re.findall(r"```(\w+ \w+)\n(.*?)```", PAGE, re.DOTALL)}
BOX, ROOT = (unb64(key) for key in re.findall(r"`([A-Za-z0-9_-]{43})`", PAGE))


def test_the_event_verifies_and_says_what_the_page_says() -> None:
    event = read_event(BLOCKS["json event"], BOX)
    assert (event.name, event.id.seq, event.data["zone"]) == ("alarm", 4711, "pos-ronda")


def test_the_event_with_one_letter_changed_does_not() -> None:
    with pytest.raises(Forged):
        read_event(BLOCKS["json event"].replace(b"pos-ronda", b"pos-rondb"), BOX)


def test_the_anchor_gives_the_event_the_time_that_it_says() -> None:
    event = read_event(BLOCKS["json event"], BOX)
    anchor = anchor_in(json.loads(BLOCKS["json anchor"]), event.boot_id)
    assert anchor is not None
    found = corrected(event.boot_ns, [anchor])
    assert found is not None
    assert rfc3339(found.utc_ns) == event.time


def test_the_beat_verifies() -> None:
    assert read_beat(BLOCKS["json beat"], BOX).head == 4711


def test_the_keyset_is_the_roots_and_opens_receipt_and_command() -> None:
    keyset = read_keyset(BLOCKS["jws keyset"], ROOT)
    receipt = open_jws(BLOCKS["jws receipt"], keyset.key_of(Use.RECEIPT))
    command = open_jws(BLOCKS["jws command"], keyset.key_of(Use.COMMAND_SILENCE))
    assert (receipt, command) == (BLOCKS["json receipt"], BLOCKS["json command"])
    with pytest.raises(Forged):
        open_jws(BLOCKS["jws command"], keyset.key_of(Use.RECEIPT))


def test_the_receipt_proves_the_event() -> None:
    receipt = decode(BLOCKS["json receipt"], Receipt)
    assert encode(receipt) == BLOCKS["json receipt"]
    assert receipt.have[0].digest == digest_of([hashlib.sha256(BLOCKS["json event"]).digest()])


def test_the_command_is_canonical_and_the_reply_answers_it() -> None:
    command = decode(BLOCKS["json command"], Command)
    assert encode(command) == BLOCKS["json command"]
    reply = read_reply(BLOCKS["json reply"], BOX)
    assert (reply.jti, reply.result) == (command.jti, "done")


def test_the_sms_are_those_of_the_vectors_and_as_long_as_the_page_says() -> None:
    vectors = json.loads((Path(__file__).parents[1] / "vectors/sms.json").read_text(encoding="utf-8"))
    known = {each["text"] for each in (*vectors["told"], *vectors["accepted"])}
    shown = BLOCKS["sms examples"].decode().splitlines()
    assert {text.split(" ")[0] for text in shown} == {"KTG", "KTR", "KTC"}
    assert set(shown) <= known
    kinds = re.search(r"`kind`: ([a-z, \n]+) \(call\nnobody there back\), ([a-z, ]+)\.", PAGE)
    assert kinds is not None
    assert re.split(r",\s+", ", ".join(kinds.groups())) == [each.value for each in Call]
    longest: dict[str, int] = {}
    for text in known:
        form = next(word for word in ("KTG", "KTR", "silence", "acknowledge") if f"{word} " in text)
        longest[form] = max(longest.get(form, 0), len(text))
    rows = re.findall(r"^\| (\d+) \| `(?:KTC <box> <nonce> )?(\w+) ", PAGE, re.MULTILINE)
    assert {form: int(length) for length, form in rows} == longest


def test_every_command_line_on_the_page_exists() -> None:
    from edge.centre.cli import centre

    shown = set(re.findall(r"kentongan centre (\w+)", PAGE))
    assert shown == set(centre.commands)


def test_the_centres_codes_are_its_own() -> None:
    assert all(code.startswith(("E-CENTRE-", "E-BOX-", "E-ALARM-", "E-ACK-")) for code in CATALOGUE)
