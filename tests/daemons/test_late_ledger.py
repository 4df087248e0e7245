"""A death while a button is held, and a disk on which the ledger opens later than a closed contact waits for it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.core.words import SECOND_NS
from edge.daemons.alarm.compose import RECALL_NS
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox
from tests.daemons.bearer import Bearer
from tests.daemons.hung import LATE, PIPE

HUNG = (str(Path(__file__).with_name("hung.py")),)
LATE_S = 3 * RECALL_NS / SECOND_NS


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak", entry=HUNG) as box:
        yield box


def told(bearer: Bearer, what: str) -> list[dict[str, Any]]:
    bodies = (json.loads(row.raw) for row in bearer.rows.values())
    return [body for body in bodies if body["data"].get("what") == what]


def killed_while_held(box: AlarmBox, bearer: Bearer, zone: str) -> None:
    """Pressed, told, stored; then the daemon dies, and the next one's ledger is late."""
    box.wires.press(box.line_of(zone))
    bearer.until(lambda: [row for row in bearer.alarms(zone) if row.durable], PATIENCE_S, "the alarm, stored")
    before = len(told(bearer, "restart"))
    box.places.ledger.with_name(LATE).write_text(str(LATE_S), "ascii")
    box.alarm.kill()
    box.start()
    bearer.until(lambda: len(told(bearer, "restart")) > before, PATIENCE_S, "the ledger is open")


def test_a_press_that_was_told_is_told_once_however_late_the_ledger_opens(box: AlarmBox) -> None:
    box.start()
    bearer = box.bearer()
    zone = box.site.zones[0].id
    for _ in range(2):  # the second death finds what the first left behind
        killed_while_held(box, bearer, zone)
    assert len(bearer.alarms()) == 1
    box.wires.release(box.line_of(zone))


def test_died_before_run_knew_it_a_late_ledger_says_that_it_was_told_twice(box: AlarmBox) -> None:
    """The bound: a death in the instant between a commit and /run, and a late ledger after it."""
    box.start()
    bearer = box.bearer()
    zone = box.site.zones[0].id
    box.wires.press(box.line_of(zone))
    bearer.until(lambda: [row for row in bearer.alarms(zone) if row.durable], PATIENCE_S, "the alarm, stored")
    box.places.ledger.with_name(LATE).write_text(str(LATE_S), "ascii")
    box.alarm.kill()
    box.places.activations.unlink()
    box.start()
    bearer.until(lambda: told(bearer, "press-told-twice"), PATIENCE_S, "the ledger's word")
    assert len(bearer.alarms()) == 2
    assert [each["data"]["zone"] for each in told(bearer, "press-told-twice")] == [zone]
    box.wires.release(box.line_of(zone))


def test_a_press_after_one_that_ended_while_nobody_lived_counts_through_the_next_death(box: AlarmBox) -> None:
    """The disk hangs, so that nothing but /run can tell the new press from the old one."""
    box.start()
    bearer = box.bearer()
    zone = box.site.zones[0].id
    pin = box.line_of(zone)
    box.wires.press(pin)
    bearer.until(lambda: [row for row in bearer.alarms(zone) if row.durable], PATIENCE_S, "the alarm, stored")
    box.alarm.kill()
    box.wires.release(pin)
    os.mkfifo(box.places.ledger.with_name(PIPE))
    box.start()
    bearer.close()  # nor does the centre get it
    assert box.sounds(zone, let_go=False)
    box.alarm.kill()
    box.places.ledger.with_name(PIPE).unlink()
    box.start()
    bearer.until(lambda: len(bearer.alarms(zone)) > 1, PATIENCE_S, "the second press")
    box.wires.release(pin)
