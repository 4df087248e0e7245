"""The centre's part, played so that it is never in anyone's way: it receipts when it is told to."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from drivers.letters import Dispatch
from edge.centre.places import CentrePlaces
from edge.centre.receipts import Receipts, Tally
from edge.centre.trust import open_signer
from edge.core.seal import Use
from edge.core.words import BoxId, Epoch, EventId

RECEIPT_TIME: Final = "2025-08-17T03:00:00Z"
_BATCH: Final = msgspec.json.Decoder(list[msgspec.Raw])


class PlayedCentre:
    """Signs receipts for a box with the centre's own key."""

    def __init__(self, places: CentrePlaces, box: BoxId) -> None:
        self._box = box
        self._receipts = Receipts(open_signer(places, Use.RECEIPT), "Pusat Ukur")

    def answer(self, letters: Iterable[bytes]) -> Iterator[Dispatch]:
        """What the centre says once these, events and batches, are on its disk."""
        tally = Tally()
        for letter in letters:
            for raw in events_of(letter):
                tally.stored(id_of(raw), raw)
        return self._receipts.write(self._box, tally, RECEIPT_TIME)


def events_of(letter: bytes) -> Iterator[bytes]:
    """One event, or those of a batch."""
    if letter.startswith(b"["):
        yield from (bytes(part) for part in _BATCH.decode(letter))
    else:
        yield letter


def id_of(raw: bytes) -> EventId:
    """Who an event is, found the quick way; the centre proper decodes and verifies."""
    name = raw[raw.index(b'"id":"') + 6 :]
    epoch, _, rest = name[: name.index(b'"')].decode("ascii").partition(".")
    return EventId(Epoch(epoch), int(rest))
