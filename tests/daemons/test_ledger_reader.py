"""People read the ledger while the real alarm daemon writes it, and neither notices the other."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.config.resources import CHECKOUT
from edge.core.words import EventClass
from edge.field.stage import Stage
from edge.field.status import ask_status
from edge.ledger.reader import LedgerMissing, LedgerUnreadable, Wanted, copied, entries, find

COPIES = 200
KENTONGAN = (sys.executable, "-c", "from edge.field.cli import main; main()")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", kit="lab") as stage:
        stage.alarm.start()
        stage.alarm.wait_ready()
        written(stage)
        yield stage


def pressed(stage: Stage, stop: threading.Event, count: list[int]) -> None:
    zones = [zone.id for zone in stage.site.zones]
    while not stop.wait(0.02):
        zone = stage.line_of(zones[count[0] % len(zones)])
        stage.wires.press(zone)
        stop.wait(0.08)
        stage.wires.release(zone)
        count[0] += 1


def ran(stage: Stage, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*KENTONGAN, *words, "--root", str(stage.places.root), "--lang", "en"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def written(stage: Stage) -> None:
    """The ledger opens after the daemon is ready; its first event is the restart."""
    deadline = time.monotonic() + 20
    while True:
        try:
            if entries(stage.places.ledger, newest=1):
                return
        except (LedgerMissing, LedgerUnreadable):
            assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_hundred_copies_while_the_box_writes_are_whole_and_disturb_nothing(stage: Stage) -> None:
    stop, count = threading.Event(), [0]
    hands = threading.Thread(target=pressed, args=(stage, stop, count))
    hands.start()
    try:
        seen = [0]
        while len(seen) <= COPIES or count[0] <= 10:
            with copied(stage.places.ledger) as copy:
                db = sqlite3.connect(copy)
                assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
                seen.append(db.execute("SELECT count(*) FROM event").fetchone()[0])
                db.close()
    finally:
        stop.set()
        hands.join()
    assert seen == sorted(seen)  # no copy is older than the one before
    assert seen[-1] > seen[1]
    assert not [code for code in ask_status(stage.places)["troubles"] if "LEDGER" in code or "READONLY" in code]


def test_the_commands_show_what_was_pressed(stage: Stage) -> None:
    stage.wires.press(stage.line_of("zone-00"))
    deadline = time.monotonic() + 20
    while not (found := entries(stage.places.ledger, Wanted(event_class=EventClass.ALARM), newest=9)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    stage.wires.release(stage.line_of("zone-00"))
    (alarm,) = found
    assert (alarm.name, alarm.subject, alarm.received_at, alarm.intact) == ("alarm", "zone/zone-00", "", True)

    listed = ran(stage, "ledger", "ls", "--class", "alarm", "--json")
    assert [each["id"] for each in json.loads(listed.stdout)] == [alarm.id]
    assert alarm.id in ran(stage, "ledger", "ls", "--waiting").stdout
    shown: dict[str, Any] = json.loads(ran(stage, "ledger", "show", alarm.id, "--json").stdout)
    assert shown["raw"] == alarm.raw
    exported = [json.loads(line) for line in ran(stage, "ledger", "export").stdout.splitlines()]
    assert [each["raw"] for each in exported if each["id"] == alarm.id] == [alarm.raw]

    unknown = ran(stage, "ledger", "show", "00000000.1")
    assert (unknown.returncode, "E-EVENT-UNKNOWN" in unknown.stderr) == (2, True)
    wrong = ran(stage, "ledger", "show", "seven")
    assert (wrong.returncode, "7c1f0b2e.4711" in wrong.stderr) == (2, True)


def test_a_ledger_from_another_computer_or_a_broken_one_is_named(stage: Stage, tmp_path: Path) -> None:
    with copied(stage.places.ledger) as copy:
        elsewhere = shutil.copy(copy, tmp_path / "elsewhere.db")
        if copy.with_name("ledger.db-wal").exists():
            shutil.copy(copy.with_name("ledger.db-wal"), tmp_path / "elsewhere.db-wal")
    assert entries(Path(elsewhere), newest=1)
    broken = tmp_path / "broken.db"
    for content in (b"", b"SQLite format 3\0" + b"\xff" * 8192, b"not a database", bytes(100_000)):
        broken.write_bytes(content)
        said = ran(stage, "ledger", "ls", "--file", str(broken))
        assert (said.returncode, "E-LEDGER-UNREADABLE" in said.stderr) == (5, True), (content[:20], said.stderr)
        with pytest.raises(LedgerUnreadable):
            find(broken, "00000000", 1)
    with pytest.raises(LedgerMissing):
        entries(tmp_path / "none.db", newest=1)
    missing = ran(stage, "ledger", "ls", "--file", str(tmp_path / "none.db"))
    assert (missing.returncode, "E-LEDGER-MISSING" in missing.stderr) == (3, True)
