"""TOML -> model: every fault of a file at once, each with its line, its cause and one thing to do."""

import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

import msgspec

from edge.config import codes, pins, rules, structure
from edge.config.kits import Kit, kit_names, load_kit
from edge.config.layers import Merged, merge
from edge.config.model import Configuration
from edge.config.written import SIZE_MAX, Written, read
from edge.core.faults import Fault, Refused, Wording

FORMAT = 1
OVERLAY_NAME = "overlay"
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
        return load(read_whole(path), name=path.name, users=users)
    except Refused as refused:
        return Loaded(None, refused.faults)


def read_whole(path: Path) -> bytes:
    """What a person wrote, and of what is too long as much as shows it. Raises Refused."""
    try:
        with path.open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except OSError as error:
        raise Refused(codes.FILE_MISSING.fault(where=str(path), why=error.strerror or str(error))) from error


def load(content: bytes, *, name: str, users: Users, overlay: bytes = b"") -> Loaded:
    """Check what a person wrote and resolve it. Never raises.

    name:    what messages call the file
    overlay: what the centre lays over it, TOML
    """
    site, above = read(content, name), read(overlay, OVERLAY_NAME)
    kit, unknown_kit = _kit(site)
    merged = merge(kit.written, site, above)
    found = [*site.faults, *above.faults, *_format(site), *unknown_kit, *merged.faults]
    for part in (pins.settle(merged), structure.check(merged), rules.check(merged, kit)):
        found.extend(part)
    if site.holes or above.holes or kit is _NO_KIT:
        found = _without_consequences(found)
    faults = tuple(_sorted(found, name))
    if any(not fault.warning for fault in faults):
        return Loaded(None, faults)
    uids, missing = _uids(kit, users)
    return Loaded(msgspec.convert({**merged.table, "link": {"uids": uids}}, Configuration), (*faults, *missing))


def _format(site: Written) -> Iterator[Fault]:
    """A file without the line is of format 1; a later one is not for this version to guess at."""
    said = site.table.get("format", FORMAT)
    if said != FORMAT or isinstance(said, bool):
        yield codes.FORMAT.fault(where=site.where(("format",)), text=structure.toml(said), known=FORMAT)


def resolve(content: bytes, name: str, overlay: bytes = b"") -> Merged:
    """The kit and what lies over it, with the place of every value; nothing is checked."""
    site = read(content, name)
    return merge(_kit(site)[0].written, site, read(overlay, OVERLAY_NAME))


_NO_KIT = Kit("", offered=False, about=Wording("", ""), written=Written("", {}, {}))


def _kit(site: Written) -> tuple[Kit, list[Fault]]:
    """The kit, or the one that was probably meant, so that the rest of the file can be checked all the same."""
    name = site.table.get("kit")
    if not isinstance(name, str):
        return _NO_KIT, []  # the structure tells that it is missing, or no text
    if name in kit_names(offered_only=False):
        return load_kit(name), []
    offered = kit_names()
    close = get_close_matches(name, offered, n=1)
    listed = ", ".join(f'"{kit}"' for kit in [*close, *(kit for kit in offered if kit not in close)])
    fault = codes.KIT_UNKNOWN.fault(where=site.where(("kit",)), text=structure.toml(name), choices=listed)
    return load_kit(close[0]) if close else _NO_KIT, [fault]


def _without_consequences(faults: Sequence[Fault]) -> list[Fault]:
    """Where lines or the kit had to be left out, what is missing may just be in them: say only what is wrong."""
    consequences = {codes.NO_ZONE.code, codes.NO_SOUNDER.code, codes.NO_UPLINK.code, codes.REMOVE.code}
    incomplete = {codes.KEY_MISSING.code} if any(fault.code in _LEFT_OUT for fault in faults) else set()
    return [fault for fault in faults if fault.code not in consequences | incomplete]


_LEFT_OUT = {meaning.code for meaning in (codes.TOML, codes.KEY_TWICE, codes.SIZE, codes.ENCODING, codes.KIT_UNKNOWN)}


def _sorted(faults: Sequence[Fault], name: str) -> list[Fault]:
    """In the order of the file; stable, so that two faults of one line keep the order in which they were found."""

    def line(fault: Fault) -> int:
        places = (place.rpartition(":") for place in fault.where.split(", "))
        return max((int(number) for file, _, number in places if file == name), default=0)

    return sorted(faults, key=line)


def _uids(kit: Kit, users: Users) -> tuple[dict[str, int], list[Fault]]:
    """A kit says who speaks on the sockets: the box's own users (people: root), or in the demo whoever starts it."""
    link = kit.written.table.get("link")
    if isinstance(link, Mapping) and link.get("users") == "own":
        return dict.fromkeys(ROLES, users.own()), []
    found = {role: users.named("root" if role == "cli" else f"kentongan-{role}") for role in ROLES}
    known = {role: uid for role, uid in found.items() if uid is not None}
    relay = codes.USER_MISSING.fault(user="kentongan-relay", role="relay")
    return known, [] if "relay" in known else [relay]
