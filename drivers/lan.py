"""HTTP to one camera and to nothing else, under one deadline and one cap, whatever the other end does.

No redirects, no proxies, no names to resolve, no cookies, no compression, nothing of the environment: what this file
does not write, the standard library's client does not do. The deadline holds for a whole exchange, drips included:
the socket's own timeout shrinks to what is left before each read.
"""

import http.client
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address
from typing import Any, Final

from drivers.camera import (
    SOAP_LIMIT,
    Address,
    CameraFault,
    Hostile,
    Login,
    NotOffered,
    NotOnvif,
    Slow,
    Unreachable,
    WrongPassword,
)
from drivers.digest import Challenge, choose
from drivers.places import Place
from drivers.ports import Configuration

HEAD_LIMIT: Final = 64 * 1024  # bytes of status line, headers, chunk marks and trailers of one answer together
CONNECT_S: Final = 3.0  # a LAN answers in milliseconds; a swallowed SYN must leave time for another port
READ: Final = 64 * 1024
AGENT: Final = "kentongan"
ATTEMPTS: Final = 3  # a request without a login, one with it, one more where the nonce was merely old

Clock = Callable[[], float]
"""Monotonic seconds."""


class TooLarge(Hostile):
    """More than was asked for, known before it was read."""


class Refused(WrongPassword):
    """The door is closed for good: this login is not sent to this camera again by this conversation."""


@dataclass(slots=True)
class Deadline:
    """One moment for everything that belongs to a call. Raises Slow once it has come."""

    at: float
    clock: Clock = time.monotonic

    def left(self) -> float:
        left = self.at - self.clock()
        if left <= 0:
            raise Slow("no whole answer in time")
        return left

    def at_most(self, seconds: float) -> "Deadline":
        return Deadline(min(self.at, self.clock() + seconds), self.clock)


