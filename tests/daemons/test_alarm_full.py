"""A disk that fills up and is emptied again, and one that gives I/O errors for a while, below the real alarm daemon."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.core.words import EventId
from edge.ledger.ballast import BALLAST_BYTES
from edge.ledger.reader import entries
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox
from tests.daemons.bearer import Bearer
from tests.daemons.mounted import full, mounted, seen_from_outside
from tests.power.strace import find_strace_or_skip


def wait(box: AlarmBox, what: Callable[[], object]) -> bool:
    return box.wires.watch(lambda _bench: bool(what()), PATIENCE_S)


def pressed(box: AlarmBox, bearer: Bearer, *zones: int) -> list[EventId]:
    before = len(bearer.alarms())
    for zone in zones:
        assert box.sounds(box.site.zones[zone].id)
    bearer.until(lambda: len(bearer.alarms()) == before + len(zones), PATIENCE_S, "the alarms")
    return [EventId(row.epoch, row.seq) for row in bearer.alarms()[before:]]


def test_ballast_takes_alarms_on_a_full_disk_and_is_made_again(tmp_path: Path) -> None:
    with mounted(tmp_path, "size=32m") as box:
        box.start()
        bearer = box.bearer()
        ballast = seen_from_outside(box.alarm.pid, box.places.ledger.parent) / "ballast"
        assert wait(box, lambda: ballast.exists() and ballast.stat().st_size == BALLAST_BYTES)
        with full(seen_from_outside(box.alarm.pid, box.places.ledger.parent)):
            alarms = pressed(box, bearer, 0, 1, 2)
            assert not ballast.exists()
            assert box.said("E-STATE-READONLY")
            bearer.until(lambda: bearer.rows[alarms[-1]].durable, PATIENCE_S, "stored all the same")
            assert "ledger back" not in box.alarm.output()
        assert box.said("ledger back")
        assert ballast.stat().st_size == BALLAST_BYTES


def test_without_any_room_alarms_live_in_memory_and_are_written_once_there_is(tmp_path: Path) -> None:
    """8 MB are too few for ballast: nothing can be given, and nothing is lost either."""
    with mounted(tmp_path, "size=8m") as box:
        box.start()
        bearer = box.bearer()
        bearer.until(lambda: bearer.rows, PATIENCE_S, "the first event")
        with full(seen_from_outside(box.alarm.pid, box.places.ledger.parent)):
            alarms = pressed(box, bearer, 0, 1, 2)
            assert not any(bearer.rows[each].durable for each in alarms)
            assert box.said("E-STATE-READONLY")
            assert box.shows("gangguan-mengirim")
        assert box.said("ledger back")
        stored = {
            entry.id
            for entry in entries(seen_from_outside(box.alarm.pid, box.places.ledger.parent) / "ledger.db", newest=99)
        }
        assert {str(each) for each in alarms} <= stored


@contextmanager
def eio(box: AlarmBox) -> Iterator[None]:
    """The kernel answers EIO to every write into the ledger's log while this lasts."""
    find_strace_or_skip()
    log = box.places.ledger.with_name("ledger.db-wal")
    command = ["strace", "-f", "-qq", "-p", str(box.alarm.pid), "-P", str(log), "-e", "inject=pwrite64:error=EIO"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert box.wires.watch(lambda _bench: b"TracerPid:\t0\n" not in _status(box.alarm.pid), PATIENCE_S)
        yield
        strace.terminate()
        assert strace.stderr is not None
        assert "EIO" in strace.stderr.read()


def _status(pid: int) -> bytes:
    return Path(f"/proc/{pid}/status").read_bytes()


def test_a_disk_that_gives_io_errors_for_a_while(tmp_path: Path) -> None:
    with AlarmBox(tmp_path / "kotak") as box:
        box.start()
        bearer = box.bearer()
        bearer.until(lambda: bearer.rows, PATIENCE_S, "the first event")
        with eio(box):
            alarms = pressed(box, bearer, 0, 1)
            assert box.said("disk I/O error")
            assert not any(bearer.rows[each].durable for each in alarms)
            assert box.shows("gangguan-mengirim")
        assert box.said("ledger back")
        stored = {entry.id for entry in entries(box.places.ledger, newest=99)}
        assert {str(each) for each in alarms} <= stored
