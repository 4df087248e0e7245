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


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    tests = [f"def test_{name}():\n    {body}\n" for name, body in CASES.items()]
    opening = "import socket, subprocess, threading\nkept, gate = [], threading.Event()\n"
    (folder / "test_cases.py").write_text(opening + "\n".join(tests))
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("kind", ["thread", "process", "socket"])
def test_what_is_left_behind_fails_its_test(report: str, kind: str) -> None:
    assert f"ERROR test_cases.py::test_{kind} - Failed: left behind: {kind} " in report


def test_a_clean_test_passes(report: str) -> None:
    assert "ERROR test_cases.py::test_clean" not in report
    assert "4 passed, 3 errors" in report


def test_the_seed_is_printed(report: str) -> None:
    assert "seed: " in report
