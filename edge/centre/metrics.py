"""`/metrics` for Prometheus: a registry of its own, one collector over a snapshot, one thread that stops when told."""

import threading
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from typing import Any, Final, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from edge.centre.kept import WALK
from edge.centre.snapshot import BoxView, Durations, Snapshot

PREFIX: Final = "kentongan_centre_"
NOTICES_LIMIT: Final = 1000
PATIENCE_S: Final = 5.0  # of a client that sends nothing; scrapes come one at a time


class MetricsAddress(ValueError):
    """Not an address to listen on."""


def address_of(text: str) -> tuple[str, int]:
    """`PORT` or `ADDRESS:PORT`; without an address only this machine may look. Raises MetricsAddress."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        ip_address(host)
        if 0 <= int(port) <= 65535:
            return host, int(port)
    except ValueError as error:
        raise MetricsAddress(f"{text}: write 127.0.0.1:9464") from error
    raise MetricsAddress(f"{text}: no such port")


class CentreCollector(Collector):
    """Turns a snapshot into families. Labels: box, cid, reason, class, code, lane, state; never a name of a person."""

    def __init__(self, look: Callable[[], Snapshot]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        """Nothing is read at registration."""
        return ()

    def collect(self) -> Iterator[Metric]:
        seen = self._look()
        yield GaugeMetricFamily(f"{PREFIX}boxes", "Boxes that the store knows", value=seen.boxes_total)
        yield from _of_boxes(seen.boxes)
        yield _counted("events", "Events stored, conflicting bytes included, by class", "class", seen.events)
        yield _counted("refusals", "Letters refused, by reason", "reason", seen.refusals)
        pictures = GaugeMetricFamily(f"{PREFIX}pictures", "Pictures, by what became of them", labels=["state"])
        for state, count in sorted(seen.pictures.items()):
            pictures.add_metric([state], count)
        yield pictures
        notices = CounterMetricFamily(
            f"{PREFIX}notices", "The centre's own alarms: conflict, twice, site, replaced", labels=["code", "box"]
        )
        walks = GaugeMetricFamily(f"{PREFIX}walk_test_due", "1: replaced another box, not yet tried", labels=["box"])
        for (code, box), count in sorted(seen.notices.items())[:NOTICES_LIMIT]:
            if code == WALK:
                walks.add_metric([box], 1)
            else:
                notices.add_metric([code, box], count)
        yield notices
        yield walks
        conflicts = sum(count for (code, _), count in seen.notices.items() if code == "conflict")
        yield CounterMetricFamily(
            f"{PREFIX}conflicts", "Events with other bytes under a known identity", value=conflicts
        )
        yield _histogram("receipt_seconds", "Letters taken in until their receipts left, our clock", seen.receipt)
        yield _histogram("delay_seconds", "Box's synced time in the event until its receipt left", seen.delay)
        yield from _of_forwarding(seen)


def _of_boxes(boxes: dict[str, BoxView]) -> Iterator[Metric]:
    def gauge(name: str, text: str, value: Callable[[BoxView], float | None]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(PREFIX + name, text, labels=["box"])
        for box, view in boxes.items():
            number = value(view)
            if number is not None:
                family.add_metric([box], number)
        return family

    yield gauge("beat_age_seconds", "Since the box's last beat was stored", lambda view: view.beat_age_s)
    yield gauge("online", "1: the broker holds its session", lambda view: view.online)
    yield gauge("presence_age_seconds", "Since it came online or was lost", lambda view: view.presence_age_s)
    yield gauge("oldest_age_seconds", "How long its oldest event has waited", lambda view: view.gauges.get("oldest_s"))
    yield gauge("disk_free_megabytes", "Room on its card", lambda view: view.gauges.get("free_mb"))
    yield gauge("cpu_celsius", "Warmth of its processor", lambda view: view.gauges.get("cpu_c"))
    yield gauge("pending", "Events without a receipt, as the last beat says", lambda view: view.pending)
    yield gauge(
        "pending_age_seconds", "Since the first beat of the present row that said so", lambda view: view.pending_age_s
    )
    yield gauge("missing", "Sequences that the box made and the store lacks", lambda view: view.missing)
    troubles = GaugeMetricFamily(f"{PREFIX}troubles_open", "Open troubles by Contact ID", labels=["box", "cid"])
    for box, view in boxes.items():
        for cid, count in view.troubles.items():
            troubles.add_metric([box, cid], count)
    yield troubles


def _of_forwarding(seen: Snapshot) -> Iterator[Metric]:
    if seen.forward is None:
        return
    waiting = GaugeMetricFamily(f"{PREFIX}forward_backlog", "Events not yet forwarded, by lane", labels=["lane"])
    for urgent, count in seen.forward.waiting.items():
        waiting.add_metric(["alarm" if urgent else "other"], count)
    yield waiting
    yield GaugeMetricFamily(
        f"{PREFIX}forward_backlog_age_seconds", "Since the oldest of them was noted", value=seen.forward_age_s
    )
    yield GaugeMetricFamily(
        f"{PREFIX}forward_parked", "Events that the receiver refused (4xx)", value=seen.forward.parked
    )


def _counted(name: str, text: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(PREFIX + name, text, labels=[label])
    for key, count in sorted(counts.items()):
        family.add_metric([key], count)
    return family


def _histogram(name: str, text: str, durations: Durations) -> HistogramMetricFamily:
    upto, buckets = 0, []
    for bound, count in zip([*map(str, durations.bounds), "+Inf"], durations.counts, strict=True):
        upto += count
        buckets.append((bound, upto))
    return HistogramMetricFamily(PREFIX + name, text, buckets=buckets, sum_value=durations.sum_s)


class _Scrape(WSGIRequestHandler):
    timeout = PATIENCE_S

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in the base class
        """Scrapes are no news."""


class MetricsServer:
    """Serves until it is closed.

    raises: OSError where the address is taken
    """

    def __init__(self, address: tuple[str, int], look: Callable[[], Snapshot]) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(CentreCollector(look))
        self._server = make_server(*address, _only_metrics(make_wsgi_app(registry)), _Server, _Scrape)
        self.port = int(self._server.server_port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(WSGIServer):
    def server_bind(self) -> None:
        """As the base class, without asking the name service who we are."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()

    def handle_error(self, *_: object) -> None:
        """A client that went away is its own affair."""


def _only_metrics(app: Any) -> Any:  # WSGI
    def serve(environ: dict[str, Any], start: Any) -> Iterable[bytes]:  # WSGI
        if environ["PATH_INFO"] != "/metrics" or environ["REQUEST_METHOD"] != "GET":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics\n"]
        try:
            answer: Iterable[bytes] = app(environ, start)
        except OSError:  # the store cannot be read: the scrape fails, which is itself the alert `up == 0`
            start("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"store\n"]
        return answer

    return serve
