"""What comes back from the centre, around the real alarm daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.core.words import Epoch, EventClass, EventId
from edge.field.status import ask_status
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
    bearer.until(
        lambda: ask_status(box.places)["zones"][second] == "normal", PATIENCE_S, "let go: closed sooner is a bounce"
    )
    made = EventId(first.epoch, bearer.alarms(second)[0].seq + 1)
    box.wires.press(box.line_of(second))
    bearer.until(lambda: made in bearer.rows, PATIENCE_S, "whatever follows it")
    audits = [row.raw for row in bearer.rows.values() if row.event_class is EventClass.AUDIT]
    assert not [raw for raw in audits if b"unknown-stimulus" in raw]


def test_what_was_received_is_sent_again_when_the_centre_asks(box: AlarmBox) -> None:
    """A centre restored from an old copy has lost what it had receipted; the ledger has not."""
    box.start()
    bearer = box.bearer()
    assert box.sounds()
    bearer.until(bearer.alarms, PATIENCE_S, "the alarm")
    before = dict(bearer.rows)
    bearer.pass_on("receipt", box.receipt(before.values()))
    epoch, head = bearer.alarms()[0].epoch, max(identity.seq for identity in before)
    bearer.rows.clear()

    def asked() -> bool:
        return {identity: row.raw for identity, row in bearer.rows.items() if identity in before} == {
            identity: row.raw for identity, row in before.items()
        }

    bearer.pass_on("receipt", box.receipt((), ask=((epoch, 1, head),)))
    bearer.until(asked, PATIENCE_S, "everything once more, byte for byte")
    bearer.pass_on("receipt", box.receipt(before.values()))
    bearer.rows.clear()
    nonsense = ((epoch, 0, 5), (epoch, 9, 3), (Epoch("ffffffff"), 1, 5))
    bearer.pass_on("receipt", box.receipt((), ask=(*nonsense, (epoch, head, 2**53 - 1))))
    bearer.until(lambda: EventId(epoch, head) in bearer.rows, PATIENCE_S, "what can be sent, past what cannot be meant")
