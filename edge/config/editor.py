"""site.toml as a JSON Schema, for editors that complete and underline while a technician types.

An editor sees shapes and words; what needs the whole file (a pin used twice) only `kentongan config check` can say.
"""

from typing import Any, Final

from edge.config.kits import kit_names, load_kit
from edge.config.layers import PARTS
from edge.config.load import FORMAT
from edge.config.model import Calls, Cameras, Configuration, Lamp, Panel, Site, Sounder, Uplink, Zone
from edge.config.schema import choices_of, people_model
from edge.core.faults import Language
from edge.core.profiles import PROFILES

NAME: Final = "site.schema.json"
_TABLES: Final[dict[str, type]] = {"site": Site, "panel": Panel, "calls": Calls, "cameras": Cameras, "uplink": Uplink}
_PARTS: Final[dict[str, type]] = {"zone": Zone, "sounder": Sounder, "lamp": Lamp}
_PIN: Final = {
    "type": "string",
    "pattern": "^(GPIO([0-9]|1[0-9]|2[0-7])|PIN([3-9]|[12][0-9]|3[0-9]|40))$",
    "description": 'GPIO0-GPIO27, atau / or PIN3-PIN40. Bukan angka saja / never a bare number: "GPIO17".',
}


def editor_schema() -> dict[str, Any]:
    """Draft 7, which every editor's TOML plugin reads."""
    kits = kit_names()
    about = "; ".join(f"{kit}: {_about(kit)}" for kit in kits)
    properties: dict[str, Any] = {
        "format": {"type": "integer", "const": FORMAT},
        "kit": {"type": "string", "enum": list(kits), "description": about},
        "driver": {"type": "string", "enum": list(choices_of(Configuration, "driver"))},
    }
    properties |= {name: _object(values) for name, values in _TABLES.items()}
    properties["calls"]["properties"] = dict.fromkeys(properties["calls"]["properties"], _beats())
    properties |= {kind: {"type": "array", "items": _part(_PARTS[kind])} for kind in PARTS}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Kentongan site.toml",
        "type": "object",
        "properties": properties,
        "required": ["kit", "site"],
        "additionalProperties": False,
    }


def _beats() -> dict[str, Any]:
    """Of any profile: which of them the site has, an editor cannot know."""
    names = sorted({name for profile in PROFILES.values() for name in profile.beats})
    return {"type": "string", "enum": ["", *names], "description": "Ketukan dari profil / a beat of the profile."}


def _about(kit: str) -> str:
    return load_kit(kit).about[Language.ID]


def _object(values: type) -> dict[str, Any]:
    schema = people_model(values).model_json_schema()
    schema["properties"].pop("lab", None)
    _plain(schema)
    return schema


def _part(values: type) -> dict[str, Any]:
    """A part of the kit is changed by naming only what changes."""
    schema = _object(values)
    schema["required"] = ["id"]
    schema["properties"]["pin"] = _PIN
    schema["properties"]["remove"] = {"type": "boolean", "description": "true: lepas dari kit / take it off the kit"}
    return schema


def _plain(schema: dict[str, Any]) -> None:
    """Without titles that repeat the key, and with references that hold where the schema is put."""
    definitions = schema.pop("$defs", {})
    for name, member in schema["properties"].items():
        schema["properties"][name] = _inlined(member, definitions)
    schema.pop("description", None)


def _inlined(member: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in member:
        member = {**definitions[member["$ref"].rpartition("/")[2]], **{k: v for k, v in member.items() if k != "$ref"}}
    kept = {key: value for key, value in member.items() if key not in {"title", "description"}}
    if "anyOf" in kept:
        kept["anyOf"] = [_inlined(each, definitions) for each in kept["anyOf"] if each != {"type": "null"}]
        if kept.get("default", ...) is None:
            del kept["default"]
        if len(kept["anyOf"]) == 1:
            kept |= kept.pop("anyOf")[0]
    return kept
