"""What the thread of dispatch has to complain of: troubles that last, refusals that may come in floods."""

import logging
from collections.abc import Callable
from typing import Final

from edge.core import codes
from edge.core.delivery import Answer
from edge.core.words import SECOND_NS, Noted, Restored, Troubled

log = logging.getLogger("kentongan.alarm")

REFUSAL_EVERY_NS: Final = 10 * SECOND_NS
TROUBLE_EVERY_NS: Final = 10 * SECOND_NS  # one that comes and goes faster is told once; each is two events on the card

REASONS: Final = {
    Answer.NOBODY: "nobody at the broker subscribes to our events",
    Answer.FORBIDDEN: "the broker's access list refuses our events",
    Answer.POISON: "an event breaks the connection each time",
}


class Complaints:
    """post: to the panel, which makes events of them."""

    def __init__(self, post: Callable[[Troubled | Restored | Noted], None], boot_ns: Callable[[], int]) -> None:
        self._post = post
        self._boot_ns = boot_ns
        self._open: set[str] = set()
        self._raised_ns: dict[str, int] = {}  # code -> when it was last told
        self._refused: dict[str, tuple[int, int]] = {}  # kind -> (how many are not told, when one was)

    def of(self, code: str, cid: str, text: str) -> None:
        """Raise a trouble, unless it is open or was told just now."""
        now_ns = self._boot_ns()
        if code not in self._open and now_ns >= self._raised_ns.get(code, -TROUBLE_EVERY_NS) + TROUBLE_EVERY_NS:
            self._open.add(code)
            self._raised_ns[code] = now_ns
            fault = codes.CATALOGUE[code].fault(what=text, endpoint="")
            log.warning("%s  do=%s", fault.line(), fault.fix.en)
            self._post(Troubled(code, cid, text))

    def answered(self, trouble: str, answer: Answer, reason: str) -> None:
        """A bearer's answer to a row, with the trouble that the delivery table raises for it, or ""."""
        if trouble:
            self.of(trouble, "354", REASONS.get(answer, reason))

    def over(self, *several: str) -> None:
        for code in several:
            if code in self._open:
                self._open.discard(code)
                log.info("%s over", code)
                self._post(Restored(code))

    def refused(self, kind: str, reason: str, now_ns: int) -> None:
        """An audit event, at most one per kind and 10 s: a flood of one kind must not hide another."""
        untold, told_ns = self._refused.get(kind, (0, -REFUSAL_EVERY_NS))
        due = now_ns - told_ns >= REFUSAL_EVERY_NS
        self._refused[kind] = (0, now_ns) if due else (untold + 1, told_ns)
        if kind == "receipt" and reason.startswith(("unknown key", "signature")):
            self.of(codes.CENTRE_KEY.code, "354", reason)
        if due:
            log.warning("%s refused  reason=%s count=%d", kind, reason, untold + 1)
            self._post(Noted(f"{kind}-refused", {"reason": reason, "count": untold + 1}))
