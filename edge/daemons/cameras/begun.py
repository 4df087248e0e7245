"""Subscriptions that were asked for, and of whose answer nobody knows: in /run, for the life after a death.

A camera may hold one that we died before we heard of. It ends by itself within LIFE_NS; until then no other is asked
for, so that no row of deaths fills the few places that a camera has.
"""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge.core.words import SECOND_NS

LIFE_NS: Final = 65 * SECOND_NS  # drivers/pullpoint.py asks for 60 s, and the answer takes its time
SIZE_MAX: Final = 16 * 1024


class Begun:
    """path: on tmpfs. Where it cannot be written, a death leaves more behind, and nothing else happens."""

    def __init__(self, path: Path, boot_ns: Callable[[], int]) -> None:
        self._path = path
        self._boot_ns = boot_ns
        self._lock = threading.Lock()
        self._open: dict[str, int] = self._read()

    def wait_s(self, camera: str) -> float:
        """How long to wait before a subscription may be asked for."""
        with self._lock:
            since_ns = self._open.get(camera)
        return 0.0 if since_ns is None else max(0.0, (since_ns + LIFE_NS - self._boot_ns()) / SECOND_NS)

    def note(self, camera: str) -> None:
        """It is asked for now."""
        with self._lock:
            self._open[camera] = self._boot_ns()
            self._write()

    def clear(self, camera: str) -> None:
        """It was answered, whatever the answer."""
        with self._lock:
            if self._open.pop(camera, None) is not None:
                self._write()

    def _write(self) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        with suppress(OSError):
            fresh.write_text(json.dumps(self._open), encoding="ascii")
            fresh.replace(self._path)

    def _read(self) -> dict[str, int]:
        """What is of a later clock than now was not written in this boot."""
        try:
            with self._path.open("rb") as file:
                found = json.loads(file.read(SIZE_MAX))
            return {str(name): int(at) for name, at in found.items() if 0 <= int(at) <= self._boot_ns()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return {}
