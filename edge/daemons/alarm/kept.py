"""What survives a crash but not a reboot: the hour's activations, presses told, releases and starts, on tmpfs."""

import errno
import os
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from edge.core.words import SECOND_NS, Activation, ZoneId

DEATHS_LIMIT: Final = 5
DEATHS_WITHIN_NS: Final = 300 * SECOND_NS
SLOT_BYTES: Final = 512 * 1024  # 28 sounders with all their stretches are 400 KiB; what is not written costs nothing
SIZE_LIMIT: Final = 2 * SLOT_BYTES
_HEAD: Final = struct.Struct("<QII")  # generation, length, crc32 (hashlib would load OpenSSL)
_LATEST_NS: Final = 2**62  # 146 years; what is later can be neither meant nor written again


@dataclass(frozen=True, slots=True)
class _Kept:
    boot: str
    activations: tuple[Activation, ...] = ()
    releases: dict[str, int] = field(default_factory=dict)  # zone -> last time it was let go
    bypassed: dict[str, int] = field(default_factory=dict)  # zone -> when it comes back into service
    raised: dict[str, int] = field(default_factory=dict)  # zone -> first edge of its last press that became an event
    told: dict[str, int] = field(default_factory=dict)  # the same of the last one that nobody can lose any more


class Kept:
    """One small file on tmpfs, written in place: about 20 us, no disk. Raises OSError where it writes.

    Two slots, written in turn by one system call each; a death in the middle of one leaves the other.
    """

    def __init__(self, path: Path, boot: str) -> None:
        self._path = path
        self._boot = boot
        self._kept = _Kept(boot)
        self._generation = 0
        self._file = -1
        self._encoder = msgspec.json.Encoder()

    def read(self) -> tuple[Activation, ...]:
        """Those of this boot; a new boot resumes nothing."""
        try:
            content = _content(self._path)
        except (OSError, ValueError):
            return ()
        for generation, payload in sorted(_slots(content), reverse=True):
            kept = _decoded(payload)
            if kept is not None and kept.boot == self._boot and _is_possible(kept):
                self._generation, self._kept = generation, kept
                break
        return self._kept.activations

    def keep(self, activations: Sequence[Activation]) -> None:
        """Before any sounder is switched on, so that a crash cannot spend its time twice."""
        self._put(replace(self._kept, activations=tuple(activations)))

    def release(self, at_ns: int, *zones: str) -> None:
        """Before anything else is done about it: what is closed after this is another press."""
        self._put(replace(self._kept, releases={**self._kept.releases, **dict.fromkeys(zones, at_ns)}))

    def mark_raised(self, zone: str, at_ns: int) -> None:
        """Before the event of this press is handed on: after a crash somebody may have it, or nobody."""
        self._put(replace(self._kept, raised={**self._kept.raised, zone: at_ns}))

    def tell(self, presses: Mapping[str, int]) -> None:
        """These presses (zone -> first edge) are on the disk or at the centre: closed after a crash, they go on."""
        self._put(replace(self._kept, told={**self._kept.told, **presses}))

    def bypass(self, zones: Mapping[ZoneId, int]) -> None:
        """All zones out of service now: who has taken one out must not find it calling after a crash."""
        self._put(replace(self._kept, bypassed={str(zone): at_ns for zone, at_ns in zones.items()}))

    @property
    def bypassed(self) -> Mapping[ZoneId, int]:
        return {ZoneId(zone): at_ns for zone, at_ns in self._kept.bypassed.items()}

    @property
    def told(self) -> Mapping[str, int]:
        return self._kept.told

    @property
    def doubtful(self) -> Mapping[str, int]:
        """Presses that became events, and nobody noted that these are safe."""
        return {zone: at_ns for zone, at_ns in self._kept.raised.items() if self._kept.told.get(zone, 0) < at_ns}

    def is_released_since(self, zone: str, at_ns: int) -> bool:
        return self._kept.releases.get(zone, 0) > at_ns

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _put(self, kept: _Kept) -> None:
        self._kept = kept
        payload = self._encoder.encode(kept)
        if len(payload) > SLOT_BYTES - _HEAD.size:
            raise OSError(errno.EFBIG, "more than a slot holds", str(self._path))
        self._generation += 1
        head = _HEAD.pack(self._generation, len(payload), zlib.crc32(payload))
        os.pwrite(self._opened(), head + payload, self._generation % 2 * SLOT_BYTES)

    def _opened(self) -> int:
        """The file, made anew when somebody took it away or put something else in its place."""
        if self._file >= 0 and os.fstat(self._file).st_nlink:
            return self._file
        self.close()
        try:
            self._file = _plain(self._path, os.O_RDWR | os.O_CREAT)
        except ValueError as error:
            raise OSError(errno.EINVAL, str(error), str(self._path)) from error
        return self._file


class Starts:
    """Counts starts without an orderly stop. Five within five minutes: begin with the last pins and nothing else."""

    def __init__(self, path: Path, now_ns: int) -> None:
        self._path = path
        self._now_ns = now_ns

    def begin(self) -> int:
        """Note this start; returns how many deaths the last five minutes saw."""
        recent = [at for at in self._read() if self._now_ns - DEATHS_WITHIN_NS < at <= self._now_ns]
        self._write([*recent, self._now_ns])
        return len(recent)

    def end_orderly(self) -> None:
        self._write([at for at in self._read() if at != self._now_ns])

    def _read(self) -> list[int]:
        try:
            return msgspec.json.decode(_content(self._path), type=list[int])
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
            return []

    def _write(self, starts: list[int]) -> None:
        try:
            _replace(self._path, msgspec.json.encode(starts))
        except OSError:
            return  # no tmpfs, no counting: the alarm starts all the same


def _is_possible(kept: _Kept) -> bool:
    """Every time is one that a boot clock may have shown."""
    times = [at for each in kept.activations for at in (each.since_ns, each.until_ns, each.phase_ns)]
    by_zone = (kept.releases, kept.bypassed, kept.raised, kept.told)
    return all(0 <= at_ns < _LATEST_NS for at_ns in (*times, *(at for each in by_zone for at in each.values())))


def _slots(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(generation, payload) of every slot that is whole."""
    for at in (0, SLOT_BYTES):
        if len(content) < at + _HEAD.size:
            return
        generation, length, checksum = _HEAD.unpack_from(content, at)
        payload = content[at + _HEAD.size : at + _HEAD.size + length]
        if 0 < generation < _LATEST_NS and len(payload) == length and zlib.crc32(payload) == checksum:
            yield generation, payload


def _decoded(payload: bytes) -> _Kept | None:
    try:
        return msgspec.json.decode(payload, type=_Kept)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None


def _content(path: Path) -> bytes:
    """At most SIZE_LIMIT bytes of a plain file; a FIFO in its place cannot hold us. Raises OSError, ValueError."""
    with open(_plain(path, os.O_RDONLY), "rb") as file:
        return file.read(SIZE_LIMIT)


def _plain(path: Path, flags: int) -> int:
    """Open a plain file and nothing else. Raises OSError, ValueError."""
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise ValueError("not a plain file")


def _replace(path: Path, content: bytes) -> None:
    """Four system calls and no Path: a press waits for this before its siren."""
    folder, name = os.path.split(path)
    unfinished = f"{folder}/.{name}"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        if os.write(descriptor, content) < len(content):
            raise OSError(errno.ENOSPC, "no room left", unfinished)
    finally:
        os.close(descriptor)
    os.rename(unfinished, path)  # noqa: PTH104 - as above
