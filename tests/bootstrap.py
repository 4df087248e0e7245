"""Make `.venv`: what `make demo` and `make test` do before anything else. Standard library only; no root, no question.

    python3 tests/bootstrap.py demo     what the product runs on
    python3 tests/bootstrap.py test     and what the tests need
    python3 tests/bootstrap.py lock     write the two lock files anew (for whoever changes setup.cfg)

Exit codes: 0 ready, 2 usage, 3 something must be installed first, 6 the packages could not be fetched.
"""

import configparser
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
PYTHON = VENV / "bin/python"
EXTRAS = "options.extras_require"
LOCKS = {"demo": ROOT / "tests/lock-demo.txt", "test": ROOT / "tests/lock.txt"}  # each is whole; test holds demo
LEVELS_THAT_SERVE = {"demo": ("demo", "test"), "test": ("test",)}

OLDEST, NEWEST = (3, 11), (3, 13)
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
MISSING, NETWORK = 3, 6

# pip on Debian lies here once python3-venv or python3-pip-whl is installed; elsewhere inside ensurepip
WHEEL_FOLDERS = (Path("/usr/share/python-wheels"), Path(sysconfig.get_path("stdlib")) / "ensurepip/_bundled")

# Settings of the caller that would send packages somewhere else than into .venv, or bend the lock
PIP_BENDING = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIREMENT", "PIP_DRY_RUN", "PIP_REQUIRE_VIRTUALENV")

# Published without a wheel: built here, by the setuptools of the lock and nothing else
SOURCE_ONLY = ("onvif-zeep",)
WHEELS = ("--only-binary=:all:", *(f"--no-binary={name}" for name in SOURCE_ONLY))

RESOLVE = (
    "--universal",
    "--python-version=3.11",
    *WHEELS,
    "--generate-hashes",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--custom-compile-command=make lock",
    "--quiet",
)


def main(words: Sequence[str]) -> int:
    if len(words) != 1 or words[0] not in {*LOCKS, "lock"}:
        print(__doc__, file=sys.stderr)
        return 2
    _check_python()
    if words[0] == "lock":
        _write_locks()
    else:
        make(words[0])
    return 0


def make(level: str) -> None:
    """Make `.venv` serve `level`; costs 0.1 s when it already does."""
    if _serves(level):
        return
    with _alone():
        if not _serves(level):
            _install(level)


def _serves(level: str) -> bool:
    return PYTHON.exists() and any(_stamp(name) == _digest(name) for name in LEVELS_THAT_SERVE[level])


def _stamp(level: str) -> str:
    path = VENV / f"{level}.stamp"
    return path.read_text() if path.exists() else ""


def _digest(level: str) -> str:
    """What `.venv` depends on: the lock, what is declared, the Python and the place (scripts carry their path)."""
    declared = [(name, *sorted(section.items())) for name, section in _declared() if name.startswith(("meta", "opt"))]
    state = f"{declared}\n{ROOT}\n{VERSION}\n{LOCKS[level].read_text()}"
    return hashlib.sha256(state.encode()).hexdigest()


def _declared() -> list[tuple[str, configparser.SectionProxy]]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return [(name, parser[name]) for name in parser.sections()]


