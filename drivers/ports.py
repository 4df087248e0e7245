"""The ports of the box: what a device must offer, whoever makes it, and the errors it may raise.

    DriverError
    +-- NotFound         no such chip, line, port or host           also LookupError
    +-- NoPermission     the user may not open it                   also PermissionError
    +-- Busy             somebody else holds it                     also OSError
    +-- ProtocolFault    the other end answered nonsense            also ValueError
    +-- Configuration    asked for something this device cannot do  also ValueError

Every implementation of a port passes the same suite in tests/contract.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

Wiring = Literal["to-ground", "to-3v3"]
ContactType = Literal["no", "nc"]
Relay = Literal["low-on", "high-on"]


class DriverError(Exception):
    """Root of everything a driver raises; `code` is stable and documented in docs/troubleshooting.md."""

    code = "E-DRIVER"


class NotFound(DriverError, LookupError):
    code = "E-DEVICE-MISSING"


class NoPermission(DriverError, PermissionError):
    code = "E-DEVICE-PERMISSION"


class Busy(DriverError, OSError):
    code = "E-DEVICE-BUSY"


class ProtocolFault(DriverError, ValueError):
    code = "E-DEVICE-PROTOCOL"


class Configuration(DriverError, ValueError):
    code = "E-DEVICE-CONFIG"


@dataclass(frozen=True, slots=True)
class ContactWiring:
    """line: "GPIO23" (a bare number is refused); an open NO contact and a closed NC contact are at rest."""

    line: str
    wiring: Wiring = "to-ground"
    contact: ContactType = "no"


@dataclass(frozen=True, slots=True)
class OutputWiring:
    """line: "GPIO24"; relay: the level that switches it on."""

    line: str
    relay: Relay = "high-on"


EdgeSink = Callable[[bool, int], None]
"""Called with (active, at_ns) for each edge, at_ns on the boot clock. It only enqueues, and never raises."""


class Contact(Protocol):
    """One input, already translated: active means the person closed (NO) or opened (NC) it, or the NC wire is cut."""

    @property
    def active(self) -> bool:
        """Read the line now."""

    def close(self) -> None: ...


class Output(Protocol):
    """One on/off line; off when opened, and the first level ever driven is off."""

    def on(self) -> None: ...

    def off(self) -> None: ...

    @property
    def is_on(self) -> bool:
        """Read the line back."""

    def close(self) -> None:
        """Drive it off, then let go."""


class Board(Protocol):
    """A set of lines behind one device."""

    def contact(self, wiring: ContactWiring, sink: EdgeSink) -> Contact:
        """Open an input. Raises NotFound, NoPermission, Busy (naming the owner), Configuration."""

    def output(self, wiring: OutputWiring) -> Output:
        """Open an output at its off level. Raises as `contact`."""

    @property
    def alive(self) -> bool:
        """True while edges can still arrive; False is a hardware fault that must stop feeding the watchdog."""

    @property
    def sink_faults(self) -> int:
        """How often a sink raised; each time one edge reached nobody."""

    def close(self) -> None: ...


# ---- uplink: one bearer session to a broker -------------------------------------------------------------------------


class Outcome(StrEnum):
    """What became of one publication; the delivery table (edge.core.delivery) says what follows."""

    PUBLISHED = "published"  # PUBACK 0x00
    NOBODY = "nobody"  # PUBACK 0x10: no matching subscriber
    RETRY = "retry"  # 0x80 unspecified, 0x83 implementation specific
    QUOTA = "quota"  # 0x97
    FORBIDDEN = "forbidden"  # 0x87 not authorized
    POISON = "poison"  # the connection died, twice, while this row was alone in flight; or too large for this broker


@dataclass(frozen=True, slots=True)
class Session:
    """What a connection needs. will and state are opaque bytes; their topics end in `state`, retained, QoS 1."""

    box: str
    will: bytes
    state: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One publication on `kentongan/v1/{box}/{leaf}`."""

    leaf: str
    raw: bytes
    durable: bool = True  # False: user property durable=false; the bytes stay frozen
    correlation: bytes = b""  # Correlation Data of the command this answers
    retain: bool = False
    content_type: str = ""  # said where it is not what the topic says by itself


@dataclass(frozen=True, slots=True)
class Up:
    """Connected; limits as granted: window = min(ours, Receive Maximum), packet in bytes, keepalive in seconds.

    secondary: to the second of two brokers
    """

    window: int
    packet: int
    keepalive_s: int
    secondary: bool = False


@dataclass(frozen=True, slots=True)
class Down:
    """No connection any more, or none was made; tickets without a Settled die with it.

    cause: a stable word. On the way: dns, unreachable, timeout, tls-not-yet-valid, tls-expired, tls-wrong-host,
           tls-untrusted, tls-client (ours is refused), tls-files, tls-plain, tls, no-connack, refused-0xNN (CONNACK),
           refused-features. Later: closed-0xNN (DISCONNECT), half-open, keepalive, lost, oversize, protocol, fault,
           moved (to the other broker, by ourselves)
    """

    cause: str
    text: str


@dataclass(frozen=True, slots=True)
class Flawed:
    """The session stands, but the broker refused a part of it: subscribe-receipt-0x87, state-0x87 ..."""

    cause: str
    text: str


@dataclass(frozen=True, slots=True)
class Certificates:
    """When certificates end, in seconds since 1970, by whose they are: own, authority, broker (once it showed it)."""

    ends: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Settled:
    """One publication ended: the broker answered."""

    ticket: int
    outcome: Outcome
    code: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message for us. kind: receipt, command, keyset, state (our own comes back, a foreign one shows itself)."""

    kind: str
    raw: bytes
    correlation: bytes = b""


UplinkEvent = Up | Down | Flawed | Certificates | Settled | Arrived


class Uplink(Protocol):
    """One way out. Never blocks; the caller's selector drives it. As a string: the broker it speaks to, for people."""

    def connect(self, session: Session) -> None:
        """Begin anew, ending what there was; `turn` then returns one Up or Down."""

    def sockets(self) -> list[tuple[int, bool]]:
        """(descriptor, wants_write) pairs to watch now; may change after every call."""

    def turn(self, now_ns: int) -> list[UplinkEvent]:
        """Do what can be done without waiting; call on readiness and at least once a second, now on the boot clock."""

    def publish(self, message: Message) -> int:
        """Hand one message to the session at QoS 1; returns a ticket. It is written with the next `flush` or `turn`.

        Beyond the granted window it waits inside for an answer to another. Raises ConnectionError when down.
        """

    def flush(self) -> None:
        """Write what was published, all in one where the socket takes it."""

    def close(self) -> None: ...
