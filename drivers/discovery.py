"""WS-Discovery of our own (docs/decisions/027): finds what answers, believes nothing, never takes long."""

import selectors
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address
from operator import add
from typing import Final

from drivers.camera import PORTS, Address, Candidate, NotOnvif, Unreachable
from drivers.interfaces import Interface, ipv4_interfaces
from drivers.knock import Answer
from drivers.ports import Configuration, NotFound
from drivers.probing import Gathering, Mouth, Sought
from drivers.sweep import KNOCKS_PER_S, LINGER_S, Answered, Knocking, Sweep, addresses_of, is_local

# What is asked when. Repeated because a radio loses multicast, and apart because it loses it in bursts; the last early
# enough for a device that takes all of its 500 ms (WS-Discovery, APP_MAX_DELAY) to be found within two seconds.
SENDS: Final = ((0.0, Sought.VIDEO), (0.12, Sought.DEVICE), (0.3, Sought.ANY))
QUIET_S: Final = 1.0  # after the last new device, or the last probe
SCAN_MAX_S: Final = 5.0  # whatever arrives
LOOK_MAX_S: Final = 7.5  # below DEADLINE_S; knocks at all ports, then at what it named


class NoNetwork(NotFound):
    """No interface is up, or none lets a probe out."""

    code = "E-CAMERA-NO-NETWORK"


class WsDiscovery:
    """Implements `drivers.camera.Scanner`. One object for a process; not for several threads at once.

    interfaces: where to look, asked anew each time
    """

    def __init__(self, interfaces: Callable[[], Sequence[Interface]] = ipv4_interfaces) -> None:
        self._interfaces = interfaces

    def scan(self, found: Callable[[Candidate], None] | None = None) -> list[Candidate]:
        """Probe every network that is up; ends a second after the last new device. Raises NoNetwork."""
        interfaces = self._up()
        gathering = Gathering(_near(interfaces), found)
        with ExitStack() as stack:
            _Scan([stack.enter_context(mouth) for mouth in _mouths(interfaces)], gathering).run()
        return list(gathering.candidates.values())

    def sweep(
        self, networks: tuple[str, ...] = (), progress: Callable[[int, int], None] | None = None
    ) -> list[Candidate]:
        """Knock at each address of our networks, or of these ("192.168.1.0/24", at most /22): slow on purpose.

        progress: called with (addresses done, addresses in all)
        raises:   Configuration for what must not be swept; NoNetwork
        """
        interfaces = self._up()
        hosts = addresses_of(networks, interfaces)
        gathering = Gathering(set(hosts).__contains__)
        with _mouth() as mouth:
            Sweep(mouth, gathering, _on_link(interfaces)).run(hosts, progress or _nobody)
        return list(gathering.candidates.values())

    def look(self, host: str, ports: tuple[int, ...] = PORTS) -> Candidate:
        """An address typed by hand: which port speaks ONVIF, and what else it says of itself.

        A camera whose answer to a probe names a port that is not its own is tried on PORTS as well.
        raises: Unreachable, NotOnvif, NoNetwork; Configuration where `host` is no address of a machine
        """
        address = _machine(host)
        gathering = Gathering(address.__eq__)
        with _mouth() as mouth, _knocking(mouth, gathering) as knocking:
            for sought in (Sought.VIDEO, Sought.ANY):
                with suppress(OSError):
                    mouth.ask(sought, address)
            answers = list(knocking.knock(_doors(address, ports), KNOCKS_PER_S))
            knocking.linger(LINGER_S, lambda: bool(gathering.candidates))
            claims = list(gathering.candidates.values())
            answers = [*knocking.knock(claims, KNOCKS_PER_S), *answers]
            if claims and not any(answer is Answer.ONVIF for _, answer in answers):
                answers += knocking.knock(_doors(address, set(PORTS).difference(ports)), KNOCKS_PER_S)
        return _chosen(address, answers, claims)

    def _up(self) -> Sequence[Interface]:
        try:
            interfaces = self._interfaces()
        except OSError as error:
            raise NoNetwork(f"the kernel names no interfaces: {error.strerror}") from error
        if not interfaces:
            raise NoNetwork("no network is up: plug in the cable or join a Wi-Fi")
        return interfaces


