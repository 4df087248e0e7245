"""Carrying the offline keys out of the machine and back: at every moment each key is whole in at least one place."""

from pathlib import Path

from edge.centre.authority import OFFLINE
from edge.centre.places import CentrePlaces, write_whole
from edge.centre.trust import RootAway, read_own
from edge.core.seal import Signer


def carry_out(places: CentrePlaces, folder: Path) -> list[str]:
    """Move the offline keys to `folder`: write, read back, and only then remove. Returns their names.

    raises: RootAway if the root is not here; FileExistsError for another centre's keys there; OSError
    """
    _own_root(places, places.offline("root.key"))
    names = [name for name in OFFLINE if places.offline(name).exists()]
    _copy({places.offline(name): folder / name for name in names})
    for name in names:
        places.offline(name).unlink()
    return names


def carry_in(places: CentrePlaces, folder: Path) -> list[str]:
    """Copy the offline keys back from `folder`, where they stay. Raises as `carry_out`."""
    _own_root(places, folder / "root.key")
    names = [name for name in OFFLINE if (folder / name).exists()]
    _copy({folder / name: places.offline(name) for name in names})
    return names


def _own_root(places: CentrePlaces, path: Path) -> None:
    pinned = read_own(places, "keys/root.pub")
    try:
        public = Signer(path.read_bytes()).public
    except FileNotFoundError as error:
        raise RootAway(f"{path} is missing") from error
    except ValueError as error:
        raise RootAway(f"{path}: {error}") from error
    if public != pinned:
        raise RootAway(f"{path} is another centre's root")


def _copy(ways: dict[Path, Path]) -> None:
    for source, target in ways.items():
        if target.exists() and target.read_bytes() != source.read_bytes():
            raise FileExistsError(f"{target} is there already, and is another key")
    for source, target in ways.items():
        write_whole(target, source.read_bytes(), mode=0o600)
        if target.read_bytes() != source.read_bytes():
            raise OSError(f"{target} does not read back as it was written")
