"""The events that everybody is given: signed by one box, numbered, the same bytes for all."""

import secrets
from collections.abc import Sequence
from typing import Final

from edge.config.places import Places
from edge.core.events import Author, Frozen, freeze
from edge.core.seal import Signer
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import SECOND_NS, BoxId, Epoch, EventClass, EventId, Json, Record
from edge.field.stage import SITE
from tests.bench.bare import BarePaho

FIRST: Final = 1_000_000  # "count" is this and the sequence: seven digits, as nothing else on the wire has
SUBJECT: Final = "zone/peers"
LOCAL_TOPIC: Final = "alarm/event"  # where the others are given them
OFFER_WINDOW: Final = 100


def written(places: Places, box: BoxId, count: int, event_class: EventClass = EventClass.TROUBLE) -> list[Frozen]:
    """`count` events of one start of this box."""
    author = Author(box, SITE, Epoch(secrets.token_hex(4)), "0123abcd")
    signer = Signer((places.secrets / "box.key").read_bytes())
    return [_event(EventId(author.epoch, seq), event_class, author, signer) for seq in range(1, count + 1)]


def _event(identity: EventId, event_class: EventClass, author: Author, signer: Signer) -> Frozen:
    content: dict[str, Json] = {"what": "contact", "lasted_ms": 120, "count": FIRST + identity.seq}
    record = Record(identity, event_class, event_class.value, SUBJECT, content)
    return freeze(record, Stamp(1_755_400_000 * SECOND_NS, identity.seq, TimeQuality.SYNCED), author, signer)


def publish(port: int, rows: Sequence[bytes]) -> None:
    """Offer them to a local broker at QoS 1; returns after the last PUBACK."""
    with BarePaho("offer", port, None) as paho:
        paho.drain(LOCAL_TOPIC, rows, OFFER_WINDOW)
