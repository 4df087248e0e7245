"""How the tree sets itself up: the locks, when work is needed, and the one line where it cannot be done."""

import configparser
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import bootstrap
from tests.arch.tree import ROOT

SETUP = "[metadata]\nname = box\n[options]\ninstall_requires =\n    one\n[importlinter]\nroot_packages = edge\n"


def pins(level: str) -> dict[str, str]:
    lines = [line.split(" ;")[0].rstrip("\\ ") for line in bootstrap.LOCKS[level].read_text().splitlines()]
    return dict(line.split("==") for line in lines if "==" in line)


def declared(section: str, key: str) -> list[Requirement]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return [Requirement(line) for line in parser[section][key].splitlines() if line and not line.startswith("#")]


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A tree of its own whose `.venv` serves the level "test"."""
    (tmp_path / "setup.cfg").write_text(SETUP)
    locks = {level: tmp_path / f"{level}.txt" for level in ("demo", "test")}
    for lock in locks.values():
        lock.write_text("one==1\n")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").touch()
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv/bin/python")
    monkeypatch.setattr(bootstrap, "CACHE", tmp_path / ".cache")
    monkeypatch.setattr(bootstrap, "LOCKS", locks)
    (tmp_path / ".venv/test.stamp").write_text(bootstrap._digest("test"))
    return tmp_path


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    monkeypatch.setattr(bootstrap, "_install", asked.append)
    return asked


@pytest.mark.parametrize("level", ["demo", "test"])
def test_nothing_is_done_where_nothing_changed(tree: Path, installs: list[str], level: str) -> None:
    bootstrap.make(level)
    assert installs == []


@pytest.mark.parametrize(
    ("name", "changed"),
    [("test.txt", "one==2\n"), ("setup.cfg", SETUP.replace("one", "two")), ("setup.cfg", SETUP.replace("box", "can"))],
)
def test_a_changed_declaration_installs_anew(tree: Path, installs: list[str], name: str, changed: str) -> None:
    (tree / name).write_text(changed)
    bootstrap.make("test")
    assert installs == ["test"]


def test_a_changed_import_contract_installs_nothing(tree: Path, installs: list[str]) -> None:
    (tree / "setup.cfg").write_text(SETUP.replace("edge", "drivers"))
    bootstrap.make("test")
    assert installs == []


def test_a_moved_tree_installs_anew(
    tree: Path, installs: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    (tree / "setup.cfg").rename(moved / "setup.cfg")
    monkeypatch.setattr(bootstrap, "ROOT", moved)
    bootstrap.make("demo")
    assert installs == ["demo"]


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that was said."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_without_pip_and_apt_one_line_says_what_to_install(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "WHEEL_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tree))
    with pytest.raises(SystemExit) as stopped:
        bootstrap._pip()
    assert stopped.value.code == 3
    assert refusal(capsys).count("sudo apt install python3-venv") == 2


def test_a_python_that_does_not_fit_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "NEWEST", (3, 10))
    with pytest.raises(SystemExit) as stopped:
        bootstrap.main(["demo"])
    assert stopped.value.code == 3
    assert refusal(capsys).startswith(f"✗ Python {sys.version_info.major}.{sys.version_info.minor} tidak cocok")


def test_packages_that_cannot_be_fetched_are_the_networks_fault(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> NoReturn:
        bootstrap._no_packages()

    with pytest.raises(SystemExit) as stopped:
        bootstrap._run([sys.executable, "-c", "raise SystemExit(1)"], refuse)
    assert stopped.value.code == 6
    assert "periksa internet" in refusal(capsys)


def test_an_unknown_word_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["everything"]) == 2
    assert "bootstrap.py demo" in capsys.readouterr().err


def test_a_callers_pip_settings_cannot_bend_the_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_TARGET", str(tmp_path))
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "missing"))
    seen = tmp_path / "seen"
    script = "import os, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(repr(dict(os.environ)))"
    bootstrap._run([sys.executable, "-c", script, str(seen)], bootstrap._no_packages, **bootstrap._pip_settings())
    assert "PIP_TARGET" not in seen.read_text()
    assert "'PIP_CONSTRAINT': '/dev/null'" in seen.read_text()


def test_the_locks_hold_what_setup_cfg_declares() -> None:
    wanted = declared("options", "install_requires")
    for level, requirements in {
        "demo": wanted,
        "test": [*wanted, *(one for extra in ("cameras", "test") for one in declared("options.extras_require", extra))],
    }.items():
        locked = pins(level)
        assert [one for one in requirements if not one.specifier.contains(locked[canonicalize_name(one.name)])] == []


def test_the_smaller_lock_repeats_the_larger() -> None:
    assert pins("demo").items() <= pins("test").items()


@pytest.mark.parametrize("level", ["demo", "test"])
def test_every_pin_has_a_hash(level: str) -> None:
    entries = bootstrap.LOCKS[level].read_text().split("\n", 2)[2].replace("\\\n", "").splitlines()
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("level", ["demo", "test"])
def test_what_builds_from_source_is_the_locked_one(level: str) -> None:
    pin, *hashes = bootstrap._locked_builder(level).splitlines()
    assert pin == f"setuptools=={pins(level)['setuptools']} \\"
    assert hashes
    assert [line for line in hashes if not line.startswith("    --hash=sha256:")] == []
