"""What the centre knows: once, durable, and in the order in which it happened."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.centre.database import alone
from edge.centre.kept import Kept, StoreBusy, StoreFailed
from edge.centre.places import CentrePlaces
from edge.centre.receipts import ranges
from edge.centre.store import QUARANTINE_ROWS, Group, Store
from edge.core.events import Author, Event, freeze, read_event
from edge.core.messages import Beat
from edge.core.seal import Signer
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import BoxId, Epoch, EventClass, EventId, Json, Record, SiteId

BOX = BoxId("ktg-k7q2m9xa")
EPOCH = Epoch("7c1f0b2e")
FIRST_SCHEMA = Path(__file__).with_name("centre_schema_1.sql")
SIGNER = Signer(bytes(range(32)))


def event(seq: int, *, epoch: str = EPOCH, zone: str = "pos-ronda", name: str = "alarm", **content: Json) -> Event:
    author = Author(BOX, SiteId("33.74.10.1004-010-005"), Epoch(epoch), "5f0e2a9c")
    said = {"alarm": f"{epoch}.{seq}", "zone": zone, **content}
    record = Record(EventId(Epoch(epoch), seq), EventClass.ALARM, name, f"zone/{zone}", said)
    return read_event(freeze(record, Stamp(10**18, seq, TimeQuality.SYNCED), author, SIGNER).raw, SIGNER.public)


def beat(*, head: int, ordinal: int = 1, epoch: str = EPOCH, pending: int = 0) -> Beat:
    return Beat(BOX, "n", Epoch(epoch), ordinal, head, "2026-11-23T13:05:22.417Z", "synced", pending)


@pytest.fixture
def path(root: Path) -> Path:
    return CentrePlaces(root).store


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


def put(store: Store, *events: Event) -> list[Kept]:
    with store.group(1) as group:
        return [group.put(one) for one in events]


def rows(path: Path, question: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def test_the_same_bytes_fold_and_are_counted(store: Store, path: Path) -> None:
    one = event(1)
    assert put(store, one, one) == [Kept.NEW, Kept.FOLDED]
    assert put(store, one) == [Kept.FOLDED]
    assert rows(path, "SELECT seq, folded FROM event") == [(1, 2)]


def test_other_bytes_under_the_same_identity_are_kept_beside_the_first(store: Store, path: Path) -> None:
    assert put(store, event(1), event(1, zone="masjid")) == [Kept.NEW, Kept.CONFLICT]
    assert put(store, event(1), event(1, zone="masjid")) == [Kept.FOLDED, Kept.FOLDED]
    assert rows(path, "SELECT zone FROM event ORDER BY arrival") == [("pos-ronda",), ("masjid",)]


def test_the_same_sequence_of_another_epoch_is_another_event(store: Store) -> None:
    assert put(store, event(1), event(1, epoch="00000001")) == [Kept.NEW, Kept.NEW]


def test_an_exception_inside_a_group_keeps_nothing_of_it(store: Store, path: Path) -> None:
    def half_way() -> None:
        with store.group(1) as group:
            group.put(event(1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_way()
    assert rows(path, "SELECT count(*) FROM event") == [(0,)]
    assert put(store, event(1)) == [Kept.NEW]


def test_what_was_grouped_is_there_after_another_opening(path: Path) -> None:
    with Store.open(path) as store:
        put(store, event(1))
    with Store.open(path) as store:
        assert put(store, event(1)) == [Kept.FOLDED]


def test_commits_reach_the_disk_before_they_return(store: Store) -> None:
    with store.database.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").fetchone() == (2,)
        assert connection.exec_driver_sql("PRAGMA journal_mode").fetchone() == ("wal",)


def test_two_writers_take_turns(store: Store, path: Path) -> None:
    with Store.open(path) as other:
        for seq in range(1, 9):
            assert put(other if seq % 2 else store, event(seq)) == [Kept.NEW]
        assert put(other, event(2)) == [Kept.FOLDED]


def test_one_centre_runs_alone_or_any_number_share(tmp_path: Path) -> None:
    with (
        alone(tmp_path, shared=True),
        alone(tmp_path, shared=True),
        pytest.raises(StoreBusy),
        alone(tmp_path, shared=False),
    ):
        pass
    with alone(tmp_path, shared=False), pytest.raises(StoreBusy), alone(tmp_path, shared=True):
        pass


def test_a_file_of_another_release_is_refused_and_let_go(path: Path) -> None:
    Store.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for _ in range(2):
        with pytest.raises(StoreFailed, match="another release"):
            Store.open(path)


def test_a_file_of_the_first_release_keeps_what_it_has(path: Path) -> None:
    path.parent.mkdir(parents=True)
    one = event(1)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST_SCHEMA.read_text(encoding="utf-8"))
        digest = hashlib.sha256(one.raw).digest()
        columns = (BOX, EPOCH, 1, digest, one.site, "alarm", "alarm", one.subject, one.time, "synced", 1, 1, one.raw)
        connection.execute(
            "INSERT INTO event (box, epoch, seq, digest, site, class, name, subject, time, timequality, durable,"
            " received_ns, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            columns,
        )
        connection.execute("INSERT INTO beat VALUES (?, ?, 3, 1, 0, '', 1)", (BOX, EPOCH))
        connection.commit()
    with Store.open(path) as store:
        assert put(store, one, event(2)) == [Kept.FOLDED, Kept.NEW]
        with store.group(2) as group:
            assert group.head(BOX) == (EPOCH, 1)
            group.beat(beat(head=2))
    assert rows(path, "PRAGMA user_version") == [(4,)]
    assert rows(path, "SELECT seq, folded FROM event ORDER BY seq") == [(1, 1), (2, 0)]


def test_a_file_of_the_second_schema_keeps_what_it_has_and_learns_anchors(path: Path) -> None:
    with Store.open(path) as store:
        put(store, event(1))
        with store.group(1) as group:
            group.beat(beat(head=1))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE anchor; ALTER TABLE beat DROP COLUMN gauges; PRAGMA user_version = 2;")
    with Store.open(path) as store:
        assert put(store, event(1), event(2)) == [Kept.FOLDED, Kept.NEW]
        with store.group(2) as group:
            assert group.head(BOX) == (EPOCH, 1)
            assert group.corrected(event(1)) is None
    assert rows(path, "PRAGMA user_version") == [(4,)]
    assert rows(path, "SELECT gauges FROM beat") == [("{}",)]


def test_a_file_of_the_third_schema_keeps_what_it_has_and_has_room_for_pictures(path: Path) -> None:
    with Store.open(path) as store:
        put(store, event(1))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE picture; DROP TABLE picture_part; PRAGMA user_version = 3;")
    with Store.open(path) as store:
        assert put(store, event(1)) == [Kept.FOLDED]
    assert rows(path, "PRAGMA user_version") == [(4,)]
    assert rows(path, "SELECT count(*) FROM picture") == [(0,)]


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"kentongan" * 1000)
    with pytest.raises(StoreFailed):
        Store.open(path)


def test_a_full_disk_is_a_failed_group(store: Store, path: Path) -> None:
    with store.database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(StoreFailed):
        put(store, *(event(seq) for seq in range(1, 200)))
    assert rows(path, "SELECT count(*) FROM event") == [(0,)]


def missing(store: Store) -> list[tuple[str, int, int]]:
    with store.group(1) as group:
        return list(group.missing(BOX))


def heard(store: Store, *beats: Beat) -> None:
    with store.group(1) as group:
        for one in beats:
            group.beat(one)


def test_a_gap_is_seen_up_to_the_head_that_the_beat_names(store: Store) -> None:
    put(store, event(1), event(2), event(5))
    heard(store, beat(head=7))
    assert missing(store) == [(EPOCH, 3, 4), (EPOCH, 6, 7)]
    put(store, event(3), event(4))
    assert missing(store) == [(EPOCH, 6, 7)]


def test_gaps_of_older_epochs_come_first_whatever_arrived_first(store: Store) -> None:
    heard(store, beat(head=2, ordinal=9, epoch="00000001"), beat(head=1, ordinal=8, epoch="ffffffff"))
    assert missing(store) == [("ffffffff", 1, 1), ("00000001", 1, 2)]


def test_what_the_box_declares_lost_is_no_longer_missing(store: Store) -> None:
    heard(store, beat(head=10))
    with store.group(1) as group:
        group.lost(BOX, EPOCH, 2, 10)
    assert missing(store) == [(EPOCH, 1, 1)]


@given(known=st.sets(st.integers(1, 60)), head=st.integers(0, 70), late=st.sets(st.integers(1, 60)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_missing_is_exactly_what_is_not_there(
    tmp_path_factory: pytest.TempPathFactory, known: set[int], head: int, late: set[int]
) -> None:
    with Store.open(tmp_path_factory.mktemp("store") / "centre.db") as store:
        put(store, *(event(seq) for seq in known))
        heard(store, beat(head=head))
        for now_known in (known, known | late):
            put(store, *(event(seq) for seq in now_known))
            top = max([head, *now_known])
            expected = set(range(1, top + 1)) - now_known
            assert [(EPOCH, *span) for span in ranges(expected)] == missing(store)


def test_refusals_are_counted_for_ever_but_only_the_last_are_kept(store: Store, path: Path) -> None:
    with store.group(1) as group:
        for number in range(QUARANTINE_ROWS + 5):
            group.refuse("unknown box", f"t/{number}", b"x" * 5000)
    assert rows(path, "SELECT reason, count FROM refusal") == [("unknown box", QUARANTINE_ROWS + 5)]
    assert rows(path, "SELECT count(*), min(topic), max(length(sample)), max(size) FROM quarantine") == [
        (QUARANTINE_ROWS, "t/10", 2048, 5000)
    ]


def test_the_same_notice_is_kept_once(store: Store, path: Path) -> None:
    def tell(group: Group) -> None:
        group.notice("conflict", BOX, "one")

    with store.group(1) as group:
        tell(group)
        tell(group)
        group.notice("conflict", BOX, "two")
    assert rows(path, "SELECT text FROM notice ORDER BY number") == [("one",), ("two",)]
