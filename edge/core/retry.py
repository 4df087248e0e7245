"""When to try again: exponential backoff with full jitter, the randomness handed in."""

FIRST_CONNECT_S = 30.0  # spread of a whole kelurahan coming back from one power cut
CAP_WITH_ALARM_S = 10.0  # somebody is waiting for help
CAP_S = 120.0
FLOOR_S = 1.0  # ceiling of the first wait; it doubles from here
DOUBLINGS = 16  # beyond every cap, and far from overflow


def cap_s(*, alarm_waits: bool) -> float:
    """The longest wait before the next attempt."""
    return CAP_WITH_ALARM_S if alarm_waits else CAP_S


def delay_s(attempt: int, cap_s: float, random01: float) -> float:
    """Wait before attempt number `attempt` (0 = the first retry).

    random01: uniform in [0, 1); the whole interval is used, so that ten thousand boxes do not return in step
    returns:  0 <= delay < min(cap_s, 2**attempt) seconds
    source:   M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015 ("full jitter")
    """
    return random01 * min(cap_s, FLOOR_S * 2.0 ** min(max(attempt, 0), DOUBLINGS))


def first_connect_s(random01: float, *, alarm_waits: bool) -> float:
    """Wait after power-on before the first connection; none when an alarm waits."""
    return 0.0 if alarm_waits else random01 * FIRST_CONNECT_S
