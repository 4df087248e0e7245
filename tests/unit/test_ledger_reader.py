"""What people are shown of a ledger whose card has begun to die."""

import os
import shutil
import sqlite3
import tempfile
import tracemalloc
from pathlib import Path

import pytest

from edge.core.events import Frozen
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.ledger import Ledger
from edge.ledger.reader import ROOM, TRIES, LedgerUnreadable, NoRoom, Wanted, copied, each_entry, entries

EPOCH = Epoch("7c1f0b2e")
GOOD = b'{"subject":"box","time":"2026-11-23T13:05:22.417Z","type":"id.kentongan.audit.v1"}'
ROTTEN = [b"\xff\xfe", b"[]", b"{", b"", b'{"type":"no dots"}', b'{"type":1}', b"[" * 5000]


@pytest.mark.parametrize("raw", [*ROTTEN, "text instead of bytes", 7, None])
def test_one_rotten_row_hides_no_other_and_says_that_it_is(tmp_path: Path, raw: object) -> None:
    with Ledger(tmp_path / "ledger.db", EPOCH) as ledger:
        ledger.append([Frozen(EventId(EPOCH, seq), EventClass.AUDIT, GOOD) for seq in (1, 2, 3)])
    db = sqlite3.connect(tmp_path / "ledger.db")
    with db:
        if raw is not None:  # the column allows none
            db.execute("UPDATE event SET raw = ? WHERE seq = 2", (raw,))
        else:
            db.execute("UPDATE event SET digest = X'00' WHERE seq = 2")
    db.close()
    found = entries(tmp_path / "ledger.db", newest=9)
    assert [(entry.id, entry.intact) for entry in found] == [
        ("7c1f0b2e.1", True), ("7c1f0b2e.2", False), ("7c1f0b2e.3", True),
    ]  # fmt: skip


def checkpointed_during(monkeypatch: pytest.MonkeyPatch, ledger: Path, copies: int) -> list[Path]:
    """The main file changes right after each of the first `copies` copies of it, as in a checkpoint."""
    made: list[Path] = []
    copy = shutil.copyfile

    def copied_then_changed(source: Path, target: Path) -> None:
        copy(source, target)
        if source == ledger:
            made.append(target)
            if len(made) <= copies:
                os.utime(ledger, ns=(len(made), len(made)))

    monkeypatch.setattr(shutil, "copyfile", copied_then_changed)
    return made


def test_a_copy_that_a_checkpoint_ran_through_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(tmp_path / "ledger.db", EPOCH) as ledger:
        ledger.append([Frozen(EventId(EPOCH, 1), EventClass.AUDIT, GOOD)])
    made = checkpointed_during(monkeypatch, tmp_path / "ledger.db", 2)
    assert len(entries(tmp_path / "ledger.db", newest=9)) == 1
    assert len(made) == 3


def test_a_ledger_that_never_holds_still_is_named_and_leaves_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger(tmp_path / "ledger.db", EPOCH):
        pass
    made = checkpointed_during(monkeypatch, tmp_path / "ledger.db", TRIES)
    with pytest.raises(LedgerUnreadable, match="changed during each"):
        entries(tmp_path / "ledger.db", newest=9)
    assert len(made) == TRIES
    assert not made[0].parent.exists()


# ---- choosing, and many ---------------------------------------------------------------------------------------------


def written(path: Path, *times: str) -> Path:
    """A ledger with one event for each time."""
    with Ledger(path, EPOCH) as ledger:
        raws = [GOOD.replace(b"2026-11-23T13:05:22.417Z", time.encode()) for time in times]
        ledger.append([Frozen(EventId(EPOCH, seq), EventClass.AUDIT, raw) for seq, raw in enumerate(raws, start=1)])
    return path


def chosen(ledger: Path, wanted: Wanted) -> list[str]:
    """Both ways of reading say the same."""
    found = [entry.id.partition(".")[2] for entry in each_entry(ledger, wanted)]
    assert [entry.id.partition(".")[2] for entry in entries(ledger, wanted, newest=99)] == found
    return found


def test_since_and_until_are_inclusive_and_compare_the_events_own_times(tmp_path: Path) -> None:
    one, two, three = (f"2026-11-23T13:05:0{second}.000Z" for second in (1, 2, 3))
    ledger = written(tmp_path / "ledger.db", one, three, two)  # a clock may step back
    assert chosen(ledger, Wanted(since=two)) == ["2", "3"]
    assert chosen(ledger, Wanted(until=two)) == ["1", "3"]
    assert chosen(ledger, Wanted(since=two, until=two)) == ["3"]
    assert chosen(ledger, Wanted(since=one, until=three)) == ["1", "2", "3"]
    assert [each.id for each in entries(ledger, Wanted(since=one), newest=1)] == [f"{EPOCH}.3"]


