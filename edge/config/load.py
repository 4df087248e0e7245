"""TOML -> model: every fault of a file at once, each with its line, its cause and one thing to do."""

import os
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

import msgspec

from edge.config import codes, pins, rules, structure
from edge.config.kits import Kit, kit_names, load_kit
from edge.config.layers import merge
from edge.config.model import Configuration
from edge.config.written import SIZE_MAX, Written, read
from edge.core.faults import Fault

ROLES = ("relay", "sms", "cameras", "config", "page", "cli")


class Users(Protocol):
    """Who may speak on which socket: the system's users, or a fake."""

    def own(self) -> int: ...

    def named(self, name: str) -> int | None:
        """The uid of a user, None when there is no such user."""


class SystemUsers:
    """/etc/passwd and whatever stands behind it."""

    def own(self) -> int:
        return os.getuid()

    def named(self, name: str) -> int | None:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            return None


@dataclass(frozen=True, slots=True)
class Loaded:
    """configuration is None exactly when one of the faults is more than a warning."""

    configuration: Configuration | None
    faults: tuple[Fault, ...]


def load_path(path: Path, users: Users) -> Loaded:
    """Read and check one file. Never raises for what the file holds or for its absence."""
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_MAX + 1)
    except OSError as error:
        return Loaded(None, (codes.FILE_MISSING.fault(where=str(path), why=error.strerror or str(error)),))
    return load(content, name=path.name, users=users)


def load(content: bytes, *, name: str, users: Users) -> Loaded:
    """Check what a person wrote and resolve it. Never raises; `name` is what messages call the file."""
    site = read(content, name)
    kit, refusal = _kit(site)
    if kit is None:
        return Loaded(None, (*site.faults, *refusal))
    merged = merge(kit.written, site)
    found = [*site.faults, *merged.faults]
    for part in (pins.settle(merged), structure.check(merged), rules.check(merged, kit)):
        found.extend(part)
    uids, missing = _uids(kit, users)
    faults = _sorted(_without_consequences(found, site), name) + missing
    if any(not fault.warning for fault in faults):
        return Loaded(None, tuple(faults))
    resolved = {**merged.table, "link": {"uids": uids}}
    return Loaded(msgspec.convert(resolved, Configuration), tuple(faults))


def _kit(site: Written) -> tuple[Kit | None, tuple[Fault, ...]]:
    name = site.table.get("kit")
    offered = kit_names()
    if name is None:
        if site.holes:
            return None, ()
        where = f"{site.name}:1"
        better = 'kit = "rt-standard"'
        return None, (codes.KEY_MISSING.fault(where=where, key="kit", table=site.name, better=better),)
    if isinstance(name, str) and name in kit_names(offered_only=False):
        return load_kit(name), ()
    close = get_close_matches(str(name), offered, n=1)
    listed = ", ".join(f'"{kit}"' for kit in [*close, *(kit for kit in offered if kit not in close)])
    where = site.where(("kit",))
    return None, (codes.KIT_UNKNOWN.fault(where=where, text=structure.toml(name), choices=listed),)


def _without_consequences(faults: Sequence[Fault], site: Written) -> list[Fault]:
    """Where lines had to be left out, what is missing may just be in them: say only what is there and wrong."""
    consequences = {codes.KEY_MISSING.code, codes.NO_ZONE.code, codes.NO_SOUNDER.code, codes.NO_UPLINK.code}
    return [fault for fault in faults if not (site.holes and fault.code in consequences)]


def _sorted(faults: Sequence[Fault], name: str) -> list[Fault]:
    """In the order of the file; stable, so that two faults of one line keep the order in which they were found."""

    def line(fault: Fault) -> int:
        places = (place.rpartition(":") for place in fault.where.split(", "))
        return max((int(number) for file, _, number in places if file == name), default=0)

    return sorted(faults, key=line)


def _uids(kit: Kit, users: Users) -> tuple[dict[str, int], list[Fault]]:
    """A kit says who speaks on the sockets: the box's own users, or in the demo whoever starts it."""
    link = kit.written.table.get("link")
    if isinstance(link, Mapping) and link.get("users") == "own":
        return dict.fromkeys(ROLES, users.own()), []
    found = {role: users.named(f"kentongan-{role}") for role in ROLES}
    known = {role: uid for role, uid in found.items() if uid is not None}
    relay = codes.USER_MISSING.fault(user="kentongan-relay", role="relay")
    return known, [] if "relay" in known else [relay]
