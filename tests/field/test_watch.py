"""`kentongan watch` under a real pseudo-terminal, with the real alarm daemon behind it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.config.resources import CHECKOUT
from edge.field.stage import Stage
from tests.daemons.centre_world import wait_for
from tests.field.terminal import WITHIN_S, Terminal

WATCH = "import sys\nfrom edge.field.cli import run\nsys.exit(run(['watch', *sys.argv[1:]]))"
ONCE = "import sys\nfrom edge.field.cli import run\nrun(sys.argv[1:])\nprint('rich', 'rich' in sys.modules)"
OWN_SCREEN, BEFORE = "\x1b[?1049h", "\x1b[?1049l"
CURSOR_HIDDEN, CURSOR_SHOWN = "\x1b[?25l", "\x1b[?25h"
ERASED = "\x1b[2J"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache") as stage:
        stage.alarm.start()
        stage.alarm.wait_ready()
        yield stage


@pytest.fixture
def terminal(stage: Stage) -> Iterator[Terminal]:
    with Terminal(WATCH, ["--root", str(stage.places.root), "--lang", "id"]) as terminal:
        terminal.wait(lambda frame: "SIAGA" in frame, "the lamp: armed")
        yield terminal


def is_as_before(terminal: Terminal) -> bool:
    said = terminal.said()
    restored = said.count(OWN_SCREEN) == said.count(BEFORE) == 1 and said.rindex(CURSOR_SHOWN) > said.rindex(
        CURSOR_HIDDEN
    )
    return restored and terminal.mode() == terminal.before


def test_it_redraws_in_place_and_control_c_leaves_the_terminal_as_it_was(terminal: Terminal, stage: Stage) -> None:
    stage.wires.press(stage.line_of("pos-ronda"))
    terminal.wait(lambda frame: "tertutup" in frame and "BUNYI" in frame, "the press and the siren")
    drawn = terminal.said()
    terminal.press("\x03")
    assert terminal.wait_end() == 0
    assert is_as_before(terminal)
    assert ERASED not in drawn[drawn.index("SIAGA") :]  # each picture over the last one: nothing flickers
    assert all("ktg-" in frame for frame in terminal.frames()[1:])


def test_it_outlives_the_daemon_and_goes_on_with_the_next_one(terminal: Terminal, stage: Stage) -> None:
    stage.alarm.kill()
    terminal.wait(lambda frame: "E-DAEMON-AWAY" in frame and "Lakukan:" in frame, "the daemon is away")
    stage.alarm.start()
    terminal.wait(lambda frame: "SIAGA" in frame, "armed again")
    terminal.program.send_signal(signal.SIGTERM)
    assert terminal.wait_end() == 0
    assert is_as_before(terminal)


@pytest.mark.parametrize(
    ("words", "language", "label"),
    [
        (["status"], "id", "Versi program"),
        (["status"], "en", "Version"),
        (["ledger", "ls"], "id", "Diterima pusat"),
        (["ledger", "ls"], "en", "Received"),
    ],
)
def test_on_a_terminal_it_is_a_table_and_in_a_pipe_lines_without_rich(
    stage: Stage, words: list[str], language: str, label: str
) -> None:
    line = [*words, "--root", str(stage.places.root), "--lang", language]
    wait_for(stage.places.ledger.exists, "the ledger is there")
    with Terminal(ONCE, line) as terminal:
        assert terminal.wait_end() == 0
        drawn = terminal.said()
    assert label in drawn
    assert {"│", "─"} <= set(drawn)
    done = subprocess.run([sys.executable, "-c", ONCE, *line], capture_output=True, text=True, timeout=60, check=True)
    assert not {"│", "─", "\x1b"} & set(done.stdout)
    assert done.stdout.endswith("rich False\n")


def test_in_a_pipe_it_is_lines(stage: Stage) -> None:
    command = [sys.executable, "-c", WATCH, "--root", str(stage.places.root), "--lang", "en"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
        try:
            assert program.stdout is not None
            lines = iter(program.stdout.readline, "")
            said = [next(line for line in lines if line.startswith("Lamp:"))]
            stage.alarm.kill()
            said.append(next(line for line in lines if "E-DAEMON-AWAY" in line))
            stage.alarm.start()
            said.append(next(line for line in lines if line.startswith("Lamp: SIAGA")))
        finally:
            program.send_signal(signal.SIGINT)
    assert program.wait() == 0
    assert not [line for line in said if "\x1b" in line]


def test_a_reader_that_goes_away_ends_it_although_nothing_changes(stage: Stage) -> None:
    command = [sys.executable, "-c", WATCH, "--json", "--root", str(stage.places.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline().startswith("{")
        program.stdout.close()
        assert (program.wait(WITHIN_S), program.stderr.read()) == (0, "")
