"""Values against the model: pydantic finds every fault, this file tells each one to a person."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import ValidationError

from edge.config import codes
from edge.config.layers import PARTS, TABLES, TOP, Merged, unknown
from edge.config.lines import Path
from edge.config.model import Calls, Cameras, Configuration, Lamp, Panel, Site, Sounder, Uplink, Zone
from edge.config.schema import choices_of, keys_of, limits_of, people_model
from edge.core.faults import Fault, Wording

VALUES: Mapping[object, type] = {
    "site": Site, "panel": Panel, "calls": Calls, "cameras": Cameras, "uplink": Uplink,
    "zones": Zone, "sounders": Sounder, "lamps": Lamp,
}  # fmt: skip
_SECTIONS = {plural: f"[[{kind}]]" for kind, plural in PARTS.items()} | {name: f"[{name}]" for name in TABLES}

# One right value per key, for "write ..." in messages.
EXAMPLES: Mapping[str, str] = {
    "id": '"pos-ronda"', "name": '"RT 005 / RW 010 Tembalang"', "rt": '"005"', "rw": '"010"', "pin": '"GPIO17"',
    "phone": '"081234567890"', "label": '"Pos ronda"', "host": '"mqtt.pusat.example"', "port": "8883", "tls": "true",
    "remote_sound": "false", "remote_bypass": "false", "snapshots": "true", "frames": "3",
    "beat_s": "60", "hold_s": "1.0", "sound_s": "180", "storm_s": "60", "silent": "true", "backup": "true",
    "crime": '"titir"', "fire": '"fire"', "medical": '"titir"', "disaster": '"disaster"',
    "kit": '"rt-standard"', "driver": '"gpiod"', "lab": "false",
}  # fmt: skip
_SITE_ID = '"33.74.10.1004-010-005"'

_TEXT = Wording("teks dalam tanda kutip", "text in quotes")
_EXPECTED = {
    "string": _TEXT,
    "literal": _TEXT,
    "enum": _TEXT,
    "bool": Wording("`true` atau `false`", "`true` or `false`"),
    "int": Wording("angka bulat", "a whole number"),
    "float": Wording("angka", "a number"),
    "finite": Wording("angka", "a number"),
    "tuple": Wording("daftar", "a list"),
    "model": Wording("bagian berjudul", "a section"),
}


def check(merged: Merged) -> list[Fault]:
    """Every value that the model does not allow, except those that already have their fault."""
    written = {**merged.table, "link": {}, "version": 1, "generation": 0}
    try:
        people_model(Configuration).model_validate_json(json.dumps(written, default=_foreign))
    except ValidationError as error:
        details = error.errors(include_url=False)
        return [
            fault
            for detail in details
            for fault in _explain(detail["type"], _Place(detail["loc"], detail["input"], merged))
        ]
    return []


def _foreign(value: object) -> object:
    """TOML's dates are nothing we ask for: shown as they stand, refused as a wrong type."""
    return {"TOML date or time": str(value)}


@dataclass(frozen=True, slots=True)
class _Place:
    """One fault's place, and what messages call it."""

    path: Path
    value: object
    merged: Merged

    @property
    def key(self) -> str:
        return next((str(step) for step in reversed(self.path) if isinstance(step, str)), "")

    @property
    def values(self) -> type:
        return VALUES.get(self.path[0], Configuration) if len(self.path) > 1 else Configuration

    @property
    def where(self) -> str:
        return self.merged.where(self.path)

    @property
    def text(self) -> str:
        return toml(self.value)

    @property
    def better(self) -> str:
        return f"{self.key} = {self.example}"

    @property
    def example(self) -> str:
        choices = choices_of(self.values, self.key) if self.key in keys_of(self.values) else ()
        if self.values is Site and self.key == "id":
            return _SITE_ID
        return EXAMPLES.get(self.key) or (f'"{choices[0]}"' if choices else '"..."')

    @property
    def table(self) -> str | Wording:
        if len(self.path) == 1:
            return Wording("berkas ini", "this file")
        return _SECTIONS.get(str(self.path[0]), str(self.path[0]))


def toml(value: object) -> str:
    """A value as it looks in the file."""
    if isinstance(value, Mapping) and len(value) == 1 and "TOML date or time" in value:
        return str(value["TOML date or time"])
    return json.dumps(value, ensure_ascii=False, default=str)  # str: dates and times


def _explain(kind: str, place: _Place) -> Iterator[Fault]:
    if kind == "too_short" and place.key in PARTS.values():
        return  # no zone, no sounder: the rules have a better word for it
    if place.path in place.merged.settled:
        return
    yield _BY_TYPE.get(kind, _wrong_type)(place, kind)


def _missing(place: _Place, _type: str) -> Fault:
    if len(place.path) == 1 and place.key in TABLES:
        section = f"[{place.key}]"
        return codes.KEY_MISSING.fault(where=place.where, key=section, table=place.table, better=f"`{section}`")
    return codes.KEY_MISSING.fault(where=place.where, key=place.key, table=place.table, better=place.better)


def _unknown(place: _Place, _type: str) -> Fault:
    known = TOP if len(place.path) == 1 else tuple(key for key in keys_of(place.values) if key != "lab")
    return unknown(place.where, place.key, known, place.table)


def _choice(place: _Place, kind: str) -> Fault:
    if not isinstance(place.value, str):
        return _wrong_type(place, kind)
    choices = choices_of(place.values, place.key)
    close = get_close_matches(place.value.lower(), choices, n=1)
    listed = ", ".join(f'"{word}"' for word in [*close, *(word for word in choices if word not in close)])
    return codes.CHOICE.fault(where=place.where, key=place.key, text=place.text, choices=listed)


def _range(place: _Place, _type: str) -> Fault:
    low, high = limits_of(place.values, place.key)
    limits = f"{low:g}-{high:g}"
    return codes.RANGE.fault(where=place.where, key=place.key, text=place.text, limits=limits, better=place.better)


def _form(place: _Place, _type: str) -> Fault:
    if place.values is Site and place.key == "id":
        return codes.SITE_ID.fault(where=place.where, text=place.text)
    return codes.FORM.fault(where=place.where, key=place.key, text=place.text, better=place.better)


def _wrong_type(place: _Place, kind: str) -> Fault:
    number = isinstance(place.value, int | float) and not isinstance(place.value, bool)
    if number and kind.startswith("string"):
        return _number_for_text(place)
    expected = _EXPECTED.get(kind.split("_", maxsplit=1)[0], _TEXT)
    return codes.TYPE.fault(where=place.where, key=place.key, expected=expected, text=place.text, better=place.better)


def _number_for_text(place: _Place) -> Fault:
    text = f"{place.key} = {place.text}"
    meant = as_text(place.key, place.value) if isinstance(place.value, int) else None
    better = f'{place.key} = "{place.text if meant is None else meant}"'
    return codes.TEXT_NUMBER.fault(where=place.where, key=place.key, text=text, better=better)


def as_text(key: str, number: int) -> str | None:
    """The number as it was meant: RT and RW have three digits, a telephone number begins with 0 or +62; or None."""
    if key in ("rt", "rw"):
        return f"{number:03}"
    if key == "phone":
        return f"+{number}" if str(number).startswith("62") else f"0{number}"
    return None


_BY_TYPE: Mapping[str, Callable[[_Place, str], Fault]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _choice,
    "enum": _choice,
    "greater_than_equal": _range,
    "less_than_equal": _range,
    "finite_number": _range,
    "string_pattern_mismatch": _form,
    "string_too_long": _form,
    "string_too_short": _form,
}
