"""Bounded threads for what cameras may take their time with; what comes of it is heard in the loop's own thread."""

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from edge.daemons.border import Border

log = logging.getLogger("kentongan.cameras")

T = TypeVar("T")
STACK_BYTES: Final = 512 * 1024  # of a thread; a parser of deep XML is refused long before it needs more


class Post:
    """From any thread to the loop: what to call there, in order.

    wake:   makes the loop look; callable from any thread
    border: what one call raises costs that call
    """

    def __init__(self, wake: Callable[[], None], border: Border) -> None:
        self._wake = wake
        self._border = border
        self._waiting: deque[Callable[[], None]] = deque()

    def leave(self, call: Callable[[], None]) -> None:
        self._waiting.append(call)
        self._wake()

    def take(self) -> None:
        """In the loop: call what has been left by now."""
        for _ in range(len(self._waiting)):
            self._border.call(self._waiting.popleft())


class Crew:
    """At most `threads` jobs at once; the others wait in turn."""

    def __init__(self, name: str, threads: int, post: Post) -> None:
        self._post = post
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self.busy = 0  # jobs that run or wait; the loop's own count

    def start(self, job: Callable[[], T], done: Callable[[T], None], failed: Callable[[], None] | None = None) -> None:
        """Do `job` in a thread, then call `done` with what it returned in the loop.

        failed: called instead where it raised what nobody foresaw, which is logged
        """
        self.busy += 1
        self._pool.submit(self._run, job, done, failed)

    def _run(self, job: Callable[[], T], done: Callable[[T], None], failed: Callable[[], None] | None) -> None:
        try:
            found = job()
        except Exception:  # whatever a camera made of us, the other forty-nine are looked after
            log.exception("thread fault; going on")
            self._post.leave(lambda: self._end(failed or _nothing))
        else:
            self._post.leave(lambda: self._end(lambda: done(found)))

    def _end(self, call: Callable[[], None]) -> None:
        self.busy -= 1
        call()

    def close(self) -> None:
        """No new job begins; those that run end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _nothing() -> None: ...
