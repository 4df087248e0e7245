"""Where events get their identity: in memory, so that a press never waits for a disk."""

from edge.core.words import Epoch, EventId


class Numbers:
    """Count the events of one epoch from 1; never the same number twice, never a gap."""

    def __init__(self, epoch: Epoch) -> None:
        self._epoch = epoch
        self._last = 0

    @property
    def epoch(self) -> Epoch:
        return self._epoch

    @property
    def last(self) -> int:
        """The newest number given out; 0 before the first."""
        return self._last

    def next(self) -> EventId:
        self._last += 1
        return EventId(self._epoch, self._last)
