"""What comes back from the centre, around the real alarm daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.core.words import EventClass, EventId
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak") as box:
        yield box


def test_a_receipt_that_comes_again_is_no_event_of_its_own(box: AlarmBox) -> None:
    """The ledger is asked for what memory has let go; its answer is no word for the panel."""
    box.start()
    bearer = box.bearer()
    assert box.sounds()
    bearer.until(bearer.alarms, PATIENCE_S, "the alarm")
    receipt = box.receipt(bearer.alarms()[:1])
    bearer.pass_on("receipt", receipt)
    bearer.pass_on("receipt", receipt)
    first = bearer.alarms()[0]
    second = box.site.zones[1].id
    assert box.sounds(second)
    bearer.until(lambda: bearer.alarms(second), PATIENCE_S, "an alarm that is younger than the answer")
    made = EventId(first.epoch, bearer.alarms(second)[0].seq + 1)
    box.wires.press(box.line_of(second))
    bearer.until(lambda: made in bearer.rows, PATIENCE_S, "whatever follows it")
    audits = [row.raw for row in bearer.rows.values() if row.event_class is EventClass.AUDIT]
    assert not [raw for raw in audits if b"unknown-stimulus" in raw]
