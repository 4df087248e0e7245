"""The cameras daemon's own socket for people: look for cameras, adopt, forget, test. One frame is one datagram.

u8 version | u8 type | msgpack body        at most 16 KiB, over AF_UNIX SOCK_SEQPACKET

    a person                                the daemon
    Scan, Look, List, Adopt, Forget, Test   -> any number of Progress, Found, Listed, Tested,
                                               at last Finished or Refused

One request at a time. Who may connect is who may open the socket file (group kentongan-tech). A password goes in
once, one way: no answer holds a login.
"""

import select
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Final, TypeVar

import msgspec
from msgspec import Meta

from edge.config.model import Name
from edge.link.frames import FRAME_LIMIT, BadFrame
from edge.link.sockets import connect

VERSION: Final = 1

Host = Annotated[str, Meta(pattern=r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$")]  # IPv4: what the daemon speaks
Port = Annotated[int, Meta(ge=0, le=65535)]
Secret = Annotated[str, Meta(max_length=128)]
Words = Annotated[str, Meta(max_length=128)]

# ---- what people ask -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scan:
    """Look for cameras on the networks that are up.

    sweep:    knock at every address as well: slow on purpose, for Wi-Fi that drops multicast
    networks: only these, as "192.168.1.0/24", at most a /22 each; (): our own
    """

    sweep: bool = False
    networks: Annotated[tuple[Words, ...], Meta(max_length=16)] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """Ask one address that somebody typed by hand. port 0: the usual ones, one after the other."""

    host: Host
    port: Port = 0


@dataclass(frozen=True, slots=True)
class List:
    """Which cameras are adopted, and how they are."""


@dataclass(frozen=True, slots=True)
class Adopt:
    """Make this camera one of ours: the login is tried once, and what is wrong with it is said.

    name:     what the site calls it, free until now; adopting a name again replaces its login and its consent
    port:     0: the usual ones are tried
    epr:      as `Found` told it, where there is one; it must answer at that address with it
    user:     "" for a camera that asks for none; the password then is ""
    consent:  whether its pictures may leave the site when there is an alarm
    events:   whether it is asked for motion, tamper and inputs
    """

    name: Name
    host: Host
    port: Port = 0
    epr: Words = ""
    user: Secret = field(default="", repr=False)
    password: Secret = field(default="", repr=False)
    consent: bool = False
    events: bool = False


@dataclass(frozen=True, slots=True)
class Forget:
    """Forget a camera, its login, and its pictures that have not left."""

    name: Name


@dataclass(frozen=True, slots=True)
class Test:
    """Try an adopted camera now: address, clock, login (once), picture. The picture is looked at and thrown away."""

    __test__: ClassVar[bool] = False  # it is no test of ours, whatever a test runner makes of its name
    name: Name


# ---- what the daemon answers -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """Addresses done, of so many."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Found:
    """What answered a probe: a claim.

    name, hardware, mac: as it says of itself, printable, "" where it does not say
    adopted:  our name for it, where it seems to be one of ours; "" else
    twins:    how many others of this scan claim the same epr; they are never taken for one
    path:     of its device service
    """

    host: str
    port: int
    epr: str = ""
    path: str = ""
    name: str = ""
    hardware: str = ""
    mac: str = ""
    adopted: str = ""
    twins: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """One adopted camera.

    health:    word of edge.core.inventory.Health
    since_s:   how long it is so
    code:      of the fault that is behind it, E-CAMERA-...; "" where there is none
    waiting:   a login was refused: none is tried again before somebody gives another
    login:     whether there is one; never which
    conflicts: names of other adopted cameras that say the same of themselves, and what: "gerbang: serial"
    pictures:  of it in the spool, not yet with the centre
    """

    name: str
    host: str
    port: int
    health: str
    since_s: int = 0
    code: str = ""
    waiting: bool = False
    login: bool = False
    consent: bool = False
    events: bool = False
    epr: str = ""
    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    mac: str = ""
    conflicts: tuple[str, ...] = ()
    pictures: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """Some of the adopted cameras, by name; as many frames as it takes."""

    cameras: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Tested:
    """One step of a test or an adoption. step: reach, clock, login, picture, events; code "": it is well."""

    step: str
    took_ms: int
    code: str = ""
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """The request is followed. name: of the camera, where there is one."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not. code: in docs/troubleshooting.md (edge.core.camera_codes); facts fill its sentences."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)


Request = Scan | Look | List | Adopt | Forget | Test
Answer = Progress | Found | Listed | Tested | Finished | Refused

REQUESTS: Final[Mapping[int, type[Request]]] = {1: Scan, 2: List, 3: Adopt, 4: Forget, 5: Test, 6: Look}
ANSWERS: Final[Mapping[int, type[Answer]]] = {
    17: Progress,
    18: Found,
    19: Listed,
    20: Tested,
    21: Finished,
    22: Refused,
}

_TYPES: Final[Mapping[int, type[Request] | type[Answer]]] = {**REQUESTS, **ANSWERS}
_NUMBERS: Final = {form: number for number, form in _TYPES.items()}
_ENCODER: Final = msgspec.msgpack.Encoder()
_T = TypeVar("_T", Request, Answer)


def pack(frame: Request | Answer) -> bytes:
    """raises: BadFrame if the body is too long for one frame (a bug of the caller)."""
    raw = bytes((VERSION, _NUMBERS[type(frame)])) + _ENCODER.encode(frame)
    if len(raw) > FRAME_LIMIT:
        raise BadFrame(f"{type(frame).__name__} of {len(raw)} bytes")
    return raw


def unpack_request(raw: bytes) -> Request:
    """What a person said, as the daemon must read it. Raises BadFrame."""
    frame: Request = _decode(raw, REQUESTS)
    return frame


def unpack_answer(raw: bytes) -> Answer:
    """What the daemon said. Raises BadFrame."""
    frame: Answer = _decode(raw, ANSWERS)
    return frame


def _decode(raw: bytes, allowed: Mapping[int, type[_T]]) -> _T:
    if not 2 < len(raw) <= FRAME_LIMIT:
        raise BadFrame("length")
    if raw[0] != VERSION:
        raise BadFrame("version")
    form = allowed.get(raw[1])
    if form is None:
        raise BadFrame("type")
    try:
        return msgspec.msgpack.decode(memoryview(raw)[2:], type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrame("body") from error


def converse(path: Path, request: Request, within_s: float) -> Iterator[Answer]:
    """Ask the daemon and yield its answers; the last one is Finished or Refused.

    within_s: between two answers
    raises:   ConnectionError while no daemon is there, and when it goes away or speaks nonsense; TimeoutError
    """
    with _connected(path) as sock:
        sock.send(pack(request))
        while True:
            answer = _answer(sock, within_s)
            yield answer
            if isinstance(answer, Finished | Refused):
                return


def _connected(path: Path) -> socket.socket:
    try:
        return connect(path)
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from error


def _answer(sock: socket.socket, within_s: float) -> Answer:
    if not select.select([sock], [], [], within_s)[0]:
        raise TimeoutError(f"no answer within {within_s:.0f} s")
    try:
        return unpack_answer(sock.recv(FRAME_LIMIT + 1))
    except BadFrame as error:
        raise ConnectionError("the daemon went away") from error
