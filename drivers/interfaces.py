"""The IPv4 addresses of this machine through which a camera could be reached, asked of the kernel (netdevice(7))."""

import array
import fcntl
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

# linux/sockios.h
SIOCGIFCONF: Final = 0x8912
SIOCGIFFLAGS: Final = 0x8913
SIOCGIFNETMASK: Final = 0x891B
# linux/if.h
IFF_UP: Final = 0x1
IFF_LOOPBACK: Final = 0x8
IFF_POINTOPOINT: Final = 0x10
IFF_RUNNING: Final = 0x40

NAME_BYTES: Final = 16  # IFNAMSIZ
IFREQ_BYTES: Final = NAME_BYTES + struct.calcsize("@LLHBBB3x")  # a name and the largest of the union, struct ifmap
ADDRESSES_MAX: Final = 64  # of one machine; more is no box on a wall


@dataclass(frozen=True, slots=True)
class Interface:
    """One IPv4 address of one interface; an interface with two addresses is there twice.

    index: as the kernel counts; network: what lies on the link
    """

    name: str
    index: int
    address: str
    network: IPv4Network


def ipv4_interfaces() -> list[Interface]:
    """Those that are up and have a link, with or without a route. Neither loopback nor tunnels: no camera is there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        found = []
        for label, address in _configured(sock.fileno()):
            with suppress(OSError):  # gone between two questions
                if _reaches_neighbours(sock.fileno(), label):
                    found.append(_interface(sock.fileno(), label, address))
        return found


def _configured(descriptor: int) -> Iterator[tuple[str, str]]:
    """Labels ("eth0", "eth0:1") and their addresses."""
    room = array.array("B", bytes(IFREQ_BYTES * ADDRESSES_MAX))
    place, size = room.buffer_info()
    answer = fcntl.ioctl(descriptor, SIOCGIFCONF, struct.pack("@iP", size, place))
    (filled,) = struct.unpack_from("@i", answer)
    for at in range(0, filled, IFREQ_BYTES):
        entry = room[at : at + IFREQ_BYTES].tobytes()
        yield entry[:NAME_BYTES].rstrip(b"\0").decode("ascii", "replace"), _address(entry)


def _reaches_neighbours(descriptor: int, label: str) -> bool:
    answer = fcntl.ioctl(descriptor, SIOCGIFFLAGS, _request(label))
    (flags,) = struct.unpack_from("@H", answer, NAME_BYTES)
    return flags & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING and not flags & (IFF_LOOPBACK | IFF_POINTOPOINT)


def _interface(descriptor: int, label: str, address: str) -> Interface:
    name = label.partition(":")[0]
    mask = _address(fcntl.ioctl(descriptor, SIOCGIFNETMASK, _request(label, address)))
    return Interface(name, socket.if_nametoindex(name), address, IPv4Network(f"{address}/{mask}", strict=False))


def _request(label: str, address: str = "0.0.0.0") -> bytes:
    """A struct ifreq; the address tells which of several under one label is meant."""
    place = struct.pack("@HH4s", socket.AF_INET, 0, IPv4Address(address).packed)
    return struct.pack(f"@{NAME_BYTES}s{IFREQ_BYTES - NAME_BYTES}s", label.encode("ascii", "replace"), place)


def _address(entry: bytes) -> str:
    """The sin_addr of the struct sockaddr_in behind the name."""
    return str(IPv4Address(entry[NAME_BYTES + 4 : NAME_BYTES + 8]))
