"""WS-Discovery 1.1 (April 2005 namespace, as ONVIF uses it): the datagrams of one camera, and the ears that cameras
on one interface share.

How Linux delivers: a datagram to 239.255.255.250:3702 goes to *every* socket bound to that group or to any address
that has (or with IP_MULTICAST_ALL, whose machine has) joined it there; a datagram to a camera's own address goes to the
one socket bound most exactly. So each camera has a socket bound to its own address, for unicast and for what it sends,
and one ear an interface hears the group for all of them: 54 sockets in the group would be 54 copies of each probe.
"""

import asyncio
import random
import socket
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from xml.etree import ElementTree as ET

from drivers.sim.camera.bombs import NESTED_DATAGRAM, bomb, nested
from drivers.sim.camera.device import scopes_of
from drivers.sim.camera.soap import escape
from drivers.sim.camera.spec import Quirk
from drivers.sim.camera.standing import Standing

GROUP: Final = "239.255.255.250"
PORT: Final = 3702
DATAGRAM: Final = 65_535
IP_MULTICAST_ALL: Final = 49  # linux/in.h; the socket module has no name for it
NS: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "d": "http://schemas.xmlsoap.org/ws/2005/04/discovery",
    "dn": "http://www.onvif.org/ver10/network/wsdl",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
}
ANYBODY: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
EVERYBODY: Final = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
OWN_TYPES: Final = frozenset({"NetworkVideoTransmitter", "Device"})
ANSWERED: Final = {
    Quirk.ONLY_NVT: frozenset({"NetworkVideoTransmitter"}),
    Quirk.ONLY_DEVICE: frozenset({"Device"}),
    Quirk.ONLY_TYPELESS: frozenset({""}),
}

Heard = Callable[[bytes, tuple[str, int]], None]


@dataclass(frozen=True, slots=True)
class Probe:
    """types: local names; none of them asks for anybody."""

    message_id: str
    types: tuple[str, ...]
    scopes: tuple[str, ...]

    @property
    def wanted(self) -> str:
        return self.types[0] if self.types else ""


@lru_cache(maxsize=64)  # one datagram to the group is looked at by every camera there
def read(raw: bytes) -> Probe | None:
    """None for whatever is no probe, such as the Hello of another camera."""
    try:
        root = ET.fromstring(raw)  # noqa: S314 - callers are our own tests
    except ET.ParseError:
        return None
    probe = root.find("s:Body/d:Probe", NS)
    if probe is None:
        return None
    words = (probe.findtext("d:Types", "", NS) or "").split()
    return Probe(
        message_id=(root.findtext("s:Header/a:MessageID", "", NS) or "").strip(),
        types=tuple(word.rpartition(":")[2] for word in words),
        scopes=tuple((probe.findtext("d:Scopes", "", NS) or "").split()),
    )


