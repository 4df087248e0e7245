"""Hello and Bye of WS-Discovery, as hints that somebody should look. Anybody on the network can forge them."""

import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final, Self

from drivers.claims import EPR_LIMIT, printable
from drivers.interfaces import Interface, ipv4_interfaces
from drivers.probe_match import DATAGRAM_LIMIT, Kind, Refused, read
from drivers.probing import GROUP, PORT

HINTS_AT_ONCE: Final = 64  # a blackout ends for all cameras of a neighbourhood in the same second
HINTS_PER_S: Final = 1.0
PAUSE_OF_HOST_S: Final = 10.0  # between two Hellos of one address
HOSTS_REMEMBERED: Final = 256
HINTING: Final = (Kind.HELLO, Kind.BYE)
FOLLOW_S: Final = 10.0  # between two looks at which interfaces there are
READ_AT_ONCE: Final = 256  # datagrams of one call
IP_MULTICAST_ALL: Final = 49  # linux/in.h: 0 = hear only what arrives through an interface that joined


@dataclass(frozen=True, slots=True)
class Hint:
    """Something said Hello or Bye. host: where the datagram came from; epr: what it claims to be, printable."""

    host: str
    epr: str
    what: Kind


class Hearing:
    """Listens on UDP 3702; watch `fileno()` with a selector and call `hints`. It answers nobody and changes nothing.

    clock: seconds, steady
    """

    def __init__(
        self,
        interfaces: Callable[[], Sequence[Interface]] = ipv4_interfaces,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interfaces = interfaces
        self._clock = clock
        self._joined: set[tuple[int, str]] = set()
        self._followed = clock()
        self._last: OrderedDict[tuple[str, Kind], float] = OrderedDict()
        self._budget, self._counted = float(HINTS_AT_ONCE), clock()
        self.passed_over = 0  # datagrams that were not parsed: no hint by their look, or enough of them
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
            self._socket.bind((GROUP, PORT))  # the group's address: what is sent to ours alone does not come in here
            self.join()
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def follow(self) -> None:
        """Join what has come up since; call as often as you like: a box is armed before its network is."""
        if self._clock() - self._followed >= FOLLOW_S:
            self._followed = self._clock()
            with suppress(OSError):  # the kernel will tell another time
                self.join()

    def join(self) -> None:
        """Listen on the interfaces that are up now, and on no others."""
        up = {(interface.index, interface.address) for interface in self._interfaces()}
        for gone in self._joined - up:
            with suppress(OSError):  # with its interface or address the membership went as well
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, _membership(*gone))
        self._joined &= up
        for index, address in up - self._joined:
            with suppress(OSError):  # this one not; the others all the same
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _membership(index, address))
                self._joined.add((index, address))

    def hints(self) -> list[Hint]:
        """What was heard since, at a limited rate; call when readable. Never raises for what a datagram holds."""
        heard = []
        for _ in range(READ_AT_ONCE):
            try:
                raw, (host, _) = self._socket.recvfrom(DATAGRAM_LIMIT + 1)
            except OSError:
                break
            if (hint := self._hint(raw, host)) is not None:
                heard.append(hint)
        return heard

    def _hint(self, raw: bytes, host: str) -> Hint | None:
        """What is parsed is paid for, whatever it is then; probes of others, the usual noise here, cost nothing."""
        seems = next((kind for kind in HINTING if kind.encode() in raw), None)
        if seems is None or not self._granted((host, seems)):
            self.passed_over += 1
            return None
        try:
            said = read(raw)
        except Refused:
            return None
        if said.kind is Kind.MATCHES:
            return None
        return Hint(host, printable(said.claims[0].epr, EPR_LIMIT), said.kind)

    def _granted(self, whose: tuple[str, Kind]) -> bool:
        now = self._clock()
        self._budget = min(float(HINTS_AT_ONCE), self._budget + (now - self._counted) * HINTS_PER_S)
        self._counted = now
        if self._budget < 1.0 or now - self._last.get(whose, -PAUSE_OF_HOST_S) < PAUSE_OF_HOST_S:
            return False
        self._budget -= 1.0
        self._last[whose] = now
        self._last.move_to_end(whose)
        if len(self._last) > HOSTS_REMEMBERED:
            self._last.popitem(last=False)
        return True

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_of: object) -> None:
        self.close()


def _membership(index: int, address: str) -> bytes:
    return struct.pack("@4s4si", socket.inet_aton(GROUP), IPv4Address(address).packed, index)  # ip_mreqn
