"""Somebody at the broker who may write to every box, and has no key: receipts and orders that nobody signed."""

import os
import random

from drivers.letters import Dispatch
from drivers.mqtt_centre import CentreSession, Membership
from edge.centre.places import CentrePlaces
from edge.centre.settings import endpoint_of, read_settings
from edge.centre.topics import topic_of
from edge.core.words import BoxId


def forger(places: CentrePlaces, chance: random.Random) -> CentreSession:
    """A session of its own with the centre's certificate. Raises SessionLost."""
    visitor = Membership(f"forger-{chance.randbytes(4).hex()}", (), 0)
    return CentreSession.open(endpoint_of(places, read_settings(places).broker), visitor)


def forge(session: CentreSession, box: BoxId, leaf: str, chance: random.Random) -> None:
    """Noise, a form without a signature, and a bomb of brackets. leaf: receipt or command. Raises SessionLost."""
    for raw in (chance.randbytes(300), b"e30.e30." + chance.randbytes(64).hex().encode(), b"[" * 3000):
        session.send(Dispatch(topic_of(box, leaf), raw, correlation=os.urandom(4)))
