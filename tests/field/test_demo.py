"""`kentongan demo` itself: it tells the story with figures, or exits 7; whatever happens, nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.core.faults import Exit
from edge.field import demo
from edge.field.cable import Cable
from edge.field.cli import run
from tests.conftest import CACHE
from tests.field.terminal import processes_of

README = Path(__file__).resolve().parents[2] / "README.md"
DEMO = [sys.executable, "-c", "from edge.field.cli import main; main()", "demo"]
GONE_WITHIN_S = 20.0  # another demo on this machine may be at work in the same cache
FIGURE = re.compile(r"\s+(\d+(\.\d+)?|\d+ / \d+) ?(ms|s)?$")

Captured = pytest.CaptureFixture[str]


def folders() -> set[Path]:
    return set(CACHE.glob("demo-*"))


def promised(language: str) -> list[str]:
    """The lines of the README's own run without what differs from run to run."""
    blocks = re.findall(r"^```text demo-(\w\w)\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line for name, block in blocks if name == language for line in block.splitlines()]
    return [constant(line) for line in lines if line.strip() and not line.startswith("$ ")]


def constant(line: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\d+", "N", FIGURE.sub(r" N \3", line))).strip()


def wait_until_gone(before: set[Path]) -> set[Path]:
    deadline = time.monotonic() + GONE_WITHIN_S
    while (left := folders() - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def test_the_story_is_told_as_the_readme_promises_and_leaves_nothing() -> None:
    before = folders()
    done = subprocess.run([*DEMO, "--lang", "id"], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = {constant(line) for line in done.stdout.splitlines()}
    lines = promised("id")
    assert len(lines) > 15
    assert [line for line in lines if line not in told] == []
    assert "ditekan / diterima tepat sekali 4 / 4" in re.sub(r"\s+", " ", done.stdout)
    assert done.stderr == ""
    assert wait_until_gone(before) == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_leaves_nothing(number: signal.Signals) -> None:
    before = folders()
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, text=True) as story:
        assert story.stdout is not None
        next(line for line in story.stdout if "siaga" in line or "armed" in line)
        ours = {folder for folder in folders() - before if processes_of(folder)}
        story.send_signal(number)
        story.stdout.read()
    assert story.returncode == 130
    assert ours
    assert wait_until_gone(before) == set()
    assert [command for folder in ours for command in processes_of(folder)] == []


def test_a_cable_that_never_comes_back_is_a_broken_promise(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    pulled: list[int] = []
    pull, plug = Cable.pull, Cable.plug

    def pull_for_good(self: Cable) -> None:
        pulled.append(os.getpid())
        pull(self)

    def plug_until_pulled(self: Cable) -> None:
        if not pulled:
            plug(self)

    monkeypatch.setattr(Cable, "pull", pull_for_good)
    monkeypatch.setattr(Cable, "plug", plug_until_pulled)
    monkeypatch.setattr(demo, "WITHIN_S", 4.0)
    before = folders()
    assert run(["demo", "--lang", "en"]) == Exit.TEST
    told = capsys.readouterr()
    assert pulled
    assert "E-TEST-FAILED" in told.err
    assert "both alarms at the centre" in told.err
    assert wait_until_gone(before) == set()
