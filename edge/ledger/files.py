"""The ledger's folder: making it, setting a broken ledger aside."""

import contextlib
import os
from pathlib import Path
from typing import Final

ASIDE_LIMIT: Final = 8  # broken ledgers of one start that are kept; a dying card must not fill itself with them
SALVAGED_LIMIT: Final = 4  # and so many of all starts, once their rows are in a sound ledger
_BROKEN, _SALVAGED = ".broken", ".salvaged"
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


def scripts() -> list[str]:
    """What made the tables, one after the other; the number of a ledger's form is how many it has had."""
    folder = Path(__file__).with_name("migrations")
    return [path.read_text("utf-8") for path in sorted(folder.glob("*.sql"))]


def broken_ledgers(path: Path) -> list[Path]:
    """Those that were set aside and whose rows are not brought home yet, oldest first."""
    return _beside(path, _BROKEN)


def salvaged_ledgers(path: Path) -> list[Path]:
    """Those whose rows are home, oldest first."""
    return _beside(path, _SALVAGED)


def put_away(broken: Path) -> None:
    """Its rows are home: it is kept, under another name, and the oldest of such make room. Raises OSError."""
    _rename(broken, broken.with_suffix(_SALVAGED))
    ledger = broken.with_name(broken.name.split(".db")[0] + ".db")
    for old in salvaged_ledgers(ledger)[:-SALVAGED_LIMIT]:
        for suffix in _SUFFIXES:
            Path(f"{old}{suffix}").unlink(missing_ok=True)


def _beside(path: Path, suffix: str) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.*{suffix}"), key=lambda each: each.stat().st_mtime_ns)


def next_ordinal(folder: Path, epoch: str, at_least: int) -> int:
    """The number of an epoch that the ledger does not know: above every other, even those of a ledger set aside.

    at_least: what the ledger itself would give
    """
    kept = folder / "ordinal"
    with contextlib.suppress(OSError, ValueError):
        ordinal, known = kept.read_text("ascii").split()
        at_least = max(at_least, int(ordinal) + (known != epoch))
    with contextlib.suppress(OSError):  # a card that is full: the next start tries again
        _replace(kept, f"{at_least} {epoch}\n".encode())
    return at_least


def _replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, content, 0)
    finally:
        os.close(descriptor)
    new.replace(path)


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