def test_a_damaged_event_is_left_out_by_no_moment(tmp_path: Path) -> None:
    ledger = written(tmp_path / "ledger.db", "2026-11-23T13:05:01.000Z", "2026-11-23T13:05:02.000Z")
    db = sqlite3.connect(ledger)
    with db:
        db.execute("UPDATE event SET digest = X'00' WHERE seq = 1")
    db.close()
    assert chosen(ledger, Wanted(since="2026-11-23T13:05:02.000Z")) == ["1", "2"]
    assert chosen(ledger, Wanted(until="2026-11-23T13:05:00.000Z")) == ["1"]


def test_letters_that_are_none_any_more_hide_no_row(tmp_path: Path) -> None:
    ledger = written(tmp_path / "ledger.db", "2026-11-23T13:05:01.000Z", "2026-11-23T13:05:02.000Z")
    db = sqlite3.connect(ledger)
    with db:
        db.execute("UPDATE event SET received_at = CAST(X'FF41' AS TEXT) WHERE seq = 1")
    db.close()
    assert [entry.received_at for entry in each_entry(ledger)] == ["\\xffA", ""]


def test_twenty_thousand_events_are_read_in_the_memory_of_a_few(tmp_path: Path) -> None:
    """40 MB of events; a list of them, as `entries` makes one, needs more than all of their bytes."""
    many, bound = 20_000, 2_000_000
    padded = GOOD[:-1] + b',"data":"%s"}' % (b"x" * 2000)
    with Ledger(tmp_path / "ledger.db", EPOCH) as ledger:
        ledger.append([Frozen(EventId(EPOCH, seq), EventClass.AUDIT, padded) for seq in range(1, many + 1)])
    next(iter(each_entry(tmp_path / "ledger.db")))  # what is imported for it is not counted
    tracemalloc.start()
    try:
        assert sum(1 for _ in each_entry(tmp_path / "ledger.db", Wanted(since="2026-11-01T00:00:00.000Z"))) == many
        _, streamed = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        assert len(entries(tmp_path / "ledger.db", newest=many // 10)) == many // 10
        _, listed = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert streamed < bound < listed


def test_a_copy_that_would_fill_the_disk_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = written(tmp_path / "ledger.db", "2026-11-23T13:05:01.000Z")
    made = checkpointed_during(monkeypatch, ledger, 0)
    size = ledger.stat().st_size
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(10**9, 10**9, ROOM * size))
    assert len(entries(ledger, newest=9)) == 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(10**9, 10**9, ROOM * size - 1))
    with pytest.raises(NoRoom, match=r": 1 MB$"):
        entries(ledger, newest=9)
    assert len([copy for copy in made if copy.name == "ledger.db"]) == 1


@pytest.mark.parametrize("chosen", ["", "here"])
def test_a_copy_lies_on_a_disk_or_where_the_person_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    ledger = written(tmp_path / "ledger.db", "2026-11-23T13:05:01.000Z")
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / chosen) if chosen else "")
    monkeypatch.setattr(tempfile, "tempdir", None)  # what an earlier test was told is forgotten
    with copied(ledger) as copy:
        assert copy.parent.parent == (tmp_path / "here" if chosen else Path("/var/tmp"))


def test_reading_that_stops_early_leaves_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = written(tmp_path / "ledger.db", *["2026-11-23T13:05:01.000Z"] * 3)
    made = checkpointed_during(monkeypatch, ledger, 0)
    reading = each_entry(ledger)
    next(reading)
    assert made[0].exists()
    del reading
    assert not made[0].parent.exists()


# ---- damaged files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [0, 2, 5, 9])
def test_a_damaged_page_hides_no_row_of_another(tmp_path: Path, page: int) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path, EPOCH) as ledger:
        for seq in range(1, 101):
            raw = GOOD[:-1] + b',"epoch":"%s","x":"%s"}' % (EPOCH.encode(), b"y" * 600)
            ledger.append([Frozen(EventId(EPOCH, seq), EventClass.AUDIT, raw)])
    content = bytearray(path.read_bytes())
    content[page * 4096 : page * 4096 + 4096] = bytes(4096)
    path.write_bytes(content)
    found = entries(path, newest=999)
    assert len(found) >= 90
    assert all(entry.intact and entry.time for entry in found)
    assert [entry.id for entry in found] == sorted((entry.id for entry in found), key=lambda each: int(each[9:]))


def test_what_is_no_ledger_at_all_stays_unreadable(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"garbage" * 9000)
    with pytest.raises(LedgerUnreadable):
        entries(tmp_path / "ledger.db", newest=9)
