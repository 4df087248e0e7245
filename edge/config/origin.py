"""Where each value of a site comes from: a line of the overlay, the site's file or the kit, or the default."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from edge.config.lines import Path
from edge.config.load import resolve
from edge.config.model import Configuration
from edge.core.faults import Wording

DEFAULT: Final = Wording("bawaan", "default")
Scalar = str | int | float | bool | None
_OF_THE_BOX: Final = {"version", "generation", "link"}  # nobody writes them


@dataclass(frozen=True, slots=True)
class Origin:
    """key: "zone.pos-ronda.pin"; where: "overlay:2", "site.toml:12", "kit rt-standard:9", or "" for a default."""

    key: str
    value: Scalar
    where: str


def origins(content: bytes, name: str, configuration: Configuration, overlay: bytes = b"") -> Iterator[Origin]:
    """Every value of a configuration that `content` (called `name`) resolves to, in the order of the model."""
    stands = resolve(content, name, overlay).origins
    told: Mapping[str, object] = msgspec.to_builtins(configuration)
    for key, value in told.items():
        if key not in _OF_THE_BOX:
            yield from _leaves((key,), key, value, stands)


def _leaves(path: Path, key: str, value: object, stands: Mapping[Path, str]) -> Iterator[Origin]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _leaves((*path, name), f"{key}.{name}", member, stands)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            named = part.get("id", index) if isinstance(part, Mapping) else index
            yield from _leaves((*path, index), f"{key.removesuffix('s')}.{named}", part, stands)
    elif isinstance(value, Scalar):
        yield Origin(key, value, stands.get(path, ""))
