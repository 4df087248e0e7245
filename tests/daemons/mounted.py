"""A box whose ledger lies on a small disk of its own, where the machine lets us mount one."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemons.alarm_box import AlarmBox

SMALL_BYTES = 64 * 1024 * 1024
ROOT = os.geteuid() == 0
UNSHARE = ("unshare", "--mount") if ROOT else ("unshare", "--user", "--map-root-user", "--mount")
# Only root may mount, even in a namespace of its own; the daemon's peers have the user's own number again.
AGAIN = () if ROOT else ("unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--")


class MountedLedger:
    """Lets a daemon see a small tmpfs where its ledger's folder is; only that process and nobody else."""

    def __init__(self, options: str) -> None:
        self._options = options
        self.folder = Path()

    def __call__(self, command: Sequence[str]) -> Sequence[str]:
        script = 'mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@"'
        return [*UNSHARE, "sh", "-c", script, self._options, str(self.folder), *AGAIN, *command]


def may_mount() -> bool:
    """Whether this machine lets us mount a small disk for one process."""
    return (
        shutil.which("unshare") is not None
        and subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode == 0
    )


def seen_from_outside(pid: int, folder: Path) -> Path:
    """A folder as this process has it mounted.

    Resolved first: an absolute link on the way would lead back out, onto the machine's own disk.
    """
    return Path(f"/proc/{pid}/root{folder.resolve()}")


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Not one byte is left while this lasts. Only a small disk of our own may be filled."""
    disk = os.statvfs(folder)
    assert disk.f_blocks * disk.f_frsize <= SMALL_BYTES, f"{folder} is not on a small disk"
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 1024 * 1024
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2
    assert os.statvfs(folder).f_bavail == 0
    yield
    filler.unlink()


def mounted(tmp_path: Path, options: str) -> AlarmBox:
    if not may_mount():
        pytest.skip("this machine lets us mount nothing: no small or read-only disk can be made")
    mount = MountedLedger(options)
    box = AlarmBox(tmp_path / "kotak", wrap=mount)
    mount.folder = box.places.ledger.parent
    mount.folder.mkdir(parents=True)
    return box