class _Scan:
    """One scan over open sockets."""

    def __init__(self, mouths: Sequence[Mouth], gathering: Gathering) -> None:
        self._mouths = mouths
        self._gathering = gathering
        self._began = self._news = time.monotonic()
        self._refusals: list[OSError] = []
        self._left = False
        self._drops = 0

    def run(self) -> None:
        """Raises NoNetwork where no probe could leave at all."""
        with selectors.DefaultSelector() as selector:
            for mouth in self._mouths:
                selector.register(mouth, selectors.EVENT_READ)
            for after_s, sought in SENDS:
                self._listen(selector, partial(add, self._began, after_s))
                self._send(sought)
            if not self._left:
                raise NoNetwork(f"no probe could be sent: {self._refusals[-1].strerror}") from self._refusals[-1]
            self._listen(selector, self._quiet)
            while self._lost() and time.monotonic() < self._began + SCAN_MAX_S - QUIET_S:
                self._send(Sought.VIDEO)  # somebody may have been shouted down
                self._listen(selector, self._quiet)

    def _quiet(self) -> float:
        return min(self._began + SCAN_MAX_S, self._news + QUIET_S)

    def _lost(self) -> bool:
        """Whether answers have been dropped since it was last asked."""
        before, self._drops = self._drops, sum(mouth.lost() for mouth in self._mouths)
        return self._drops > before

    def _send(self, sought: Sought) -> None:
        for mouth in self._mouths:
            try:
                mouth.ask(sought)
            except OSError as error:
                self._refusals.append(error)
            else:
                self._left = True
        self._news = time.monotonic()

    def _listen(self, selector: selectors.BaseSelector, until: Callable[[], float]) -> None:
        while (left_s := until() - time.monotonic()) > 0:
            for key, _ in selector.select(left_s):
                mouth = key.fileobj
                assert isinstance(mouth, Mouth)
                if sum(self._gathering.take(raw, host, mouth.asked) for raw, host in mouth.hear()):
                    self._news = time.monotonic()


def _mouths(interfaces: Iterable[Interface]) -> Iterator[Mouth]:
    """One for each that can be opened. Raises NoNetwork where none can."""
    opened, refused = 0, None
    for interface in interfaces:
        try:
            mouth = Mouth(interface)
        except OSError as error:
            refused = error
            continue
        opened += 1
        yield mouth
    if not opened:
        raise NoNetwork(f"no network can be used: {refused.strerror if refused else 'none is up'}") from refused


def _mouth() -> Mouth:
    """For single addresses. Raises NoNetwork where there is no socket to be had."""
    try:
        return Mouth(None)
    except OSError as error:
        raise NoNetwork(f"no socket to ask with: {error.strerror}") from error


def _near(interfaces: Sequence[Interface]) -> Callable[[str], bool]:
    """A camera with an address of another local network is a candidate too: it heard us, so it is on our wire."""
    on_link = _on_link(interfaces)
    return lambda host: on_link(host) or is_local(IPv4Address(host))


def _on_link(interfaces: Sequence[Interface]) -> Callable[[str], bool]:
    networks = {interface.network for interface in interfaces}
    return lambda host: any(IPv4Address(host) in network for network in networks)


@contextmanager
def _knocking(mouth: Mouth, gathering: Gathering) -> Iterator[Knocking]:
    knocking = Knocking(mouth, gathering, time.monotonic() + LOOK_MAX_S)
    try:
        yield knocking
    finally:
        knocking.close()


def _machine(host: str) -> str:
    try:
        address = IPv4Address(host.strip())
    except ValueError as error:
        raise Configuration(f"not an IPv4 address: {host[:40]!r}; write it as 192.168.1.64") from error
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        raise Configuration(f"{address} is no address of a camera")
    return str(address)


def _doors(host: str, ports: Iterable[int]) -> list[Candidate]:
    return [Candidate(Address(host, port)) for port in ports]


def _chosen(host: str, answers: Sequence[Answered], claims: Sequence[Candidate]) -> Candidate:
    """The first that speaks ONVIF, else one that wants a login first; with what the device says of itself."""
    for wanted in (Answer.ONVIF, Answer.LOCKED):
        for target in (each for each, answer in answers if answer is wanted):
            if target in claims or len(claims) != 1:
                return target
            return replace(claims[0], address=target.address, path=target.path)  # the port that it names is not it
    if not claims and all(answer is Answer.NOBODY for _, answer in answers):
        raise Unreachable(f"nobody answers at {host}")
    ports = ", ".join(map(str, sorted({each.address.port for each, _ in answers})))
    raise NotOnvif(f"{host} is there, but does not speak ONVIF on {ports}")


def _nobody(_done: int, _all: int) -> None: ...
