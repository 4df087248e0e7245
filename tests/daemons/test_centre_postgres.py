"""What the store promises, on a real PostgreSQL server; SQLite's own tests are in tests/unit/test_centre_store.py."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.centre import reader
from edge.centre.database import shown
from edge.centre.kept import Kept, StoreFailed
from edge.centre.store import QUARANTINE_ROWS, Store
from edge.core.messages import Beat
from edge.core.words import BoxId, Epoch
from tests.daemons.postgres import NoPostgres, Postgres, find_postgres
from tests.unit.test_centre_store import BOX, EPOCH, beat, event

CACHE = Path(__file__).parents[2] / ".cache"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    try:
        programs = find_postgres(CACHE)
    except NoPostgres as error:
        pytest.skip(f"no PostgreSQL here: {error}")
    with Postgres(programs) as server:
        yield server


@pytest.fixture
def store(server: Postgres) -> Iterator[Store]:
    with Store.open(server.url) as store:
        with store.database.transaction() as connection:
            for table in ("event", "epoch", "lost", "beat", "notice", "refusal", "quarantine", "audit", "audit_head"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
        yield store


def missing(store: Store) -> list[tuple[str, int, int]]:
    with store.group(1) as group:
        return list(group.missing(BOX))


def test_folded_conflict_and_missing_are_as_on_sqlite(store: Store, server: Postgres) -> None:
    with store.group(1) as group:
        assert [group.put(event(1)), group.put(event(1)), group.put(event(1, zone="masjid"))] == [
            *(Kept.NEW, Kept.FOLDED, Kept.CONFLICT)
        ]
        group.put(event(4))
        group.beat(beat(head=6))
        group.lost(BOX, EPOCH, 5, 5)
    assert missing(store) == [(EPOCH, 2, 3), (EPOCH, 6, 6)]
    assert [(row["seq"], row["folded"]) for row in reader.export(server.url)] == [(1, 1), (1, 0), (4, 0)]
    assert [entry["kind"] for entry in reader.audit_entries(server.url)] == ["conflict"]
    assert reader.audit_state(server.url).broken == ""


def test_a_nul_in_a_signed_text_does_not_stop_the_centre(store: Store, server: Postgres) -> None:
    with store.group(1) as group:
        assert group.put(event(1, zone="pos\0ronda")) is Kept.NEW
    (row,) = reader.export(server.url)
    assert row["zone"] == "pos\N{REPLACEMENT CHARACTER}ronda"
    assert row["data"]["zone"] == "pos\0ronda"  # type: ignore[index,call-overload]  # the bytes as they came


def test_an_exception_inside_a_group_keeps_nothing_of_it(store: Store, server: Postgres) -> None:
    def half_way() -> None:
        with store.group(1) as group:
            group.put(event(1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_way()
    assert list(reader.export(server.url)) == []


def test_only_the_last_refusals_are_kept(store: Store, server: Postgres) -> None:
    with store.group(1) as group:
        for number in range(QUARANTINE_ROWS + 5):
            group.refuse("unknown box", f"t/{number}", b"x")
    assert reader.troubles(server.url)["refusals"] == [{"reason": "unknown box", "count": QUARANTINE_ROWS + 5}]
    with store.database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM quarantine").scalar_one() == QUARANTINE_ROWS


def test_writers_of_the_same_boxes_in_opposite_orders_neither_lock_each_other_nor_break_the_chain(
    store: Store, server: Postgres
) -> None:
    faults: list[BaseException] = []

    def write(boxes: list[str]) -> None:
        try:
            with Store.open(server.url) as own:
                for number in range(30):
                    with own.group(number) as group:
                        for box in boxes:
                            group.beat(Beat(BoxId(box), "n", Epoch("7c1f0b2e"), 1, number, "", "synced", 0))
                            group.audit("order", box, "Budi", {"number": number})
        except BaseException as error:  # noqa: BLE001  # told by the test's own thread
            faults.append(error)

    writers = [threading.Thread(target=write, args=(boxes,)) for boxes in (["a", "b"], ["b", "a"], ["a", "b"])]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert faults == []
    assert (reader.audit_state(server.url).number, reader.audit_state(server.url).broken) == (180, "")


def test_a_password_is_in_no_message(server: Postgres, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = f"postgresql+psycopg://nobody-here:ra%68asia-sekali@/postgres?host={server.url.split('host=')[1]}"
    assert "asia-sekali" not in shown(f"{wrong}&password=rahasia-sekali")
    with pytest.raises(StoreFailed) as failed:
        Store.open(wrong)
    assert "asia-sekali" not in str(failed.value) + caplog.text
    with pytest.raises(StoreFailed) as failed:
        Store.open("mysql://centre:rahasia-sekali@host/db")
    assert "asia-sekali" not in str(failed.value)
