"""Every frame that crosses a process border: form, size limits, and who may say what. One frame is one datagram.

u8 version | u8 type | msgpack body        at most 16 KiB, over AF_UNIX SOCK_SEQPACKET

`File` alone comes with one descriptor (SCM_RIGHTS); any other descriptor, or a `File` without one, drops the peer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from edge.core.delivery import Answer
from edge.core.pictures import SEALED_LIMIT
from edge.core.words import Epoch, EventClass

VERSION: Final = 1
PICTURE_LIMIT: Final = SEALED_LIMIT
PUT_LIMIT: Final = 2 * 1024  # bytes of an observation's body, as JSON
FRAME_LIMIT: Final = 16 * 1024
ROWS_LIMIT: Final = FRAME_LIMIT - 256  # what the rows of one frame may add up to, with room for its own bytes
MARKS_LIMIT: Final = 128  # of one frame; each takes less than 120 bytes
MARKED_LIMIT: Final = 2_000  # rows that the marks of one frame may cover


class Role(StrEnum):
    """The socket gives the role; nothing in a frame can."""

    RELAY = "relay"
    SMS = "sms"
    CAMERAS = "cameras"
    CONFIG = "config"
    PAGE = "page"
    CLI = "cli"


class BadFrame(ValueError):
    """Too long, of an unknown version or type, not of its form, or not allowed to this role."""


@dataclass(frozen=True, slots=True)
class Hello:
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Pull:
    """Credit for up to `limit` rows, most urgent first; what is not there yet follows as soon as it is."""

    bearer: str
    classes: tuple[EventClass, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One answer to this row and to the `count` - 1 that follow it."""

    epoch: Epoch
    seq: int
    state: Answer
    reason: str = ""
    count: int = 1

    @property
    def seqs(self) -> range:
        return range(self.seq, self.seq + self.count)


