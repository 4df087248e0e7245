"""Whether a bearer has its connection, since when not, and why: raised when it has lasted too long."""

from typing import Final

from edge.core import codes
from edge.core.faults import printable
from edge.core.words import SECOND_NS
from edge.daemons.alarm.complaints import Complaints
from edge.link.causes import CAUSES, meaning_of

DOWN_AFTER_NS: Final = 15 * SECOND_NS  # half a keepalive: a flap is no trouble, a cut cable is
FIRST_UP_NS: Final = 60 * SECOND_NS  # bearers wait up to 30 s after power-on


class Line:
    """detail: why it is down, for people."""

    def __init__(self, complaints: Complaints, now_ns: int) -> None:
        self.up = False
        self.detail = "no bearer"
        self._complaints = complaints
        self._since_ns = now_ns + FIRST_UP_NS
        self._code = codes.BROKER_UNREACHABLE.code

    def stands(self) -> None:
        self.up = True
        self._complaints.over(*(meaning.code for meaning in (codes.BROKER_UNREACHABLE, *CAUSES.values())))

    def broke(self, now_ns: int) -> bool:
        """Whether it stood until now."""
        stood, self.up = self.up, False
        self._since_ns = now_ns if stood else self._since_ns
        return stood

    def explain(self, cause: str) -> None:
        """A bearer says why it has no connection."""
        self._code, self.detail = meaning_of(cause).code, printable(cause)  # goes into an event, which must fit a frame

    def orphaned(self) -> None:
        """The bearer itself has gone."""
        self._code, self.detail = codes.BROKER_UNREACHABLE.code, "relay away"

    def watch(self, now_ns: int) -> None:
        if not self.up and now_ns - self._since_ns > DOWN_AFTER_NS:
            self._complaints.of(self._code, "350", self.detail)
