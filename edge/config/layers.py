"""Layers: kit <- site.toml <- overlay, parts joined by their `id`. What nobody writes is the model's default.

The result has the model's names (zones, sounders, lamps) and knows for every value which file and line it came from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from edge.config import codes
from edge.config.lines import Path
from edge.config.written import Written
from edge.core.faults import Fault, Wording

PARTS = {"zone": "zones", "sounder": "sounders", "lamp": "lamps"}
TABLES = ("site", "panel", "calls", "cameras", "uplink")
ABOVE = ("format", "kit", "driver")  # in TOML a key below a heading belongs to it
TOP = ("format", "kit", "driver", *TABLES, *PARTS)
# What the centre may change from afar: which beats are sounded, how many pictures a slow line carries. Never pins,
# polarity, hold, silent, bypass or caps, and never whether pictures leave at all.
OVERLAY: Mapping[str, tuple[str, ...]] = {
    "panel": ("profile",), "calls": ("crime", "fire", "medical", "disaster"), "cameras": ("frames",),
}  # fmt: skip

# What people write for what the file calls otherwise.
ALIASES = {
    "tombol": "zone", "zones": "zone", "button": "zone", "sirene": "sounder", "siren": "sounder", "sounders": "sounder",
    "lampu": "lamp", "lamps": "lamp", "broker": "uplink", "mqtt": "uplink", "nama": "name", "telepon": "phone",
    "hp": "phone", "gpio": "pin", "jenis": "kind", "hold": "hold_s", "server": "host", "ssl": "tls",
}  # fmt: skip


@dataclass(slots=True)
class Merged:
    """table is the site as one mapping; where(path) is "site.toml:12" or "kit rt-standard:9" for any of its values."""

    table: dict[str, object] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    settled: set[Path] = field(default_factory=set)  # paths that already have their fault

    def where(self, path: Path) -> str:
        """Where the value stands, or else the nearest thing around it."""
        around = (path[:length] for length in range(len(path), -1, -1))
        return next((self.origins[part] for part in around if part in self.origins), "")

    def parts(self, kind: str) -> list[tuple[Path, dict[str, object]]]:
        """Every part of that kind that is a table at all, with its path."""
        found = self.table.get(PARTS[kind])
        return (
            [((PARTS[kind], index), part) for index, part in enumerate(found) if isinstance(part, dict)]
            if (isinstance(found, list))
            else []
        )

    def section(self, name: str) -> Mapping[str, object]:
        """[site], [panel] or [uplink]; empty when it is missing or no table."""
        found = self.table.get(name)
        return found if isinstance(found, Mapping) else {}


NO_OVERLAY = Written("overlay", {}, {})


def merge(kit: Written, site: Written, overlay: Written = NO_OVERLAY) -> Merged:
    """Lay the site over the kit, and over it what the centre may change. Never raises; `faults` has the rest."""
    merged = Merged(origins={(): f"{site.name}:1"})
    for key in site.table:
        if key not in TOP:
            merged.faults.append(unknown(site.where((key,)), key, TOP, Wording("berkas ini", "this file")))
    merged.faults.extend(_forbidden(overlay))
    for written in (kit, site, overlay):
        for key in ("kit", "driver", *TABLES):
            _lay(merged, written, key)
    for kind in PARTS:
        _join(merged, kind, kit, site)
    return merged


def _forbidden(overlay: Written) -> Iterator[Fault]:
    """Whatever is not on the list, by its full name."""
    listed = ", ".join(f"{table}.{key}" for table, keys in OVERLAY.items() for key in keys)
    for table, value in overlay.table.items():
        keys = value if isinstance(value, Mapping) and table in OVERLAY else (None,)
        for key in keys:
            if key not in OVERLAY.get(table, ()):
                path = (table,) if key is None else (table, key)
                what = ".".join(map(str, path))
                yield codes.OVERLAY_KEY.fault(where=overlay.where(path), what=what, listed=listed)


def unknown(where: str, key: str, known: Sequence[str], table: str | Wording) -> Fault:
    """E-KEY-UNKNOWN, with the key that was probably meant."""
    if key in ABOVE and key not in known:
        advice = Wording("pindahkan baris ini ke paling atas berkas.", "move this line to the very top of the file.")
        return codes.KEY_UNKNOWN.fault(where=where, key=key, table=table, advice=advice)
    guess = ALIASES.get(key.lower(), "")
    close = [guess] if guess in known else get_close_matches(key.lower(), known, n=1, cutoff=0.7)
    if close:
        advice = Wording(f"mungkin maksudnya `{close[0]}`?", f"did you mean `{close[0]}`?")
    else:
        listed = ", ".join(known)
        advice = Wording(f"hapus; yang ada: {listed}.", f"remove it; there are: {listed}.")
    return codes.KEY_UNKNOWN.fault(where=where, key=key, table=table, advice=advice)


def _lay(merged: Merged, written: Written, key: str) -> None:
    if key not in written.table:
        return
    value = written.table[key]
    below = merged.table.get(key)
    if isinstance(value, list) and key in TABLES:
        merged.faults.append(codes.TABLE.fault(where=written.where((key,)), text=f"[[{key}]]", better=f"[{key}]"))
        merged.settled.add((key,))
        return
    merged.origins[(key,)] = written.where((key,))
    if isinstance(value, Mapping) and key in TABLES:
        merged.table[key] = {**(below if isinstance(below, Mapping) else {}), **value}
        merged.origins.update({(key, name): written.where((key, name)) for name in value})
    else:
        merged.table[key] = value


@dataclass(frozen=True, slots=True)
class _Part:
    value: object
    written: Written
    path: Path

    @property
    def id(self) -> object:
        return self.value.get("id") if isinstance(self.value, Mapping) else None


def _join(merged: Merged, kind: str, kit: Written, site: Written) -> None:
    """Kit parts in their order, each changed or removed by the site's part of the same id; then the site's own."""
    base = list(_parts(merged, kind, kit))
    laid = list(_parts(merged, kind, site))
    merged.faults.extend(_twice(kind, laid))
    merged.faults.extend(_removing_nothing(kind, base, laid))
    known = [part.id for part in base]
    values: list[object] = []
    for part in base:
        changes = [change for change in laid if isinstance(part.id, str) and change.id == part.id]
        if not any(_removes(change) for change in changes):
            _append(merged, kind, values, [part, *changes])
    for part in laid:
        if not _removes(part) and (not isinstance(part.id, str) or part.id not in known):
            _append(merged, kind, values, [part])
    merged.table[PARTS[kind]] = values


def _append(merged: Merged, kind: str, values: list[object], layers: Sequence[_Part]) -> None:
    path: Path = (PARTS[kind], len(values))
    joined: dict[str, object] = {}
    for part in layers:
        merged.origins[path] = part.written.where(part.path)
        if not isinstance(part.value, Mapping):
            values.append(part.value)
            return
        joined |= {key: value for key, value in part.value.items() if key != "remove"}
        merged.origins.update({(*path, key): part.written.where((*part.path, key)) for key in part.value})
    values.append(joined)


def _parts(merged: Merged, kind: str, written: Written) -> Iterator[_Part]:
    found = written.table.get(kind, [])
    if isinstance(found, list):
        for index, value in enumerate(found):
            yield _Part(value, written, (kind, index))
        return
    where = written.where((kind,))
    merged.faults.append(codes.TABLE.fault(where=where, text=f"[{kind}]", better=f"[[{kind}]]"))
    if isinstance(found, Mapping) and not any(isinstance(value, Mapping) for value in found.values()):
        yield _Part(found, written, (kind,))  # one part with the wrong brackets: go on with it


def _removes(part: _Part) -> bool:
    return isinstance(part.value, Mapping) and part.value.get("remove") is True


def _twice(kind: str, laid: Sequence[_Part]) -> Iterator[Fault]:
    seen: dict[str, _Part] = {}
    for part in laid:
        if isinstance(part.id, str) and part.id in seen:
            places = [each.written.where((*each.path, "id")) for each in (seen[part.id], part)]
            yield codes.ID_TWICE.fault(where=", ".join(places), table=kind, id=part.id)
        elif isinstance(part.id, str):
            seen[part.id] = part


def _removing_nothing(kind: str, base: Sequence[_Part], laid: Sequence[_Part]) -> Iterator[Fault]:
    known = [str(part.id) for part in base]
    for part in laid:
        if _removes(part) and part.id not in known:
            where = part.written.where((*part.path, "id"))
            yield codes.REMOVE.fault(where=where, table=kind, id=str(part.id), choices=", ".join(known))
