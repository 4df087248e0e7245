"""The operator of the demo's own centre: orders to the box on the stage."""

import secrets
from typing import Final

from edge.centre import reader
from edge.centre.desk import Answer, Desk
from edge.centre.places import CentrePlaces
from edge.centre.registry import Registry
from edge.centre.settings import endpoint_of, read_settings
from edge.centre.trust import CentreSigner, open_signer
from edge.core.seal import Use
from edge.core.words import BoxId

OPERATOR: Final = "Operator Peragaan"


def own_signer(places: CentrePlaces) -> CentreSigner:
    """The centre's key for `silence`."""
    return open_signer(places, Use.COMMAND_SILENCE)


def order_silence(places: CentrePlaces, box: BoxId, alarm: str, signer: CentreSigner, *, within_s: float) -> Answer:
    """Order the box to silence one alarm, and wait for its signed answer. Raises SessionLost."""
    admission = Registry(places.boxes, places.root_public.read_bytes(), revoked=frozenset()).find(box)
    assert admission is not None, "the stage admits its own box"
    desk = Desk(endpoint_of(places, read_settings(places).broker), signer, lambda: secrets.token_hex(8))
    return desk.order(admission, "silence", {"alarm": alarm}, by=OPERATOR, within_s=within_s)


def open_alarms(places: CentrePlaces) -> list[reader.Alarm]:
    """What the centre still has to answer, newest first."""
    return [alarm for alarm in reader.alarms(places.store) if alarm.kind and alarm.open]
