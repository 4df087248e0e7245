"""A real baseline JPEG without a library: a grey mosaic, one flat 8x8 block a tile, padded to size by comments."""

import struct
from collections.abc import Iterator
from typing import Final

# ITU-T T.81, table K.3: how many codes of each length, and what they stand for
DC_LENGTHS: Final = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
DC_VALUES: Final = bytes(range(12))
DC_CODES: Final = ("00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110")
AC_LENGTHS: Final = bytes([1] + [0] * 15)  # one code: "0", end of block
AC_VALUES: Final = b"\0"
STEP: Final = 8  # the DC coefficient is 8 times the mean: divided by this it is the grey level itself
COMMENT_MAX: Final = 65_533
LEVELS: Final = 200


def picture(size: int, frame: int = 0, *, across: int = 20, down: int = 15) -> bytes:
    """A picture of `across` x `down` tiles that differs from frame to frame.

    size: bytes wanted; exact from about 700 bytes on, else as small as it gets
    """
    scan = _scan(frame, across, down)
    head = b"\xff\xd8\xff\xe0" + struct.pack(">H5sHBHHBB", 16, b"JFIF\0", 0x0101, 0, 1, 1, 0, 0)
    tables = (
        _segment(0xDB, b"\0" + bytes([STEP] * 64))
        + _segment(0xC0, struct.pack(">BHHB3B", 8, down * 8, across * 8, 1, 1, 0x11, 0))
        + _segment(0xC4, b"\x00" + DC_LENGTHS + DC_VALUES)
        + _segment(0xC4, b"\x10" + AC_LENGTHS + AC_VALUES)
        + _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
    )
    tail = tables + scan + b"\xff\xd9"
    return head + b"".join(_padding(size - len(head) - len(tail))) + tail


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _padding(missing: int) -> Iterator[bytes]:
    while missing >= 4:
        body = min(COMMENT_MAX, missing - 4)
        if 0 < missing - 4 - body < 4:
            body -= 4  # leave room for the last one's own head
        yield _segment(0xFE, b"k" * body)
        missing -= 4 + body


def _scan(frame: int, across: int, down: int) -> bytes:
    bits, before = [], 0
    for tile in range(across * down):
        level = (tile * 7 + tile // across * 13 + frame * 29) % LEVELS - LEVELS // 2
        bits.append(_coded(level - before) + "0")
        before = level
    whole = "".join(bits)
    whole += "1" * (-len(whole) % 8)
    raw = int(whole, 2).to_bytes(len(whole) // 8, "big")
    return raw.replace(b"\xff", b"\xff\0")


def _coded(difference: int) -> str:
    """T.81, F.1.2.1: the category's code, then that many bits; negatives as ones' complement."""
    length = abs(difference).bit_length()
    if not length:
        return DC_CODES[0]
    value = difference if difference > 0 else difference + (1 << length) - 1
    return DC_CODES[length] + format(value, f"0{length}b")
