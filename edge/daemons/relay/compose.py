"""The composition root of kentongan-relay: one loop over the link's socket and the uplink's, one thread."""

import argparse
import gc
import ipaddress
import logging
import os
import select
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from drivers.dial import Dial, Endpoint, Names, TlsFiles, ends_of
from drivers.failover import Failover
from drivers.mqtt import MqttUplink
from drivers.ports import Uplink
from edge.config import model
from edge.config.active import Source, read_active
from edge.config.places import Places
from edge.core.faults import Exit
from edge.core.retry import FLOOR_S, SPREAD_S, first_connect_s
from edge.core.words import SECOND_NS
from edge.daemons.border import Border
from edge.daemons.relay.courier import Courier
from edge.daemons.runtime import Notifier, SystemClock, on_reload, on_stop, start_logging
from edge.link.client import LinkClient
from edge.link.frames import Papers

log = logging.getLogger("kentongan.relay")

TURN_NS: Final = 1 * SECOND_NS  # keepalive and watchdog want at least this
LINK_AGAIN_NS: Final = SECOND_NS // 5  # alarm is back within 2 s of its death
FAULTS_LIMIT, FAULTS_WITHIN_NS = 5, 60 * SECOND_NS  # of our own; more than that is no slip
POWER_ON_NS: Final = 120 * SECOND_NS  # started this early in the machine's life: it came with the power


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM. Returns an exit code of edge.core.faults.Exit."""
    parser = argparse.ArgumentParser(prog="kentongan-relay")
    parser.add_argument("--root", type=Path, default=Path("/"))
    places = Places(parser.parse_args(argv).root)
    start_logging()
    reading = read_active(places)
    for fault in reading.faults:
        log.error("%s  do=%s", fault.line(), fault.fix.en)
    if reading.configuration is None:
        return Exit.CONFIGURATION
    loop = Loop()
    on_stop(loop.stop)
    uplink = reading.configuration.uplink
    if uplink is None:
        log.info("no uplink configured; nothing to carry")
        loop.run(None, None)
    else:
        _run_with(loop, places, uplink)
    return Exit.OK


def _run_with(loop: "Loop", places: Places, configured: model.Uplink) -> None:
    uplink = uplink_of(places, configured)
    clock = SystemClock()
    with LinkClient(places.link / "relay.sock") as link:
        now_ns = clock.boot_ns()
        first_s = first_connect_s(_random01(), alarm_waits=False) if waits_first(configured, now_ns) else 0.0
        courier = Courier(
            link, uplink, _random01, utc_ns=clock.utc_ns, now_ns=now_ns, first_ns=int(first_s * SECOND_NS),
            spread_s=FLOOR_S if _is_loopback(configured.host) else SPREAD_S,
        )  # fmt: skip
        renewal = Renewal(places, configured, courier, link)
        on_reload(loop.reload)
        loop.run(courier, link, renewal)
        courier.stop()


def uplink_of(places: Places, configured: model.Uplink) -> Uplink:
    """One broker, or two of them as one."""
    first, *others = endpoints_of(places, configured)
    names = Names(folder=places.addresses)
    if not others:
        return MqttUplink(first, names)
    second = MqttUplink(others[0], Names(folder=places.addresses))
    return Failover(MqttUplink(first, names), second, lambda: Dial(first, names))


def endpoints_of(places: Places, configured: model.Uplink) -> list[Endpoint]:
    """The brokers' addresses, first one first, with the files that TLS needs; they are read at each connection."""
    files = None
    if configured.tls:
        files = TlsFiles(places.trust / "broker-ca.pem", _secret(places, "tls.pem"), _secret(places, "tls.key"))
    brokers = [(configured.host, configured.port), (configured.second_host, configured.second_port)]
    return [Endpoint(host, port, files) for host, port in brokers if host]


def _secret(places: Places, name: str) -> Path:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    given = Path(folder) / name if folder else None
    return given if given is not None and given.exists() else places.secrets / name


