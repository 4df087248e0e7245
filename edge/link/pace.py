"""How much history may be on its way at once, and in one batch. Pure.

An alarm waits behind whatever was written before it, on a slow line for as long as that takes. So history begins
small, doubles while the answers are quick and halves when they are not: about a second's worth is on its way.
A way that loses large packets (a wrong MTU in a tunnel, a broker that takes less than it says) loses the connection
with each batch: batches are then halved down to single events, and grow again ten minutes later.
"""

from typing import Final

from edge.core.words import SECOND_NS

FIRST_BYTES: Final = 8 * 1024  # of a new connection
LEAST_BYTES: Final = 4 * 1024  # on the slowest line (GPRS, 1 kB/s) still answered before it counts as half-open (6 s)
QUICK_NS: Final = 1 * SECOND_NS
SLOW_NS: Final = 2 * SECOND_NS
BATCHES: Final = 2  # full ones in flight: one is answered while the other is on its way
SHY_NS: Final = 600 * SECOND_NS


class Pace:
    """bytes: history that may be on its way now."""

    def __init__(self) -> None:
        self.bytes = FIRST_BYTES
        self._limit = 0
        self._shy_bytes = 0
        self._shy_until_ns = 0

    def begin(self, limit: int) -> None:
        """A new connection. limit: bytes of one batch, however quick the line; 0: no batches."""
        self.bytes = FIRST_BYTES
        self._limit = limit

    def batch(self, now_ns: int) -> int:
        """Bytes that events joined into one batch may have; what is too small for two of them is no batch."""
        shy = self._shy_bytes if now_ns < self._shy_until_ns else self._limit
        return min(self._limit, shy, self.bytes // BATCHES)

    def answered(self, load: int, took_ns: int) -> None:
        """A publication was answered. load: bytes of history on their way when it left, its own with them.

        A quick answer proves a quick line only where a third of what may be was on its way.
        """
        if took_ns > SLOW_NS:
            self.bytes = max(LEAST_BYTES, self.bytes // 2)
        elif took_ns < QUICK_NS and 3 * load >= self.bytes:
            self.bytes = max(self.bytes, min(BATCHES * self._limit, 2 * self.bytes))

    def lost(self, size: int, now_ns: int) -> None:
        """The connection went while a batch of this size was on its way."""
        self._shy_bytes, self._shy_until_ns = size // 2, now_ns + SHY_NS
