"""Write a resolved configuration so that a power cut at any point leaves the old one or the new one, never neither."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from edge.config.active import Unreadable, decode, encode, numbered, read_active, stripped
from edge.config.model import Configuration
from edge.config.places import Places

KEPT = 5  # generations; one visit of a technician rarely needs more than one step back


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace `path` by `content`: temp file beside it, fsync, rename, fsync of the folder. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)  # left by a power cut, from a process that had this number
    try:
        _write_synced(temporary, content, mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


@dataclass(frozen=True, slots=True)
class Texts:
    """What one generation was made of, TOML; b"" where there is none, as for an overlay that nobody has sent."""

    site: bytes = b""
    overlay: bytes = b""


NO_TEXTS = Texts()


@contextmanager
def alone(places: Places) -> Iterator[None]:
    """Two who write at once must not write one generation; the lock goes with the process that holds it."""
    places.generations.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(places.generations, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def text_of(places: Places, generation: int) -> Path:
    """What a technician wrote for that generation."""
    return places.generations / f"gen-{generation}.toml"


def texts_of(places: Places, generation: int) -> Texts:
    """Both texts of a generation; empty where they are gone."""
    return Texts(_bytes_of(text_of(places, generation)), _bytes_of(_overlay_of(places, generation)))


def keep_texts(places: Places, generation: int, texts: Texts) -> None:
    """Raises OSError."""
    for path, text in ((text_of(places, generation), texts.site), (_overlay_of(places, generation), texts.overlay)):
        if text:
            write_atomically(path, text)
        else:
            path.unlink(missing_ok=True)


def install(places: Places, configuration: Configuration, texts: Texts = NO_TEXTS) -> Configuration:
    """Make `configuration` the next generation and the active one; returns it with its number. Raises OSError.

    Texts and generation are whole on disk before active.json is replaced. `bare.json` is `install_bare`'s: it lies on
    another partition, which may be missing or read-only without making this site's configuration any worse.
    """
    installed = replace(configuration, generation=_next_number(places))
    keep_texts(places, installed.generation, texts)
    content = encode(installed)
    write_atomically(places.generations / f"gen-{installed.generation}.json", content)
    write_atomically(places.generations / "active.json", content)
    _forget_old(places)
    return installed


def install_bare(places: Places, configuration: Configuration) -> None:
    """Put the last pins where they survive the loss of everything else. Raises OSError."""
    write_atomically(places.bare, encode(stripped(configuration)))


def differs(places: Places, configuration: Configuration) -> bool:
    """True unless active.json already says exactly this, generation number apart."""
    try:
        active = decode((places.generations / "active.json").read_bytes())
    except (OSError, Unreadable):
        return True
    return replace(active, generation=0) != replace(configuration, generation=0)


def _next_number(places: Places) -> int:
    active = read_active(places).configuration
    known = [number for number, _ in numbered(places)] + ([active.generation] if active else [])
    return max(known, default=0) + 1


def _forget_old(places: Places) -> None:
    there = numbered(places)
    for _, path in there[KEPT:]:
        path.unlink(missing_ok=True)
    kept = {str(number) for number, _ in there[:KEPT]}
    for path in places.generations.glob("gen-*.toml"):
        if path.name.partition(".")[0].removeprefix("gen-") not in kept:
            path.unlink(missing_ok=True)


def _overlay_of(places: Places, generation: int) -> Path:
    return places.generations / f"gen-{generation}.overlay.toml"


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _write_synced(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & mode != mode:
            os.fchmod(descriptor, mode)  # root's umask may be 077; on the boot partition's FAT nothing is missing
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