class Beacon:
    """What one camera says and answers in discovery; no socket of its own."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._chance = random.Random(standing.spec.booted)  # noqa: S311 - cheap on purpose
        self._number = 0
        self._version = 1

    def answers(self, probe: Probe) -> bool:
        """Whether a probe is for this camera."""
        known = set(probe.types) <= OWN_TYPES
        inside = all(any(own.startswith(one) for own in self._scopes) for one in probe.scopes)
        kept = [types for quirk, types in ANSWERED.items() if self._has(quirk)]
        return known and inside and all(probe.wanted in types for types in kept)

    def matches(self, probe: Probe) -> bytes:
        """The answer to a probe."""
        relates_to = probe.message_id
        if self._has(Quirk.RELATES_TO_NOTHING):
            relates_to = f"urn:uuid:{uuid.uuid4()}"
        body = f"<d:ProbeMatches><d:ProbeMatch>{self._endpoint()}</d:ProbeMatch></d:ProbeMatches>"
        answer = self._envelope("ProbeMatches", ANYBODY, body, relates_to)
        if self._has(Quirk.BOMB_PROBE):
            return bomb(answer)
        return nested(answer, NESTED_DATAGRAM) if self._has(Quirk.NESTED_PROBE) else answer

    def hello(self) -> bytes:
        return self._envelope("Hello", EVERYBODY, f"<d:Hello>{self._endpoint()}</d:Hello>")

    def bye(self) -> bytes:
        return self._envelope("Bye", EVERYBODY, f"<d:Bye>{self._reference()}</d:Bye>")

    def moved(self) -> None:
        self._version += 1

    def wait_s(self) -> float:
        """APP_MAX_DELAY: cameras that were asked at once do not answer at once."""
        return random.uniform(0.0, self._standing.spec.delay_s)  # noqa: S311

    def _has(self, quirk: Quirk) -> bool:
        return self._standing.spec.has(quirk)

    @property
    def _scopes(self) -> list[str]:
        return scopes_of(self._standing)

    def _reference(self) -> str:
        epr = self._standing.spec.epr
        return f"<a:EndpointReference><a:Address>{epr}</a:Address></a:EndpointReference>"

    def _endpoint(self) -> str:
        return (
            f"{self._reference()}<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>"
            f"<d:Scopes>{escape(' '.join(self._scopes))}</d:Scopes>"
            f"<d:XAddrs>{escape(self._standing.url(self._standing.spec.device_path))}</d:XAddrs>"
            f"<d:MetadataVersion>{self._version}</d:MetadataVersion>"
        )

    def _envelope(self, action: str, to: str, body: str, relates_to: str = "") -> bytes:
        self._number += 1
        instance = "abc" if self._has(Quirk.INSTANCE_ABC) else str(self._standing.spec.booted)
        declared = " ".join(f'xmlns:{prefix}="{namespace}"' for prefix, namespace in NS.items())
        relation = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else ""
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {declared}><s:Header>'
            f"<a:MessageID>{self._message_id()}</a:MessageID>{relation}<a:To>{to}</a:To>"
            f"<a:Action>{NS['d']}/{action}</a:Action>"
            f'<d:AppSequence InstanceId="{instance}" MessageNumber="{self._number}"/></s:Header>'
            f"<s:Body>{body}</s:Body></s:Envelope>"
        ).encode()

    def _message_id(self) -> str:
        if self._has(Quirk.SAME_MESSAGE_IDS):
            return f"urn:uuid:{uuid.UUID(int=self._chance.getrandbits(128), version=4)}"
        return f"urn:uuid:{uuid.uuid4()}"


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._heard(data, addr)

    def error_received(self, exc: Exception) -> None:
        """A prober that is gone already: nobody to tell."""


async def own_socket(host: str, heard: Heard) -> asyncio.DatagramTransport:
    """The camera's own UDP 3702: hears unicast, sends from the right address, also to the group."""
    sock = _socket()
    sock.bind((host, PORT))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(host))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    return await _listen(sock, heard)


class Ear:
    """One socket in the group on one interface, for every camera there."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._members: list[Heard] = []
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    def on(cls, host: str) -> "Ear":
        """On the interface that has this address. Raises OSError where none has."""
        sock = _socket()
        try:
            sock.bind((GROUP, PORT))
            sock.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)  # else it hears what other interfaces joined
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _membership(host))
        except OSError:
            sock.close()
            raise
        return cls(sock)

    def serves(self, host: str) -> bool:
        """Whether the address lies on this interface: joining a second time is refused there, and only there."""
        try:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _membership(host))
        except OSError:
            return True
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, _membership(host))
        return False

    def add(self, heard: Heard) -> None:
        self._members.append(heard)

    def remove(self, heard: Heard) -> None:
        if heard in self._members:
            self._members.remove(heard)

    async def open(self) -> None:
        self._transport = await _listen(self._socket, self._heard)

    def close(self) -> None:
        if self._transport is None:
            self._socket.close()
        else:
            self._transport.close()

    def _heard(self, raw: bytes, source: tuple[str, int]) -> None:
        for member in tuple(self._members):
            member(raw, source)


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def _membership(host: str) -> bytes:
    return struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(host))


async def _listen(sock: socket.socket, heard: Heard) -> asyncio.DatagramTransport:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(heard), sock=sock)
    return transport
