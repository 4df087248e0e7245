"""Ledgers broken in every way that a card knows: what is whole comes home as it was, and nothing else does."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.events import Event, Frozen, read_event
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.files import ASIDE_LIMIT, SALVAGED_LIMIT, broken_ledgers, put_away, set_aside
from edge.ledger.ledger import Ledger, Unreceived
from edge.ledger.limits import PAGE_BYTES
from edge.ledger.salvage import Missing, Row, Ruin, read_rows
from tests.unit.test_ledger import ONE, SIGNER, TWO, event

SIZES = (0, 0, 0, 700, 1500, 6000)  # in the leaf, at its limit, with an overflow page, with two
COUNT = 120
RECEIVED = 60
AT = "2026-11-23T13:05:22.417Z"
SEEDS = range(12)


def verify(raw: bytes) -> Event:
    return read_event(raw, SIGNER.public)


def made() -> list[Frozen]:
    return [event(seq, size=SIZES[seq % len(SIZES)]) for seq in range(1, COUNT + 1)]


MADE = {each.id: each for each in made()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "ledger.db"
    with Ledger(path, ONE) as ledger:
        for each in MADE.values():
            ledger.append([each])
        ledger.receive([EventId(ONE, seq) for seq in range(1, RECEIVED + 1)], receiver="pusat", at=AT)
    return path.read_bytes()


def found(path: Path) -> dict[EventId, Row]:
    """Asserts that nothing is believed that was not made."""
    rows = [row for row in read_rows(path, verify) if isinstance(row, Row)]
    assert all(MADE[row.id].raw == row.raw for row in rows)
    return {row.id: row for row in rows}


def pages_with(whole: bytes, raw: bytes) -> list[int]:
    """Page numbers from 0 that hold the beginning of these bytes."""
    at = whole.find(raw[:200])
    return [at // PAGE_BYTES]


def test_a_sound_file_gives_every_row_with_its_receipt(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(whole)
    rows = found(path)
    assert rows.keys() == MADE.keys()
    assert {identity.seq for identity, row in rows.items() if row.received_at} == set(range(1, RECEIVED + 1))
    one = MADE[EventId(ONE, 1)]
    assert rows[one.id] == Row(one.id, 1, EventClass.ALARM, shown=True, raw=one.raw, received_at=AT, receiver="pusat")


def test_what_only_the_log_holds_comes_too(tmp_path: Path) -> None:
    path, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    with Ledger(path, ONE) as ledger:
        for each in MADE.values():
            ledger.append([each])
        shutil.copyfile(path, copy)
        shutil.copyfile(f"{path}-wal", f"{copy}-wal")
    assert copy.stat().st_size < COUNT * 500
    assert found(copy).keys() == MADE.keys()


def damaged_header(content: bytearray) -> None:
    content[:100] = bytes(100)


def first_pages_gone(content: bytearray) -> None:
    content[: 5 * PAGE_BYTES] = bytes(5 * PAGE_BYTES)


@pytest.mark.parametrize("damage", [damaged_header, first_pages_gone])
def test_a_header_or_a_root_that_is_gone_hides_no_row_of_another_page(
    tmp_path: Path, whole: bytes, damage: Callable[[bytearray], None]
) -> None:
    content = bytearray(whole)
    damage(content)
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError), sqlite3.connect(path) as db:
        db.execute("SELECT count(*) FROM event").fetchall()
    db.close()
    assert len(found(path)) >= COUNT - 20


@pytest.mark.parametrize("at", range(0, 60, 4))
def test_a_zeroed_page_costs_its_own_rows_and_no_other(tmp_path: Path, whole: bytes, at: int) -> None:
    content = bytearray(whole)
    start = at * PAGE_BYTES % len(content)
    content[start : start + PAGE_BYTES] = bytes(PAGE_BYTES)
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    assert len(found(path)) >= COUNT - 8


@pytest.mark.parametrize("cut", [0, 1, 99, 512, 4095, 4096, 4097, 9_000, 40_000, 77_777, 150_000])
def test_a_file_that_was_cut_off_gives_what_lies_before_the_cut(tmp_path: Path, whole: bytes, cut: int) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(whole[:cut])
    before = [
        each for each in MADE.values() if 0 <= whole.find(each.raw) <= cut - len(each.raw) and len(each.raw) < 900
    ]
    assert {each.id for each in before} <= found(path).keys()


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_anywhere_is_never_believed(tmp_path: Path, whole: bytes, seed: int) -> None:
    """Sixty places of up to 64 random bytes: `found` asserts that every row is as it was made."""
    noise = random.Random(seed)  # the seed is in the test's name
    content = bytearray(whole)
    for _ in range(60):
        at = noise.randrange(len(content))
        content[at : at + 64] = noise.randbytes(noise.randrange(1, 65))
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    assert found(path)


@settings(max_examples=200)
@given(content=st.binary(max_size=3 * PAGE_BYTES), log=st.binary(max_size=2 * PAGE_BYTES))
def test_any_bytes_are_read_to_their_end(tmp_path_factory: pytest.TempPathFactory, content: bytes, log: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.db"
    path.write_bytes(bytes([0x0A, 0, 0, 0, 200]) + content)
    Path(f"{path}-wal").write_bytes(log)
    assert not found(path)


def test_a_page_whose_head_is_gone_gives_the_events_that_lie_whole_in_it(tmp_path: Path, whole: bytes) -> None:
    """No cell leads to them: their signature alone proves them, and no lamp may follow what may be a silent zone's."""
    content = bytearray(whole)
    (page,) = pages_with(whole, MADE[EventId(ONE, 61)].raw)
    content[page * PAGE_BYTES : page * PAGE_BYTES + 200] = bytes(200)
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    loose = [row for row in found(path).values() if row.ordinal == 0]
    assert loose
    assert not any(row.shown for row in loose)


