"""The ledger's thread with a real SQLite file and a disk that fails on command. Waits are on its own answers."""

import os
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from edge.core.events import Event, Frozen, read_event
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.files import set_aside
from edge.ledger.ledger import Ledger, LedgerCorrupt, LedgerError
from edge.ledger.recorder import MEMORY_LIMIT, MIDDLE_LIMIT, MINOR_LIMIT, Recorder
from edge.ledger.shedding import Debt
from edge.ledger.told import Asked, Digests, Failed, Fetched, Mended, Opened, Rescued, Stored, Told
from edge.ledger.upkeep import CALM_S, STRETCH_S, Upkeep
from tests.unit.test_ledger import ONE, SIGNER, TWO, event

T = TypeVar("T", bound=object)
BOUND_S = 20.0


class Disk:
    """Opens a real ledger, unless told that it is broken."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.broken: LedgerError | None = None
        self.set_aside = 0

    def open(self) -> Ledger:
        if self.broken:
            raise self.broken
        return Ledger(self.path, ONE)

    def aside(self) -> None:
        self.set_aside += 1
        set_aside(self.path, "test")


class Ears:
    def __init__(self) -> None:
        self.told: queue.SimpleQueue[Told] = queue.SimpleQueue()

    def wait_for(self, form: type[T], when: Callable[[T], bool] = lambda _: True) -> T:
        while True:
            told = self.told.get(timeout=BOUND_S)
            if isinstance(told, form) and when(told):
                return told


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "ledger.db")


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def recorder(disk: Disk, ears: Ears) -> Iterator[Recorder]:
    recorder = Recorder(disk.open, disk.aside, ears.told.put)
    yield recorder
    recorder.stop(BOUND_S)


def stored_ids(path: Path) -> list[int]:
    with Ledger(path, Epoch("ffffffff")) as ledger:
        return [row.id.seq for row in ledger.unreceived(99_999)]


def test_an_event_is_stored_and_said_so(recorder: Recorder, ears: Ears) -> None:
    recorder.start()
    assert ears.wait_for(Opened).past is None
    assert recorder.append(event(1))
    assert ears.wait_for(Stored).ids == (EventId(ONE, 1),)


def test_events_handed_in_before_the_file_opens_are_stored_together(recorder: Recorder, ears: Ears, disk: Disk) -> None:
    for seq in range(1, 51):
        recorder.append(event(seq))
    recorder.start()
    assert len(ears.wait_for(Stored).ids) == 50
    recorder.stop(BOUND_S)
    assert stored_ids(disk.path) == list(range(1, 51))


def test_what_is_no_alarm_waits_for_company_and_leaves_with_the_next_alarm(recorder: Recorder, ears: Ears) -> None:
    recorder.start()
    ears.wait_for(Opened)
    recorder.append(event(1, event_class=EventClass.RESTORAL))
    recorder.append(event(2, event_class=EventClass.AUDIT))
    assert ears.told.empty()
    recorder.append(event(3))
    assert [identity.seq for identity in ears.wait_for(Stored).ids] == [1, 2, 3]


def test_what_is_no_alarm_does_not_wait_for_ever(recorder: Recorder, ears: Ears) -> None:
    recorder.start()
    recorder.append(event(1, event_class=EventClass.RESTORAL))
    assert ears.wait_for(Stored).ids == (EventId(ONE, 1),)


def test_while_the_disk_fails_events_wait_in_memory_and_are_stored_afterwards(
    recorder: Recorder, ears: Ears, disk: Disk
) -> None:
    disk.broken = LedgerError("disk I/O error")
    recorder.start()
    assert ears.wait_for(Failed).text == "disk I/O error"
    recorder.append(event(1))
    recorder.append(event(2))
    disk.broken = None
    ears.wait_for(Mended)
    recorder.stop(BOUND_S)
    assert stored_ids(disk.path) == [1, 2]


def test_a_failure_is_told_once_not_at_every_try(recorder: Recorder, ears: Ears, disk: Disk) -> None:
    disk.broken = LedgerError("readonly")
    recorder.start()
    ears.wait_for(Failed)
    for seq in range(1, 4):
        recorder.append(event(seq))
    disk.broken = None
    ears.wait_for(Mended)
    assert ears.told.empty()


def test_a_corrupt_file_is_set_aside_and_a_new_one_started(recorder: Recorder, ears: Ears, disk: Disk) -> None:
    disk.path.write_bytes(b"garbage" * 1000)
    recorder.append(event(1))
    recorder.start()
    assert ears.wait_for(Failed).corrupt
    ears.wait_for(Stored)
    recorder.stop(BOUND_S)
    assert disk.set_aside == 1
    assert (disk.path.parent / "ledger.db.test-1.broken").read_bytes().startswith(b"garbage")
    assert stored_ids(disk.path) == [1]


def test_received_rows_are_not_waiting_at_the_next_start(recorder: Recorder, ears: Ears, disk: Disk) -> None:
    recorder.start()
    recorder.append(event(1))
    recorder.append(event(2))
    ears.wait_for(Stored, lambda told: EventId(ONE, 2) in told.ids)
    recorder.receive([EventId(ONE, 1)], receiver="pusat", at="t")
    recorder.stop(BOUND_S)
    assert stored_ids(disk.path) == [2]


def test_bytes_and_digests_come_back_for_what_is_stored(recorder: Recorder, ears: Ears) -> None:
    made: Frozen = event(1)
    recorder.start()
    recorder.append(made)
    recorder.fetch([made.id, EventId(ONE, 9)])
    recorder.digests(ONE, 1, 9, "token")
    assert ears.wait_for(Fetched).events == (made,)
    assert ears.wait_for(Digests) == Digests("token", {made.id: made.digest})


def test_memory_is_bounded_and_alarms_have_room_when_audit_has_none(recorder: Recorder, disk: Disk) -> None:
    disk.broken = LedgerError("full")
    for seq in range(1, MINOR_LIMIT + 1):
        assert recorder.append(event(seq, event_class=EventClass.AUDIT))
    assert not recorder.append(event(MINOR_LIMIT + 1, event_class=EventClass.AUDIT))
    assert recorder.append(event(MINOR_LIMIT + 2))
    recorder.start()


def test_a_corrupt_file_that_cannot_be_set_aside_is_said_and_tried_again(ears: Ears, disk: Disk) -> None:
    def refuse() -> None:
        raise PermissionError("read-only")

    disk.broken = LedgerCorrupt("malformed")
    recorder = Recorder(disk.open, refuse, ears.told.put)
    recorder.start()
    assert "cannot be set aside" in ears.wait_for(Failed).text
    disk.broken = None
    recorder.append(event(1))
    ears.wait_for(Mended)
    recorder.stop(BOUND_S)


def test_a_question_that_cannot_be_answered_does_not_end_the_recording(recorder: Recorder, ears: Ears) -> None:
    """A receipt may name any number, even one that no database takes."""
    recorder.start()
    recorder.digests(ONE, 1, 2**70, "beyond")
    recorder.digests(ONE, 1, 9, "fine")
    assert ears.wait_for(Digests).token == "fine"
    recorder.append(event(1))
    assert ears.wait_for(Stored).ids == (EventId(ONE, 1),)


def test_a_ledger_that_fails_in_a_way_nobody_foresaw_is_opened_again(ears: Ears, disk: Disk) -> None:
    faults: list[Exception] = [RuntimeError("never seen before")]

    def open_ledger() -> Ledger:
        if faults:
            raise faults.pop()
        return disk.open()

    recorder = Recorder(open_ledger, disk.aside, ears.told.put)
    recorder.append(event(1))
    recorder.start()
    assert "never seen before" in ears.wait_for(Failed).text
    recorder.append(event(2))
    ears.wait_for(Mended)
    recorder.stop(BOUND_S)
    assert stored_ids(disk.path) == [1, 2]
    assert disk.set_aside == 0


def test_on_a_disk_that_hangs_what_the_centre_has_leaves_room_in_memory(recorder: Recorder) -> None:
    """It neither stores nor fails: the thread, here not even started, takes nothing."""
    for seq in range(1, MEMORY_LIMIT + 1):
        assert recorder.append(event(seq))
    recorder.receive([EventId(ONE, seq) for seq in range(1, MEMORY_LIMIT + 1)], receiver="pusat", at="t")
    assert recorder.append(event(MEMORY_LIMIT + 1))
    recorder.start()


def debts_of(path: Path) -> list[tuple[str, tuple[tuple[int, int], ...]]]:
    with Ledger(path, Epoch("fffffffe")) as ledger:
        return [(debt.epoch, debt.spans) for debt in ledger.debts()]


def test_in_memory_alarms_are_the_last_to_be_refused_and_what_was_is_owed(ears: Ears, disk: Disk) -> None:
    disk.broken = LedgerError("full")
    recorder = Recorder(disk.open, disk.aside, ears.told.put)
    seq = 0
    for event_class, limit in (
        (EventClass.AUDIT, MINOR_LIMIT), (EventClass.TROUBLE, MIDDLE_LIMIT), (EventClass.ALARM, MEMORY_LIMIT),
    ):  # fmt: skip
        while seq < limit:
            seq += 1
            assert recorder.append(event(seq, event_class=event_class))
        assert not recorder.append(event(10_000 + limit, event_class=event_class))
    disk.broken = None
    recorder.start()
    ears.wait_for(Stored, lambda told: EventId(ONE, MEMORY_LIMIT) in told.ids)
    recorder.stop(BOUND_S)
    refused = sorted(10_000 + limit for limit in (MINOR_LIMIT, MIDDLE_LIMIT, MEMORY_LIMIT))
    assert debts_of(disk.path) == [(ONE, tuple((seq, seq) for seq in refused))]


def test_a_storm_is_stored_in_portions_that_the_log_can_hold(recorder: Recorder, ears: Ears, disk: Disk) -> None:
    for seq in range(1, 1001):
        recorder.append(event(seq, size=3000))
    recorder.start()
    grown = 0
    stored = 0
    while stored < 1000:
        stored += len(ears.wait_for(Stored).ids)
        grown = max(grown, os.stat(f"{disk.path}-wal").st_size)  # noqa: PTH116  no Path for a suffix
    assert grown <= 2 * 1024 * 1024


def test_a_stretch_of_loss_is_told_once_when_it_has_ended_or_lasts(tmp_path: Path) -> None:
    now_s, told = [0.0], list[Debt]()
    upkeep = Upkeep(told.append, lambda: now_s[0])
    with Ledger(tmp_path / "ledger.db", ONE) as ledger:

        def passes(seconds: float) -> list[Debt]:
            now_s[0] += seconds
            before = len(told)
            assert upkeep.idle(ledger, 1.0) == 1.0
            return told[before:]

        ledger.write_off([EventId(ONE, 1)])
        assert passes(1.0) == []
        ledger.write_off([EventId(ONE, 2)])
        assert passes(CALM_S - 1.0) == []
        assert passes(CALM_S) == [Debt(1, ONE, ((1, 2),))]
        assert passes(STRETCH_S) == []
        lasting = []
        for second in range(int(STRETCH_S) + 1):
            ledger.write_off([EventId(ONE, 10 + second)])
            lasting += passes(1.0)
        assert [debt.spans for debt in lasting] == [((10, 10 + int(STRETCH_S)),)]
        ledger.write_off([EventId(ONE, 99)])
        assert [passes(1.0), passes(CALM_S)] == [[], [Debt(3, ONE, ((99, 99),))]]


# ---- salvage --------------------------------------------------------------------------------------------------------


def verify(raw: bytes) -> Event:
    return read_event(raw, SIGNER.public)


def broken_beside(disk: Disk, count: int, *, received: int = 0, lacking: tuple[int, ...] = ()) -> Path:
    """A ledger of an earlier run, set aside because its header is gone; `lacking` are in no page any more."""
    with Ledger(disk.path, TWO) as ledger:
        for seq in range(1, count + 1):
            if seq not in lacking:
                ledger.append([event(seq, TWO)])
        ledger.receive([EventId(TWO, seq) for seq in range(1, received + 1)], receiver="pusat", at="t")
    with disk.path.open("r+b") as file:
        file.write(bytes(100))
    return disk.path.with_name("ledger.db.test-1.salvaged")


@pytest.fixture
def salvager(disk: Disk, ears: Ears) -> Iterator[Recorder]:
    recorder = Recorder(disk.open, disk.aside, ears.told.put, verify=verify)
    yield recorder
    recorder.stop(BOUND_S)


def test_a_broken_ledger_comes_home_while_new_events_are_stored(salvager: Recorder, ears: Ears, disk: Disk) -> None:
    salvaged = broken_beside(disk, 300, received=100, lacking=(7, 8, 200))
    salvager.start()
    salvager.append(event(1))
    assert ears.wait_for(Failed).corrupt
    ears.wait_for(Stored, lambda told: EventId(ONE, 1) in told.ids)
    rescued: set[EventId] = set()
    while len(rescued) < 199:
        rescued |= {row.id for row in ears.wait_for(Rescued).rows}
    assert {identity.seq for identity in rescued} == set(range(101, 301)) - {200}
    until(salvaged.exists)
    salvager.stop(BOUND_S)
    assert debts_of(disk.path) == [(TWO, ((7, 8), (200, 200)))]
    with Ledger(disk.path, Epoch("fffffffe")) as ledger:
        assert len(ledger.asked(TWO, 1, 300, 999)) == 297
        assert ledger.unreceived(1)[0].id.epoch == TWO, "older epochs leave first"


def test_bytes_that_are_still_to_come_home_are_not_called_lost(salvager: Recorder, ears: Ears, disk: Disk) -> None:
    broken_beside(disk, 200)
    salvager.start()
    ears.wait_for(Opened)
    asked = {EventId(TWO, 200), EventId(TWO, 777)}
    salvager.ask(TWO, 1, 999, 999)
    salvager.fetch(tuple(asked))
    assert ears.wait_for(Asked).gone == ()
    answered: set[EventId] = set()
    came: set[EventId] = set()
    while answered != asked:
        told = ears.wait_for(Fetched)
        answered |= set(told.asked)
        came |= {each.id for each in told.events}
    assert came == {EventId(TWO, 200)}
    salvager.stop(BOUND_S)
    assert debts_of(disk.path) == []


def test_a_broken_ledger_of_an_earlier_start_is_taken_up_again(salvager: Recorder, ears: Ears, disk: Disk) -> None:
    salvaged = broken_beside(disk, 50)
    disk.aside()
    salvager.start()
    assert len(ears.wait_for(Rescued).rows) == 50
    until(salvaged.exists)


def test_a_ledger_that_breaks_under_a_running_box_comes_home_into_the_same_epoch(
    salvager: Recorder, ears: Ears, disk: Disk
) -> None:
    """More than the cache holds, copied back, then every fifth page gone: the next look into it finds out."""
    count = 400
    for seq in range(1, count + 1):
        salvager.append(event(seq, size=3000))
    salvager.start()
    ears.wait_for(Stored, lambda told: EventId(ONE, count) in told.ids)
    until(lambda: disk.path.stat().st_size > 800_000)
    content = bytearray(disk.path.read_bytes())
    for at in range(20 * 4096, len(content), 5 * 4096):
        content[at : at + 4096] = bytes(4096)
    disk.path.write_bytes(content)
    salvager.fetch([EventId(ONE, seq) for seq in range(1, count + 1)])
    assert ears.wait_for(Failed).corrupt
    assert ears.wait_for(Opened).ordinal == 1
    until(lambda: bool(list(disk.path.parent.glob("*.salvaged"))))
    salvager.stop(BOUND_S)
    with Ledger(disk.path, TWO) as ledger:
        here = {seq for seq, _ in ledger.digests(ONE, 1, count)}
        owed = {identity.seq for debt in ledger.debts() for identity in debt.ids}
    assert len(here) > count // 4
    assert here.isdisjoint(owed)
    assert here | owed >= set(range(min(here), max(here) + 1))


def until(holds: Callable[[], bool]) -> None:
    pause, tries = threading.Event(), int(BOUND_S / 0.01)
    assert any(holds() or pause.wait(0.01) for _ in range(tries))
