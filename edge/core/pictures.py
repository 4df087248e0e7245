"""One picture on its way to the centre: what its event says of it, and in which parts its bytes travel. Pure.

The event (class picture) is the signed header; the bytes are a sealed box to the centre's picture key, cut into parts
that nobody signs: the header's digest covers all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from edge.core.words import Json

SEALED_LIMIT: Final = 256 * 1024  # bytes of one ciphertext; a picture has 200 kB at most, a sealed box 48 bytes more
PART_BYTES: Final = 4 * 1024  # at 64 kbit/s half a second: what an alarm may have to wait for
FRAMES_LIMIT: Final = 8  # of one camera for one alarm
JPEG_BEGINS: Final = b"\xff\xd8\xff"  # ITU-T T.81, B.1.1.3: SOI, and the first byte of the marker that follows

CameraName = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$")]
_Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
_Word = Annotated[str, Meta(max_length=64)]
_Nanoseconds = Annotated[str, Meta(pattern=r"^[0-9]{1,19}$")]


@dataclass(frozen=True, slots=True)
class Header:
    """The `data` of a picture's event.

    sha256, size: of the ciphertext
    parts:        how many of `part_bytes` bytes, the last one shorter
    kid:          the picture key that it is sealed to
    taken:        ns on the boot clock of the boot `bootid`
    alarm, jti:   what it was taken for: an alarm's event id, or an order
    """

    camera: CameraName
    frame: Annotated[int, Meta(ge=1, le=FRAMES_LIMIT)]
    frames: Annotated[int, Meta(ge=1, le=FRAMES_LIMIT)]
    taken: _Nanoseconds
    bootid: Annotated[str, Meta(pattern=r"^[0-9a-f]{8}$")]
    sha256: _Digest
    size: Annotated[int, Meta(ge=1, le=SEALED_LIMIT)]
    parts: Annotated[int, Meta(ge=1, le=SEALED_LIMIT // 1024)]
    part_bytes: Annotated[int, Meta(ge=1024, le=8192)]
    kid: _Word
    alarm: _Word = ""
    jti: _Word = ""

    @property
    def content(self) -> dict[str, Json]:
        """What stands in the event; nothing for what it was not taken for."""
        said: dict[str, Json] = msgspec.to_builtins(self)
        return {name: value for name, value in said.items() if value != ""}


def read_header(content: Mapping[str, object]) -> Header:
    """Judge what a picture's event says. Unknown members are let be. Raises ValueError (msgspec's is one)."""
    header = msgspec.convert(content, Header)
    if header.frame > header.frames or header.parts != parts_of(header.size, header.part_bytes):
        raise ValueError("its numbers do not agree")
    return header


def parts_of(size: int, part_bytes: int = PART_BYTES) -> int:
    return -(-size // part_bytes)


def leaf_of(identity: object, part: int) -> str:
    """Below `kentongan/v1/{box}/`: picture/{epoch.seq}/{part}, part from 1."""
    return f"picture/{identity}/{part}"
