"""Probes: how they are written, the sockets they leave by, and who is believed to have answered them."""

import errno
import socket
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Final, Self
from uuid import uuid4

from drivers.camera import Candidate
from drivers.claims import candidate_of
from drivers.interfaces import Interface
from drivers.probe_match import DATAGRAM_LIMIT, Heard, Kind, Refused, read

GROUP: Final = "239.255.255.250"  # WS-Discovery 2.4
PORT: Final = 3702
DEVICES_LIMIT: Final = 256  # of one scan
DEVICES_OF_HOST: Final = 8  # EPRs that one address may claim; a recorder may stand for some of its cameras
DATAGRAMS_OF_HOST: Final = 128  # that are parsed; an honest device answers each probe once or twice
HOSTS_COUNTED: Final = 16_384  # so that invented senders cost no memory
BUFFER_BYTES: Final = 1 << 20  # the kernel grants less to most users
SO_MEMINFO: Final = 55  # asm-generic/socket.h
MEMINFO_WORDS: Final = 9  # linux/sock_diag.h: SK_MEMINFO_DROPS is the last
BATCH: Final = 64  # datagrams read before the clock is looked at again


class Sought(StrEnum):
    """What a probe asks for: as ONVIF Core 7.3.2.1 has it, as newer devices want it, and whatever there is."""

    VIDEO = "dn:NetworkVideoTransmitter"
    DEVICE = "tds:Device"
    ANY = ""


ENVELOPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
    ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">'
    "<e:Header><w:MessageID>{id}</w:MessageID>"
    '<w:To e:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>'
    '<w:Action e:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action>'
    "</e:Header><e:Body><d:Probe>{types}</d:Probe></e:Body></e:Envelope>"
)


def write_probe(sought: Sought, message: str) -> bytes:
    types = f"<d:Types>{sought}</d:Types>" if sought else ""
    return ENVELOPE.format(id=message, types=types).encode("ascii")


class Gathering:
    """Sorts answers. Two devices are one only if both their endpoint reference and their address are equal.

    near:  addresses that an answer may come from
    found: called with each new candidate
    """

    def __init__(self, near: Callable[[str], bool], found: Callable[[Candidate], None] | None = None) -> None:
        self.candidates: dict[tuple[str, str], Candidate] = {}
        self._near = near
        self._found = found
        self._datagrams: Counter[str] = Counter()
        self._devices: Counter[str] = Counter()

    def hosts(self) -> set[str]:
        return {host for _, host in self.candidates}

    def take(self, raw: bytes, host: str, asked: Mapping[str, str]) -> int:
        """Judge one datagram; returns how many devices were new. Never raises for what it holds.

        asked: MessageIDs that it may answer, and whom each was sent to
        """
        if self._datagrams[host] >= DATAGRAMS_OF_HOST or not self._near(host):
            return 0
        if host in self._datagrams or len(self._datagrams) < HOSTS_COUNTED:
            self._datagrams[host] += 1
        heard = understood(raw)
        if heard is None or heard.kind is not Kind.MATCHES or asked.get(heard.relates_to.lower()) not in {GROUP, host}:
            return 0
        return sum(self.add(candidate_of(claim, host)) for claim in heard.claims)

    def add(self, candidate: Candidate | None) -> bool:
        """Whether it is new, and one more is allowed for."""
        if candidate is None:
            return False
        key = (candidate.epr, candidate.address.host)
        if key in self.candidates or len(self.candidates) >= DEVICES_LIMIT:
            return False
        if self._devices[candidate.address.host] >= DEVICES_OF_HOST:
            return False
        self._devices[candidate.address.host] += 1
        self.candidates[key] = candidate
        if self._found is not None:
            self._found(candidate)
        return True


def understood(raw: bytes) -> Heard | None:
    try:
        return read(raw)
    except Refused:
        return None


class Mouth:
    """One UDP socket that sends probes and hears what is sent back to it; it remembers what it asked.

    interface: where its multicast leaves, whatever the routes say; None: for single addresses, by the routes
    """

    def __init__(self, interface: Interface | None) -> None:
        self.interface = interface
        self.asked: dict[str, str] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            if interface is not None:
                self._leave_by(interface)
        except OSError:
            self._socket.close()
            raise

    def _leave_by(self, interface: Interface) -> None:
        way = struct.pack("@4s4si", bytes(4), IPv4Address(interface.address).packed, interface.index)  # ip_mreqn
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, way)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        self._socket.bind((interface.address, 0))

    def fileno(self) -> int:
        return self._socket.fileno()

    def ask(self, sought: Sought, host: str = GROUP) -> None:
        """Send one probe. Raises OSError where it cannot leave; another socket or a later probe may."""
        message = f"urn:uuid:{uuid4()}"
        self.asked[message] = host
        self._socket.sendto(write_probe(sought, message), (host, PORT))

    def hear(self) -> list[tuple[bytes, str]]:
        """What has arrived, at most a batch, with the address of each sender."""
        heard: list[tuple[bytes, str]] = []
        while len(heard) < BATCH:
            try:
                raw, (host, _) = self._socket.recvfrom(DATAGRAM_LIMIT + 1)
            except BlockingIOError:
                break
            except OSError as error:  # an ICMP answer to a probe, or the interface is gone
                if error.errno in {errno.ENETDOWN, errno.EBADF}:
                    break
                continue
            heard.append((raw, host))
        return heard

    def lost(self) -> int:
        """How many datagrams the kernel has dropped here, because more came than could be read."""
        counts = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4 * MEMINFO_WORDS)
        return int(struct.unpack_from("@I", counts, 4 * (MEMINFO_WORDS - 1))[0])

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_of: object) -> None:
        self.close()
