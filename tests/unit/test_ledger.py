import sqlite3
from pathlib import Path

import pytest

from edge.core.events import Author, Frozen, freeze
from edge.core.seal import Signer
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import BoxId, Epoch, EventClass, EventId, Record, SiteId
from edge.ledger.files import set_aside
from edge.ledger.ledger import CHECKPOINT_PAGES, Ledger, LedgerCorrupt, LedgerError, Past, Unreceived

SIGNER = Signer(bytes(range(32)))
WHEN = Stamp(1_795_525_522_417_000_000, 1, TimeQuality.SYNCED)
ONE, TWO = Epoch("0000000a"), Epoch("00000001")


def event(seq: int, epoch: Epoch = ONE, event_class: EventClass = EventClass.ALARM, size: int = 0) -> Frozen:
    author = Author(BoxId("ktg-k7q2m9xa"), SiteId("33.74.10.1004-010-005"), epoch, "5f0e2a9c")
    return freeze(
        Record(EventId(epoch, seq), event_class, "alarm", "box", {"x": "y" * size}, shown=True), WHEN, author, SIGNER
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "ledger.db"


def test_what_was_appended_is_there_for_the_next_start(path: Path) -> None:
    made = [event(1), event(2, event_class=EventClass.AUDIT)]
    with Ledger(path, ONE) as ledger:
        assert ledger.past is None
        ledger.append(made, {"stuck": ["masjid"]})
    with Ledger(path, TWO) as ledger:
        assert ledger.past == Past(1, ONE, 2)
        assert ledger.ordinal == 2
        assert ledger.unreceived(10) == [Unreceived(m.id, 1, m.event_class, m.digest, shown=True) for m in made]
        assert ledger.fetch([made[1].id, EventId(ONE, 99), made[0].id]) == [made[1], made[0]]
        assert ledger.notes() == {"stuck": ["masjid"]}
        assert ledger.digests(ONE, 2, 9) == [(2, made[1].digest)]


def test_a_received_row_waits_no_longer_and_is_kept(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        ledger.append([event(1), event(2), event(3)])
        ledger.receive(
            [EventId(ONE, 1), EventId(ONE, 3), EventId(TWO, 1)], receiver="pusat", at="2026-11-23T13:05:22.417Z"
        )
        assert [row.id.seq for row in ledger.unreceived(10)] == [2]
        assert ledger.fetch([EventId(ONE, 1)]) == [event(1)]


def test_the_first_receipt_stays_the_evidence(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        ledger.append([event(1)])
        ledger.receive([EventId(ONE, 1)], receiver="pusat", at="first")
        ledger.receive([EventId(ONE, 1)], receiver="other", at="second")
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT receiver, received_at FROM event").fetchall() == [("pusat", "first")]
    db.close()


def test_appending_the_same_event_again_changes_nothing(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        ledger.append([event(1)])
        ledger.append([event(1), event(2)])
        assert [row.id.seq for row in ledger.unreceived(10)] == [1, 2]


def test_opened_again_in_the_same_run_it_keeps_its_ordinal(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        ledger.append([event(1)])
    with Ledger(path, ONE) as ledger:
        assert (ledger.ordinal, ledger.past) == (1, None)
        ledger.append([event(2)])


def test_there_is_one_writer(path: Path) -> None:
    with Ledger(path, ONE), pytest.raises(LedgerError, match="locked"):
        Ledger(path, TWO)


def test_the_wal_stays_small_and_checkpoints_only_when_asked(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        ledger.append([event(1)])
        assert not ledger.checkpoint()
        seq = 1
        while ledger.wal_bytes < CHECKPOINT_PAGES * 4096:
            seq += 1
            ledger.append([event(seq, size=3000)])
        assert ledger.checkpoint()
        assert ledger.wal_bytes == 0
        assert len(ledger.unreceived(9999)) == seq


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to look at" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_ledger_is_named_corrupt_and_can_be_set_aside(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(LedgerCorrupt):
        Ledger(path, ONE)
    aside = set_aside(path, "0000000a")
    assert aside.read_bytes() == content
    Ledger(path, ONE).close()


def test_a_second_broken_ledger_does_not_replace_the_first_and_a_ninth_fills_no_card(path: Path) -> None:
    path.parent.mkdir(parents=True)
    for number in range(1, 10):
        path.write_bytes(b"%d" % number)
        set_aside(path, "0000000a")
    kept = {aside.name: aside.read_bytes() for aside in path.parent.iterdir()}
    assert kept["ledger.db.0000000a-1.broken"] == b"1"
    assert kept["ledger.db.0000000a-8.broken"] == b"9"
    assert len(kept) == 8


def test_somebody_elses_database_is_not_written_to(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as db:
        db.executescript("CREATE TABLE t(x); PRAGMA application_id=7; PRAGMA user_version=1;")
    db.close()
    with pytest.raises(LedgerCorrupt, match="not a ledger"):
        Ledger(path, ONE)


def test_a_folder_that_cannot_be_made_is_a_ledger_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LedgerError):
        Ledger(tmp_path / "file" / "ledger.db", ONE)


def test_a_row_or_a_note_that_nobody_understands_hides_no_other(path: Path) -> None:
    """Written by a later version, or by a card that is dying: it stays in the file, and the rest goes on."""
    with Ledger(path, ONE) as ledger:
        ledger.append([event(1), event(2), event(3)], {"stuck": ["masjid"], "held": None})
    with sqlite3.connect(path) as db:
        db.execute("UPDATE event SET event_class = 'prophecy' WHERE seq = 1")
        db.execute("UPDATE event SET raw = 'text' WHERE seq = 2")
        db.execute("UPDATE note SET value = '{' WHERE key = 'held'")
    db.close()
    with Ledger(path, TWO) as ledger:
        assert [row.id.seq for row in ledger.unreceived(10)] == [2, 3]
        assert ledger.fetch([EventId(ONE, seq) for seq in (1, 2, 3)]) == [event(3)]
        assert ledger.notes() == {"stuck": ["masjid"]}


def test_more_waiting_than_can_be_taken_in_leaves_no_alarm_behind(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        ledger.append([event(1, event_class=EventClass.AUDIT), event(2, event_class=EventClass.TROUBLE), event(3)])
        assert [row.id.seq for row in ledger.unreceived(2)] == [3, 1]
