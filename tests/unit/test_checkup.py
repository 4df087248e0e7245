"""Damage that nobody has read: the look at the whole ledger finds it wherever it lies, and writes go on meanwhile."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from edge.core.events import read_event
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.checkup import AT_ONCE, WHOLE_PAGES, Checkup
from edge.ledger.ledger import Ledger, LedgerCorrupt
from edge.ledger.limits import PAGE_BYTES
from edge.ledger.recorder import Recorder
from edge.ledger.told import Failed, Mended, Rescued, Stored
from tests.unit.test_ledger import ONE, SIGNER, TWO, event
from tests.unit.test_recorder import BOUND_S, Disk, Ears

COUNT = 72
RECEIVED = 40
AT = "2026-11-23T13:05:22.417Z"
SIZES = (0, 0, 0, 700, 1500, 6000)  # in the leaf, at its limit, with an overflow page, with two
PAGES = 67
NEXT = Epoch("0000000b")


def fill(path: Path) -> None:
    with Ledger(path, ONE) as ledger:
        for seq in range(1, COUNT + 1):
            ledger.append([event(seq, size=SIZES[seq % len(SIZES)])], {"stuck": ["masjid"]})
        ledger.receive([EventId(ONE, seq) for seq in range(1, RECEIVED + 1)], receiver="pusat", at=AT)
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "ledger.db"
    fill(path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, whole: bytes) -> Path:
    path = tmp_path / "ledger.db"
    path.write_bytes(whole)
    return path


def look(path: Path) -> None:
    """Raises LedgerCorrupt, at the start or in a look."""
    with Ledger(path, TWO) as ledger:
        while ledger.check(0.0):
            pass


def damage(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def starts(path: Path) -> bool:
    """Whether a start without a look notices nothing."""
    try:
        with Ledger(path, TWO) as ledger:
            ledger.unreceived(9_999)
            ledger.notes()
    except LedgerCorrupt:
        return False
    return True


def test_the_ledger_here_has_the_pages_that_the_tests_below_break(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        pages, free = (db.execute(f"PRAGMA {each}").fetchone()[0] for each in ("page_count", "freelist_count"))
    assert (pages, free) == (PAGES, 0)  # all of them in use: no damage may hide


def test_a_sound_ledger_is_sound(path: Path) -> None:
    look(path)


@pytest.mark.parametrize("page", range(PAGES))
@pytest.mark.parametrize("kind", ["zeroes", "noise"])
def test_any_page_that_is_gone_is_found(path: Path, page: int, kind: str, seed: int) -> None:
    gone = bytes(PAGE_BYTES) if kind == "zeroes" else random.Random(seed).randbytes(PAGE_BYTES)
    damage(path, page * PAGE_BYTES, gone)
    with pytest.raises(LedgerCorrupt):
        look(path)


def test_control_most_of_them_are_found_by_the_look_alone(path: Path, whole: bytes) -> None:
    unnoticed = 0
    for page in range(PAGES):
        path.write_bytes(whole[: page * PAGE_BYTES] + bytes(PAGE_BYTES) + whole[(page + 1) * PAGE_BYTES :])
        Path(f"{path}-wal").unlink(missing_ok=True)
        unnoticed += starts(path)
    assert unnoticed > PAGES // 2


def test_one_bit_of_one_event_is_found(path: Path, whole: bytes, seed: int) -> None:
    chance = random.Random(seed)
    for raw in (event(6).raw, event(RECEIVED + 2).raw):
        at = whole.index(raw) + chance.randrange(len(raw))
        damage(path, at, bytes([whole[at] ^ 1 << chance.randrange(8)]))
        assert starts(path)
        with pytest.raises(LedgerCorrupt, match=r"row 1/\d+"):
            look(path)
        path.write_bytes(whole)


def test_a_page_written_to_another_s_place_is_found(path: Path, whole: bytes) -> None:
    """Both are sound by themselves: the card has put one of them where the other was."""
    one, other = (whole.index(event(seq).raw) // PAGE_BYTES for seq in (7, 31))
    assert one != other
    damage(path, other * PAGE_BYTES, whole[one * PAGE_BYTES : (one + 1) * PAGE_BYTES])
    assert starts(path)
    with pytest.raises(LedgerCorrupt):
        look(path)


@contextmanager
def hidden(path: Path, index: str) -> Iterator[sqlite3.Connection]:
    """What is written meanwhile does not reach this index."""
    with closing(sqlite3.connect(path)) as db:
        kept = db.execute("SELECT * FROM sqlite_schema WHERE name = ?", (index,)).fetchone()
        db.execute("PRAGMA writable_schema=ON")
        db.execute("DELETE FROM sqlite_schema WHERE name = ?", (index,))
        db.commit()
    with closing(sqlite3.connect(path)) as db:
        yield db
        db.execute("PRAGMA writable_schema=ON")
        db.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", kept)
        db.commit()


def test_a_row_that_its_index_does_not_know_is_found(path: Path) -> None:
    """It would never be sent, or never go."""
    content = path.read_bytes()
    for index, seq in (("waiting", COUNT), ("received", RECEIVED)):
        path.write_bytes(content)
        with hidden(path, index) as db:
            stored = db.execute("SELECT * FROM event WHERE seq = ?", (seq,)).fetchone()
            again = event(99)
            db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (
                stored[0], 99, *stored[2:4], again.digest, again.raw, *stored[6:],
            ))  # fmt: skip
        with pytest.raises(LedgerCorrupt, match="row 1/99"):
            look(path)


def test_a_receipt_of_a_row_that_is_gone_is_found(path: Path) -> None:
    with hidden(path, "received") as db:
        db.execute("DELETE FROM event WHERE seq = ?", (RECEIVED,))
    with pytest.raises(LedgerCorrupt, match=f"row {AT}/1/{RECEIVED}"):
        look(path)


def test_a_row_that_is_not_its_own_event_is_found(path: Path) -> None:
    """Its key has changed, or the epoch that it belongs to."""
    content = path.read_bytes()
    for change in ("UPDATE event SET seq = 99 WHERE seq = 7", "UPDATE epoch SET epoch = 'cafe0000' WHERE ordinal = 1"):
        path.write_bytes(content)
        with closing(sqlite3.connect(path)) as db:
            db.execute(change)
            db.commit()
        with pytest.raises(LedgerCorrupt, match=r"row 1/\d+"):
            look(path)


def free_pages_led_astray(path: Path) -> None:
    """The list of free pages names one that is in use."""
    with Ledger(path, ONE) as ledger:
        ledger.write_off([EventId(ONE, seq) for seq in range(RECEIVED + 1, COUNT)])
    first = int.from_bytes(path.read_bytes()[32:36])
    damage(path, (first - 1) * PAGE_BYTES + 8, (2).to_bytes(4))


def letters_that_are_none(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(AT.encode(), b"\xff" * len(AT)))


@pytest.mark.parametrize("harm", [free_pages_led_astray, letters_that_are_none])
def test_other_harm_is_found_too(path: Path, harm: Callable[[Path], None]) -> None:
    harm(path)
    with pytest.raises(LedgerCorrupt):
        look(path)


def test_letters_that_are_none_do_not_keep_a_start_waiting_for_ever(path: Path) -> None:
    """Another start would read the same: it is damage, and no disk that may come back."""
    path.write_bytes(path.read_bytes().replace(b"\x05alarm", b"\x05al\xffrm").replace(b"alarm\x01", b"al\xffrm\x01"))
    content = path.read_bytes()
    path.write_bytes(content[:PAGE_BYTES] + content[PAGE_BYTES:].replace(b"alarm", b"al\xffrm"))
    with Ledger(path, NEXT) as ledger, pytest.raises(LedgerCorrupt):
        ledger.unreceived(9_999)


def test_each_look_is_short_and_what_is_written_meanwhile_disturbs_none(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        alone = Checkup(db, monotonic=lambda: 0.0)
        seen = [alone.rows] + [alone.rows for _ in iter(lambda: alone.step(0.0), False)]
    assert max(after - before for before, after in pairwise(seen)) == AT_ONCE
    assert seen[-1] == COUNT
    with Ledger(path, ONE) as ledger:
        seq, looks = COUNT, 0
        while ledger.check(0.0):
            if (looks := looks + 1) > 12:
                continue
            seq += 1
            ledger.append([event(seq, event_class=EventClass.AUDIT)])
            ledger.receive([EventId(ONE, seq - 40)], receiver="pusat", at=AT)
            if looks % 4 == 0:
                ledger.write_off([EventId(ONE, seq - 20)])
                ledger.checkpoint(1)
        assert 12 < looks < COUNT


def test_the_whole_structure_is_checked_where_that_is_short() -> None:
    assert WHOLE_PAGES * PAGE_BYTES == 8 * 1024 * 1024


def test_a_damaged_ledger_is_set_aside_while_it_runs_and_its_rows_come_home(tmp_path: Path, whole: bytes) -> None:
    disk, ears = Disk(tmp_path / "ledger.db"), Ears()
    at = whole.index(event(6).raw)  # received long ago: nobody would read it
    disk.path.write_bytes(whole[:at] + bytes(8) + whole[at + 8 :])
    recorder = Recorder(disk.open, disk.aside, ears.told.put, verify=lambda raw: read_event(raw, SIGNER.public))
    recorder.start()
    try:
        assert ears.wait_for(Failed).corrupt
        ears.wait_for(Mended)
        recorder.append(event(COUNT + 1))
        stored, waiting = set[int](), set[int]()
        while COUNT + 1 not in stored or len(waiting) < COUNT - RECEIVED:
            match ears.told.get(timeout=BOUND_S):
                case Stored(ids):
                    stored |= {identity.seq for identity in ids}
                case Rescued(rows):
                    waiting |= {row.id.seq for row in rows}
    finally:
        recorder.stop(BOUND_S)
    assert waiting == set(range(RECEIVED + 1, COUNT + 1))
    assert disk.set_aside == 1
