"""A box whose ledger lies on a small disk of its own, where the machine lets us mount one."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.daemons.alarm_box import AlarmBox

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


def mounted(tmp_path: Path, options: str) -> AlarmBox:
    if (
        shutil.which("unshare") is None
        or subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("this machine lets us mount nothing: no small or read-only disk can be made")
    mount = MountedLedger(options)
    box = AlarmBox(tmp_path / "kotak", wrap=mount)
    mount.folder = box.places.ledger.parent
    mount.folder.mkdir(parents=True)
    return box
