"""An event that neither the box nor the centre has any more: nobody asks for it for ever."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.centre import reader
from edge.config.resources import CHECKOUT
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import wait_for

WITHIN_S = 40.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", beat_s=0.5) as stage:
        yield stage


def run_for(stage: Stage, reached: str) -> None:
    stage.start()
    wait_for(lambda: ask_status(stage.places)["online"], reached, WITHIN_S)


def stopped(stage: Stage) -> None:
    for child in (stage.relay, stage.alarm, stage.centre):
        child.stop()


def changed(path: Path, statement: str, *values: object) -> int:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).rowcount


def test_what_the_centre_asks_for_and_the_box_has_no_more_is_declared_lost(stage: Stage) -> None:
    run_for(stage, "the box is online")
    line = stage.line_of("pos-ronda")
    stage.wires.press(line)
    wait_for(lambda: (ask_status(stage.places)["journey"] or {}).get("received"), "the press is received", WITHIN_S)
    stage.wires.release(line)
    wait_for(lambda: not ask_status(stage.places)["waiting"], "all of it is received", WITHIN_S)
    stopped(stage)

    alarm = next(row for row in reader.export(stage.centre_places.store) if row["name"] == "alarm")
    lost = (alarm["epoch"], alarm["seq"])
    where = "WHERE seq = ? AND ordinal = (SELECT ordinal FROM epoch WHERE epoch = ?)"
    assert changed(stage.places.ledger, f"DELETE FROM event {where}", lost[1], lost[0]) == 1
    assert changed(stage.centre_places.store, "DELETE FROM event WHERE epoch = ? AND seq = ?", *lost) == 1
    assert changed(stage.centre_places.store, "UPDATE epoch SET reach = 0 WHERE epoch = ?", lost[0]) == 1
    assert any(each.epoch == lost[0] for each in reader.behind(stage.centre_places.store))

    run_for(stage, "the box is online again")
    wait_for(
        lambda: all(each.epoch != lost[0] for each in reader.behind(stage.centre_places.store)),
        "the centre waits for it no longer",
        WITHIN_S,
    )
    declared = [row["data"] for row in reader.export(stage.centre_places.store) if row["name"] == "lost"]
    assert declared == [{"epoch": lost[0], "ranges": [[lost[1], lost[1]]]}]
