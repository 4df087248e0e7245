"""History in batches between a real box and the real centre: what the centre refuses keeps no other event from it."""

import time
from pathlib import Path

from edge.centre import reader
from edge.core.events import Author, Frozen, freeze
from edge.core.seal import Signer
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import SECOND_NS, BoxId, Epoch, EventClass, EventId, Record
from edge.field.stage import SITE, Stage
from edge.ledger.ledger import Ledger
from tests.bootstrap import CACHE

EPOCH = Epoch("0badcafe")
EVENTS = 300
FORGED = frozenset(range(7, EVENTS, 10))
WITHIN_S = 60.0  # the third sending of an event comes 15 s after the first


def written(stage: Stage) -> list[Frozen]:
    """What an earlier start left in the ledger; every tenth event is signed by nobody's key."""
    own, stranger = Signer((stage.places.secrets / "box.key").read_bytes()), Signer(bytes(32))
    author = Author(BoxId(stage.box), SITE, EPOCH, "0123abcd")
    stamp = Stamp(1_755_400_000 * SECOND_NS, 1, TimeQuality.SYNCED)
    events = [
        freeze(
            Record(
                EventId(EPOCH, seq), EventClass.AUDIT, "audit", "zone/pos-ronda", {"what": "press-short", "count": 1}
            ),
            stamp,
            author,
            stranger if seq in FORGED else own,
        )
        for seq in range(1, EVENTS + 1)
    ]
    with Ledger(stage.places.ledger, EPOCH) as ledger:
        ledger.append(events)
    return events


def stored(stage: Stage) -> set[str]:
    rows = reader.export(stage.centre_places.store)
    return {f"{row['epoch']}.{row['seq']}" for row in rows if row["epoch"] == EPOCH}


def test_an_event_that_the_centre_refuses_costs_its_batch_no_receipt_for_ever(tmp_path: Path) -> None:
    """A centre takes a letter whole or not at all: what was sent twice without a receipt goes alone."""
    with Stage(tmp_path / "stage", cache=CACHE, beat_s=1.0) as stage:
        innocent = {str(event.id) for event in written(stage) if event.id.seq not in FORGED}
        stage.start()
        deadline, least = time.monotonic() + WITHIN_S, EVENTS
        while not innocent <= (came := stored(stage)):
            least = min(least, len(came) or EVENTS)
            assert time.monotonic() < deadline, sorted(innocent - came)
            time.sleep(0.1)
        assert stored(stage) == innocent
    assert least < len(innocent), "no forged event was in a batch: nothing was shown"
