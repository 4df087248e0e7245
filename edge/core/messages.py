"""The small signed bodies between box and centre: receipt, command, beat, state. Exact members: docs/contract.md."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import msgspec

from edge.core.events import canonical
from edge.core.seal import Forged, Signer, b64, sha256, unb64, verify
from edge.core.status import BoxStatus
from edge.core.words import BoxId, Epoch, Json

COMMAND_LIMIT: Final = 4 * 1024
RANGES_LIMIT: Final = 64
BEAT_LIMIT: Final = 2 * 1024
PART_BYTES: Final = 8 * 1024  # of content in one part
PART_LIMIT: Final = 12 * 1024  # with base64 around it; a frame of the link takes 16 KiB


@dataclass(frozen=True, slots=True)
class Have:
    """The centre has stored these sequences (inclusive ranges) of one epoch; the digest proves which bytes."""

    epoch: Epoch
    ranges: tuple[tuple[int, int], ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The centre's application has stored it. Idempotent: no counter, no nonce, unknown members ignored."""

    box: BoxId
    receiver: str
    time: str
    have: tuple[Have, ...] = ()
    beat: str | None = None  # nonce of the beat that this answers
    ask: tuple[tuple[Epoch, int, int], ...] = ()
    v: int = 1


class _Command(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    box: str
    jti: str
    nonce: str
    exp: int
    name: str
    args: dict[str, str | int]
    by: str
    v: int = 1


@dataclass(frozen=True, slots=True)
class Command:
    """One order to one box. exp: seconds since 1970, judged only when the box's clock is synced."""

    box: BoxId
    jti: str
    nonce: str
    exp: int
    name: str
    args: dict[str, str | int]
    by: str
    v: int = 1


@dataclass(frozen=True, slots=True)
class Beat:
    """Signed every minute by the box; its receipt alone decides "centre listening"."""

    box: BoxId
    nonce: str
    epoch: Epoch
    ordinal: int  # how many epochs this box has had: orders epochs
    head: int  # last sequence made
    time: str
    timequality: str
    pending: int  # events without a receipt
    v: int = 1
    gauges: dict[str, int] = field(default_factory=dict)  # oldest_s, free_mb, cpu_c; what is not known is not there


@dataclass(frozen=True, slots=True)
class State:
    """The retained picture of a box; as the will it says online=false. Unsigned: it informs, it never decides."""

    box: BoxId
    site: str
    session: str
    online: bool
    version: str
    config: int
    bootid: str
    epoch: Epoch
    ordinal: int
    head: int
    nonce: str
    timequality: str
    zones: dict[str, str]
    sounders: dict[str, str]
    troubles: tuple[str, ...] = ()
    v: int = 1
    cameras: dict[str, str] = field(default_factory=dict)  # adopted ones, and how they are; none where nobody says


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a command; signed by the box like a beat. result: done, refused."""

    box: BoxId
    jti: str
    result: str
    reason: str
    v: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of what an order asked for and no reply can hold; signed like a reply, and sent before it.

    part: from 1 to `parts`; content: base64url of this piece
    """

    box: BoxId
    jti: str
    part: int
    parts: int
    content: str
    v: int = 1


_Body = TypeVar("_Body", Receipt, Command, Beat, State, Reply, Part)
_Signed = TypeVar("_Signed", Beat, Reply, Part)


def encode(body: Receipt | Command | Beat | State | Reply | Part | BoxStatus) -> bytes:
    """Canonical JSON: the same value is the same bytes on every machine."""
    return canonical(msgspec.to_builtins(body))


def decode(raw: bytes, form: type[_Body]) -> _Body:
    """Strict types; a command also refuses unknown members, and a receipt too many ranges. Raises Forged."""
    try:
        if form is Command:
            msgspec.json.decode(raw, type=_Command)
        body = msgspec.json.decode(raw, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Forged(f"not a {form.__name__.lower()}") from error
    if isinstance(body, Receipt) and sum(len(have.ranges) for have in body.have) > RANGES_LIMIT:
        raise Forged(f"range: more than {RANGES_LIMIT} of them")
    return body


def sign_beat(beat: Beat, signer: Signer) -> bytes:
    return _signed(beat, signer)


def sign_reply(reply: Reply, signer: Signer) -> bytes:
    return _signed(reply, signer)


def sign_part(part: Part, signer: Signer) -> bytes:
    return _signed(part, signer)


def read_part(raw: bytes, public: bytes) -> Part:
    """Verify a piece of a long answer. Raises Forged."""
    return _opened(raw, public, Part, limit=PART_LIMIT)


def read_beat(raw: bytes, public: bytes) -> Beat:
    """Verify a box's beat. Raises Forged."""
    return _opened(raw, public, Beat)


def read_reply(raw: bytes, public: bytes) -> Reply:
    """Verify a box's reply. Raises Forged."""
    return _opened(raw, public, Reply)


def _signed(body: Beat | Reply | Part, signer: Signer) -> bytes:
    members: dict[str, Json] = msgspec.to_builtins(body)
    return canonical({**members, "sig": b64(signer.sign(canonical(members)))})


def _opened(raw: bytes, public: bytes, form: type[_Signed], *, limit: int = BEAT_LIMIT) -> _Signed:
    if len(raw) > limit:
        raise Forged(f"larger than {limit} bytes")
    body = decode(raw, form)
    try:
        members = msgspec.json.decode(raw)  # unlike a typed decode it also looks at members it does not know
        unsigned = canonical({name: value for name, value in members.items() if name != "sig"})
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Forged("no canonical form") from error
    verify(public, unb64(str(members.get("sig", ""))), unsigned)
    return body


def digest_of(digests: Iterable[bytes]) -> str:
    """Digest over events' SHA-256 digests in order of sequence: base64url of SHA-256 over their concatenation."""
    return b64(sha256(b"".join(digests)))
