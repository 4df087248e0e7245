"""A death while a button is held, and a disk on which the ledger opens later than a closed contact waits for it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.core.words import SECOND_NS
from edge.daemons.alarm.compose import RECALL_NS
from edge.field.status import ask_status
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox
from tests.daemons.bearer import Bearer
from tests.daemons.hung import FORGET, LATE, PIPE

HUNG = (str(Path(__file__).with_name("hung.py")),)
FORGETFUL = (*HUNG, FORGET)
LATE_S = 6 * RECALL_NS / SECOND_NS


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
    box.places.ledger.with_name(LATE).write_text(str(LATE_S), "ascii")
    box.alarm.kill()


def wait_opened(bearer: Bearer, lives: int) -> None:
    """Until the ledger of this life has said what it knows."""
    bearer.until(lambda: len(lived(bearer)) >= lives, PATIENCE_S, "the ledger is open")


def lived(bearer: Bearer) -> set[str]:
    """Epochs of which the alarm or the restart was handed over."""
    return {row.epoch for row in bearer.alarms()} | {body["id"].partition(".")[0] for body in told(bearer, "restart")}


def test_a_press_that_was_told_is_told_once_however_late_the_ledger_opens(box: AlarmBox) -> None:
    box.start()
    bearer = box.bearer()
    zone = box.site.zones[0].id
    for lives in (2, 3):  # the second death finds what the first left behind
        killed_while_held(box, bearer, zone)
        box.start()
        wait_opened(bearer, lives)
    assert len(bearer.alarms()) == 1
    box.wires.release(box.line_of(zone))


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[AlarmBox]:
    """It always dies in the instant between a commit and the note of it in /run."""
    with AlarmBox(tmp_path / "kotak", entry=FORGETFUL) as box:
        yield box


@pytest.mark.parametrize("let_go", [False, True], ids=["held on", "let go"])
def test_died_before_run_knew_of_the_commit_it_sounds_at_once_and_is_told_once(
    forgetful: AlarmBox, let_go: bool
) -> None:
    box, zone = forgetful, forgetful.site.zones[0].id
    box.start()
    bearer = box.bearer()
    killed_while_held(box, bearer, zone)
    box.start()
    before = len(box.strokes("sirene"))
    assert box.wires.watch(lambda _: any(on for _, on in box.strokes("sirene")[before:]), PATIENCE_S)
    if let_go:
        box.wires.release(box.line_of(zone))
    wait_opened(bearer, 2)
    assert len(bearer.alarms()) == 1
    assert told(bearer, "press-told-twice") == []
    box.wires.release(box.line_of(zone))
    assert box.wires.watch(lambda _: ask_status(box.places)["zones"][zone] == "normal", PATIENCE_S)
    assert box.sounds(zone)
    bearer.until(lambda: len(bearer.alarms()) == 2, PATIENCE_S, "another press is another alarm")


def test_died_before_its_commit_a_held_press_is_told_when_the_ledger_knows_nothing_of_it(box: AlarmBox) -> None:
    zone = box.site.zones[0].id
    box.start()
    bearer = box.bearer()
    bearer.until(lambda: told(bearer, "restart"), PATIENCE_S, "the ledger is open")
    os.mkfifo(box.places.ledger.with_name(PIPE))
    assert box.sounds(zone, let_go=False)
    box.alarm.kill()
    box.places.ledger.with_name(PIPE).unlink()
    box.places.ledger.with_name(LATE).write_text(str(LATE_S), "ascii")
    box.start()
    bearer.until(lambda: [row for row in bearer.alarms(zone) if row.durable], PATIENCE_S, "told after all")
    assert len(bearer.alarms()) == 1
    box.wires.release(box.line_of(zone))


def test_without_what_run_keeps_a_late_ledger_says_that_it_was_told_twice(box: AlarmBox) -> None:
    """The bound: nothing of a tmpfs, and a ledger that opens too late."""
    box.start()
    bearer = box.bearer()
    zone = box.site.zones[0].id
    killed_while_held(box, bearer, zone)
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
