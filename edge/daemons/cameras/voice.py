"""What the cameras say to alarm: at once where it listens, and a bounded part of it later where it does not."""

from collections import deque
from typing import Final

from edge.link.client import LinkClient
from edge.link.frames import Done, Frame, Put

WAITING_MAX: Final = 256  # observations for an alarm that is away; the oldest go first


class Voice:
    """Health is not kept: it is told whole at every greeting."""

    def __init__(self, link: LinkClient) -> None:
        self._link = link
        self._waiting: deque[Frame] = deque(maxlen=WAITING_MAX)

    @property
    def is_heard(self) -> bool:
        return self._link.connected

    def say(self, frame: Frame) -> None:
        if self._link.connected:
            self._link.send(frame)
        elif isinstance(frame, Put | Done):
            self._waiting.append(frame)

    def hand(self, frame: Frame, descriptor: int) -> None:
        """With a descriptor, which stays the caller's. Raises OSError."""
        self._link.send(frame, descriptor)

    def greeted(self) -> None:
        """Alarm is back: what was kept is said."""
        while self._waiting and self._link.connected:
            self._link.send(self._waiting.popleft())
