"""What a daemon reads at start: active.json, else the newest readable generation, else the last pins.

A generation is one JSON object {"crc32": n, "configuration": {...}}; the checksum is over the bytes of the inner
object, so that a card that flips bits is noticed and not obeyed. crc32 and not a hash: hashlib loads libcrypto.
"""

import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import msgspec

from edge.config.model import VERSION, Configuration
from edge.config.places import Places
from edge.core import codes
from edge.core.faults import Fault

SIZE_MAX = 256 * 1024  # bytes; the lab kit with 28 zones is 5 KiB


class Source(StrEnum):
    ACTIVE = "active"
    GENERATION = "generation"  # an older or second copy: the last good
    BARE = "bare"  # the last pins: one pattern, no ledger, no link
    NOTHING = "nothing"  # a box that never had a configuration


@dataclass(frozen=True, slots=True)
class Reading:
    """configuration is None only when source is NOTHING; faults say, coded, why it is not ACTIVE."""

    configuration: Configuration | None
    source: Source
    faults: tuple[Fault, ...] = ()


class Unreadable(ValueError):
    """A file that is no whole generation; the text says in one short phrase why."""


class _Envelope(msgspec.Struct, frozen=True):
    crc32: int
    configuration: msgspec.Raw


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_CONFIGURATION = msgspec.json.Decoder(Configuration)


def encode(configuration: Configuration) -> bytes:
    """The bytes of a generation, for `decode`."""
    inner = msgspec.json.encode(configuration)
    return msgspec.json.encode(_Envelope(zlib.crc32(inner), msgspec.Raw(inner))) + b"\n"


def decode(raw: bytes) -> Configuration:
    """Read one generation. Raises Unreadable for anything but a whole, unaltered one of this version."""
    if len(raw) > SIZE_MAX:
        raise Unreadable("too big")
    try:
        envelope = _ENVELOPE.decode(raw)
        if zlib.crc32(envelope.configuration) != envelope.crc32:
            raise Unreadable("checksum")
        configuration = _CONFIGURATION.decode(envelope.configuration)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    if configuration.version != VERSION:
        raise Unreadable(f"version {configuration.version}")
    return configuration


def read_active(places: Places) -> Reading:
    """Find the best configuration there is. Never raises: whatever a card does, the siren must get its pins."""
    reasons: list[str] = []
    for source, path in _candidates(places):
        try:
            configuration = decode(_content(path))
        except Exception as error:  # noqa: BLE001 - any surprise means: try the next copy
            reasons.append(f"{path.name}: {_phrase(error)}")
        else:
            return Reading(configuration, source, _told(source, reasons, configuration.generation))
    return Reading(None, Source.NOTHING, _told(Source.NOTHING, reasons, 0))


def read_bare(places: Places) -> Reading:
    """The last pins and nothing else: after five deaths in five minutes, when all the rest is under suspicion."""
    try:
        return Reading(decode(_content(places.bare)), Source.BARE)
    except Exception:  # noqa: BLE001 - as in read_active; the pins of any other copy are the same pins
        reading = read_active(places)
    if reading.configuration is None:
        return reading
    return Reading(stripped(reading.configuration), Source.BARE, reading.faults)


def stripped(configuration: Configuration) -> Configuration:
    """What `bare.json` keeps: pins and how they are wired; no broker, no link."""
    return replace(configuration, uplink=None, link=type(configuration.link)())


def numbered(places: Places) -> list[tuple[int, Path]]:
    """Every gen-N.json with its N, newest first. Raises OSError when the folder cannot be listed."""
    found = [(path.stem.removeprefix("gen-"), path) for path in places.generations.glob("gen-*.json")]
    return sorted(((int(text), path) for text, path in found if text.isdecimal()), reverse=True)


def _candidates(places: Places) -> Iterator[tuple[Source, Path]]:
    yield Source.ACTIVE, places.generations / "active.json"
    try:
        older = numbered(places)
    except (OSError, ValueError):
        older = []
    for _, path in older:
        yield Source.GENERATION, path
    yield Source.BARE, places.bare


def _content(path: Path) -> bytes:
    """At most SIZE_MAX + 1 bytes of a plain file; a FIFO or a device where the file should be cannot hold us."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("not a plain file")
        return file.read(SIZE_MAX + 1)


def _phrase(error: Exception) -> str:
    return (error.strerror or "") if isinstance(error, OSError) else str(error)


def _told(source: Source, reasons: list[str], generation: int) -> tuple[Fault, ...]:
    why = "; ".join(reasons[:2])
    match source:
        case Source.ACTIVE:
            return ()
        case Source.GENERATION:
            return (codes.CONFIG_LASTGOOD.fault(why=why, generation=generation),)
        case Source.BARE:
            return (codes.CONFIG_BARE.fault(why=why),)
        case Source.NOTHING:
            return (codes.CONFIG_NONE.fault(why=why),)
