"""The adopted cameras, and what a scan says of them. Pure.

No mark of a camera is unique in the field: whole series share a serial, units of one maker a first MAC, clones an
endpoint reference. So all of them are compared, and the address; what contradicts itself is shown and never merged.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

CAMERAS_LIMIT: Final = 64  # adopted; a large RT has fifty


class Health(StrEnum):
    """How an adopted camera is. A word of the state, of events and of the counter's answers."""

    UNREACHABLE = "unreachable"
    REACHABLE = "reachable"  # it speaks ONVIF; its login was not tried yet
    NO_LOGIN = "no-login"  # it wants one, and none was given
    WRONG_PASSWORD = "wrong-password"  # noqa: S105  a word, no password
    CLOCK_WRONG = "clock-wrong"
    UP = "up"
    NO_PICTURE = "no-picture"  # the login is good, but no way to a picture gives one


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a device says that it is; "" where it does not say. mac: 12 lower-case hex digits, by `plain_mac`."""

    epr: str = ""
    mac: str = ""
    serial: str = ""

    def contradicts(self, other: "Marks") -> tuple[str, ...]:
        """Names of the marks that both have, and that differ."""
        return tuple(name for name, mine, theirs in self._beside(other) if mine and theirs and mine != theirs)

    def shares(self, other: "Marks") -> tuple[str, ...]:
        """Names of the marks that both have, and that are equal."""
        return tuple(name for name, mine, theirs in self._beside(other) if mine and mine == theirs)

    def _beside(self, other: "Marks") -> tuple[tuple[str, str, str], ...]:
        return ("epr", self.epr, other.epr), ("mac", self.mac, other.mac), ("serial", self.serial, other.serial)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """One camera that a human made ours.

    name:     what the site calls it
    consent:  its pictures may leave the site
    login:    number of its login, 0: it has none; a new login has a new number
    accepted, refused: numbers of the last login that it took, and of the last that it did not
    staked:   number of a login that was sent, and whose fate was not written down before we died; 0: none
    """

    name: str
    host: str
    port: int
    path: str = "/onvif/device_service"
    marks: Marks = field(default_factory=Marks)
    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    consent: bool = False
    events: bool = False
    login: int = 0
    accepted: int = 0
    refused: int = 0
    staked: int = 0

    @property
    def is_refused(self) -> bool:
        """Its login was refused once: nothing is tried before somebody gives another."""
        return self.login != 0 and self.refused == self.login


@dataclass(frozen=True, slots=True, order=True)
class Sighting:
    """What answered a probe. marks hold no serial: that needs a login."""

    host: str
    port: int
    epr: str = ""
    mac: str = ""
    path: str = "/onvif/device_service"
    name: str = ""
    hardware: str = ""

    @property
    def marks(self) -> Marks:
        return Marks(epr=self.epr, mac=self.mac)


class Where(StrEnum):
    HERE = "here"  # at its address, and nothing speaks against it
    MOVED = "moved"  # at exactly one other address, and nobody else may be it
    DOUBTFUL = "doubtful"  # several may be it, or several of ours may be one
    USURPED = "usurped"  # something else is at its address
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """sightings: where it is or may be; for USURPED what is there instead."""

    where: Where
    sightings: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """strangers: sightings that are none of ours, and may not be."""

    cameras: Mapping[str, Whereabouts]
    strangers: tuple[Sighting, ...]


def compare(adopted: Collection[Adopted], seen: Iterable[Sighting]) -> Diff:
    """Find each adopted camera among what a scan saw. Each sighting is HERE or MOVED for one camera at most."""
    sightings = sorted(set(seen))
    found = {camera.name: here for camera in adopted if (here := _here(camera, sightings)) is not None}
    free = [sighting for sighting in sightings if sighting not in found.values()]
    away = [camera for camera in adopted if camera.name not in found]
    claims = {camera.name: tuple(each for each in free if _may_be(camera, each)) for camera in away}
    cameras = {name: Whereabouts(Where.HERE, (sighting,)) for name, sighting in found.items()}
    for camera in away:
        cameras[camera.name] = _away(camera, claims, free)
    claimed = {sighting for claim in claims.values() for sighting in claim}
    return Diff(cameras, tuple(sighting for sighting in free if sighting not in claimed))


def _here(camera: Adopted, sightings: Sequence[Sighting]) -> Sighting | None:
    """At its address, with the most in common; a camera that says nothing of itself is taken at its address's word."""
    own = [each for each in _at(camera, sightings) if not camera.marks.contradicts(each.marks)]
    return max(own, key=lambda each: len(camera.marks.shares(each.marks)), default=None)


def _away(camera: Adopted, claims: Mapping[str, tuple[Sighting, ...]], free: Sequence[Sighting]) -> Whereabouts:
    claim = claims[camera.name]
    if not claim:
        own = tuple(_at(camera, free))
        return Whereabouts(Where.USURPED, own) if own else Whereabouts(Where.MISSING)
    rivals = sum(1 for other in claims.values() if set(other) & set(claim))
    return Whereabouts(Where.MOVED if len(claim) == rivals == 1 else Where.DOUBTFUL, claim)


def _at(camera: Adopted, sightings: Sequence[Sighting]) -> list[Sighting]:
    return [each for each in sightings if (each.host, each.port) == (camera.host, camera.port)]


def _may_be(camera: Adopted, sighting: Sighting) -> bool:
    """Elsewhere something must speak for it, not only nothing against it."""
    return bool(camera.marks.shares(sighting.marks)) and not camera.marks.contradicts(sighting.marks)


def conflicts(adopted: Collection[Adopted]) -> dict[str, tuple[str, ...]]:
    """By name: which others say the same of themselves, and what: "gerbang: serial"."""
    return {
        camera.name: tuple(
            f"{other.name}: {mark}"
            for other in adopted
            if other.name != camera.name
            for mark in camera.marks.shares(other.marks)
        )
        for camera in adopted
    }


def twins(sighting: Sighting, seen: Iterable[Sighting]) -> int:
    """How many others claim its endpoint reference."""
    return sum(1 for each in seen if sighting.epr and each.epr == sighting.epr and each != sighting)


def plain_mac(text: str) -> str:
    """Twelve lower-case hex digits of a MAC however it is written; "" if it is none."""
    digits = "".join(letter for letter in text.lower() if letter not in ":-. ")
    return digits if len(digits) == 12 and set(digits) <= set("0123456789abcdef") else ""
