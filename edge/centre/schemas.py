"""The contract as JSON Schemas, generated from the types that box and centre decode with.

`python -m edge.centre.schemas docs/schemas` writes them; a test compares what is committed with what is generated.
What an event carries in `data` is open (a newer box says more); what is listed is there and has this form.
"""

import json
import sys
from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edge.core.messages import RANGES_LIMIT, Beat, Command, Part, Receipt, Reply, State
from edge.core.orders import ARGUMENTS
from edge.core.pictures import Header
from edge.core.seal import Binding, Keyset
from edge.core.words import EventClass, Kind, Status
from edge.enrol.forms import BOX_ID, SITE_ID

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

EventName = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}\.[1-9][0-9]*$")]
Cid = Annotated[str, Meta(pattern=r"^([13][0-9]{3})?$")]


class Alarm(msgspec.Struct):
    """A press. alarm is its name for ever: updates, restoral and orders speak of it."""

    alarm: EventName
    kind: Kind
    cid: Cid
    status: Status
    zone: str


class AlarmUpdate(msgspec.Struct):
    """More of the same alarm: later presses, confirmation (129), cancellation (406)."""

    alarm: EventName
    cid: Cid
    status: Status


class Restoral(msgspec.Struct):
    """An alarm (`alarm`) or a trouble (`code`) is over."""

    cid: Cid
    status: Status


class Trouble(msgspec.Struct):
    code: Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9-]*(/.+)?$")]
    cid: Cid
    status: Status
    text: str


class Bypass(msgspec.Struct):
    """A zone leaves service (class trouble) or is back (class restoral)."""

    zone: str
    cid: Cid
    status: Status
    bypassed: bool


class Test(msgspec.Struct):
    cid: Cid
    status: Literal["test"]


class Audit(msgspec.Struct):
    """Worth remembering, nobody must act; `what` says of what kind it is, and new kinds may come."""

    what: str


class Lost(msgspec.Struct):
    """Sequences of an epoch that the box can never send any more; receipted like any event.

    stretch: counts the box's own losses; absent where the centre asked for what is not there.
    """

    epoch: Annotated[str, Meta(pattern=r"^[0-9a-f]{8}$")]
    ranges: list[tuple[int, int]]
    stretch: int | UnsetType = UNSET


class Observation(msgspec.Struct):
    """What the box noticed of a camera: flat, and open; it informs, and never raises an alarm."""


class CameraEvent(msgspec.Struct):
    """A camera noticed something. alarm: the newest alarm that is open, for which it speaks."""

    alarm: EventName | UnsetType = UNSET


DATA: Final[dict[str, type]] = {
    "alarm": Alarm,
    "alarm-update": AlarmUpdate,
    "restoral": Restoral,
    "trouble": Trouble,
    "bypass": Bypass,
    "test": Test,
    "walk-test": Test,
    "audit": Audit,
    "lost": Lost,
    "camera": Observation,
    "camera-health": Observation,
    "cameras-dark": Observation,
    "camera-event": CameraEvent,
    "picture": Header,
}
"""By the last part of the event's type."""

_SIG: Final = {"type": "string", "pattern": "^[A-Za-z0-9_-]{86}$", "description": "base64url Ed25519, no padding"}
_BOX: Final = {"type": "string", "pattern": f"^{BOX_ID.pattern}$"}
_SITE: Final = {"type": "string", "pattern": f"^{SITE_ID.pattern}$"}
_EPOCH: Final = {"type": "string", "pattern": "^[0-9a-f]{8}$"}
_TIME: Final = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"}
_QUALITY: Final = {"enum": ["synced", "rtc", "holdover", "unsynced"]}
_KNOWN: Final = {"box": _BOX, "site": _SITE, "epoch": _EPOCH, "time": _TIME, "timequality": _QUALITY}


def schemas() -> dict[str, dict[str, Any]]:
    """Every body on the wire by name: event, batch, beat, state, reply, part, receipt, command, keyset, binding."""
    commands = [_whole(form, strict=True) for form in ARGUMENTS.values()]
    command = _whole(Command, strict=True)
    command["properties"]["name"] = {"enum": list(ARGUMENTS)}
    command["allOf"] = [
        {"if": {"properties": {"name": {"const": name}}}, "then": {"properties": {"args": args}}}
        for name, args in zip(ARGUMENTS, commands, strict=True)
    ]
    receipt = _whole(Receipt)
    receipt["properties"]["ask"]["maxItems"] = RANGES_LIMIT
    made = {
        "event": _event(),
        "batch": {"type": "array", "items": {"$ref": "event.json"}, "minItems": 1},
        "beat": _signed(_whole(Beat)),
        "state": _whole(State),
        "reply": _signed(_whole(Reply)),
        "part": _signed(_whole(Part)),
        "receipt": receipt,
        "command": command,
        "keyset": _whole(Keyset),
        "binding": _whole(Binding),
    }
    return titled(made)


def _event() -> dict[str, Any]:
    """CloudEvents 1.0.2 in JSON, canonical as RFC 8785; `data` by the last part of `type`."""
    text = {"type": "string"}
    properties: dict[str, Any] = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "pattern": r"^[0-9a-f]{8}\.[1-9][0-9]*$"},
        "source": {"type": "string", "pattern": f"^urn:kentongan:{BOX_ID.pattern}$"},
        "type": {"type": "string", "pattern": r"^id\.kentongan\.[a-z-]{1,32}\.v1$"},
        "subject": text,
        "datacontenttype": {"const": "application/json"},
        "dataschema": text,
        "sequence": {"type": "string", "pattern": "^[0-9]{10}$"},
        "bootid": {"type": "string", "pattern": "^[0-9a-f]{8}$"},
        "bootclock": {"type": "string", "pattern": "^[0-9]{1,19}$", "description": "ns on the boot clock"},
        "eventclass": {"enum": [each.value for each in EventClass]},
        "data": {"type": "object"},
        "sig": _SIG,
        **{name: _KNOWN[name] for name in ("time", "epoch", "timequality", "site")},
    }
    kinds = [
        {
            "if": {"properties": {"type": {"const": f"id.kentongan.{name}.v1"}}},
            "then": {"properties": {"data": _whole(form)}},
        }
        for name, form in DATA.items()
    ]
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
        "allOf": kinds,
    }


def _whole(form: type, *, strict: bool = False) -> dict[str, Any]:
    """One type with everything it refers to inside it."""
    whole = inlined(form)
    whole["properties"] = {name: _KNOWN.get(name, member) for name, member in whole["properties"].items()}
    if strict:
        whole["additionalProperties"] = False
    else:
        whole.pop("additionalProperties", None)
    whole.pop("title", None)
    return whole


def inlined(form: Any) -> dict[str, Any]:
    """The schema of any type, without references."""
    (schema,), parts = msgspec.json.schema_components([form], ref_template="{name}")
    whole: dict[str, Any] = _inlined(schema, parts)
    return whole


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"]], parts)
    made = {key: _inlined(value, parts) for key, value in schema.items()}
    if isinstance(text := made.get("description"), str):  # Python 3.13 takes the indentation out of docstrings
        made["description"] = cleandoc(text)
    return made


def _signed(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        **schema,
        "properties": {**schema["properties"], "sig": _SIG},
        "required": [*schema["required"], "sig"],
    }


def titled(made: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each as a document of its own."""
    return {name: {"$schema": DIALECT, "$id": f"{name}.json", "title": name, **schema} for name, schema in made.items()}


def write(folder: Path, made: Mapping[str, Mapping[str, Any]]) -> None:
    """One file for each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in made.items():
        text = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), schemas())
