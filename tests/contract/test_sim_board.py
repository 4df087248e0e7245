"""The virtual board between processes: what it must keep when its daemon dies, as a Pi does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.clock import boot_ns
from drivers.ports import Busy, ContactWiring, NoPermission, OutputWiring
from drivers.sim.bench import Bench
from drivers.sim.board import SimBoard

OWNER = """
import sys
from pathlib import Path
from drivers.ports import ContactWiring, OutputWiring
from drivers.sim.board import SimBoard

board = SimBoard(Path(sys.argv[1]))
contact = board.contact(ContactWiring("GPIO23"), lambda active, at_ns: print(int(active), at_ns, flush=True))
siren = board.output(OutputWiring("GPIO24"))
siren.on()
print("ready", int(contact.active), flush=True)
sys.stdin.read()
board.close()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    deep = tmp_path / ("a-clone-in-a-deep-folder-" * 4) / "run/kentongan/sim"
    assert len(str(deep)) > 108
    return deep


@contextmanager
def owner(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line_from(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def test_a_press_reaches_another_process_with_the_pressers_time(folder: Path) -> None:
    with Bench(folder) as bench, owner(folder) as process:
        assert line_from(process) == ["ready", "0"]
        pressed_ns = bench.press("GPIO23")
        assert line_from(process) == ["1", str(pressed_ns)]
        assert bench.release("GPIO23", at_ns=pressed_ns + 40_000_000) == pressed_ns + 40_000_000
        assert line_from(process) == ["0", str(pressed_ns + 40_000_000)]
        assert bench.unheard == 0


def test_a_killed_owner_leaves_its_output_driven_its_input_standing_and_its_lines_free(folder: Path) -> None:
    with Bench(folder) as bench, owner(folder) as process:
        line_from(process)
        process.kill()
        assert process.wait() == -9
        assert bench.level("GPIO24")
        bench.press("GPIO23")
        assert bench.unheard == 1
        with owner(folder) as successor:
            assert line_from(successor) == ["ready", "1"]
            assert [stroke.level for stroke in bench.trace()] == [False, True, False, True]
            bench.release("GPIO23")
            assert line_from(successor)[0] == "0"
        assert len(list(folder.glob("*.sock"))) == 1  # the successor's own; what its predecessor left is swept


def test_a_busy_line_names_the_process_that_holds_it(folder: Path) -> None:
    with owner(folder) as process:
        line_from(process)
        with SimBoard(folder) as board, pytest.raises(Busy, match=rf"GPIO23 .* {process.pid} \(python"):
            board.contact(ContactWiring("GPIO23"), lambda _active, _at_ns: None)


def test_an_owner_that_ends_drives_its_output_off(folder: Path) -> None:
    with Bench(folder) as bench, owner(folder) as process:
        line_from(process)
        process.communicate("")
        assert process.returncode == 0
        assert not bench.level("GPIO24")
        assert list(folder.glob("*.sock")) == []


def test_the_trace_holds_each_stroke_once_with_its_boot_clock(folder: Path) -> None:
    with Bench(folder) as bench, SimBoard(folder) as board:
        siren = board.output(OutputWiring("GPIO24", "low-on"))
        before = boot_ns()
        siren.on()
        siren.on()
        siren.off()
        after = boot_ns()
        assert [(stroke.line, stroke.level) for stroke in bench.trace()] == [
            ("GPIO24", True),
            ("GPIO24", False),
            ("GPIO24", True),
        ]
        assert before <= bench.trace()[1].at_ns <= bench.trace()[2].at_ns <= after
        rows = (folder / "trace").read_text().splitlines()
        assert rows[1] == f"{bench.trace()[1].at_ns} GPIO24 0"


def test_a_cut_wire_shows_on_a_closed_contact_and_not_on_an_open_one(folder: Path) -> None:
    with Bench(folder) as bench, SimBoard(folder) as board:
        loop = ContactWiring("GPIO5", contact="nc")
        bench.wire(loop)
        supervised = board.contact(loop, lambda _active, _at_ns: None)
        plain = board.contact(ContactWiring("GPIO6"), lambda _active, _at_ns: None)
        bench.cut("GPIO5")
        bench.cut("GPIO6")
        assert (supervised.active, plain.active) == (True, False)


def test_what_is_no_edge_is_counted_and_dropped(folder: Path) -> None:
    heard: list[bool] = []
    with Bench(folder) as bench, SimBoard(folder) as board:
        board.contact(ContactWiring("GPIO23"), lambda active, _at_ns: heard.append(active))
        for junk in (b"", b"GPIO23", b"GPIO23 2 5", b"GPIO22 1 5", b"\xff\xff", b"GPIO23 1 x", b"x" * 4096):
            bench._tell("GPIO23", junk)
        bench.press("GPIO23")
        assert bench.watch(lambda _: heard == [True], within_s=5)
        assert board.stray == 7
        assert board.alive


def test_a_wait_for_a_level_that_never_comes_ends(folder: Path) -> None:
    with Bench(folder) as bench:
        assert not bench.wait_level("GPIO24", 1, within_s=0.01)
        assert bench.wait_level("GPIO24", 0, within_s=0.01)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_a_permission_fault(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(NoPermission):
        SimBoard(tmp_path / "sim")
