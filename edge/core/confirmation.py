"""When a second press confirms the first: another zone, in time, and not the siren's own inrush."""

from collections import deque

from edge.core.words import SECOND_NS

WINDOW_NS = 8 * 60 * SECOND_NS  # time to wake, dress and reach the next button of an RT
CLEAR_NS = SECOND_NS // 2  # a sounder's inrush couples into the wires of the buttons when it begins and ends
REMEMBERED = 16


class Confirmation:
    """Remember when sounders really switched, and judge edges by it."""

    def __init__(self) -> None:
        self._switched_ns: deque[int] = deque(maxlen=REMEMBERED)

    def switched(self, at_ns: int) -> None:
        self._switched_ns.append(at_ns)

    def is_clean(self, edge_ns: int) -> bool:
        """No activation began or ended within 500 ms of this edge, as far as is known."""
        return all(abs(edge_ns - each) > CLEAR_NS for each in self._switched_ns)

    @staticmethod
    def in_time(first_ns: int, second_ns: int) -> bool:
        return abs(second_ns - first_ns) <= WINDOW_NS
