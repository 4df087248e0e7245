"""The watchman's rounds: what the box does by itself when its time has come."""

from collections.abc import Callable

from edge.core.timing import ANCHOR, Anchoring, Clock, Stamp, anchor_content
from edge.core.words import Noted, Stimulus


class Rounds:
    """Lives in the dispatch thread; what it finds to do, the panel records."""

    def __init__(self, clock: Clock, boot_id: str, post: Callable[[Stimulus], None]) -> None:
        self._clock = clock
        self._boot_id = boot_id
        self._post = post
        self._anchoring = Anchoring()

    def turn(self, now_ns: int) -> None:
        """Once in each turn of the loop; cheap when nothing is due."""
        now = Stamp(self._clock.utc_ns(), now_ns, self._clock.quality())
        if self._anchoring.due(now):
            self._post(Noted(ANCHOR, anchor_content(now, self._boot_id)))
