"""The contract's three forms are one: Python types, JSON Schemas, AsyncAPI."""

import json
import re
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from edge.centre.schemas import DATA, schemas
from edge.centre.topics import KEYS_TOPIC
from edge.config.resources import CHECKOUT
from edge.core.events import Author
from edge.core.messages import Command, encode
from edge.core.outbox import Outbox
from edge.core.seal import Signer
from edge.core.timing import TimeQuality
from edge.core.words import BoxId, Epoch, EventClass, SiteId
from edge.daemons.alarm.voice import View, Voice
from tests.pages import ASYNC, DOCS, SCHEMAS, validator

MADE = schemas()
PAGE = (DOCS / "contract.md").read_text(encoding="utf-8")


def valid(name: str, value: object) -> None:
    """raises: ValidationError"""
    validator(name).validate(value)


def example(name: str) -> dict[str, Any]:
    found = re.search(rf"```json {name}\n(.*?)\n```", PAGE, re.DOTALL)
    assert found is not None, name
    return cast("dict[str, Any]", json.loads(found[1]))


def test_the_committed_schemas_are_the_generated_ones() -> None:
    assert json.loads(json.dumps(MADE)) == SCHEMAS


@pytest.mark.parametrize("name", MADE)
def test_each_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(MADE[name])


@pytest.mark.parametrize("name", ["event", "beat", "receipt", "command", "reply"])
def test_the_pages_examples_fit(name: str) -> None:
    valid(name, example(name))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("event", {"sequence": "4711"}),
        ("event", {"more": 1}),
        ("event", {"data": {"alarm": "7c1f0b2e.4711"}}),
        ("event", {"time": "2026-11-23 13:05"}),
        ("beat", {"sig": "short"}),
        ("beat", {"head": "4711"}),
        ("receipt", {"have": [{"epoch": "7c1f0b2e", "ranges": [[1]], "digest": ""}]}),
        ("command", {"more": 1}),
        ("command", {"args": {}}),
        ("command", {"name": "format"}),
        ("reply", {"box": "somebody"}),
    ],
)
def test_what_is_wrong_in_one_thing_does_not_fit(name: str, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        valid(name, {**example(name), **change})


def test_what_a_newer_centre_says_more_in_a_receipt_fits() -> None:
    valid("receipt", {**example("receipt"), "later": 1})


class Clock:
    def boot_ns(self) -> int:
        return 10**12

    def utc_ns(self) -> int:
        return 1_795_525_522 * 10**9

    def quality(self) -> TimeQuality:
        return TimeQuality.SYNCED


def test_what_the_box_itself_says_fits() -> None:
    author = Author(BoxId("ktg-k7q2m7xa"), SiteId("33.74.10.1004-010-005"), Epoch("7c1f0b2e"), "5f0e2a9c")
    voice = Voice(author, Signer(bytes(32)), Clock(), lambda: "n-1", version="0.1.0", generation=1, beat_s=60.0)
    voice.show(View({"pos-ronda": "normal"}, {"sirene": "quiet"}, ("E-X",), "siaga", frozenset()))
    spoken = voice.speak("n-2")
    valid("state", json.loads(spoken.state))
    valid("state", json.loads(spoken.will))
    voice.connected(10**12)
    ((kind, raw),) = voice.due(2 * 10**12, Outbox(lambda: 0.5))
    valid(kind, json.loads(raw))
    valid("reply", json.loads(voice.reply("4be1c7a90d2f6e83", "done", "silence")))
    valid("command", json.loads(encode(Command(author.box, "j", "n", 1, "squawk", {}, "Sari"))))


# ---- AsyncAPI -------------------------------------------------------------------------------------------------------


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [each for member in value.values() for each in references(member)]
    return [each for member in value for each in references(member)] if isinstance(value, list) else []


def test_every_reference_leads_somewhere() -> None:
    for reference in references(ASYNC):
        if reference.startswith("#/"):
            place = ASYNC
            for step in reference.removeprefix("#/").split("/"):
                place = place[step]
        else:
            assert (DOCS / reference).is_file(), reference


def test_the_channels_are_the_brokers_rules() -> None:
    lines = (CHECKOUT / "broker/acl").read_text(encoding="utf-8").splitlines()
    rules = [line.split() for line in lines if line.startswith("pattern")]
    allowed = {topic.replace("%u", "{box}").replace("/#", "") for _, _, topic in rules}
    told = {re.sub(r"/\{(class|id)\}.*", "", channel["address"]) for channel in ASYNC["channels"].values()}
    assert told == allowed
    ours = {
        ASYNC["channels"][_name(each)]["address"] for each in ASYNC["operations"].values() if each["action"] == "send"
    }
    heard = {topic.replace("%u", "{box}") for _, way, topic in rules if way == "read"} - {"kentongan/v1/{box}/state"}
    assert ours == heard
    assert KEYS_TOPIC in ours


def _name(operation: dict[str, Any]) -> str:
    return str(operation["channel"]["$ref"]).rpartition("/")[2]


def test_the_classes_are_the_boxs() -> None:
    assert ASYNC["channels"]["event"]["parameters"]["class"]["enum"] == [each.value for each in EventClass]


def test_every_class_of_event_that_the_code_makes_has_a_form() -> None:
    made = set()
    for path in (CHECKOUT.parent / "edge/core").glob("*.py"):
        made |= set(re.findall(r"\.add\(\s*(?:EventClass\.\w+|event_class), \"([a-z-]+)\"", path.read_text()))
    assert len(made) >= 5
    assert made <= DATA.keys()
