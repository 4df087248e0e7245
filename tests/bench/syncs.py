"""fdatasync and fsync of the real alarm daemon per press, counted by strace."""

from pathlib import Path
from typing import Final

from edge.field.debian import DebianError
from tests.bench.box import AT_ONCE, rewrite, volatile
from tests.bench.figures import Budget, Line, left_out
from tests.bootstrap import CACHE
from tests.daemons.alarm_box import AlarmBox
from tests.power.strace import find_strace

PRESSES: Final = 12
FIRST: Final = 3  # the third press confirms the first two, which is news of its own
SETTLE_S: Final = 0.5  # the first events of a start wait for company
PATIENCE_S: Final = 15.0


def lines(folder: Path) -> list[Line]:
    try:
        strace = find_strace(CACHE)
    except DebianError as why:
        return [left_out("syncs per alarm", str(why))]
    record = folder / "syncs"
    with (
        volatile(folder / "box"),
        AlarmBox(folder, kit="lab", wrap=lambda alarm: strace.command(["fsync", "fdatasync"], record, alarm)) as box,
    ):
        box.site = rewrite(box.places, box.places.site.read_text("utf-8") + AT_ONCE)
        box.start()
        for number in range(FIRST):
            _press(box, number, record, _count(record) + 1)
            box.wires.watch(lambda _: False, SETTLE_S)
        before = _count(record)
        for number in range(1, PRESSES + 1):
            _press(box, FIRST - 1 + number, record, before + number)
        box.wires.watch(lambda _: False, SETTLE_S)  # a sync too many would come now
        each = (_count(record) - before) / PRESSES
    return [
        Line("syncs per alarm (strace)", f"{each:.2f}", budget=Budget(1.0, unit=""), judged=each),
    ]


def _press(box: AlarmBox, number: int, record: Path, expected: int) -> None:
    """Press a zone that stays pressed, and wait until the disk has it."""
    box.wires.press(box.line_of(f"zone-{number:02d}"))
    if not box.wires.watch(lambda _: _count(record) >= expected, PATIENCE_S):
        raise TimeoutError(f"no sync after a press: {box.alarm.last_words()}")


def _count(record: Path) -> int:
    return sum(1 for line in record.read_text("ascii").splitlines() if "sync(" in line) if record.exists() else 0
