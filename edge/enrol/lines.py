"""Bytes as lines of text that survive a phone, a scanner and a chat: each fits a QR code and tells when it is damaged.

A line is `KTG1:kind:n/of:set:body:check`, in the alphabet of QR codes' alphanumeric mode. body: RFC 4648 base32 of a
part of the zlib stream; set: what lines of one text share; check: of the line before it. Both are 40 bits of SHA-256.
Letters may have become small, and blanks or line ends may stand anywhere.
"""

import base64
import binascii
import re
import zlib
from enum import StrEnum
from typing import Final

from edge.core.faults import Wording
from edge.core.seal import sha256

LINE_MAX: Final = 1800  # characters; QR version 40 holds 1852 at its strongest correction (ISO/IEC 18004, table 7)
CONTENT_MAX: Final = 256 * 1024  # bytes, after unpacking: a site.toml of the largest size and all that goes with it
TEXT_MAX: Final = 1024 * 1024  # characters, looked at before anything is unpacked
_FRAME: Final = len("KTG1:R:100/100::" + "SETSETSE" + ":" + "CHECKCHE")
_BODY_MAX: Final = LINE_MAX - _FRAME
_LINE: Final = re.compile(r"KTG1:([ART]):(\d{1,3})/(\d{1,3}):([A-Z2-7]{8}):([A-Z2-7]+):([A-Z2-7]{8})")


class Kind(StrEnum):
    """What the lines carry."""

    TOKEN = "T"  # noqa: S105  # no secret, the letter for one
    REQUEST = "R"
    ANSWER = "A"


_NAMES: Final = {
    Kind.TOKEN: Wording("token", "a token"),
    Kind.REQUEST: Wording("permintaan", "a request"),
    Kind.ANSWER: Wording("jawaban", "an answer"),
}


class Unreadable(ValueError):
    """The text cannot be used; `said` tells which line, and what is wrong with it."""

    def __init__(self, indonesian: str, english: str) -> None:
        super().__init__(english)
        self.said = Wording(indonesian, english)


def lines_of(kind: Kind, content: bytes) -> str:
    """Write `content` as one line or more, each ended by a newline."""
    body = _b32(zlib.compress(content, 9))
    parts = [body[start : start + _BODY_MAX] for start in range(0, len(body), _BODY_MAX)]
    name = _sum(content)
    lines = [f"KTG1:{kind}:{number}/{len(parts)}:{name}:{part}" for number, part in enumerate(parts, start=1)]
    return "".join(f"{line}:{_sum(line.encode('ascii'))}\n" for line in lines)


def content_of(kind: Kind, text: str) -> bytes:
    """Read what `lines_of` wrote, in any order of its lines.

    raises: Unreadable for a line that is damaged, missing, of another text, or of another kind
    """
    if len(text) > TEXT_MAX:
        raise Unreadable(f"lebih dari {TEXT_MAX} huruf", f"larger than {TEXT_MAX} characters")
    parts: dict[int, str] = {}
    seen: set[tuple[str, str, str]] = set()
    for found in _LINE.finditer("".join(text.split()).upper()):
        line, check = found[0].rpartition(":")[::2]
        if _sum(line.encode("ascii")) != check:
            raise Unreadable(f"baris {found[2]} tidak tersalin utuh", f"line {found[2]} was not copied whole")
        seen.add((found[1], found[3], found[4]))
        parts[int(found[2])] = found[5]
    if not seen:
        raise Unreadable("tidak ada baris KTG1: yang utuh", "no line that begins with KTG1: was found whole")
    if len(seen) > 1:
        raise Unreadable("baris dari teks berbeda tercampur", "lines of different texts are mixed")
    ((kind_seen, of, name),) = seen
    if kind_seen != kind:
        raise Unreadable(
            f"ini {_NAMES[Kind(kind_seen)].id}, bukan {_NAMES[kind].id}",
            f"this is {_NAMES[Kind(kind_seen)].en}, not {_NAMES[kind].en}",
        )
    missing = [str(number) for number in range(1, int(of) + 1) if number not in parts]
    if missing:
        listed = ", ".join(missing)
        raise Unreadable(f"baris {listed} dari {of} belum ada", f"line {listed} of {of} is missing")
    content = _unpacked("".join(parts[number] for number in range(1, int(of) + 1)))
    if _sum(content) != name:
        raise Unreadable("baris-barisnya tidak cocok", "the lines do not belong together")
    return content


def _unpacked(body: str) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(base64.b32decode(body + "=" * (-len(body) % 8)), CONTENT_MAX)
    except (binascii.Error, zlib.error) as error:
        raise Unreadable("isinya tidak bisa dibuka", "the lines do not unpack") from error
    if not unpacking.eof:
        raise Unreadable("isinya terpotong atau terlalu besar", "it is cut, or too large when unpacked")
    return content


def _b32(raw: bytes) -> str:
    return base64.b32encode(raw).rstrip(b"=").decode("ascii")


def _sum(raw: bytes) -> str:
    return _b32(sha256(raw)[:5])
