"""`kentongan centre run`: puts the centre together and serves until it is told to stop."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from edge.centre.console import Console
from edge.centre.database import alone
from edge.centre.ingest import Harvest, Ingest
from edge.centre.live import LiveKeys
from edge.centre.outward import looking_outward
from edge.centre.picture_keys import PictureKeys
from edge.centre.places import CentrePlaces
from edge.centre.receipts import Receipts
from edge.centre.registry import Registry
from edge.centre.session import Connected, Disconnected, Session
from edge.centre.settings import CentreSettings, days_of, endpoint_of, store_of
from edge.centre.sharing import membership
from edge.centre.store import Store
from edge.centre.trust import open_keyset, open_signer
from edge.core.seal import Use
from edge.core.words import SECOND_NS

DAY_NS: Final = 24 * 3600 * SECOND_NS


def serve(
    places: CentrePlaces, settings: CentreSettings, console: Console, wake: int, *, share: str | None = None
) -> None:
    """Run one centre until `wake` is readable.

    share:  name of the group of processes that share the boxes' letters; None: this is the only one
    raises: AuthorityMissing, Forged, SettingsFault, GroupFault, OutwardFault, StoreBusy, StoreFailed before it
            serves; nothing afterwards
    """
    endpoint = endpoint_of(places, settings.broker)
    keyset = open_keyset(places)
    receipts = Receipts(open_signer(places, Use.RECEIPT), settings.receiver)
    registry = Registry(places.boxes, places.root_public.read_bytes())
    with (
        alone(places.home, shared=share is not None),
        membership(places.home, share) as member,
        Store.open(store_of(places, settings)) as store,
        console,
        looking_outward(places, settings) as after,
    ):
        pictures, days = PictureKeys.read(places), days_of(settings)
        ingest = Ingest(store, registry, keyset, receipts, pictures=pictures, pictures_for=days * DAY_NS)
        keys = LiveKeys(places, keyset, ingest, receipts, time.monotonic)
        random01 = random.SystemRandom().random
        told = _telling(console, after)
        Session(endpoint, ingest, keys, member=member, told=told, wake=wake, random01=random01).run()


def _telling(
    console: Console, after: Callable[[Harvest], None]
) -> Callable[[Harvest | Connected | Disconnected], None]:
    def told(news: Harvest | Connected | Disconnected) -> None:
        if isinstance(news, Harvest):
            after(news)
        for fact in news.facts if isinstance(news, Harvest) else (news,):
            console.tell(fact)

    return told


@contextmanager
def stopped_by_signals(numbers: Iterable[int] = (signal.SIGTERM, signal.SIGINT)) -> Iterator[int]:
    """A descriptor that becomes readable at one of these signals; all get their former meaning back at the end."""
    wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    before = {number: signal.signal(number, lambda *_: os.eventfd_write(wake, 1)) for number in numbers}
    try:
        yield wake
    finally:
        for number, meaning in before.items():
            signal.signal(number, meaning)
        os.close(wake)
