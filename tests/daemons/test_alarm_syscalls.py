"""What the real alarm daemon asks of the kernel, seen by strace: syncs per alarm, sockets, files, imports."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from edge.link.frames import BadFrame, Frame, Rows, unpack
from tests.daemons.alarm_box import AlarmBox
from tests.daemons.bearer import ALARM
from tests.power.strace import Call, find_strace_or_skip, read_calls, wait_for_end

PRESSES = 50
WITHIN_S = 15.0
CALLS = (
    "socket", "connect", "bind", "sendto", "fdatasync", "fsync", "open", "openat", "creat", "mkdir", "mkdirat",
    "rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "symlink", "truncate", "execve", "fork", "vfork",
)  # fmt: skip
CHANGING = frozenset(CALLS[CALLS.index("creat") : CALLS.index("execve")])
NOT_ON_A_DISK = ("/dev/null", "/proc/self/fd/", "/sys/", "/proc/")


@dataclass(frozen=True, slots=True)
class Life:
    root: Path
    calls: tuple[Call, ...]
    ready: int  # the line at which it said READY

    def after_ready(self) -> list[Call]:
        return [call for call in self.calls if call.began > self.ready]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Fifty presses, each with its receipt, then a clean end."""
    folder = tmp_path_factory.mktemp("life")
    strace, record = find_strace_or_skip(), folder / "calls"
    with AlarmBox(folder, kit="lab", wrap=lambda command: strace.command(CALLS, record, command)) as box:
        box.start()
        bearer = box.bearer()
        bearer.until(lambda: bearer.rows, WITHIN_S, "the first event")
        for number in range(PRESSES):
            pin = box.site.zones[number % len(box.site.zones)].pin
            box.wires.press(pin)
            bearer.until(lambda: len(bearer.alarms()) > number, WITHIN_S, f"alarm {number}")  # noqa: B023
            box.wires.release(pin)
            bearer.pass_on("receipt", box.receipt(bearer.alarms()[-1:]))
        pid = box.alarm.pid
        assert box.alarm.stop() == 0
    wait_for_end(record, pid)
    calls = tuple(read_calls(record))
    ready = next(call.began for call in calls if call.name == "sendto" and b"READY=1" in call.buffer()[1])
    return Life(box.places.root, calls, ready)


def test_an_alarm_costs_one_sync(life: Life) -> None:
    """Between the handing over of one alarm and of the next lies one commit, which takes along what came meanwhile."""
    alarms = [call for call in life.calls if _alarms_in(call)]
    assert sum(_alarms_in(call) for call in alarms) == PRESSES
    syncs = [call for call in life.after_ready() if call.name in {"fdatasync", "fsync"}]
    between = Counter(
        sum(before.began < sync.began < after.began for sync in syncs) for before, after in pairwise(alarms)
    )
    print(f"syncs between two alarms: {dict(between)}")
    assert between[0] == 0, "an alarm was called stored that no sync covers"
    assert between[1] >= 0.8 * PRESSES  # a stolen core lets a release or an update be stored alone


def test_no_network_socket_is_opened(life: Life) -> None:
    families = {call.words.partition(",")[0] for call in life.calls if call.name == "socket"}
    assert families == {"AF_UNIX"}


def test_no_file_outside_its_root_is_written(life: Life) -> None:
    written = {path for call in life.calls if _changes(call) for path in call.paths()[-1:]}
    outside = {path for path in written if not path.startswith(f"{life.root}/") and "__pycache__" not in path}
    assert {path for path in outside if not path.startswith(NOT_ON_A_DISK)} == set()
    assert any(path.startswith(f"{life.root}/var/lib/kentongan/ledger/") for path in written)


def test_once_ready_nothing_is_imported_and_nothing_started(life: Life) -> None:
    opened = {path for call in life.after_ready() if call.name in {"open", "openat"} for path in call.paths()[-1:]}
    assert {path for path in opened if Path(path).suffix in {".py", ".pyc", ".so"} or ".so." in path} == set()
    assert [call.name for call in life.after_ready() if call.name in {"execve", "fork", "vfork"}] == []


def _alarms_in(call: Call) -> int:
    """How many alarms, told as stored, a call hands to the bearer."""
    if call.name != "sendto":
        return 0
    frame = _frame(call.buffer()[1])
    return sum(ALARM in row.raw and row.durable for row in frame.rows) if isinstance(frame, Rows) else 0


def _frame(raw: bytes) -> Frame | None:
    try:
        return unpack(raw)
    except BadFrame:
        return None


def _changes(call: Call) -> bool:
    if call.failed:
        return False
    if call.name in {"open", "openat"}:
        return any(flag in call.words for flag in ("O_WRONLY", "O_RDWR", "O_CREAT"))
    return call.name in CHANGING
