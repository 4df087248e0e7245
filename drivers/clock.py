"""The clock every edge is stamped with."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns now in int nanoseconds on the boot clock."""


def boot_ns() -> int:
    """CLOCK_BOOTTIME: counts through suspend, never jumps, and is the same in every process of one boot."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
