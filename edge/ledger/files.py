"""The ledger's folder: making it, setting a broken ledger aside."""

import contextlib
import os
from pathlib import Path
from typing import Final

ASIDE_LIMIT: Final = 8  # broken ledgers of one start that are kept; a dying card must not fill itself with them
_SUFFIXES: Final = ("-wal", "-shm", "")


def set_aside(path: Path, mark: str) -> Path:
    """Rename an unusable ledger (and its WAL) to *.broken, so that nothing of it is lost; returns its new name.

    mark:   tells this start's from others'; the second of one start gets a number, the ninth replaces the eighth
    raises: OSError
    """
    names = (f"{path.name}.{mark}-{number}.broken" for number in range(1, ASIDE_LIMIT + 1))
    aside = next((path.with_name(name) for name in names if not path.with_name(name).exists()), None)
    aside = aside or path.with_name(f"{path.name}.{mark}-{ASIDE_LIMIT}.broken")
    _rename(path, aside)
    return aside


def _rename(path: Path, to: Path) -> None:
    for suffix in _SUFFIXES:
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{to}{suffix}")


def make_folder(folder: Path) -> None:
    """Make it so that its name survives a power cut: SQLite syncs the folder of a file, nobody the folder's own."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing or [folder]:
        with contextlib.suppress(PermissionError):  # of another owner, who made it long ago
            _sync(made.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
