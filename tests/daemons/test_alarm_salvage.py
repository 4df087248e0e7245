"""The alarm daemon finds a ledger that its card has broken: it is there at once, and the old alarms still arrive."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.core.events import Event, read_event
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.ledger import Ledger
from edge.ledger.limits import PAGE_BYTES
from edge.ledger.reader import entries
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox
from tests.power.strace import find_strace_or_skip
from tests.unit.test_ledger import event

PRESSES = 6
REFUSED = "pread64:error=EIO:when=60..60"  # an opening reads fewer pages than that
HISTORY, OLD, AT = 500, Epoch("0000000a"), "2026-11-23T13:05:22.417Z"
READY_S = 10.0  # the promise is 2 s; a stolen core is none


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak") as box:
        yield box


def header_gone(content: bytearray) -> bytes:
    content[:100] = bytes(100)
    return bytes(content)


def zeroed(content: bytearray) -> bytes:
    """The page that leads to the tables, and the one that leads to the rows."""
    content[: 3 * PAGE_BYTES] = bytes(3 * PAGE_BYTES)
    return bytes(content)


def truncated(content: bytearray) -> bytes:
    return bytes(content[: len(content) - 2 * PAGE_BYTES])


def garbled_root(content: bytearray) -> bytes:
    content[100:200] = random.Random(7).randbytes(100)  # any noise will do
    return bytes(content)


def pressed_and_killed(box: AlarmBox) -> None:
    """Alarms that nobody has fetched, and a ledger whose log is in the file."""
    box.start()
    for zone in box.site.zones[:PRESSES]:
        assert box.sounds(zone.id)
    assert box.shows("mengirim")
    assert box.alarm.stop() == 0


@pytest.mark.parametrize(
    ("damage", "old"), [(header_gone, PRESSES), (zeroed, PRESSES), (truncated, 1), (garbled_root, PRESSES)]
)
def test_a_broken_ledger_delays_nothing_and_its_alarms_arrive(
    box: AlarmBox, damage: Callable[[bytearray], bytes], old: int
) -> None:
    pressed_and_killed(box)
    box.places.ledger.write_bytes(damage(bytearray(box.places.ledger.read_bytes())))
    box.alarm.start()
    box.alarm.wait_ready(READY_S)
    assert box.sounds(box.site.zones[0].id)
    bearer = box.bearer()
    bearer.until(lambda: len(bearer.alarms()) > old, PATIENCE_S, "the alarms of both lives")
    assert box.said("ledger salvaged")
    assert not list(box.places.ledger.parent.glob("*.broken"))
    assert len(list(box.places.ledger.parent.glob("*.salvaged"))) == 1
    bearer.pass_on("receipt", box.receipt(bearer.rows.values()))
    assert box.shows("diterima")


def test_what_no_page_holds_any_more_ends_in_a_lost_event(box: AlarmBox) -> None:
    """A row whose bytes have changed: its number is known, its content is nobody's."""
    pressed_and_killed(box)
    content = box.places.ledger.read_bytes()
    at = content.index(b'"eventclass":"alarm"')
    seq = int(content[content.index(b'"sequence":"', at) + 12 :][:10])
    changed = content[100:].replace(b'"sequence":"%010d"' % seq, b'"sequence":"8888888888"')
    box.places.ledger.write_bytes(bytes(100) + changed)
    box.start()
    bearer = box.bearer()

    def lost() -> list[Event]:
        audits = [row for row in bearer.rows.values() if row.event_class is EventClass.AUDIT]
        events = [read_event(row.raw, box.public) for row in audits]
        return [event for event in events if event.name == "lost"]

    bearer.until(lost, PATIENCE_S + 30.0, "the lost event")
    assert lost()[0].data["ranges"] == [[seq, seq]]


def received_and_ended(box: AlarmBox) -> int:
    """A ledger of which nobody will read anything again: the centre has all of it. Returns how many rows."""
    box.start()
    bearer = box.bearer()
    for number, zone in enumerate(box.site.zones[:PRESSES], start=1):
        assert box.sounds(zone.id)
        bearer.until(lambda: len(bearer.alarms()) == number, PATIENCE_S, "the alarm")  # noqa: B023
    bearer.pass_on("receipt", box.receipt(bearer.rows.values()))
    assert box.shows("diterima")
    bearer.close()
    assert box.alarm.stop() == 0
    return len(entries(box.places.ledger, newest=999))


def test_damage_that_nobody_reads_is_found_after_the_start_and_costs_one_row(box: AlarmBox) -> None:
    before = received_and_ended(box)
    (raw, *_) = (entry.raw.encode() for entry in entries(box.places.ledger, newest=999) if entry.name == "alarm")
    box.places.ledger.write_bytes(box.places.ledger.read_bytes().replace(raw, raw.swapcase()))
    box.start()
    assert "E-LEDGER-BROKEN" not in box.alarm.output()
    assert box.said("E-LEDGER-BROKEN")
    assert box.sounds(box.site.zones[0].id)
    bearer = box.bearer()
    bearer.until(bearer.alarms, PATIENCE_S, "the alarm of after the damage")
    assert box.said("ledger salvaged")
    assert len(list(box.places.ledger.parent.glob("*.salvaged"))) == 1
    found = entries(box.places.ledger, newest=999)
    assert all(entry.intact for entry in found)
    assert len([entry for entry in found if entry.ordinal == 1]) == before - 1
    assert box.said("ledger checked")


def test_a_place_that_the_card_refuses_to_read_is_found_and_left_behind(tmp_path: Path) -> None:
    """EIO for one page, once the daemon runs: the ledger is set aside, and every start after is spared that place."""
    strace, record = find_strace_or_skip(), tmp_path / "calls"

    with AlarmBox(tmp_path / "kotak") as box:
        with Ledger(box.places.ledger, OLD) as ledger:
            for first in range(1, HISTORY, 50):
                ledger.append([event(seq, OLD) for seq in range(first, first + 50)])
            ledger.receive([EventId(OLD, seq) for seq in range(1, HISTORY + 1)], receiver="pusat", at=AT)
        box.alarm = box.alarm_under(lambda command: strace.injecting(REFUSED, box.places.ledger, record, command))
        box.start()
        assert box.said("E-LEDGER-BROKEN")
        assert "EIO" in record.read_text("ascii")
        assert box.sounds(box.site.zones[0].id)
        assert box.said("ledger salvaged")
        assert box.said("ledger checked")
        old = [entry for entry in entries(box.places.ledger, newest=9_999) if entry.id.startswith(OLD)]
        assert len(old) == HISTORY  # the card was whole again when the salvage read it
        assert all(entry.intact for entry in old)
