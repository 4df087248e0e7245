"""Who is asked for motion: one thread and one subscription for each camera whose owner wants it."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from drivers.camera import CameraFault, Cameras, Login, Noticed, NotOffered, WrongPassword
from edge.core.inventory import Adopted
from edge.core.words import SECOND_NS
from edge.daemons.cameras.begun import Begun
from edge.daemons.cameras.crew import Post
from edge.daemons.cameras.looks import candidate_of

log = logging.getLogger("kentongan.cameras")

WATCHED_MAX: Final = 16  # cameras with events: each costs a thread, and a place among the few that a camera has
PULL_S: Final = 5.0  # of one wait; it bounds how long stopping takes
FIRST_PAUSE_S: Final = 5.0
PAUSE_MAX_S: Final = 300.0
BURST: Final = 6  # events of one camera at once,
REFILL_NS: Final = 10 * SECOND_NS  # then one in this time: a tree in the wind is no alarm
PARTS_MAX: Final = 512  # of all cameras, whose last word is remembered
STREET_BURST: Final = 18  # of all cameras together; alarm takes 20,
STREET_REFILL_NS: Final = 6 * SECOND_NS  # and then one in 5 s


@dataclass(frozen=True, slots=True)
class Told:
    """Where the loop hears of it."""

    noticed: Callable[[str, Noticed], None]
    refused: Callable[[str, int], None]


class Watch:
    """One camera's thread. Begin it with `start`; `stop` only asks, `join` waits for the subscription to be off."""

    def __init__(
        self, camera: Adopted, login: Login, *, cameras: Cameras, post: Post, told: Told, begun: Begun
    ) -> None:
        self._begun = begun
        self.camera: Final = camera
        self._login = login
        self._cameras = cameras
        self._post = post
        self._told = told
        self._stopping = threading.Event()
        self._pause_s = FIRST_PAUSE_S
        self._lost = False
        self._thread = threading.Thread(target=self._run, name=f"watch-{camera.name}", daemon=True)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, within_s: float) -> None:
        self._thread.join(within_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except WrongPassword:
                self._post.leave(lambda: self._told.refused(self.camera.name, self.camera.login))
                return
            except NotOffered:
                log.info("no events to be had  camera=%s", self.camera.name)
                return
            except CameraFault as fault:
                self._lose(fault.code)
            except Exception:  # whatever it is, it is tried again
                log.exception("thread fault; going on  watch=%s", self.camera.name)
                self._lose("")
            self._stopping.wait(self._pause_s)
            self._pause_s = min(PAUSE_MAX_S, self._pause_s * 2)

    def _listen(self) -> None:
        """Until told to stop. Raises CameraFault."""
        with self._cameras.open(candidate_of(self.camera), self._login) as camera:
            if self._stopping.wait(self._begun.wait_s(self.camera.name)):
                return
            self._begun.note(self.camera.name)
            try:
                subscription = camera.subscribe()
            finally:
                self._begun.clear(self.camera.name)
            try:
                self._begin()
                while not self._stopping.is_set():
                    for noticed in subscription.pull(PULL_S):
                        self._leave(noticed)
            finally:
                subscription.close()

    def _begin(self) -> None:
        self._pause_s = FIRST_PAUSE_S
        if self._lost:
            log.info("events back  camera=%s", self.camera.name)
        self._lost = False

    def _lose(self, code: str) -> None:
        if not self._lost:
            log.warning("events lost  camera=%s code=%s", self.camera.name, code)
        self._lost = True

    def _leave(self, noticed: Noticed) -> None:
        self._post.leave(lambda: self._told.noticed(self.camera.name, noticed))


@dataclass(slots=True)
class Tokens:
    """So many at once, then one in `refill_ns`."""

    burst: int
    refill_ns: int
    left: int = field(init=False)
    at_ns: int = 0

    def __post_init__(self) -> None:
        self.left = self.burst

    def has(self, now_ns: int) -> bool:
        grown = max(0, now_ns - self.at_ns) // self.refill_ns
        if self.left + grown >= self.burst:
            self.left, self.at_ns = self.burst, now_ns
        elif grown:
            self.left, self.at_ns = self.left + grown, self.at_ns + grown * self.refill_ns
        return self.left > 0


class Sieve:
    """Lets what cameras notice through, at a limited rate; what one says twice is said once."""

    def __init__(self) -> None:
        self._street = Tokens(STREET_BURST, STREET_REFILL_NS)
        self._cameras: dict[str, Tokens] = {}
        self._last: dict[tuple[str, str, str], bool] = {}
        self.passed_over = 0

    def passes(self, name: str, noticed: Noticed) -> bool:
        key = (name, noticed.what, noticed.source)
        if self._last.get(key) is noticed.active:
            return False
        camera = self._cameras.setdefault(name, Tokens(BURST, REFILL_NS))
        if not (camera.has(noticed.at_ns) and self._street.has(noticed.at_ns)):
            self.passed_over += 1
            return False
        camera.left -= 1
        self._street.left -= 1
        if len(self._last) >= PARTS_MAX:
            self._last.clear()
        self._last[key] = noticed.active  # what was told, not what was passed over
        return True

    def forget(self, name: str) -> None:
        self._cameras.pop(name, None)
