"""When cameras are looked at: a scan after power-on, each hour and when one says Hello; each camera every minute.

Nothing is sent on the network while no camera is adopted, but for a person who asks.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from drivers.camera import Cameras, Candidate, Scanner
from drivers.ports import DriverError
from edge.core.inventory import Adopted, Health, Sighting, compare
from edge.core.words import SECOND_NS
from edge.daemons.cameras.clerk import look_at
from edge.daemons.cameras.crew import Crew
from edge.daemons.cameras.looks import Look, Outcome, sighting_of
from edge.daemons.cameras.roll import Roll

log = logging.getLogger("kentongan.cameras")

BURST_NS: Final = tuple(after * SECOND_NS for after in (20, 60, 150))  # cameras start within two minutes of the power
AWAY_SCAN_NS: Final = 300 * SECOND_NS  # while one of ours is away: it may have another address
HINT_NS: Final = 2 * SECOND_NS  # after a Hello: it says it before it is ready
HINTED_NS: Final = 30 * SECOND_NS  # between two scans for Hellos, which anybody can forge
NO_NETWORK_NS: Final = 30 * SECOND_NS
AT_ONCE: Final = 8  # looks that run or wait
BUSY_NS: Final = 90 * SECOND_NS  # a look is two conversations of 8 s, and may wait for others


@dataclass(frozen=True, slots=True)
class Pace:
    """check_ns: between two looks at one camera; again_ns: after a miss; full_ns: between two logins, and two scans."""

    check_ns: int = 60 * SECOND_NS
    again_ns: int = 10 * SECOND_NS
    full_ns: int = 3600 * SECOND_NS


@dataclass(slots=True)
class _Plan:
    """One camera's next look. full_ns: when the login is due."""

    next_ns: int = 0
    full_ns: int = 0
    busy_until_ns: int = 0  # a look that nobody ends is forgotten then


@dataclass(frozen=True, slots=True)
class Means:
    """What looks are made with. scanner: makes one for each use, which stays in its thread."""

    cameras: Cameras
    scanner: Callable[[], Scanner]
    scans: Crew
    looks: Crew
    boot_ns: Callable[[], int]
    trusts_clock: Callable[[], bool]


@dataclass(slots=True)
class _Scans:
    due_ns: int = 0
    last_ns: int = -HINTED_NS
    burst: list[int] = field(default_factory=list)
    hinted: bool = False
    blind: bool = False  # no network was there the last time


