"""The alarm daemon finds a ledger that its card has broken: it is there at once, and the old alarms still arrive."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.core.events import Event, read_event
from edge.core.words import EventClass
from edge.ledger.limits import PAGE_BYTES
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox

PRESSES = 6
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
