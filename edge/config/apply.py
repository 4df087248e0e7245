"""Make a checked file the running configuration; a broken, cut or impoverished one never replaces the last good."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.config import codes as config_codes
from edge.config.active import Unreadable, decode, numbered, read_active
from edge.config.generations import differs, install, install_bare, write_atomically
from edge.config.load import Loaded, Users, load
from edge.config.model import Configuration
from edge.config.places import Places
from edge.config.written import SIZE_MAX
from edge.core import codes
from edge.core.faults import Fault, Refused


@dataclass(frozen=True, slots=True)
class Applied:
    """changed: False when the box already ran exactly this, and nothing was written but a missing copy."""

    configuration: Configuration
    faults: tuple[Fault, ...]
    changed: bool


def apply(places: Places, path: Path, users: Users, *, accept_loss: bool = False) -> Applied:
    """Check `path`, then write generation, active.json and bare.json, and keep the text beside the generation.

    accept_loss: parts that the box uses now may be gone from the file
    raises:      Refused with every fault when anything is wrong; nothing has been replaced then
    """
    content = _content(path)
    loaded = load(content, name=path.name, users=users)
    if loaded.configuration is None:
        raise Refused(*loaded.faults)
    if not accept_loss and (losses := _losses(places, path, content, loaded.configuration)):
        raise Refused(*loaded.faults, *losses)
    try:
        with _alone(places):
            return _write(places, path, content, loaded, loaded.configuration)
    except OSError as error:
        what = str(error.filename or places.generations)
        raise Refused(codes.STATE_READONLY.fault(what=what, why=error.strerror or str(error))) from error


def roll_back(places: Places, to: int | None = None) -> Configuration:
    """Make an earlier generation the newest one again, with its text; returns it with its new number.

    to:     its number; None: the newest one that differs from what the box uses now
    raises: Refused, and then nothing has changed
    """
    try:
        with _alone(places):
            number, configuration = _earlier(places, to)
            installed = install(places, configuration)
            _install_text(places, number, installed.generation)
            list(_backed_up(places, installed))
            return installed
    except OSError as error:
        what = str(error.filename or places.generations)
        raise Refused(codes.STATE_READONLY.fault(what=what, why=error.strerror or str(error))) from error


def _install_text(places: Places, earlier: int, generation: int) -> None:
    """What the technician wrote for it goes back to site.toml, so that the next `apply` begins there."""
    if text := _last_text(places, earlier):
        write_atomically(text_of(places, generation), text)
        write_atomically(places.site, text)
    _forget_texts(places)


def _earlier(places: Places, to: int | None) -> tuple[int, Configuration]:
    there = numbered(places)
    why = "-"
    for number, path in there:
        if to not in {None, number}:
            continue
        try:
            configuration = decode(path.read_bytes())
        except Unreadable as error:
            why = str(error)
            continue
        if to is not None or differs(places, configuration):
            return number, configuration
    kept = ", ".join(str(number) for number, _ in there) or "-"
    raise Refused(config_codes.NO_GENERATION.fault(asked="-" if to is None else to, why=why, there=kept))


@contextmanager
def _alone(places: Places) -> Iterator[None]:
    """Two technicians at once must not write one generation; the lock goes with the process that holds it."""
    places.generations.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(places.generations, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except OSError as error:
        why = error.strerror or str(error)
        raise Refused(config_codes.FILE_MISSING.fault(where=str(path), why=why)) from error


def _write(places: Places, path: Path, content: bytes, loaded: Loaded, configuration: Configuration) -> Applied:
    changed = differs(places, configuration)
    installed = install(places, configuration) if changed else read_active(places).configuration
    if installed is None or differs(places, configuration):
        raise Refused(codes.INTERNAL.fault(what="active.json does not read back as it was written"))
    write_atomically(text_of(places, installed.generation), content)
    if not _same_file(path, places.site):
        write_atomically(places.site, content)
    _forget_texts(places)
    return Applied(installed, (*loaded.faults, *_backed_up(places, installed)), changed)


def _backed_up(places: Places, installed: Configuration) -> Iterator[Fault]:
    """The boot partition may be missing or read-only: that makes no configuration worse, so it only warns."""
    try:
        install_bare(places, installed)
    except OSError as error:
        why = error.strerror or str(error)
        yield config_codes.BARE_UNWRITTEN.fault(where=str(places.bare), why=why)


def _losses(places: Places, path: Path, content: bytes, configuration: Configuration) -> list[Fault]:
    active = read_active(places).configuration
    if active is None:
        return []
    faults = []
    if _is_beginning_of(content, _last_text(places, active.generation)):
        lines = content.split(b"\n")
        text = next((line for line in reversed(lines) if line.strip()), b"").decode("utf-8", "replace")
        faults.append(config_codes.SHORTER.fault(where=f"{path.name}:{len(lines)}", text=text.strip()))
    if gone := sorted(_parts(active) - _parts(configuration)):
        faults.append(config_codes.LOST.fault(where=path.name, parts=", ".join(gone)))
    return faults


def _is_beginning_of(content: bytes, last: bytes) -> bool:
    """True when `content` is `last` without its end: what a broken copy looks like."""
    return len(content.strip()) < len(last.strip()) and last.startswith(content.rstrip())


def _parts(configuration: Configuration) -> set[str]:
    parts = [
        *(f'zone "{zone.id}"' for zone in configuration.zones),
        *(f'sounder "{sounder.id}"' for sounder in configuration.sounders),
        *(f'lamp "{lamp.id}"' for lamp in configuration.lamps),
    ]
    return {*parts, *(["[uplink]"] if configuration.uplink else [])}


def text_of(places: Places, generation: int) -> Path:
    """What a technician wrote for that generation."""
    return places.generations / f"gen-{generation}.toml"


def _last_text(places: Places, generation: int) -> bytes:
    try:
        return text_of(places, generation).read_bytes()
    except OSError:
        return b""


def _forget_texts(places: Places) -> None:
    kept = {number for number, _ in numbered(places)}
    for path in places.generations.glob("gen-*.toml"):
        if path.stem.removeprefix("gen-") not in {str(number) for number in kept}:
            path.unlink(missing_ok=True)


def _same_file(one: Path, other: Path) -> bool:
    return other.exists() and one.samefile(other)
