"""What one simulated camera is: where it lives, who may log in, and in which ways it is broken."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

ELSEWHERE_HOST: Final = "192.0.2.64"  # TEST-NET-1 (RFC 5737): nobody is there
CLOUD_HOST: Final = "cloud.kamera.example"  # RFC 2606: never resolves
ONE_SERIAL: Final = "2290A1B2C3D4"
LAST_HOSTS: Final = 250  # of a /24, from .1


class Quirk(StrEnum):
    """One way to be broken; any number of them go together where it makes sense."""

    # discovery
    SAME_MESSAGE_IDS = "same-message-ids"  # rand() seeded with the second of the boot
    SAME_EPR = "same-epr"
    INSTANCE_ABC = "instance-abc"  # InstanceId="abc" where a number must be
    ONLY_NVT = "only-nvt"  # answers a probe for dn:NetworkVideoTransmitter alone
    ONLY_DEVICE = "only-device"  # answers a probe for tds:Device alone
    ONLY_TYPELESS = "only-typeless"  # answers a probe without types alone
    RELATES_TO_NOTHING = "relates-to-nothing"  # its RelatesTo names no probe of anybody
    BOMB_PROBE = "bomb-probe"  # a DTD with entities in its ProbeMatches
    NESTED_PROBE = "nested-probe"
    DEAF = "deaf"  # hears no multicast, as behind many an access point; a unicast probe is answered
    # where it says that it lives
    HOST_OTHER = "host-other"
    HOST_LOOPBACK = "host-loopback"
    HOST_CLOUD = "host-cloud"
    HOST_PORT_TWICE = "host-port-twice"
    # connections
    SILENT = "silent"  # accepts, never answers
    SLAM = "slam"  # accepts, closes at once
    DRIP_HEAD = "drip-head"  # one byte a second from the status line on
    DRIP_BODY = "drip-body"  # the head at once, then one byte a second
    REDIRECT = "redirect"  # 307 to another port, which keeps what it is given
    # SOAP
    BOMB_SOAP = "bomb-soap"
    NESTED_SOAP = "nested-soap"
    HUGE_SOAP = "huge-soap"  # 300 MB
    NO_GET_SERVICES = "no-get-services"
    NO_MEDIA2 = "no-media2"
    NO_EVENTS = "no-events"
    SAME_SERIAL = "same-serial"
    FAULT_HIKVISION = "fault-hikvision"
    FAULT_BARE = "fault-bare"  # a bare 401 with a page of HTML
    FAULT_500 = "fault-500"  # the right fault under HTTP 500, with prefixes of its own
    REFERENCE_PARAMETERS = "reference-parameters"  # the subscription's number lies in a header, not in its address
    # logins
    AUTH_FOR_ALL = "auth-for-all"  # only the time is given to strangers
    ZULU_ONLY = "zulu-only"  # refuses a Created that ends in +00:00
    DIGEST_ONLY = "digest-only"  # does not know WS-Security
    WSSE_ONLY = "wsse-only"  # no HTTP Digest for SOAP
    BASIC_CHALLENGE = "basic-challenge"  # asks for Basic, over http
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a quirk: refuses every login
    LOCKS = "locks"  # `lock_after` refused logins, then nobody for 30 minutes
    # clock
    CLOCK_1970 = "clock-1970"
    CLOCK_HOURS = "clock-hours"  # local time of Jakarta given as UTC
    # pictures
    SNAPSHOT_NULL = "snapshot-null"
    SNAPSHOT_RTSP = "snapshot-rtsp"  # a stream's address, with the login inside
    SNAPSHOT_NONE = "snapshot-none"  # the call is not supported
    SNAPSHOT_HTML = "snapshot-html"  # HTML under image/jpeg
    SNAPSHOT_TRUNCATED = "snapshot-truncated"  # half of it, called whole
    SNAPSHOT_CUT = "snapshot-cut"  # the connection ends in the middle
    SNAPSHOT_DRIP = "snapshot-drip"
    SNAPSHOT_HUGE = "snapshot-huge"  # 300 MB
    SNAPSHOT_REDIRECT = "snapshot-redirect"
    SNAPSHOT_OPEN = "snapshot-open"  # asks nobody for a login
    # events
    ONE_SUBSCRIBER = "one-subscriber"


class Digest(StrEnum):
    """The algorithms it offers in a Digest challenge (RFC 7616)."""

    MD5 = "MD5"
    SHA256 = "SHA-256"
    BOTH = "SHA-256, MD5"


@dataclass(frozen=True, slots=True)
class Spec:
    """number: what its MAC, serial and default EPR are made of; booted: the second that seeds the rand() of twins."""

    host: str
    port: int = 8080
    number: int = 1
    user: str = "admin"
    password: str = field(default="kunci-kamera", repr=False)
    manufacturer: str = "Rupa"
    model: str = "RC-2"
    firmware: str = "2.800.0000"
    quirks: frozenset[Quirk] = frozenset()
    device_path: str = "/onvif/device_service"  # makers choose it; discovery tells
    digest: Digest = Digest.MD5
    profiles: tuple[tuple[int, int], ...] = ((1920, 1080), (640, 360))  # pixels, the main stream first
    window_s: float = 5.0  # how far a Created may lie from the camera's clock
    clock_off_s: float = 0.0  # the camera's clock minus ours
    lock_after: int = 5
    lock_s: float = 1800.0
    subscribers: int = 5
    delay_s: float = 0.5  # APP_MAX_DELAY of WS-Discovery: an answer to a multicast waits up to this
    booted: int = 1_767_225_600
    jpeg_bytes: int = 40_000
    drip_s: float = 1.0
    flood_bytes: int = 300_000_000

    @property
    def mac(self) -> str:
        return f"02:4b:45:{self.number >> 16 & 255:02x}:{self.number >> 8 & 255:02x}:{self.number & 255:02x}"

    @property
    def serial(self) -> str:
        return ONE_SERIAL if Quirk.SAME_SERIAL in self.quirks else f"RC2{self.number:09d}"

    @property
    def epr(self) -> str:
        number = 0 if Quirk.SAME_EPR in self.quirks else self.number
        return f"urn:uuid:6b656e74-6f6e-6761-6e00-024b45{number:06x}"

    def has(self, quirk: Quirk) -> bool:
        return quirk in self.quirks

    def with_quirks(self, *quirks: Quirk) -> "Spec":
        return replace(self, quirks=self.quirks | frozenset(quirks))


def street(
    count: int, *, twins: int = 0, first: str = "127.0.1.1", port: int = 8080, quirks: Iterable[Quirk] = ()
) -> list[Spec]:
    """`count` cameras on addresses that follow each other; the last `twins` booted in the same second.

    raises: ValueError where `first` and `count` leave the /16
    """
    shared = frozenset(quirks)
    specs = [Spec(host, port, number, quirks=shared) for number, host in enumerate(_hosts(first, count), 1)]
    return [
        spec.with_quirks(Quirk.SAME_MESSAGE_IDS) if spec.number > count - twins else replace(spec, booted=spec.number)
        for spec in specs
    ]


def _hosts(first: str, count: int) -> list[str]:
    left, middle, third, last = (int(part) for part in first.split("."))
    ends = [divmod(last - 1 + step, LAST_HOSTS) for step in range(count)]
    if ends and third + ends[-1][0] > 255:
        raise ValueError(f"{count} addresses from {first} leave its /16")
    return [f"{left}.{middle}.{third + carry}.{end + 1}" for carry, end in ends]