def waits_first(uplink: model.Uplink, now_ns: int) -> bool:
    """Ten thousand boxes may get their power back at once; one that was only restarted comes alone."""
    return now_ns < POWER_ON_NS and not _is_loopback(uplink.host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _random01() -> float:
    return int.from_bytes(os.urandom(4)) / 2**32


class Renewal:
    """What SIGHUP asks for: read configuration and certificates again, and let the session stand where it can.

    A new certificate of ours is read at the next connection in any case; when it ends is told now.
    """

    def __init__(self, places: Places, configured: model.Uplink, courier: Courier, link: LinkClient) -> None:
        self._places = places
        self._configured = configured
        self._courier = courier
        self._link = link

    def __call__(self, now_ns: int) -> None:
        reading = read_active(self._places)
        for fault in reading.faults:
            log.error("%s  do=%s", fault.line(), fault.fix.en)
        uplink = reading.configuration.uplink if reading.configuration else None
        if uplink is None or reading.source is not Source.ACTIVE:
            log.warning("reload without effect  cause=%s", "no uplink configured" if uplink is None else "last good")
            return
        changed = endpoints_of(self._places, uplink) != endpoints_of(self._places, self._configured)
        if changed:
            self._configured = uplink
            self._courier.replace(uplink_of(self._places, uplink), now_ns)
        for endpoint in endpoints_of(self._places, uplink)[:1]:
            if endpoint.tls is not None:
                self._link.send(Papers(ends_of(endpoint.tls)))
        log.info("reloaded  session=%s", "new" if changed else "kept")


class Exhausted(Exception):
    """The same fault again and again."""


class Loop:
    """Waits for whichever is first: alarm, the broker, a timer, the order to stop. Tells systemd that it turns."""

    def __init__(self) -> None:
        self._stopping = False
        self._reloading = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._clock = SystemClock()
        self._notifier = Notifier()
        self._poll = select.poll()
        self._watched: dict[int, int] = {}
        self._link_due_ns = 0
        self._alive_due_ns = 0
        self._border = Border(log, "relay")
        self._fault_times: list[int] = []

    def stop(self) -> None:
        """Callable from a signal: only sets a flag and wakes the loop."""
        self._stopping = True
        os.eventfd_write(self._wake, 1)

    def reload(self) -> None:
        """Callable from a signal, as `stop`."""
        self._reloading = True
        os.eventfd_write(self._wake, 1)

    def run(
        self, courier: Courier | None, link: LinkClient | None, renewal: Callable[[int], None] | None = None
    ) -> None:
        gc.collect()
        gc.freeze()
        self._notifier.ready("relay")
        while not self._stopping:
            now_ns = self._clock.boot_ns()
            self._feed(now_ns)
            if self._reloading:
                self._reloading = False
                os.eventfd_read(self._wake)
                if renewal is not None:
                    self._border.call(renewal, now_ns)
            if courier is not None and link is not None and not self._border.call(self._turn, courier, link, now_ns):
                self._start_over(courier, link, now_ns)
            self._wait(courier, link)
        self._notifier.stopping()
        self._notifier.close()
        os.close(self._wake)

    def _start_over(self, courier: Courier, link: LinkClient, now_ns: int) -> None:
        """Nobody knows what that turn left undone: alarm takes its rows back, and both connections begin anew.

        A fault that stays is for systemd: another process begins with nothing.
        """
        self._fault_times = [*(at for at in self._fault_times if now_ns - at < FAULTS_WITHIN_NS), now_ns]
        if len(self._fault_times) > FAULTS_LIMIT:
            raise Exhausted(f"{len(self._fault_times)} faults within {FAULTS_WITHIN_NS // SECOND_NS} s")
        link.close()
        courier.adrift(now_ns)
        self._link_due_ns = now_ns + LINK_AGAIN_NS

    def _turn(self, courier: Courier, link: LinkClient, now_ns: int) -> None:
        if not link.connected:
            courier.adrift(now_ns)
            if now_ns >= self._link_due_ns:
                self._link_due_ns = now_ns + LINK_AGAIN_NS
                link.open()
        link.flush()
        for frame in link.frames():
            courier.hear(frame, now_ns)
        courier.turn(now_ns)

    def _feed(self, now_ns: int) -> None:
        if now_ns >= self._alive_due_ns:
            self._alive_due_ns = now_ns + TURN_NS
            self._notifier.alive()

    def _wait(self, courier: Courier | None, link: LinkClient | None) -> None:
        wanted = {self._wake: select.POLLIN}
        due_ns = self._alive_due_ns
        if link is not None and courier is not None:
            if link.connected:
                wanted[link.fileno()] = select.POLLIN | (select.POLLOUT if link.wants_write else 0)
            else:
                due_ns = min(due_ns, self._link_due_ns)
            if not link.wants_write:  # alarm takes no more: the broker waits in the kernel until it does
                for descriptor, write in courier.sockets():
                    wanted[descriptor] = select.POLLIN | (select.POLLOUT if write else 0)
            due_ns = min(due_ns, courier.due_ns)
        self._watch(wanted)
        self._poll.poll(max(0, (due_ns - self._clock.boot_ns() + 999_999) // 1_000_000))

    def _watch(self, wanted: dict[int, int]) -> None:
        for descriptor in self._watched.keys() - wanted.keys():
            self._poll.unregister(descriptor)
        for descriptor, events in wanted.items():
            if self._watched.get(descriptor) != events:
                self._poll.register(descriptor, events)
        self._watched = wanted
