"""A file that the cameras' part hands over: believed when it can no longer change and is what it says it is."""

import fcntl
import os
import re
import stat
from typing import Final

import msgspec

from edge.core.pictures import PART_BYTES, SEALED_LIMIT, Header, parts_of
from edge.core.seal import sha256
from edge.core.words import Epoch, EventId
from edge.link.frames import Picture

SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_IDENTITY: Final = re.compile(r"([0-9a-f]{8})\.([1-9][0-9]{0,15})")


class Flawed(ValueError):
    """It will never be taken as it is; the text is a stable first word and what is wrong."""


def check(picture: Picture, descriptor: int) -> None:
    """Look at the seals first: what can still change may change after any other look. Raises Flawed.

    Reads at most SEALED_LIMIT bytes, of memory: a sealed memfd has no disk and no other end that could keep us waiting.
    """
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError as error:  # a pipe, a folder, a device, a file on a disk: none of them has seals
        raise Flawed("seals: this is no sealed memory") from error
    if seals & SEALS != SEALS:
        raise Flawed("seals: it could still change")
    told = os.fstat(descriptor)
    if not stat.S_ISREG(told.st_mode) or not 0 < told.st_size <= SEALED_LIMIT or told.st_size != picture.size:
        raise Flawed(f"size: {told.st_size} bytes, said {picture.size}")
    if sha256(os.pread(descriptor, SEALED_LIMIT, 0)).hex() != picture.sha256:
        raise Flawed("sha256: its bytes are others than it says")


def header_of(picture: Picture) -> Header:
    """What its event will say. Raises Flawed."""
    said = {
        "camera": picture.camera, "frame": picture.frame, "frames": picture.frames, "taken": str(picture.taken_ns),
        "bootid": picture.boot, "sha256": picture.sha256, "size": picture.size, "parts": parts_of(picture.size),
        "part_bytes": PART_BYTES, "kid": picture.kid, "alarm": picture.alarm, "jti": picture.jti,
    }  # fmt: skip
    try:
        header = msgspec.convert(said, Header)
    except msgspec.ValidationError as error:
        raise Flawed(f"words: {error}") from error
    if picture.alarm and identity_of(picture.alarm) is None:
        raise Flawed("words: no alarm has such a name")
    if picture.frame > picture.frames:
        raise Flawed("words: a frame beyond the last one")
    return header


def identity_of(text: str) -> EventId | None:
    """An event's id as it is written; None for anything else."""
    read = _IDENTITY.fullmatch(text)
    return EventId(Epoch(read[1]), int(read[2])) if read else None
