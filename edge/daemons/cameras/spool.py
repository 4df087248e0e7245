"""Pictures on disk until the centre has them: ciphertext only, each file whole or not there.

A file is `NAME`, then its bytes: u16 length | msgpack Picture | ciphertext. The name says what may change:

    <sha256>            alarm has given it no number yet
    <sha256>.<id>       this is its event
"""

import logging
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from edge.config.generations import write_atomically
from edge.core.words import SECOND_NS
from edge.daemons.cameras.sealing import digest
from edge.link.frames import PICTURE_LIMIT, Picture

log = logging.getLogger("kentongan.cameras")

QUOTA_BYTES: Final = 40_000_000  # two hundred pictures; a card of 8 GB has room for far more, a backlog for no more
KEPT_NS: Final = 72 * 3600 * SECOND_NS
HEADER_LIMIT: Final = 2048
_LENGTH: Final = struct.Struct(">H")
_HEX: Final = set("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Spooled:
    """One picture that waits. at_ns: wall clock of when it was spooled, by the file's time."""

    picture: Picture
    at_ns: int
    bytes: int

    @property
    def name(self) -> str:
        return f"{self.picture.sha256}.{self.picture.id}" if self.picture.id else self.picture.sha256

    @property
    def is_of_alarm(self) -> bool:
        return bool(self.picture.alarm)


class Spool:
    """lost: called with a picture that is given up, and why: "quota", "expired", "unreadable", "forgotten"."""

    def __init__(
        self, folder: Path, lost: Callable[[Picture, str], None], utc_ns: Callable[[], int], quota: int = QUOTA_BYTES
    ) -> None:
        self._folder = folder
        self._lost = lost
        self._utc_ns = utc_ns
        self._quota = quota
        self._files: dict[str, Spooled] = {}  # by sha256

    def load(self) -> None:
        """What a former life left; what is no picture of ours is removed. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(self._folder.iterdir()):
            spooled = _read_header(path)
            if spooled is None:
                path.unlink(missing_ok=True)
            else:
                self._files[spooled.picture.sha256] = spooled

    def pictures(self) -> list[Spooled]:
        """Those of alarms first, then the oldest first."""
        return sorted(self._files.values(), key=lambda each: (not each.is_of_alarm, each.at_ns, each.picture.frame))

    def room(self, *, of_alarm: bool) -> None:
        """Make room for one more. Raises OSError where only alarms' pictures could go for one that is of none."""
        self._make_room(PICTURE_LIMIT, of_alarm=of_alarm)

    def write(self, picture: Picture, ciphertext: bytes) -> Spooled:
        """Put a new one on disk, whole; from any thread. Raises OSError."""
        header = msgspec.msgpack.encode(picture)
        content = _LENGTH.pack(len(header)) + header + ciphertext
        spooled = Spooled(picture, self._utc_ns(), len(content))
        write_atomically(self._folder / spooled.name, content, mode=0o600)
        return spooled

    def enter(self, spooled: Spooled) -> None:
        """It has been written, and waits from now on."""
        self._files[spooled.picture.sha256] = spooled

    def read(self, picture: Picture) -> bytes:
        """Its ciphertext; b"" where the card gives back something else, which is then given up."""
        spooled = self._files.get(picture.sha256)
        if spooled is None:
            return b""
        try:
            with (self._folder / spooled.name).open("rb") as file:
                raw = file.read(PICTURE_LIMIT + HEADER_LIMIT)
            ciphertext = raw[_LENGTH.size + _LENGTH.unpack_from(raw)[0] :]
        except (OSError, struct.error):
            ciphertext = b""
        if digest(ciphertext) != picture.sha256:
            self.give_up(spooled, "unreadable")
            return b""
        return ciphertext

    def kept(self, sha256: str, event: str) -> Picture | None:
        """It is that event from now on. None where it is not ours. Raises OSError."""
        spooled = self._files.get(sha256)
        if spooled is None:
            return None
        named = replace(spooled, picture=replace(spooled.picture, id=event))
        if named.name != spooled.name:
            (self._folder / spooled.name).rename(self._folder / named.name)
            self._files[sha256] = named
        return named.picture

    def by_event(self, event: str) -> Spooled | None:
        return next((each for each in self._files.values() if each.picture.id == event), None)

    def received(self, event: str, sha256: str) -> None:
        """The centre has it: the file goes, by its number or by what it holds."""
        if (spooled := self.by_event(event) or self._files.get(sha256)) is not None:
            self._remove(spooled)

    def refused(self, sha256: str) -> None:
        if (spooled := self._files.get(sha256)) is not None:
            self._remove(spooled)

    def give_up(self, spooled: Spooled, why: str) -> None:
        self._remove(spooled)
        self._lost(spooled.picture, why)

    def expire(self) -> None:
        """Give up what is older than 72 h."""
        until_ns = self._utc_ns() - KEPT_NS
        for spooled in [each for each in self._files.values() if each.at_ns < until_ns]:
            self.give_up(spooled, "expired")

    def forget(self, camera: str) -> None:
        for spooled in [each for each in self._files.values() if each.picture.camera == camera]:
            self.give_up(spooled, "forgotten")

    def taken(self, alarm: str) -> set[tuple[str, int]]:
        """Which frames of which cameras there are of this alarm."""
        of_it = (each.picture for each in self._files.values() if each.picture.alarm == alarm)
        return {(picture.camera, picture.frame) for picture in of_it}

    def count(self, camera: str) -> int:
        return sum(1 for each in self._files.values() if each.picture.camera == camera)

    def _make_room(self, wanted: int, *, of_alarm: bool) -> None:
        used = sum(each.bytes for each in self._files.values())
        for spooled in sorted(self._files.values(), key=lambda each: (each.is_of_alarm, each.at_ns)):
            if used + wanted <= self._quota:
                return
            if spooled.is_of_alarm and not of_alarm:
                raise OSError("the spool is full of alarms' pictures")
            used -= spooled.bytes
            self.give_up(spooled, "quota")

    def _remove(self, spooled: Spooled) -> None:
        self._files.pop(spooled.picture.sha256, None)
        try:
            (self._folder / spooled.name).unlink(missing_ok=True)
        except OSError as error:
            log.error("a picture cannot be removed  cause=%s", error.strerror)


def _read_header(path: Path) -> Spooled | None:
    """None for what is no picture of ours, or only the beginning of one."""
    sha256, _, event = path.name.partition(".")
    if len(sha256) != 64 or not set(sha256) <= _HEX:
        return None
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
            picture = msgspec.msgpack.decode(file.read(min(length, HEADER_LIMIT)), type=Picture)
        at_ns = path.stat().st_mtime_ns
    except (OSError, struct.error, msgspec.MsgspecError):
        return None
    if picture.sha256 != sha256 or size != _LENGTH.size + length + picture.size:
        return None
    return Spooled(replace(picture, id=event), at_ns, size)
