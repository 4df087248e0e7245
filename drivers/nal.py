"""Pictures out of RTP payloads: H.264 (RFC 6184) and H.265 (RFC 7798), put together and not looked into."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

START: Final = b"\0\0\0\1"
PICTURE_LIMIT: Final = 4 * 1024 * 1024  # bytes of one encoded picture


class Codec(StrEnum):
    """As ffmpeg calls their byte streams."""

    H264 = "h264"
    H265 = "hevc"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one codec marks its units.

    head: bytes before a unit's content; bundle, fragment: types that only the payload format has
    """

    head: int
    type_of: Callable[[bytes], int]
    keys: frozenset[int]
    parameters: frozenset[int]
    bundle: int
    fragment: int
    rebuilt: Callable[[bytes], bytes]  # the head of a unit whose first fragment this is


CODECS: Final = {
    Codec.H264: Kind(
        1, lambda unit: unit[0] & 31, frozenset({5}), frozenset({7, 8}), 24, 28,
        lambda unit: bytes([unit[0] & 0xE0 | unit[1] & 31]),
    ),
    Codec.H265: Kind(
        2, lambda unit: unit[0] >> 1 & 63, frozenset(range(16, 22)), frozenset({32, 33, 34}), 48, 49,
        lambda unit: bytes([unit[0] & 0x81 | (unit[2] & 63) << 1, unit[1]]),
    ),
}  # fmt: skip


class Units:
    """Collects the units of one picture after the other until one is a key frame."""

    def __init__(self, kind: Kind, parameters: Sequence[bytes] = ()) -> None:
        self._kind = kind
        self._parameters = {kind.type_of(unit): unit for unit in parameters if len(unit) > kind.head}
        self._picture: list[bytes] = []
        self._fragments = bytearray()
        self._at = b""

    def add(self, payload: bytes, *, last: bool, at: bytes) -> bytes | None:
        """One RTP payload; the key frame once it is whole.

        last: the packet's marker, which ends a picture; at: its timestamp, which a new picture changes
        """
        finished = self._finished() if at != self._at else None
        self._at = at
        for unit in self._units(payload):
            if self._kind.type_of(unit) in self._kind.parameters:
                self._parameters[self._kind.type_of(unit)] = unit
            else:
                self._picture.append(unit)
        if finished is None and last:
            finished = self._finished()
        return finished

    def _finished(self) -> bytes | None:
        """What was collected, if it begins a picture that needs no other."""
        picture, self._picture = self._picture, []
        whole = any(self._kind.type_of(unit) in self._kind.keys for unit in picture)
        if not whole or len(self._parameters) < len(self._kind.parameters):
            return None
        ordered = [self._parameters[name] for name in sorted(self._parameters)]
        return b"".join(START + unit for unit in (*ordered, *picture))

    def _units(self, payload: bytes) -> Iterator[bytes]:
        head = self._kind.head
        if len(payload) <= head:
            return
        kind = self._kind.type_of(payload)
        if kind == self._kind.bundle:
            yield from self._bundled(payload[head:])
        elif kind == self._kind.fragment:
            yield from self._joined(payload)
        else:
            yield payload

    def _bundled(self, rest: bytes) -> Iterator[bytes]:
        while len(rest) > 2:
            size = int.from_bytes(rest[:2])
            if size > self._kind.head:
                yield rest[2 : 2 + size]
            rest = rest[2 + size :]

    def _joined(self, payload: bytes) -> Iterator[bytes]:
        mark, content = payload[self._kind.head], payload[self._kind.head + 1 :]
        if mark & 0x80:
            self._fragments = bytearray(self._kind.rebuilt(payload))
        self._fragments += content
        if len(self._fragments) > PICTURE_LIMIT:
            self._fragments.clear()
        elif mark & 0x40 and len(self._fragments) > self._kind.head:
            yield bytes(self._fragments)
            self._fragments.clear()
