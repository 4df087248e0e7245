"""Which track of a session description is the picture (SDP, RFC 8866), as far as a key frame needs it."""

import base64
import re
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from typing import Final

from drivers.camera import NotOffered
from drivers.nal import Codec

CODEC_OF: Final = {"H264": Codec.H264, "H265": Codec.H265}
SETS: Final = re.compile(r"sprop-(?:parameter-sets|vps|sps|pps)\s*=\s*([A-Za-z0-9+/=,]{1,4096})", re.IGNORECASE)
SETS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Track:
    """payload: the RTP payload type; control: as written; parameters: parameter sets told ahead (RFC 6184, 8.1)."""

    codec: Codec
    payload: int
    control: str
    parameters: tuple[bytes, ...] = field(default=(), repr=False)


def video_of(raw: bytes) -> Track:
    """Raises NotOffered where there is no video that we can read."""
    lines = _video_lines(raw.decode("latin-1").splitlines())
    for line in lines:
        mapped = re.match(r"a=rtpmap:(\d{1,3})\s+([A-Za-z0-9]+)/", line)
        if mapped and (codec := CODEC_OF.get(mapped[2].upper())):
            return Track(codec, int(mapped[1]), _control(lines), _parameters(lines))
    raise NotOffered("its stream is none that we can read")


def _video_lines(lines: list[str]) -> list[str]:
    begin = next((place for place, line in enumerate(lines) if line.startswith("m=video")), len(lines))
    end = next((place for place in range(begin + 1, len(lines)) if lines[place].startswith("m=")), len(lines))
    return [line.strip() for line in lines[begin:end]]


def _control(lines: list[str]) -> str:
    return next((line.removeprefix("a=control:").strip() for line in lines if line.startswith("a=control:")), "")


def _parameters(lines: list[str]) -> tuple[bytes, ...]:
    texts = [
        part
        for line in lines
        if line.startswith("a=fmtp:")
        for found in SETS.findall(line)
        for part in found.split(",")
    ]
    return tuple(_decoded(text) for text in texts[:SETS_MAX] if text)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except Base64Error:
        return b""