def _install(level: str) -> None:
    started = time.monotonic()
    print(f"· .venv ({level}) ...", file=sys.stderr, flush=True)
    pip = _pip()
    _make_venv()
    _install_builder(pip, level)
    _pip_install(pip, "--require-hashes", *WHEELS, "--no-build-isolation", f"--requirement={LOCKS[level]}")
    _pip_install(pip, "--no-deps", "--no-build-isolation", f"--editable={ROOT}")
    (VENV / f"{level}.stamp").write_text(_digest(level))
    print(f"· .venv ({level}) {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


def _install_builder(pip: Path, level: str) -> None:
    """setuptools first: a package without a wheel is built by the locked one, not by whatever is newest today."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lock:
        lock.write(_locked_builder(level))
        lock.flush()
        _pip_install(pip, "--require-hashes", "--only-binary=:all:", f"--requirement={lock.name}")


def _locked_builder(level: str) -> str:
    entry = re.search(r"^setuptools==(?:.*\\\n)*.*\n", LOCKS[level].read_text(), re.MULTILINE)
    return entry[0] if entry else _no_packages()


def _make_venv() -> None:
    """Keep a `.venv` of the same Python (people work in it), make any other anew."""
    if _venv_version() == VERSION:
        return
    _run([sys.executable, "-m", "venv", "--without-pip", "--clear", str(VENV)], _no_venv)


def _venv_version() -> str:
    if not PYTHON.exists():
        return ""
    question = [str(PYTHON), "-c", "import sys; print(*sys.version_info[:2], sep='.')"]
    return subprocess.run(question, capture_output=True, text=True, check=False).stdout.strip()


def _pip() -> Path:
    """A folder that holds pip, unpacked from a wheel of this machine or of Debian."""
    folder = CACHE / "pip"
    if not (folder / "pip/__main__.py").exists():
        wheel = _wheel(WHEEL_FOLDERS) or _fetched_wheel()
        unfinished = CACHE / "pip.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(unfinished)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    return folder


def _wheel(folders: Sequence[Path]) -> Path | None:
    wheels = [wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))]
    return wheels[-1] if wheels else None


def _fetched_wheel() -> Path:
    sys.path.insert(0, str(ROOT))
    from edge.field.debian import Apt, DebianError, unpack

    place = CACHE / "python3-pip-whl"
    shutil.rmtree(place, ignore_errors=True)
    try:
        for archive in Apt(folder=CACHE / "apt").fetch(["python3-pip-whl"], place):
            unpack(archive, place)
    except DebianError as fault:
        _no_pip(str(fault).splitlines()[-1])
    wheel = _wheel([place / "usr/share/python-wheels"])
    return wheel or _no_pip("python3-pip-whl: no wheel")


def _pip_install(pip: Path, *words: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", *words]
    _run(command, _no_packages, PYTHONPATH=str(pip), **_pip_settings())


def _pip_settings() -> dict[str, str]:
    """The machine's mirror, proxy and certificates stay in force; the lock is the only constraint."""
    return {
        "PIP_CONSTRAINT": os.devnull,
        "PIP_USER": "0",
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(CACHE / "pip-cache")),
    }


def _write_locks() -> None:
    """Resolve setup.cfg for every Python we promise, with hashes; the smaller lock repeats the larger."""
    resolver = _resolver()
    runtime = [*_build_requirements(), _list("options", "install_requires"), _list(EXTRAS, "centre")]
    for level, wanted in (("test", [*runtime, _list(EXTRAS, "cameras"), _list(EXTRAS, "test")]), ("demo", runtime)):
        LOCKS[level].unlink(missing_ok=True)
        held = [f"--constraint={LOCKS['test']}"] if level == "demo" else []
        command = [str(resolver), "pip", "compile", *RESOLVE, *held, f"--output-file={LOCKS[level]}", "-"]
        _run(command, _no_packages, said="\n".join(wanted))


def _build_requirements() -> list[str]:
    import tomllib

    wanted: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    return wanted


def _list(section: str, key: str) -> str:
    return dict(_declared())[section][key]


def _resolver() -> Path:
    folder = CACHE / "uv"
    if not (folder / "bin/uv").exists():
        with _alone():
            pip = _pip()
            _make_venv()
            _pip_install(pip, f"--target={folder}", "uv")
    return folder / "bin/uv"


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time: `make demo` and `make test` may start together."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "bootstrap.turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _check_python() -> None:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        _stop(
            MISSING,
            f"Python {VERSION} tidak cocok: pasang python3.11, 3.12 atau 3.13, lalu: make PYTHON=python3.13 ...",
            f"Python {VERSION} does not fit: install python3.11, 3.12 or 3.13, then: make PYTHON=python3.13 ...",
        )


def _no_pip(cause: str) -> NoReturn:
    _stop(
        MISSING,
        "pip untuk Python ini tidak ada dan tidak bisa diunduh: sudo apt install python3-venv, lalu ulangi.",
        f"pip for this Python is missing and cannot be fetched: sudo apt install python3-venv, then again. ({cause})",
    )


def _no_venv() -> NoReturn:
    _stop(
        MISSING,
        "Python ini tidak bisa membuat .venv (pesannya di atas): sudo apt install python3-venv, lalu ulangi.",
        "this Python cannot make .venv (its words are above): sudo apt install python3-venv, then again.",
    )


def _no_packages() -> NoReturn:
    _stop(
        NETWORK,
        "paket Python tidak bisa diunduh (pesan pip di atas): periksa internet, lalu ulangi.",
        "the Python packages could not be fetched (see pip's words above): check the network, then again.",
    )


def _stop(code: int, indonesian: str, english: str) -> NoReturn:
    print(f"✗ {indonesian} / {english}", file=sys.stderr)
    sys.exit(code)


def _run(command: Sequence[str], otherwise: Callable[[], NoReturn], *, said: str = "", **settings: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in PIP_BENDING}
    done = subprocess.run(command, env={**environment, **settings}, input=said, text=True, check=False)
    if done.returncode:
        otherwise()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
