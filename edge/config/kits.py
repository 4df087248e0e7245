"""Kits: what a technician unpacks. A kit is a TOML file of the product, so that ten lines make a site."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from edge.config.resources import folder
from edge.config.written import Written, read
from edge.core.faults import Wording


@dataclass(frozen=True, slots=True)
class Kit:
    """offered: False for the laboratory's; written: its file without the part about itself."""

    name: str
    offered: bool
    about: Wording
    written: Written

    @property
    def lab(self) -> bool:
        panel = self.written.table.get("panel")
        return isinstance(panel, Mapping) and panel.get("lab") is True

    @property
    def simulated(self) -> bool:
        return self.written.table.get("driver") in ("sim", "mock")


def kit_names(*, offered_only: bool = True) -> tuple[str, ...]:
    """Every kit there is, by name."""
    names = sorted(path.stem for path in folder("kits").glob("*.toml"))
    return tuple(name for name in names if not offered_only or load_kit(name).offered)


@cache
def load_kit(name: str) -> Kit:
    """Raises KeyError when there is no such kit, ValueError when its file is broken (a mistake of the product)."""
    path = folder("kits") / f"{name}.toml"
    if name != path.stem or not path.is_file():
        raise KeyError(name)
    written = read(path.read_bytes(), f"kit {name}")
    if written.faults:
        raise ValueError("; ".join(fault.line() for fault in written.faults))
    table = dict(written.table)
    about = table.pop("about")
    if not isinstance(about, Mapping):
        raise ValueError(f"kit {name} does not say what it is")  # noqa: TRY004 - a file's content, not a caller's type
    wording = Wording(str(about["id"]), str(about["en"]))
    return Kit(name, about["offered"] is True, wording, Written(written.name, table, written.lines))
