"""What the running centre shows and passes on to others; none of it can hold up a receipt."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from edge.centre.ingest import Harvest
from edge.centre.places import CentrePlaces
from edge.centre.settings import CentreSettings, store_of


class OutwardFault(ValueError):
    """Forwarding or metrics cannot begin; the text says which, and why."""


@contextmanager
def looking_outward(places: CentrePlaces, settings: CentreSettings) -> Iterator[Callable[[Harvest], None]]:
    """What comes out hears every harvest after its receipts left, and never waits.

    raises: OutwardFault before anything has begun
    """
    hearers: list[Callable[[Harvest], None]] = []
    with ExitStack() as stack:
        if settings.metrics:
            hearers.append(_metrics(stack, places, settings))
        if settings.forward:
            hearers.append(_forwarding(stack, places, settings))
        yield partial(_tell, hearers)


def _tell(hearers: list[Callable[[Harvest], None]], harvest: Harvest) -> None:
    for hear in hearers:
        hear(harvest)


def _metrics(stack: ExitStack, places: CentrePlaces, settings: CentreSettings) -> Callable[[Harvest], None]:
    from edge.centre.metrics import MetricsAddress, MetricsServer, address_of  # noqa: PLC0415  # only where wanted
    from edge.centre.snapshot import Measured, Scraper  # noqa: PLC0415  # the same
    from edge.centre.stored import opened  # noqa: PLC0415  # the same

    measured = Measured()
    scraper = Scraper(partial(opened, store_of(places, settings)), measured, places.postbox, time.time_ns)
    try:
        stack.enter_context(MetricsServer(address_of(settings.metrics), scraper.look))
    except (OSError, MetricsAddress) as error:
        raise OutwardFault(f"metrics {settings.metrics}: {error}") from error
    return lambda harvest: measured.tell(harvest.facts, time.time_ns())


def _forwarding(stack: ExitStack, places: CentrePlaces, settings: CentreSettings) -> Callable[[Harvest], None]:
    from edge.centre.forward import Forwarder  # noqa: PLC0415  # only where wanted
    from edge.centre.stored import Feed  # noqa: PLC0415  # the same
    from edge.centre.webhook import Target, Webhook, WebhookFault, read_key  # noqa: PLC0415  # urllib3, the same

    key = Path(settings.forward_key) if settings.forward_key else places.forward_key
    try:
        webhook = Webhook(Target.of(settings.forward), read_key(key))
    except WebhookFault as error:
        raise OutwardFault(f"forward: {error}") from error
    draw = random.SystemRandom().random
    forwarder = Forwarder(places.postbox, Feed(store_of(places, settings)), webhook, random01=draw)
    forwarder.start()
    stack.callback(forwarder.stop)
    return lambda _: forwarder.ring()
