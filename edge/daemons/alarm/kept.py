"""What survives a crash but not a reboot: the hour's activations, releases and starts, on tmpfs."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from edge.core.words import SECOND_NS, Activation

DEATHS_LIMIT: Final = 5
DEATHS_WITHIN_NS: Final = 300 * SECOND_NS
SIZE_LIMIT: Final = 1024 * 1024  # 28 sounders with all their stretches are 400 KiB
_LATEST_NS: Final = 2**62  # 146 years; what is later can be neither meant nor written again


@dataclass(frozen=True, slots=True)
class _Kept:
    boot: str
    activations: tuple[Activation, ...] = ()
    releases: dict[str, int] = field(default_factory=dict)  # zone -> last time it was let go


class Kept:
    """One small file, replaced whole: about 0.1 ms, and no disk is involved. Raises OSError where it writes."""

    def __init__(self, path: Path, boot: str) -> None:
        self._path = path
        self._boot = boot
        self._kept = _Kept(boot)
        self._encoder = msgspec.json.Encoder()

    def read(self) -> tuple[Activation, ...]:
        """Those of this boot; a new boot resumes nothing."""
        try:
            kept = msgspec.json.decode(_content(self._path), type=_Kept)
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
            return ()
        if kept.boot == self._boot and _is_possible(kept):
            self._kept = kept
        return self._kept.activations

    def keep(self, activations: Sequence[Activation]) -> None:
        """Before any sounder is switched on, so that a crash cannot spend its time twice."""
        self._put(replace(self._kept, activations=tuple(activations)))

    def release(self, zone: str, at_ns: int) -> None:
        """Before anything else is done about it: what is closed after this is another press."""
        self._put(replace(self._kept, releases={**self._kept.releases, zone: at_ns}))

    def is_released_since(self, zone: str, at_ns: int) -> bool:
        return self._kept.releases.get(zone, 0) > at_ns

    def _put(self, kept: _Kept) -> None:
        self._kept = kept
        _replace(self._path, self._encoder.encode(kept))


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
    return all(0 <= at_ns < _LATEST_NS for at_ns in (*times, *kept.releases.values()))


def _content(path: Path) -> bytes:
    """At most SIZE_LIMIT bytes of a plain file; a FIFO in its place cannot hold us. Raises OSError, ValueError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a plain file")
        return file.read(SIZE_LIMIT)


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