def within(seconds: float, clock: Clock = time.monotonic) -> Deadline:
    return Deadline(clock() + seconds, clock)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. kind: of the body, in full; limit: bytes of an answer's body; authorised: HTTP Digest may be used.

    optional: its refusal says nothing of the login, which has proved itself before
    """

    method: str
    place: Place
    body: bytes = field(default=b"", repr=False)
    kind: str = ""
    limit: int = SOAP_LIMIT
    authorised: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """kind: media type in lower case, without parameters; challenges: the WWW-Authenticate headers."""

    status: int
    kind: str
    body: bytes = field(repr=False)
    date: str = ""
    challenges: tuple[str, ...] = ()


@dataclass(slots=True)
class Door:
    """Shared by all that speak to one camera with one login. spent: it was refused, and is not sent again."""

    spent: bool = False


class Lan:
    """HTTP to one address. Not for several threads at once; each exchange has a connection of its own."""

    def __init__(self, address: Address, login: Login | None = None, door: Door | None = None) -> None:
        """raises: Configuration where the host is no IPv4 address in dotted form."""
        try:
            IPv4Address(address.host)
        except AddressValueError:
            raise Configuration("a camera's address is four numbers with dots") from None
        self.address = address
        self.door = door or Door()
        self._login = login
        self._challenge: Challenge | None = None
        self._answering: dict[tuple[int, ...], int] = {}

    def ask(self, ask: Ask, until: Deadline) -> Answer:
        """Exchange one request for one answer, whatever its status.

        A Digest challenge is answered where `ask` allows it; one refusal of a fresh answer spends the login.
        raises: Unreachable, Slow, Hostile, NotOnvif (not HTTP), Refused
        """
        for _ in range(ATTEMPTS):
            used = self._ready(ask)
            answer = self._exchange(ask, used, until)
            if answer.status != http.client.UNAUTHORIZED:
                return answer
            offered = choose(answer.challenges)
            if used is not None and used.count == 1 and not (offered and offered.stale):
                raise self._refusal(ask)
            self._challenge = offered or self._challenge
            if offered is None or not ask.authorised or self._login is None:
                return answer
        raise self._refusal(ask)

    def _refusal(self, ask: Ask) -> CameraFault:
        return NotOffered("this user may not ask for it") if ask.optional else self.spent()

    def dial(self, port: int, bounds: "Bounds") -> "Bounded":
        """A connection of its own within these bounds, for what is not HTTP. Raises Unreachable, Slow."""
        try:
            return _dialled(self.address.host, port, bounds)
        except OSError as fault:
            raise fault if isinstance(fault, Slow) else Unreachable("nobody answers at this address") from None

    def prove(self, challenge: Challenge, method: str, target: str) -> str:
        """The answer to a Digest challenge. Raises Refused, NotOffered without a login."""
        if self.door.spent:
            raise Refused("this login was refused before: it is not tried again")
        if self._login is None:
            raise NotOffered("it answers nobody without a login")
        return challenge.answer(self._login, method, target)

    def spent(self) -> Refused:
        """The login was refused: remember it; what to raise."""
        self.door.spent = True
        return Refused("the camera refused the user name or the password")

    def _ready(self, ask: Ask) -> Challenge | None:
        if ask.authorised and self.door.spent:
            raise Refused("this login was refused before: it is not tried again")
        return self._challenge if ask.authorised else None

    def _exchange(self, ask: Ask, challenge: Challenge | None, until: Deadline) -> Answer:
        wire = self._connected(ask, until)
        try:
            wire.request(ask.method, ask.place.target, ask.body or None, self._headers(ask, challenge))
            with wire.getresponse() as response:  # it holds the socket beyond the connection's own close
                return _read(response, ask.limit)
        except (CameraFault, OSError, http.client.HTTPException, ValueError) as fault:
            raise _named(fault) from None
        finally:
            wire.close()

    def _connected(self, ask: Ask, until: Deadline) -> "_Wire":
        """On the first port that takes us; nothing has been sent yet, so trying another one gives nothing away."""
        ports = ask.place.ports
        known = self._answering.get(ports)
        for port in (known,) if known else ports:
            wire = _Wire(self.address.host, port, Bounds(until, ask.limit + HEAD_LIMIT))
            try:
                wire.connect()
            except OSError:
                wire.close()
                continue
            self._answering[ports] = port
            return wire
        raise Unreachable("nobody answers at this address")

    def _headers(self, ask: Ask, challenge: Challenge | None) -> dict[str, str]:
        headers = {"User-Agent": AGENT, "Connection": "close"}
        if ask.kind:
            headers["Content-Type"] = ask.kind
        if challenge is not None and self._login is not None:
            headers["Authorization"] = challenge.answer(self._login, ask.method, ask.place.target)
        return headers


@dataclass(slots=True)
class Bounds:
    """What one exchange may take: until when, and bytes."""

    until: Deadline
    room: int

    def took(self, count: int) -> None:
        """Raises Hostile once there is more than was left."""
        self.room -= count
        if self.room < 0:
            raise TooLarge("more bytes than an honest answer has")


class Bounded(socket.socket):
    """A socket whose timeout is what is left of the deadline, and which counts."""

    bounds: Bounds

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(self.bounds.until.left())
        count = super().recv_into(buffer, nbytes, flags)
        self.bounds.took(count)
        return count

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.settimeout(self.bounds.until.left())
        super().sendall(data, flags)


def _dialled(host: str, port: int, bounds: Bounds) -> Bounded:
    """Raises OSError, Slow."""
    plain = socket.create_connection((host, port), min(CONNECT_S, bounds.until.left()))
    bound = Bounded(fileno=plain.detach())
    bound.bounds = bounds
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


class _Wire(http.client.HTTPConnection):
    def __init__(self, host: str, port: int, bounds: Bounds) -> None:
        super().__init__(host, port)
        self._bounds = bounds
        self._unsent = b""

    def connect(self) -> None:
        """Raises OSError, Slow."""
        self.sock = _dialled(self.host, self.port, self._bounds)

    def send(self, data: Any) -> None:
        """Kept until the answer is asked for: head and body in one packet, as simple firmware expects them."""
        self._unsent += data

    def getresponse(self) -> http.client.HTTPResponse:
        assert isinstance(self.sock, Bounded)
        self.sock.sendall(self._unsent)
        return super().getresponse()


def _read(response: http.client.HTTPResponse, limit: int) -> Answer:
    """Take the answer in, checking what it says of itself before its body is read."""
    if 300 <= response.status < 400:
        raise Hostile("it sends us elsewhere")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Hostile("its answer is packed, though we asked for it plain")
    if response.length is not None and response.length > limit:
        raise TooLarge("its answer is too large")
    return Answer(
        response.status,
        response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        _body(response, limit),
        response.headers.get("Date", ""),
        tuple(response.headers.get_all("WWW-Authenticate", ())),
    )


def _body(response: http.client.HTTPResponse, limit: int) -> bytes:
    parts, size = [], 0
    while part := response.read(READ):
        size += len(part)
        if size > limit:
            raise TooLarge("its answer is too large")
        parts.append(part)
    if response.length:
        raise Unreachable("it hung up in the middle of an answer")
    return b"".join(parts)


def _named(fault: Exception) -> Exception:
    """What the other end did, in our words: not one of its bytes gets into the text."""
    match fault:
        case CameraFault():
            return fault
        case TimeoutError():
            return Slow("no whole answer in time")
        case http.client.IncompleteRead():
            return Unreachable("it hung up in the middle of an answer")
        case OSError():  # RemoteDisconnected among them
            return Unreachable("it hung up without an answer")
        case http.client.LineTooLong() | ValueError():
            return Hostile("its answer breaks HTTP")
        case _:
            return NotOnvif("it does not speak HTTP")
