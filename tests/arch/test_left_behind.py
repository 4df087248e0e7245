"""tests/conftest.py itself: a test that leaves something behind is caught, a clean one is not."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

CASES = {
    "clean": "pass",
    "thread": "threading.Thread(target=gate.wait, daemon=True).start()",
    "process": "kept.append(subprocess.Popen(['cat'], stdin=subprocess.PIPE))",
    "socket": "kept.append(socket.socket())",
}

OPENING = "import socket, subprocess, threading\nkept, gate = [], threading.Event()\n"
FIXTURE = """
import subprocess, pytest
@pytest.fixture(scope="session")
def left():
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE)
def test_fixture(left):
    pass
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    tests = [f"def test_{name}():\n    {body}\n" for name, body in CASES.items()]
    (folder / "test_cases.py").write_text(OPENING + "\n".join(tests))
    (folder / "test_fixture.py").write_text(FIXTURE)
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("kind", ["thread", "process", "socket"])
def test_what_is_left_behind_fails_its_test(report: str, kind: str) -> None:
    assert f"ERROR test_cases.py::test_{kind} - Failed: left behind: {kind} " in report


def test_a_clean_test_passes(report: str) -> None:
    assert "ERROR test_cases.py::test_clean" not in report
    assert "5 passed, 4 errors" in report


def test_what_a_fixture_of_the_whole_run_leaves_behind_is_told_at_the_end(report: str) -> None:
    assert "ERROR test_fixture.py::test_fixture - Failed: left behind by the run: " in report


def test_the_seed_is_printed(report: str) -> None:
    assert "seed: " in report
