"""The contract as a stranger reads it: docs/asyncapi.yaml and docs/schemas, and what of a message does not fit them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from edge.config.resources import CHECKOUT
from edge.core.seal import unb64
from edge.core.words import BOX_FORM

DOCS: Final = CHECKOUT.parent / "docs"
ASYNC: Final[dict[str, Any]] = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((DOCS / "schemas").glob("*.json"))
}
_ALL: Final[Registry[Any]] = Registry().with_resources(
    (f"{name}.json", Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)


@dataclass(frozen=True, slots=True)
class Said:
    """One message as it was published."""

    topic: str
    raw: bytes
    qos: int
    retain: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """What the page says of one channel. sent: by the centre; otherwise the box sends, and the centre hears."""

    channel: str
    topic: re.Pattern[str]
    qos: int
    retain: bool
    expiry_s: int | None
    sent: bool


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name], registry=_ALL)


@cache
def operations() -> dict[str, Operation]:
    """By channel: each has one operation."""
    found = [_operation(each) for each in ASYNC["operations"].values()]
    assert len({each.channel for each in found}) == len(found) == len(ASYNC["channels"])
    return {each.channel: each for each in found}


def _operation(told: dict[str, Any]) -> Operation:
    name = str(told["channel"]["$ref"]).rpartition("/")[2]
    channel, mqtt = ASYNC["channels"][name], told["bindings"]["mqtt"]
    classes = channel.get("parameters", {}).get("class", {}).get("enum", [])
    topic = re.escape(channel["address"]).replace(r"\{box\}", BOX_FORM).replace(r"\{class\}", f"({'|'.join(classes)})")
    topic = topic.replace(r"\{id\}", r"[0-9a-f]{8}\.[1-9][0-9]*").replace(r"\{part\}", "[1-9][0-9]{0,2}")
    expiry_s = mqtt.get("messageExpiryInterval")
    return Operation(name, re.compile(topic), mqtt["qos"], mqtt["retain"], expiry_s, told["action"] == "send")


def operation_of(topic: str) -> Operation | None:
    return next((each for each in operations().values() if each.topic.fullmatch(topic)), None)


def flaws(said: Said) -> Iterator[str]:
    """What the pages do not allow of a message. Signatures are not looked at."""
    operation = operation_of(said.topic)
    if operation is None:
        yield f"{said.topic}: no topic of the contract"
        return
    if (said.qos, said.retain) != (operation.qos, operation.retain):
        yield f"{said.topic}: QoS {said.qos}, retain {said.retain}"
    if operation.channel == "picture":  # bytes, of which the header says how many
        return
    try:
        body = json.loads(innermost(said.raw) if operation.sent else said.raw)
    except ValueError as error:
        yield f"{said.topic}: {error} in {said.raw[:80]!r}"
        return
    for misfit in validator(_form(operation.channel, body)).iter_errors(body):
        yield f"{said.topic}: {misfit.message[:200]} in {said.raw[:300]!r}"


def innermost(jws: bytes) -> bytes:
    """The payload of a JWS, or of the JWS that is its payload. Raises ValueError where there is none."""
    payload = unb64(jws.split(b".")[1]) if jws.count(b".") == 2 else b""
    return innermost(payload) if payload.startswith(b"ey") else payload


def _form(channel: str, body: object) -> str:
    """A channel has one schema, but for events in a batch, and what is too long for one reply."""
    if channel == "keys":
        return "keyset"
    if channel == "event" and isinstance(body, list):
        return "batch"
    return "part" if channel == "reply" and isinstance(body, dict) and "parts" in body else channel
