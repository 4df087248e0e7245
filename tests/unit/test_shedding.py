"""What the ledger lets go, in a real file: the expired, the overfull, and in which order."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.spans import runs
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.ledger import APPEND_BYTES, CROWDED_PAGES, Ledger
from edge.ledger.limits import STEP, Limits, expiry, merged
from edge.ledger.shedding import SPANS_LIMIT, Debt
from tests.unit.test_ledger import ONE, TWO, event

TODAY = datetime(2026, 11, 28, tzinfo=UTC)
WAL_BYTES = 2 * 1024 * 1024


def moment(days_ago: float) -> str:
    return (TODAY - timedelta(days=days_ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def filled(ledger: Ledger, *groups: tuple[EventClass, int], size: int = 0) -> None:
    seq = 1
    for event_class, count in groups:
        for _ in range(count):
            ledger.append([event(seq, event_class=event_class, size=size)])
            seq += 1


def tidied(ledger: Ledger, *, spare_pages: int = 0) -> int:
    went = 0
    while step := ledger.tidy(spare_pages=spare_pages):
        assert step <= STEP
        went += step
    return went


def left(ledger: Ledger) -> list[int]:
    return [seq for seq, _ in ledger.digests(ONE, 1, 99_999)]


def waiting(ledger: Ledger) -> Counter[EventClass]:
    return Counter(row.event_class for row in ledger.unreceived(99_999))


def received(ledger: Ledger, days_ago: float, first: int, last: int) -> None:
    ledger.receive([EventId(ONE, seq) for seq in range(first, last + 1)], receiver="pusat", at=moment(days_ago))


def test_received_events_stay_by_number_or_by_age_whichever_keeps_more(path: Path) -> None:
    with Ledger(path, ONE, limits=Limits(kept_events=15, kept_days=30)) as ledger:
        filled(ledger, (EventClass.ALARM, 100))
        received(ledger, 40, 1, 50)
        received(ledger, 20, 51, 60)
        assert tidied(ledger) == 0, "nothing is older than 30 days before the newest receipt"
        received(ledger, 0, 61, 65)
        assert tidied(ledger) == 50, "ten of 20 days and five of today are all within 30 days"
        assert left(ledger) == list(range(51, 101))
        assert ledger.debts() == [], "the centre has them"


def test_the_newest_received_events_stay_however_old_they_are(path: Path) -> None:
    with Ledger(path, ONE, limits=Limits(kept_events=20, kept_days=30)) as ledger:
        filled(ledger, (EventClass.ALARM, 50))
        for seq in range(1, 50):
            received(ledger, 400 - seq, seq, seq)
        received(ledger, 0, 50, 50)
        assert tidied(ledger) == 30
        assert left(ledger) == list(range(31, 51))


@pytest.mark.parametrize("newest", ["", "yesterday", "9999", "0001-01-01T00:00:00Z", "2026-13-40T00:00:00Z"])
def test_a_receipt_whose_time_cannot_be_read_prunes_nothing(newest: str) -> None:
    assert expiry(newest, moment(0), 30) == ""


def test_what_waits_is_never_expired(path: Path) -> None:
    with Ledger(path, ONE, limits=Limits(kept_events=1, kept_days=1)) as ledger:
        filled(ledger, (EventClass.ALARM, 10))
        received(ledger, 90, 2, 9)
        received(ledger, 0, 10, 10)
        assert tidied(ledger) == 8
        assert left(ledger) == [1, 10]


def test_a_class_over_its_quota_loses_its_oldest_and_owes_a_lost_event(path: Path) -> None:
    limits = Limits(waiting={EventClass.AUDIT: 10, EventClass.INVENTORY: 5})
    with Ledger(path, ONE, limits=limits) as ledger:
        filled(ledger, (EventClass.AUDIT, 100), (EventClass.ALARM, 30), (EventClass.INVENTORY, 9))
        assert tidied(ledger) == 94
        assert waiting(ledger) == {EventClass.AUDIT: 10, EventClass.ALARM: 30, EventClass.INVENTORY: 5}
        assert left(ledger) == [*range(91, 131), *range(135, 140)]
        assert ledger.debts() == [Debt(1, ONE, ((1, 90), (131, 134)))]


def test_alarms_are_the_last_to_go_and_what_the_centre_has_is_the_first(path: Path) -> None:
    """A file that is too big gives up received rows, then inventory, audit and test, the rest, alarms last."""
    classes = (EventClass.ALARM, EventClass.TROUBLE, EventClass.AUDIT, EventClass.INVENTORY)
    with Ledger(path, ONE, limits=Limits(file_bytes=0)) as ledger:
        filled(ledger, *((each, STEP) for each in classes), (EventClass.ALARM, STEP))
        received(ledger, 0, 4 * STEP + 1, 5 * STEP)
        seen = []
        while ledger.tidy():
            seen.append(dict(waiting(ledger)))
        full = dict.fromkeys(classes, STEP)
        gone = [(), (EventClass.INVENTORY,), (EventClass.INVENTORY, EventClass.AUDIT), classes[1:], classes]
        assert seen == [{each: STEP for each in full if each not in went} for went in gone]
        assert ledger.debts() == [Debt(1, ONE, ((1, 4 * STEP),))]


def test_a_full_disk_makes_free_pages_within_the_file(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        filled(ledger, (EventClass.ALARM, 200), size=2000)
        received(ledger, 0, 1, 200)
        assert tidied(ledger) == 0
        assert tidied(ledger, spare_pages=64) > 0
        ledger.checkpoint(0)
        size = path.stat().st_size
        ledger.append([event(1000 + seq, size=2000) for seq in range(30)])
        ledger.checkpoint(0)
        assert path.stat().st_size == size


def test_a_full_disk_costs_everything_but_waiting_alarms(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        filled(ledger, (EventClass.ALARM, 100), (EventClass.AUDIT, 100), (EventClass.TROUBLE, 100))
        assert tidied(ledger, spare_pages=10_000) == 200
        assert waiting(ledger) == {EventClass.ALARM: 100}
        assert ledger.debts() == [Debt(1, ONE, ((101, 300),))]


def test_a_debt_outlives_the_run_until_its_lost_event_is_stored(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        filled(ledger, (EventClass.ALARM, 9))
        ledger.write_off([EventId(ONE, 2), EventId(ONE, 3), EventId(TWO, 7)])
        assert left(ledger) == [1, *range(4, 10)]
        ledger.end_stretch()
        ledger.write_off([EventId(ONE, 5)])
    third = Epoch("00000003")
    with Ledger(path, third) as ledger:
        debts = ledger.debts()
        assert [(debt.stretch, debt.epoch, debt.spans) for debt in debts] == [
            (1, TWO, ((7, 7),)), (1, ONE, ((2, 3),)), (2, ONE, ((5, 5),)),
        ]  # fmt: skip
        ledger.append([event(1, third, EventClass.TROUBLE)], {debts[0].note: None})
        assert ledger.debts() == debts[1:]
        ledger.write_off([EventId(ONE, 8)])
        assert ledger.debts()[-1] == Debt(3, ONE, ((8, 8),)), "never added to what an earlier run may have told"


def test_a_received_row_is_not_written_off(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        filled(ledger, (EventClass.ALARM, 2))
        received(ledger, 0, 1, 1)
        ledger.write_off([EventId(ONE, 1), EventId(ONE, 2)])
        assert left(ledger) == [1]


def test_no_lost_event_names_more_ranges_than_it_can_hold(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        for seq in range(0, 6 * SPANS_LIMIT, 2):
            ledger.write_off([EventId(ONE, seq + 1)])
        assert [len(debt.spans) for debt in ledger.debts()] == [SPANS_LIMIT] * 3


@given(st.lists(st.integers(1, 60), max_size=40), st.lists(st.integers(1, 60), max_size=40))
def test_ranges_name_what_they_are_made_of_and_no_more(one: list[int], other: list[int]) -> None:
    spans = merged(list(runs(sorted(set(one)))), other)
    assert {seq for first, last in spans for seq in range(first, last + 1)} == {*one, *other}
    assert all(before[1] + 1 < after[0] for before, after in pairwise(spans))


def test_the_log_never_outgrows_two_megabytes(path: Path) -> None:
    """The largest transactions one after the other, with nobody idle between them."""
    size = 6000
    per_commit = APPEND_BYTES // (size + 1000)
    grown = 0
    with Ledger(path, ONE, limits=Limits(kept_events=1, kept_days=0)) as ledger:
        for batch in range(60):
            ledger.append([event(1 + batch * per_commit + each, size=size) for each in range(per_commit)])
            grown = max(grown, ledger.wal_bytes)
            ledger.checkpoint(CROWDED_PAGES)
        seqs = left(ledger)
        for seq in seqs[::-1]:
            ledger.receive([EventId(ONE, seq)], receiver="pusat", at=moment(1))
            grown = max(grown, ledger.wal_bytes)
        received(ledger, 0, seqs[-1], seqs[-1])
        while ledger.tidy():
            grown = max(grown, ledger.wal_bytes)
    assert 1024 * 1024 < grown <= WAL_BYTES
