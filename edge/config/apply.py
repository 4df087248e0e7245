"""Make a checked file the running configuration; a broken, cut or impoverished one never replaces the last good."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.config import codes as config_codes
from edge.config.active import Unreadable, decode, numbered, read_active
from edge.config.generations import (
    Texts,
    alone,
    differs,
    install,
    install_bare,
    keep_texts,
    texts_of,
    write_atomically,
)
from edge.config.load import Loaded, Users, load, read_whole
from edge.config.model import Configuration
from edge.config.places import Places
from edge.core import codes
from edge.core.faults import Fault, Refused


@dataclass(frozen=True, slots=True)
class Applied:
    """changed: False when the box already ran exactly this, and nothing was written but a missing copy."""

    configuration: Configuration
    faults: tuple[Fault, ...]
    changed: bool


def apply(
    places: Places, path: Path, users: Users, *, accept_loss: bool = False, without_overlay: bool = False
) -> Applied:
    """Check `path`, then write generation, active.json and bare.json, and keep the text beside the generation.

    What the centre laid over the configuration lies over this one too. A trial of its ends: the hand at the box counts.

    accept_loss:     parts that the box uses now may be gone from the file
    without_overlay: what the centre laid over it is dropped
    raises:          Refused with every fault when anything is wrong; nothing has been replaced then
    """
    texts = Texts(read_whole(path), b"" if without_overlay else _overlay(places))
    loaded = load(texts.site, name=path.name, users=users, overlay=texts.overlay)
    if loaded.configuration is None:
        raise Refused(*loaded.faults, *_clash(loaded, texts, path, users))
    if not accept_loss and (losses := _losses(places, path, texts.site, loaded.configuration)):
        raise Refused(*loaded.faults, *losses)
    try:
        with alone(places):
            return _write(places, path, texts, loaded, loaded.configuration)
    except OSError as error:
        what = str(error.filename or places.generations)
        raise Refused(codes.STATE_READONLY.fault(what=what, why=error.strerror or str(error))) from error


def roll_back(places: Places, to: int | None = None) -> Configuration:
    """Make an earlier generation the newest one again, its text in site.toml, where the next `apply` begins.

    to:     its number; None: the newest one that differs from what the box uses now
    raises: Refused, and then nothing has changed
    """
    try:
        with alone(places):
            number, configuration = _earlier(places, to)
            installed = put_back(places, number, configuration)
            if text := texts_of(places, installed.generation).site:
                write_atomically(places.site, text)
            places.trial.unlink(missing_ok=True)
            return installed
    except OSError as error:
        what = str(error.filename or places.generations)
        raise Refused(codes.STATE_READONLY.fault(what=what, why=error.strerror or str(error))) from error


def put_back(places: Places, number: int, configuration: Configuration) -> Configuration:
    """Generation `number` under a new number; site.toml, which somebody may be editing, stays. Raises OSError.

    The caller is `alone`.
    """
    installed = install(places, configuration, texts_of(places, number))
    list(_backed_up(places, installed))
    return installed


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


def _overlay(places: Places) -> bytes:
    active = read_active(places).configuration
    return texts_of(places, active.generation).overlay if active else b""


def _clash(loaded: Loaded, texts: Texts, path: Path, users: Users) -> list[Fault]:
    """Where the file alone would do, say how to get rid of what lies over it."""
    if not texts.overlay or load(texts.site, name=path.name, users=users).configuration is None:
        return []
    where = next((fault.where for fault in loaded.faults if not fault.warning), path.name)
    return [config_codes.OVERLAY_CLASH.fault(where=where)]


def _write(places: Places, path: Path, texts: Texts, loaded: Loaded, configuration: Configuration) -> Applied:
    changed = differs(places, configuration)
    installed = install(places, configuration, texts) if changed else read_active(places).configuration
    if installed is None or differs(places, configuration):
        raise Refused(codes.INTERNAL.fault(what="active.json does not read back as it was written"))
    if not changed:
        keep_texts(places, installed.generation, texts)
    if not _same_file(path, places.site):
        write_atomically(places.site, texts.site)
    places.trial.unlink(missing_ok=True)
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
    if _is_beginning_of(content, texts_of(places, active.generation).site):
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


def _same_file(one: Path, other: Path) -> bool:
    return other.exists() and one.samefile(other)
