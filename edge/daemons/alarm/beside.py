"""Orders that the panel has no part in: they touch the disk, so each is followed in a thread that may hang."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Final

from edge.config.drafts import Draft, put_draft
from edge.config.model import Configuration
from edge.config.places import Places
from edge.core.status import BoxStatus
from edge.daemons.alarm.diagnosis import diagnosis

log = logging.getLogger("kentongan.alarm")

BUSY: Final = "busy: an order before it still waits for the disk"
Done = Callable[[str, bytes], None]
"""(reason, found): why it was refused, "" where it was followed, and what was found."""


class Beside:
    """One order at a time: a disk that hangs holds up one thread and refuses the rest.

    log: the daemon's last lines
    """

    def __init__(self, places: Places, site: Configuration, lines: Callable[[], Iterable[str]]) -> None:
        self._places = places
        self._site = site
        self._lines = lines
        self._thread: threading.Thread | None = None

    def lay(self, draft: Draft, done: Done) -> None:
        """Lay a believed overlay where kentongan-config finds it; what becomes of it, kentongan-config says."""
        self._follow(lambda: self._put(draft), done)

    def diagnose(self, picture: BoxStatus, done: Done) -> None:
        self._follow(lambda: diagnosis(self._places, self._site, picture, self._lines()), done)

    def _put(self, draft: Draft) -> bytes:
        put_draft(self._places, draft)
        return b""

    def _follow(self, find: Callable[[], bytes], done: Done) -> None:
        if self._thread is not None and self._thread.is_alive():
            done(BUSY, b"")
            return
        self._thread = threading.Thread(target=_follow, args=(find, done), name="beside", daemon=True)
        self._thread.start()


def _follow(find: Callable[[], bytes], done: Done) -> None:
    try:
        found = find()
    except Exception as error:  # whatever it is, somebody far away waits for an answer
        log.exception("an order was not followed")
        done(f"disk: {getattr(error, 'strerror', None) or type(error).__name__}", b"")
    else:
        done("", found)
