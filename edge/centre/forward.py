"""Passes every stored event on to the command centre of the city: at least once, in order per box, alarms first.

A thread of its own with files of its own. It knows nothing of receipts and nothing of the session waits for it.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol

from edge.centre.postbox import Postbox, Source, Waiting
from edge.centre.webhook import Answer, NotDelivered
from edge.core.timing import Corrected

POLL_S: Final = 1.0  # when nobody rings
PAUSE_FIRST_S: Final = 0.5
PAUSE_MAX_S: Final = 60.0  # an alarm that waits for a receiver back from repair waits no longer
LANES_RESTING_MAX: Final = 500  # beyond this the receiver is ill, not an event
_TRY_AGAIN: Final = frozenset({408, 429})

_log = logging.getLogger("kentongan.forward")


class Post(Protocol):
    def post(self, event_id: str, raw: bytes, corrected: Corrected | None) -> Answer: ...

    def close(self) -> None: ...

    def release(self) -> None: ...


class Forwarder:
    """ring: something new is stored; never waits. stop: ends what is under way and waits for the thread.

    random01: for the jitter; clock: monotonic seconds
    """

    def __init__(
        self,
        postbox: Path,
        source: Source,
        post: Post,
        *,
        random01: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._source, self._post = postbox, source, post
        self._random01, self._clock = random01, clock
        self._bell = threading.Event()
        self._ending = threading.Event()
        self._failures = 0
        self._resting: dict[tuple[bool, str], tuple[float, int]] = {}
        self._not_before = 0.0
        self._look_again, self._rung = 0.0, False
        self._thread = threading.Thread(target=self._run, name="forward", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ring(self) -> None:
        self._rung = True
        self._bell.set()

    def stop(self, within_s: float = 5.0) -> None:
        self._ending.set()
        self._bell.set()
        self._post.close()
        self._thread.join(within_s)

    # ---- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        ill = False
        while not self._ending.is_set():
            try:
                with closing(Postbox.open(self._path)) as postbox:
                    ill = False
                    while not self._ending.is_set():
                        self._bell.clear()
                        self._bell.wait(self.turn(postbox))
            except BlockingIOError:  # another process of this centre forwards; stand by
                self._ending.wait(POLL_S)
            except (sqlite3.Error, OSError) as error:
                if not ill:
                    _log.error("forwarding cannot read its files; trying again  cause=%s", error)
                ill = True
                self._ending.wait(PAUSE_FIRST_S * 10)
        self._post.release()

    def turn(self, postbox: Postbox) -> float:
        """One step; returns for how long there is nothing to do."""
        self._fill(postbox)
        now = self._clock()
        if now < self._not_before:
            return min(POLL_S, self._not_before - now)
        waiting = postbox.next({lane for lane, (until, _) in self._resting.items() if until > now})
        if waiting is None:
            return POLL_S
        self._deliver(waiting, postbox)
        return 0.0

    def _fill(self, postbox: Postbox) -> None:
        """When rung, and each second in any case: other processes may store too. All of it: an alarm may come last."""
        if self._clock() < self._look_again and not self._rung:
            return
        self._rung, self._look_again = False, self._clock() + POLL_S
        while postbox.fill(self._source, time.time_ns()) and not self._ending.is_set():
            continue

    def _deliver(self, waiting: Waiting, postbox: Postbox) -> None:
        raw = self._source.raw(waiting.arrival)
        if raw is None:  # a store restored from a backup; `fill` begins anew
            postbox.delivered(waiting)
            return
        try:
            answer = self._post.post(waiting.id, raw, self._source.corrected(waiting.arrival))
        except NotDelivered as lost:
            self._again(waiting, str(lost), 0.0)
            return
        if 200 <= answer.status < 300:
            postbox.delivered(waiting)
            self._well(waiting)
        elif 400 <= answer.status < 500 and answer.status not in _TRY_AGAIN:
            _log.error(
                "receiver refuses an event; it is parked until the next start  box=%s id=%s status=%d",
                waiting.box, waiting.id, answer.status,
            )  # fmt: skip
            postbox.park(waiting, answer.status)
            self._well(waiting)
        else:
            self._again(waiting, f"status {answer.status}", answer.retry_after_s)

    def _well(self, waiting: Waiting) -> None:
        if self._failures:
            _log.info("forward back  after=%d attempts", self._failures)
        self._failures, self._not_before = 0, 0.0
        self._resting.pop(waiting.lane, None)

    def _again(self, waiting: Waiting, cause: str, retry_after_s: float) -> None:
        """Its lane rests, so that one event that the receiver chokes on does not hold up the other boxes."""
        if self._ending.is_set():
            return
        if not self._failures:
            _log.warning("forward failed; trying again  box=%s id=%s cause=%s", waiting.box, waiting.id, cause)
        self._failures += 1
        now = self._clock()
        times = self._resting.get(waiting.lane, (0.0, 0))[1] + 1
        if len(self._resting) >= LANES_RESTING_MAX:
            self._resting.clear()
        self._not_before = now + max(retry_after_s, self._pause_s(self._failures))
        self._resting[waiting.lane] = (
            self._not_before + self._pause_s(times),
            times,
        )  # the others get their turn first

    def _pause_s(self, times: int) -> float:
        """Full jitter."""
        return min(PAUSE_MAX_S, PAUSE_FIRST_S * 2.0 ** min(times, 10)) * self._random01()