class Rounds:
    def __init__(self, roll: Roll, means: Means, pace: Pace, *, now_ns: int, powered_on: bool) -> None:
        self._roll = roll
        self._means = means
        self._pace = pace
        self._plans: dict[str, _Plan] = {}
        self._scans = _Scans(now_ns, burst=[now_ns + after_ns for after_ns in BURST_NS] if powered_on else [])
        self._pulled_ns = now_ns

    @property
    def due_ns(self) -> int:
        """When to call `turn` at the latest."""
        waiting = [max(plan.next_ns, plan.busy_until_ns) for plan in self._plans.values()]
        return min([self._next_scan_ns(), *waiting])

    def hint(self, now_ns: int) -> None:
        """Something said Hello or Bye."""
        self._scans.hinted = True
        self._scans.due_ns = min(self._scans.due_ns, max(now_ns + HINT_NS, self._scans.last_ns + HINTED_NS))

    def changed(self, name: str) -> None:
        """A camera was adopted, again or for the first time, or forgotten."""
        self._plans.pop(name, None)

    def turn(self, now_ns: int) -> None:
        cameras = self._roll.all()
        for name in self._plans.keys() - {camera.name for camera in cameras}:
            del self._plans[name]
        if not cameras:
            return
        for camera in cameras:
            self._plans.setdefault(camera.name, self._new_plan(camera, now_ns))
        if now_ns >= self._next_scan_ns() and not self._means.scans.busy:
            self._scan(now_ns)
        self._check([camera for camera in cameras if self._is_due(camera, now_ns)], now_ns)

    # ---- scans -------------------------------------------------------------------------------------------------------

    def _next_scan_ns(self) -> int:
        return min([self._scans.due_ns, *self._scans.burst])

    def _scan(self, now_ns: int) -> None:
        self._scans.burst = [at_ns for at_ns in self._scans.burst if at_ns > now_ns]
        away = any(self._health(camera) is Health.UNREACHABLE for camera in self._roll.all())
        self._scans.last_ns, self._scans.hinted = now_ns, False
        self._scans.due_ns = now_ns + min(self._pace.full_ns, AWAY_SCAN_NS if away else self._pace.full_ns)

        def job() -> Sequence[Candidate] | DriverError:
            try:
                return self._means.scanner().scan()
            except DriverError as error:
                return error

        self._means.scans.start(job, self._scanned)

    def _scanned(self, got: Sequence[Candidate] | DriverError) -> None:
        now_ns = self._means.boot_ns()
        if isinstance(got, DriverError):
            if not self._scans.blind:
                log.warning("no network to scan  code=%s", got.code)
            self._scans.blind = True
            self._scans.due_ns = min(self._scans.due_ns, now_ns + NO_NETWORK_NS)
            return
        self._scans.blind = False
        diff = compare(self._roll.all(), map(sighting_of, got))
        for camera, sighting in self._roll.placed(diff, now_ns):
            self._confirm_move(camera, sighting)

    def _confirm_move(self, camera: Adopted, sighting: Sighting) -> None:
        """Ask at the new address who it is, without a login, and make sure that nobody speaks ONVIF at the old one."""

        def job() -> Sighting | None:
            there = look_at(self._means.scanner, sighting.host, sighting.port)
            if isinstance(there, DriverError):
                return None
            here = Look(camera, None).run(self._means.cameras)
            return sighting_of(there) if here.health is Health.UNREACHABLE else None

        self._means.looks.start(job, lambda there: self._move(camera, there))

    def _move(self, camera: Adopted, there: Sighting | None) -> None:
        current = self._roll.get(camera.name)
        if there is None or current is None or (current.host, current.port) != (camera.host, camera.port):
            return
        marks = current.marks
        if marks.shares(there.marks) and not marks.contradicts(there.marks):
            self._roll.moved(camera.name, there)
            self._plans[camera.name] = _Plan()

    # ---- looks -------------------------------------------------------------------------------------------------------

    def _new_plan(self, camera: Adopted, now_ns: int) -> _Plan:
        """One that was adopted a moment ago has shown its login just now; after a start the scan comes first."""
        seat = self._roll.seat(camera.name)
        fresh = seat is not None and seat.proven
        return _Plan(
            now_ns + (self._pace.check_ns if fresh else min(self._pace.again_ns, 3 * SECOND_NS)),
            now_ns + self._pace.full_ns if fresh else now_ns,
        )

    def _is_due(self, camera: Adopted, now_ns: int) -> bool:
        plan = self._plans[camera.name]
        return now_ns >= max(plan.next_ns, plan.busy_until_ns)

    def _health(self, camera: Adopted) -> Health:
        seat = self._roll.seat(camera.name)
        return seat.condition.health if seat else Health.UNREACHABLE

    def _check(self, due: Sequence[Adopted], now_ns: int) -> None:
        due = due[: max(0, AT_ONCE - self._means.looks.busy)]
        with_login = [camera for camera in due if self._wants_login(camera, now_ns)]
        self._roll.stake(with_login)
        for camera in due:
            plan = self._plans[camera.name]
            plan.busy_until_ns = now_ns + BUSY_NS
            current = self._roll.get(camera.name) or camera
            if camera in with_login:
                plan.full_ns = now_ns + self._pace.full_ns
                self._look(current, full=True)
            else:
                self._look(current, full=False)

    def _wants_login(self, camera: Adopted, now_ns: int) -> bool:
        waits = self._health(camera) in {Health.UNREACHABLE, Health.REACHABLE}
        due = waits or now_ns >= self._plans[camera.name].full_ns
        return due and self._roll.login(camera, now_ns) is not None

    def _look(self, camera: Adopted, *, full: bool) -> None:
        login = self._roll.login(camera, self._means.boot_ns()) if full else None
        look = Look(camera, login, camera.login, trusts_clock=self._means.trusts_clock())
        self._means.looks.start(
            lambda: look.run(self._means.cameras),
            lambda outcome: self._looked(camera, outcome),
            lambda: self._release(camera.name, self._pace.check_ns),
        )

    def _looked(self, camera: Adopted, outcome: Outcome) -> None:
        """A look without a login shows that something speaks ONVIF there; who it is, is asked before one is sent."""
        seat = self._roll.seat(camera.name)
        lives = outcome.health is not Health.UNREACHABLE
        if seat is not None and lives and not seat.confirmed and not seat.stranger:
            self._means.looks.start(
                lambda: look_at(self._means.scanner, camera.host, camera.port),
                lambda got: self._found(camera, got),
                lambda: self._release(camera.name, self._pace.check_ns),
            )
            return
        self._roll.looked(outcome, self._means.boot_ns())
        self._next(camera.name)

    def _found(self, camera: Adopted, got: Candidate | DriverError) -> None:
        now_ns = self._means.boot_ns()
        if isinstance(got, DriverError):
            self._roll.silent(camera.name, got.code, now_ns)
        elif self._roll.confirmed(camera.name, sighting_of(got)):
            self._release(camera.name, 0)
            if self._roll.login(camera, now_ns) is None:
                self._roll.looked(self._without_login(camera), now_ns)
                self._next(camera.name)
            return
        else:
            self._roll.stranger(camera.name, now_ns)
        self._next(camera.name)

    def _without_login(self, camera: Adopted) -> Outcome:
        health = Health.WRONG_PASSWORD if camera.is_refused else Health.REACHABLE if camera.login else Health.NO_LOGIN
        return Outcome(camera.name, health)

    def _next(self, name: str) -> None:
        seat = self._roll.seat(name)
        suspect = seat is not None and seat.condition.is_suspect
        self._release(name, self._pace.again_ns if suspect else self._pace.check_ns)
        if suspect:
            self._pull()

    def _release(self, name: str, after_ns: int) -> None:
        if (plan := self._plans.get(name)) is not None:
            plan.busy_until_ns, plan.next_ns = 0, self._means.boot_ns() + after_ns

    def _pull(self) -> None:
        """One missed: in a blackout the others did as well, and are looked at now."""
        now_ns = self._means.boot_ns()
        if now_ns - self._pulled_ns < self._pace.check_ns:
            return
        self._pulled_ns = now_ns
        for plan in self._plans.values():
            plan.next_ns = min(plan.next_ns, now_ns)
