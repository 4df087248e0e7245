"""Packages of others that a comparison or a hunt needs, in environments of their own: the product's stays as locked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.bootstrap import CACHE, PIP_BENDING, VERSION, _pip, _pip_settings

INSTALL_MAX_S: Final = 300.0


class NotInstalled(RuntimeError):
    """It cannot be installed here; the text says why."""


def environment(name: str, *wanted: str) -> Path:
    """The Python of a virtual environment that has them; made once. Raises NotInstalled."""
    folder = CACHE / "apart" / f"{name}-{VERSION}"
    python, whole = folder / "bin/python", folder / "whole"
    if whole.exists() and whole.read_text(encoding="utf-8") == " ".join(wanted):
        return python
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", *wanted])
    except (OSError, SystemExit, subprocess.SubprocessError) as error:
        raise NotInstalled(f"cannot be installed ({type(error).__name__})") from error
    whole.write_text(" ".join(wanted), encoding="utf-8")
    return python


def beside(name: str, *wanted: str) -> Path:
    """A folder for PYTHONPATH that has them and nothing that they need; made once. Raises NotInstalled."""
    folder = CACHE / "apart" / f"{name}-beside-{VERSION}"
    whole = folder / "whole"
    if whole.exists() and whole.read_text(encoding="utf-8") == " ".join(wanted):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", f"--target={folder}", *wanted])
    except (OSError, SystemExit, subprocess.SubprocessError) as error:
        raise NotInstalled(f"cannot be installed ({type(error).__name__})") from error
    whole.write_text(" ".join(wanted), encoding="utf-8")
    return folder


def _run(command: list[str]) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in PIP_BENDING}
    surroundings = {**kept, **_pip_settings(), "PYTHONPATH": str(_pip())}
    subprocess.run(command, env=surroundings, check=True, timeout=INSTALL_MAX_S, capture_output=True)
