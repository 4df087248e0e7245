"""Small numbers of the machine for the beat, read in a thread that may hang: a dying card must not silence the box."""

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

THERMAL: Final = Path("/sys/class/thermal/thermal_zone0/temp")  # thousandths of a degree Celsius
MEGABYTE: Final = 1_000_000

Gauge = Callable[[], int]


def free_mb(folder: Path) -> int:
    """Room for our files on the card. Raises OSError."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize // MEGABYTE


def cpu_c(sensor: Path = THERMAL) -> int:
    """Whole degrees Celsius of the processor. Raises OSError, ValueError where there is no such sensor."""
    return int(sensor.read_text("ascii")) // 1000


class Gauges:
    """The last look at each gauge; what cannot be read is left out."""

    def __init__(self, gauges: Mapping[str, Gauge]) -> None:
        self._gauges = gauges
        self._seen: dict[str, int] = {}
        self._thread: threading.Thread | None = None

    def __call__(self) -> dict[str, int]:
        """What was read last, and a new look for the next time; nothing at all while a look hangs."""
        if self._thread is not None and self._thread.is_alive():
            return {}
        seen = self._seen
        self._thread = threading.Thread(target=self._look, name="gauges", daemon=True)
        self._thread.start()
        return seen

    def _look(self) -> None:
        seen: dict[str, int] = {}
        for name, read in self._gauges.items():
            try:
                seen[name] = read()
            except (OSError, ValueError):
                continue
        self._seen = seen
