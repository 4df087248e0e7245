"""When to try again: exponential backoff with full jitter, the randomness handed in."""

from collections.abc import Callable
from typing import Final

FIRST_CONNECT_S = 30.0  # spread of a whole kelurahan coming back from one power cut
CAP_WITH_ALARM_S = 10.0  # somebody is waiting for help
CAP_S = 120.0
FLOOR_S = 1.0  # ceiling of the first wait; it doubles from here
SPREAD_S = 70.0  # the same where a broker has let go of everybody at one instant: 1 s would bring them back in step
STOOD_S = 5.0  # a session that stood this long was a good one: the next attempts start over
DOUBLINGS = 16  # beyond every cap, and far from overflow


def cap_s(*, alarm_waits: bool) -> float:
    """The longest wait before the next attempt."""
    return CAP_WITH_ALARM_S if alarm_waits else CAP_S


def delay_s(attempt: int, cap_s: float, random01: float, floor_s: float = FLOOR_S) -> float:
    """Wait before attempt number `attempt` (0 = the first retry).

    random01: uniform in [0, 1); the whole interval is used, so that ten thousand boxes do not return in step
    returns:  0 <= delay < min(cap_s, floor_s * 2**attempt) seconds
    source:   M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015 ("full jitter")
    """
    return random01 * min(cap_s, floor_s * 2.0 ** min(max(attempt, 0), DOUBLINGS))


def first_connect_s(random01: float, *, alarm_waits: bool) -> float:
    """Wait after power-on before the first connection; none when an alarm waits."""
    return 0.0 if alarm_waits else random01 * FIRST_CONNECT_S


LET_GO: Final = frozenset({"lost", "closed-0x00", "closed-0x83", "closed-0x89", "closed-0x8B", "closed-0x9F"})
"""Ends of a session (`drivers.ports.Down`) that a broker's death or distress brings to all of its boxes at once."""


class Backoff:
    """One box's attempts to come back to its broker, from one session to the next.

    spread_s: ceiling of the first wait after the broker has let go; FLOOR_S where nobody else uses it
    """

    def __init__(self, random01: Callable[[], float], *, spread_s: float = SPREAD_S) -> None:
        self._random01 = random01
        self._spread_s = spread_s
        self._floor_s = FLOOR_S
        self._attempt = 0

    @property
    def fresh(self) -> bool:
        """No attempt of this row has failed yet."""
        return self._attempt == 0

    def start_over(self) -> None:
        self._attempt, self._floor_s = 0, FLOOR_S

    def ended(self, cause: str, stood_s: float) -> None:
        """A session is over, after so long. Not for an attempt that nobody granted: that one only failed."""
        if stood_s >= STOOD_S:
            self._attempt = 0
        self._floor_s = self._spread_s if cause in LET_GO else FLOOR_S

    def wait_s(self, *, alarm_waits: bool) -> float:
        """Draw the wait before the next attempt.

        Where everybody was let go, who has no alarm leaves the time of a hurried wait to those who have one: the
        worst second would hold both, and the broker is mostly not back before.
        """
        drawn_s = delay_s(self._attempt, cap_s(alarm_waits=alarm_waits), self._random01(), self._floor_s)
        gives_way = self.fresh and self._floor_s > FLOOR_S and not alarm_waits
        return drawn_s + CAP_WITH_ALARM_S if gives_way else drawn_s

    def next_s(self, *, alarm_waits: bool) -> float:
        """Draw it, and count the attempt."""
        drawn_s = self.wait_s(alarm_waits=alarm_waits)
        self._attempt += 1
        return drawn_s
