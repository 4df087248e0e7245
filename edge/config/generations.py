"""Write a resolved configuration so that a power cut at any point leaves the old one or the new one, never neither."""

import os
import stat
from collections.abc import Sequence
from dataclasses import replace
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


def install(places: Places, configuration: Configuration) -> Configuration:
    """Make `configuration` the next generation and the active one; returns it with its number. Raises OSError.

    The generation is whole on disk before active.json is replaced. `bare.json` is `install_bare`'s: it lies on
    another partition, which may be missing or read-only without making this site's configuration any worse.
    """
    installed = replace(configuration, generation=_next_number(places))
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
    expired: Sequence[tuple[int, Path]] = numbered(places)[KEPT:]
    for _, path in expired:
        path.unlink(missing_ok=True)


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