def test_a_row_with_another_content_is_a_ruin_and_its_sequence_is_missing(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(whole.replace(b'"sequence":"0000000070"', b'"sequence":"0000000071"'))
    missing = Missing()
    rows = list(read_rows(path, verify))
    for row in rows:
        missing.note(row)
    assert Ruin(1, 70) in rows
    assert list(missing.ids()) == [EventId(ONE, 70)]


def test_a_whole_event_with_one_letter_changed_is_not_believed(tmp_path: Path, whole: bytes) -> None:
    each = MADE[EventId(ONE, 66)]
    path = tmp_path / "ledger.db"
    path.write_bytes(whole.replace(each.raw, each.raw.replace(b'"synced"', b'"sinced"')))
    assert each.id not in found(path)


def test_a_damaged_digest_does_not_cost_an_event_that_is_signed(tmp_path: Path, whole: bytes) -> None:
    each = MADE[EventId(ONE, 70)]
    path = tmp_path / "ledger.db"
    path.write_bytes(whole.replace(each.digest, bytes(32)))
    assert found(path)[each.id].ordinal == 1


def test_what_is_missing_lies_between_what_was_found() -> None:
    missing = Missing()
    for epoch, seq in ((ONE, 3), (ONE, 4), (ONE, 8), (TWO, 1), (TWO, 2**40)):
        missing.note(Row(EventId(epoch, seq), 1, EventClass.ALARM, shown=True, raw=b""))
    assert list(missing.ids()) == [EventId(ONE, seq) for seq in (5, 6, 7)]


# ---- in the new ledger ----------------------------------------------------------------------------------------------


def row(seq: int, epoch: Epoch = ONE, *, ordinal: int = 1, at: str | None = None) -> Row:
    each = event(seq, epoch)
    return Row(each.id, ordinal, each.event_class, shown=True, raw=each.raw, received_at=at, receiver=at)


def test_a_rescued_row_is_as_it_was_and_waits_only_if_it_waited(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db", TWO) as ledger:
        made = event(1)
        assert ledger.rescue([row(1), row(2, at=AT)]) == [
            Unreceived(made.id, -1, made.event_class, made.digest, shown=True)
        ]
        assert ledger.fetch([made.id]) == [made]
        assert [each.id.seq for each in ledger.unreceived(9)] == [1]


def test_rescued_twice_changes_nothing_but_a_receipt_is_learned(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db", TWO) as ledger:
        assert len(ledger.rescue([row(1), row(2), row(2)])) == 2
        assert ledger.rescue([row(1), row(2, at=AT), row(2)]) == []
        assert [each.id.seq for each in ledger.unreceived(9)] == [1]


def test_the_order_of_epochs_is_kept_over_a_broken_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    epochs = [Epoch(f"0000000{number}") for number in range(3)]
    for number, epoch in enumerate(epochs, start=1):
        with Ledger(path, epoch) as ledger:
            assert ledger.ordinal == number
    set_aside(path, "test")
    with Ledger(path, Epoch("000000ff")) as ledger:
        assert ledger.ordinal == 4
        ledger.rescue(
            [row(1, epochs[2], ordinal=3), row(1, epochs[0], ordinal=1), row(1, Epoch("000000ee"), ordinal=9)]
        )
        waiting = [(each.ordinal, each.id.epoch) for each in ledger.unreceived(9)]
        assert waiting == [(-1, "000000ee"), (1, epochs[0]), (3, epochs[2])]
    set_aside(path, "again")
    with Ledger(path, Epoch("000000ff")) as ledger:
        assert ledger.ordinal == 4, "the same run is the same epoch"


def test_salvaged_ledgers_are_kept_but_do_not_fill_the_card(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    for _ in range(ASIDE_LIMIT):
        path.write_bytes(b"x")
        Path(f"{path}-wal").write_bytes(b"y")
        set_aside(path, "test")
    broken = broken_ledgers(path)
    assert len(broken) == ASIDE_LIMIT
    for each in broken:
        put_away(each)
    assert broken_ledgers(path) == []
    assert len(list(tmp_path.iterdir())) == 2 * SALVAGED_LIMIT
