"""The camera port: what the box wants of a network camera, whoever made it, and what may go wrong.

    DriverError
    +-- CameraFault
        +-- Unreachable     nobody answers at that address             also ConnectionError
        +-- NotOnvif        it answers, but not as an ONVIF device     also ValueError
        +-- WrongPassword   the login was refused: do not try again    also PermissionError
        +-- ClockWrong      refused because the clocks disagree        also ValueError
        +-- Slow            no whole answer before the deadline        also TimeoutError
        +-- Hostile         an answer no honest camera gives           also ValueError
        +-- NotOffered      the camera has no such service             also LookupError
        +-- NoPicture       no way to a picture gives a JPEG           also LookupError

`str()` of a fault says what happened and never holds a login, a URI's query, or bytes of the camera's choosing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Final, Protocol, Self

from drivers.ports import DriverError

PORTS: Final = (80, 8000, 8080, 8899, 8999, 2020, 5000, 888)  # where ONVIF listens; most frequent first
DEADLINE_S: Final = 8.0  # what a hostile peer may cost, whatever it does
PICTURE_S: Final = 2.0  # for one picture, from asking to its last byte
SOAP_LIMIT: Final = 256 * 1024  # bytes of one SOAP answer
JPEG_LIMIT: Final = 4 * 1024 * 1024  # bytes that are read of what may be a picture


class CameraFault(DriverError):
    """Root of what a camera does to us."""

    code = "E-CAMERA"


class Unreachable(CameraFault, ConnectionError):
    code = "E-CAMERA-UNREACHABLE"


class NotOnvif(CameraFault, ValueError):
    code = "E-CAMERA-NOT-ONVIF"


class WrongPassword(CameraFault, PermissionError):
    code = "E-CAMERA-PASSWORD"


class ClockWrong(CameraFault, ValueError):
    code = "E-CAMERA-CLOCK"


class Slow(CameraFault, TimeoutError):
    code = "E-CAMERA-SLOW"


class Hostile(CameraFault, ValueError):
    code = "E-CAMERA-HOSTILE"


class NotOffered(CameraFault, LookupError):
    code = "E-CAMERA-NOT-OFFERED"


class NoPicture(CameraFault, LookupError):
    code = "E-CAMERA-PICTURE"


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """host: an IPv4 address in dotted form. The one that we spoke to, never one that a camera told us."""

    host: str
    port: int = 80

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What answered a probe: a claim, not yet a camera. Two devices may claim one `epr`: the key is (epr, host).

    epr:    endpoint reference (WS-Addressing), as it came; "" where an address was typed by hand
    path:   of the device service, from its XAddr; host and port are what we spoke to
    name, hardware, mac: from the scopes (ONVIF Core, 7.3.2.2), "" where not said; printable, at most 64 characters
    """

    address: Address
    epr: str = ""
    path: str = "/onvif/device_service"
    name: str = ""
    hardware: str = ""
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a camera says that it is. None of these is unique in the field: compare all, and the address."""

    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """One media profile. token: what the camera calls it; sizes in pixels, 0 where not said."""

    token: str
    name: str = ""
    width: int = 0
    height: int = 0
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an interrogation found. clock_offset_s: the camera's UTC minus ours, by the boot clock."""

    identity: Identity
    profiles: tuple[Profile, ...]
    clock_offset_s: float
    media2: bool = False
    events: bool = False
    snapshots: bool = False  # it names a snapshot URI; whether a picture lies there only a picture shows


class Happening(StrEnum):
    """What a camera noticed. It corroborates; it never sounds a siren."""

    MOTION = "motion"
    TAMPER = "tamper"
    INPUT = "input"


@dataclass(frozen=True, slots=True)
class Noticed:
    """source: token of the part of the camera that noticed it; at_ns: boot clock when its message was read."""

    what: Happening
    active: bool
    source: str
    at_ns: int


class Subscription(Protocol):
    """One PullPoint on one camera; closing it takes it off the camera."""

    def pull(self, within_s: float) -> list[Noticed]:
        """Wait for messages, at most `within_s`; renews itself in time. Raises CameraFault when it is gone."""

    def close(self) -> None:
        """Unsubscribe, as far as the camera lets us; never raises CameraFault."""


class Camera(Protocol):
    """A conversation with one address. Not for several threads at once. Each call ends within DEADLINE_S."""

    def clock_offset_s(self) -> float:
        """Ask for its time, without credentials: also the proof that it speaks ONVIF. Raises CameraFault."""

    def interrogate(self) -> Facts:
        """Who it is and what it offers, with the login. At most one refused attempt. Raises CameraFault."""

    def photograph(self, limit: int) -> bytes:
        """One JPEG of at most `limit` bytes, whole and checked by its marks, within PICTURE_S. Raises CameraFault."""

    def subscribe(self) -> Subscription:
        """Ask for motion, tamper and inputs. Raises CameraFault, NotOffered among them."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Cameras(Protocol):
    """Where cameras come from; one for a process, for what it reads once."""

    def open(self, candidate: Candidate, login: Login | None) -> Camera:
        """Nothing is sent yet; without a login only `clock_offset_s` may be asked."""


class Scanner(Protocol):
    """Discovery on the local networks; finds candidates, trusts nothing."""

    def scan(self, found: Callable[[Candidate], None] | None = None) -> list[Candidate]:
        """Probe every network that is up. found: called with each as it comes. Raises DriverError if no network is."""

    def sweep(
        self, networks: tuple[str, ...] = (), progress: Callable[[int, int], None] | None = None
    ) -> list[Candidate]:
        """Knock at each address of our networks, or of these ("192.168.1.0/24", at most /22): slow on purpose.

        progress: called with (addresses done, addresses in all)
        raises:   Configuration for a network too large, or none of ours
        """

    def look(self, host: str, ports: tuple[int, ...] = PORTS) -> Candidate:
        """An address typed by hand. Raises Unreachable, NotOnvif."""