@dataclass(frozen=True, slots=True)
class Marks:
    """What became of rows; at most MARKS_LIMIT answers to at most MARKED_LIMIT rows."""

    marks: tuple[Mark, ...]

    @property
    def covered(self) -> int:
        """How many rows."""
        return sum(mark.count for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Bytes:
    """Signed bytes from outside, unread by the bearer. kind: receipt, command, keyset, state."""

    kind: str
    raw: bytes
    correlation: bytes = b""


@dataclass(frozen=True, slots=True)
class LinkState:
    """up False with detail "connecting" asks for a SPEAK; other details are causes: timeout, tls, refused-0x87 ...

    up True: detail is "secondary" where it is the second of two brokers
    """

    bearer: str
    up: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Papers:
    """When certificates end, in seconds since 1970, by whose they are: own, authority, broker."""

    ends: dict[str, int]


@dataclass(frozen=True, slots=True)
class Ask:
    """what: one of ASKS."""

    what: str
    args: dict[str, str]


@dataclass(frozen=True, slots=True)
class Laid:
    """What became of the overlay that came with the order `jti`. generation: what active.json is by now.

    result: trial (the box shall use it, and is watched), kept, reverted, refused
    """

    jti: str
    by: str
    result: str
    generation: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """One observation of the cameras: an event of class inventory. name: one of PUTS; subject: "camera/<name>"."""

    name: str
    subject: str
    body: dict[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Health:
    """Every adopted camera's state word (edge.core.inventory.Health), by its name; replaces what was said before."""

    cameras: dict[str, str]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of one encrypted picture.

    id:       the event's, once alarm has given it one (Work "kept"); "" before
    alarm:    the alarm it was taken for, or ""
    jti:      the order it was taken for, or ""
    taken_ns: on the boot clock of the boot `boot`
    frame:    of `frames`, from 1
    sha256:   of the ciphertext, 64 lower-case hex digits
    size:     bytes of the ciphertext
    kid:      the centre's picture key that it is sealed to
    """

    id: str
    alarm: str
    jti: str
    camera: str
    taken_ns: int
    boot: str
    frame: int
    frames: int
    sha256: str
    size: int
    kid: str


@dataclass(frozen=True, slots=True)
class File:
    """A picture's ciphertext, in the descriptor that comes with it: a memfd with every seal set.

    Its content can neither change nor vanish, and reading it touches no disk. Cameras offer it to alarm; alarm hands
    it to the relay before the row of that id.
    """

    picture: Picture


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a Work, or of a picture. jti: the Work's jti or alarm, or the picture's event id.

    For a snapshot, reason "": pictures were taken and are being offered; else why there are none, in a few words.

    For an event id: the picture is gone for ever ("expired", "quota", "unknown"), and alarm declares its row lost.
    """

    jti: str
    reason: str


@dataclass(frozen=True, slots=True)
class Work:
    """What alarm wants of the cameras. what:

    snapshot  args: alarm or jti (the other one is ""), camera ("": all adopted), kind, kid; raw: the picture key
    key       args: kid; raw: the picture key (X25519), at Hello and when it changes; kid "": no key, no pictures
    kept      args: sha256, id: the picture has its number from now on, whatever happens to this process
    offer     args: id: the bytes of this picture are wanted now (again): a File with that id, or Done(id, "unknown")
    refused   args: sha256, reason, and id where it had one: this File will never be taken as it is
    received  args: id, and sha256 where alarm knows it: the centre has it; nobody needs the file any more
    """

    what: str
    args: dict[str, str]
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class News:
    """There are rows of this class to pull. hurried: a new alarm, for which all make room."""

    event_class: EventClass
    hurried: bool = False


class Row(NamedTuple):
    """A tuple, because a backlog has many.

    alone: a new alarm, or published without a receipt before; perhaps the centre takes no letter that it is in.
    """

    epoch: Epoch
    seq: int
    event_class: EventClass
    raw: bytes
    durable: bool = True
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Speak:
    """What to say at the next CONNECT. box: topic level and MQTT user."""

    box: str
    state: bytes
    will: bytes
    nonce: str


@dataclass(frozen=True, slots=True)
class Send:
    """kind: beat, reply, state."""

    kind: str
    raw: bytes
    correlation: bytes = b""


@dataclass(frozen=True, slots=True)
class Status:
    """What the box knows of itself, as JSON."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Error:
    code: str


Frame = (
    Hello | Pull | Marks | Bytes | LinkState | Papers | Ask | Laid | Put | Health | File | Done
    | News | Rows | Speak | Send | Status | Error | Work
)  # fmt: skip

TYPES: Final[Mapping[int, type[Frame]]] = {
    1: Hello,
    2: Pull,
    3: Marks,
    4: Bytes,
    5: LinkState,
    6: Ask,
    7: Laid,
    8: Papers,
    9: Put,
    10: Health,
    11: File,
    12: Done,
    17: News,
    18: Rows,
    19: Speak,
    20: Send,
    21: Status,
    22: Error,
    23: Work,
}

_BEARER: Final = frozenset({Hello, Pull, Marks, Bytes, LinkState})
_PERSON: Final = frozenset({Hello, Ask})
ALLOWED: Final[Mapping[Role, frozenset[type[Frame]]]] = {
    Role.RELAY: _BEARER | {Papers},
    Role.SMS: _BEARER,
    Role.CAMERAS: frozenset({Hello, Put, Health, File, Done}),
    Role.CONFIG: frozenset({Hello, Ask, Laid}),
    Role.PAGE: _PERSON,
    Role.CLI: _PERSON,
}
"""Role x type: what alarm accepts from whom. This table is the permission, and the next one its small print."""
ASKS: Final[Mapping[Role, frozenset[str]]] = {
    Role.CONFIG: frozenset({"status"}),
    Role.PAGE: frozenset({"status", "silence", "walk"}),
    Role.CLI: frozenset({"status", "silence", "walk"}),
}

PUTS: Final = frozenset({"camera", "camera-health", "cameras-dark", "camera-event"})
"""The observations that alarm takes."""

_NUMBERS: Final = {form: number for number, form in TYPES.items()}
_DECODERS: Final = {number: msgspec.msgpack.Decoder(form) for number, form in TYPES.items()}
_ENCODER: Final = msgspec.msgpack.Encoder()


def pack(frame: Frame) -> bytes:
    """raises: BadFrame if the body is too long for one frame (a bug of the caller)."""
    raw = bytes((VERSION, _NUMBERS[type(frame)])) + _ENCODER.encode(frame)
    if len(raw) > FRAME_LIMIT:
        message = f"{type(frame).__name__} of {len(raw)} bytes"
        raise BadFrame(message)
    return raw


def unpack(raw: bytes, *, role: Role | None = None) -> Frame:
    """Decode one datagram; with a role, as alarm must: only what that role may say. Raises BadFrame."""
    if not 2 < len(raw) <= FRAME_LIMIT:
        raise BadFrame("length")
    if raw[0] != VERSION:
        raise BadFrame("version")
    form = TYPES.get(raw[1])
    if form is None or (role is not None and form not in ALLOWED[role]):
        raise BadFrame("type not known, or not for this role")
    try:
        frame: Frame = _DECODERS[raw[1]].decode(memoryview(raw)[2:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrame("body") from error
    if role is not None and isinstance(frame, Ask) and frame.what not in ASKS[role]:
        raise BadFrame("asks what is not for this role")
    if isinstance(frame, Marks) and not _is_bounded(frame):
        raise BadFrame("marks more than there can be")
    return frame


def _is_bounded(marks: Marks) -> bool:
    return all(mark.count > 0 for mark in marks.marks) and marks.covered <= MARKED_LIMIT
