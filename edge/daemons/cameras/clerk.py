"""What people ask at the counter: look for cameras, adopt one, forget one, test one."""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.camera import PORTS, CameraFault, Cameras, Candidate, Login, Scanner
from drivers.ports import Configuration, DriverError
from drivers.redact import redact
from edge.core import camera_codes as codes
from edge.core.faults import Meaning
from edge.core.inventory import CAMERAS_LIMIT, Adopted, Health, Sighting, Where, compare, twins
from edge.daemons.cameras.crew import Crew, Post
from edge.daemons.cameras.desk import Visitor
from edge.daemons.cameras.looks import Look, Outcome, marks_of, sighting_of
from edge.daemons.cameras.roll import Roll
from edge.daemons.cameras.watching import WATCHED_MAX
from edge.link.counter import (
    Adopt,
    Finished,
    Forget,
    Found,
    List,
    Listed,
    Progress,
    Refused,
    Request,
    Scan,
    Test,
    Tested,
)
from edge.link.counter import Look as LookAt

log = logging.getLogger("kentongan.cameras")

SHOWN_AT_ONCE: Final = 8  # cameras of one answer: with every member at its longest they fit into a frame
REFUSED_MAX: Final = 256  # logins remembered as refused at adoption, in memory alone
_Judged = tuple[Adopted, Outcome] | Refused | DriverError
_GOOD: Final = frozenset({Health.UP, Health.NO_PICTURE, Health.CLOCK_WRONG, Health.NO_LOGIN})


@dataclass(frozen=True, slots=True)
class Hands:
    """What the clerk works with. scanner: makes one for each use, which stays in its thread.

    forgotten, adopted: called with a name when that has happened
    """

    cameras: Cameras
    scanner: Callable[[], Scanner]
    scans: Crew
    looks: Crew
    post: Post
    boot_ns: Callable[[], int]
    trusts_clock: Callable[[], bool]
    adopted: Callable[[str], None]
    forgotten: Callable[[str], None]


class Clerk:
    def __init__(self, roll: Roll, hands: Hands) -> None:
        self._roll = roll
        self._hands = hands
        self._salt = secrets.token_bytes(16)
        self._wrong: dict[bytes, None] = {}

    def ask(self, visitor: Visitor, request: Request) -> None:
        match request:
            case List():
                self._list(visitor)
            case Scan():
                self._scan(visitor, request)
            case LookAt(host, port):
                self._look(visitor, host, port)
            case Adopt():
                self._adopt(visitor, request)
            case Forget(name):
                self._forget(visitor, name)
            case Test(name):
                self._test(visitor, name)

    # ---- looking -----------------------------------------------------------------------------------------------------

    def _list(self, visitor: Visitor) -> None:
        shown = self._roll.shown(self._hands.boot_ns())
        for at in range(0, len(shown), SHOWN_AT_ONCE):
            visitor.say(Listed(tuple(shown[at : at + SHOWN_AT_ONCE])))
        visitor.say(Finished())

    def _scan(self, visitor: Visitor, request: Scan) -> None:
        if self._hands.scans.busy:
            visitor.say(_refusal(codes.BUSY, what="scan"))
            return
        seen: list[Sighting] = []

        def found(candidate: Candidate) -> None:
            self._hands.post.leave(lambda: self._tell_found(visitor, sighting_of(candidate), seen))

        def progress(done: int, total: int) -> None:
            self._hands.post.leave(lambda: visitor.say(Progress(done, total)))

        def job() -> Sequence[Candidate] | DriverError:
            try:
                scanner = self._hands.scanner()
                candidates = [] if request.networks else scanner.scan(found)
                return candidates + (scanner.sweep(request.networks, progress) if request.sweep else [])
            except DriverError as error:
                return error

        self._hands.scans.start(job, lambda got: self._scanned(visitor, got, seen), lambda: _failed(visitor))

    def _scanned(self, visitor: Visitor, got: Sequence[Candidate] | DriverError, seen: list[Sighting]) -> None:
        if isinstance(got, DriverError):
            visitor.say(_refusal_of(got))
            return
        for candidate in got:
            self._tell_found(visitor, sighting_of(candidate), seen)
        for sighting in seen:
            if twins(sighting, seen):
                visitor.say(self._found(sighting, seen))
        visitor.say(Finished())

    def _tell_found(self, visitor: Visitor, sighting: Sighting, seen: list[Sighting]) -> None:
        if sighting not in seen:
            seen.append(sighting)
            visitor.say(self._found(sighting, seen))

    def _found(self, sighting: Sighting, seen: Sequence[Sighting]) -> Found:
        diff = compare(self._roll.all(), [sighting])
        ours = [name for name, at in diff.cameras.items() if at.where in {Where.HERE, Where.MOVED}]
        return Found(
            sighting.host, sighting.port, sighting.epr, sighting.path, sighting.name, sighting.hardware, sighting.mac,
            ours[0] if len(ours) == 1 else "", twins(sighting, seen),
        )  # fmt: skip

    def _look(self, visitor: Visitor, host: str, port: int) -> None:
        def answer(got: Candidate | DriverError) -> None:
            if isinstance(got, DriverError):
                visitor.say(_refusal_of(got, name=host, where=_place(host, port)))
                return
            visitor.say(self._found(sighting_of(got), [sighting_of(got)]))
            visitor.say(Finished())

        self._hands.looks.start(lambda: look_at(self._hands.scanner, host, port), answer, lambda: _failed(visitor))

    # ---- adopting ----------------------------------------------------------------------------------------------------

    def _adopt(self, visitor: Visitor, wish: Adopt) -> None:
        if (refusal := self._not_adoptable(wish)) is not None:
            visitor.say(refusal)
            return
        login = Login(wish.user, wish.password) if wish.user else None

        def job() -> _Judged:
            got = look_at(self._hands.scanner, wish.host, wish.port)
            if isinstance(got, DriverError):
                return got
            if wish.epr and got.epr and wish.epr != got.epr:  # another one than the one that was shown
                return _refusal(codes.STRANGER, name=wish.name, where=str(got.address))
            camera = _wished(wish, got)
            look = Look(camera, login, 1, with_picture=wish.consent, trusts_clock=trusts_clock, told=told)
            return camera, look.run(self._hands.cameras)

        trusts_clock, told = self._hands.trusts_clock(), self._steps(visitor)
        self._hands.looks.start(job, lambda got: self._judged(visitor, wish, login, got), lambda: _failed(visitor))

    def _judged(self, visitor: Visitor, wish: Adopt, login: Login | None, got: _Judged) -> None:
        match got:
            case Refused():
                visitor.say(got)
            case DriverError():
                visitor.say(_refusal_of(got, name=wish.name, where=_place(wish.host, wish.port)))
            case camera, outcome:
                self._decide(visitor, wish, camera, login, outcome)

    def _steps(self, visitor: Visitor) -> Callable[[Tested], None]:
        """For a thread: each step is told as it is done."""
        return lambda step: self._hands.post.leave(lambda: visitor.say(step))

    def _not_adoptable(self, wish: Adopt) -> Refused | None:
        others = [camera for camera in self._roll.all() if camera.name != wish.name]
        for camera in others:
            same = wish.port == camera.port or (not wish.port and wish.epr in {"", camera.marks.epr})
            if camera.host == wish.host and same:
                return _refusal(codes.TAKEN, name=camera.name, where=_place(camera.host, camera.port))
        if len(others) >= CAMERAS_LIMIT:
            return _refusal(codes.MANY, what=f"{len(others)} / {CAMERAS_LIMIT}")
        if wish.events and sum(camera.events for camera in others) >= WATCHED_MAX:
            return _refusal(codes.MANY, what=f"events: {WATCHED_MAX}")
        if self._fingerprint(wish) in self._wrong:
            return _refusal(codes.PASSWORD, name=wish.name)
        return None

    def _decide(self, visitor: Visitor, wish: Adopt, camera: Adopted, login: Login | None, outcome: Outcome) -> None:
        if outcome.refused:
            self._remember_wrong(wish)
        if outcome.health not in _GOOD:
            visitor.say(Refused(outcome.code or codes.UNREACHABLE.code, _facts(camera)))
            return
        if outcome.health is Health.CLOCK_WRONG and outcome.facts is None:
            visitor.say(_refusal(codes.CLOCK, name=wish.name))
            return
        try:
            self._roll.adopt(_known(camera, outcome), login, outcome.health, outcome.code, self._hands.boot_ns())
        except OSError as error:
            visitor.say(_refusal(codes.STORE, what=error.strerror or "?"))
            return
        log.info("adopted  camera=%s at=%s:%d uid=%d", camera.name, camera.host, camera.port, visitor.uid)
        self._hands.adopted(camera.name)
        visitor.say(Finished(camera.name))

    def _fingerprint(self, wish: Adopt) -> bytes:
        """Of a login at an address, for this life alone: whoever reads our memory learns no password from it."""
        said = "\0".join((wish.host, str(wish.port), wish.user, wish.password))
        return hmac.new(self._salt, said.encode(), hashlib.sha256).digest()

    def _remember_wrong(self, wish: Adopt) -> None:
        self._wrong[self._fingerprint(wish)] = None
        while len(self._wrong) > REFUSED_MAX:
            del self._wrong[next(iter(self._wrong))]

    # ---- forgetting and testing --------------------------------------------------------------------------------------

    def _forget(self, visitor: Visitor, name: str) -> None:
        if self._roll.get(name) is None:
            visitor.say(_refusal(codes.UNKNOWN, name=name))
            return
        try:
            self._roll.forget(name)
        except OSError as error:
            visitor.say(_refusal(codes.STORE, what=error.strerror or "?"))
            return
        log.info("forgotten  camera=%s uid=%d", name, visitor.uid)
        self._hands.forgotten(name)
        visitor.say(Finished(name))

    def _test(self, visitor: Visitor, name: str) -> None:
        camera = self._roll.get(name)
        if camera is None:
            visitor.say(_refusal(codes.UNKNOWN, name=name))
            return
        self._hands.looks.start(
            lambda: look_at(self._hands.scanner, camera.host, camera.port),
            lambda got: self._test_found(visitor, camera, got),
            lambda: _failed(visitor),
        )

    def _test_found(self, visitor: Visitor, camera: Adopted, got: Candidate | DriverError) -> None:
        now_ns = self._hands.boot_ns()
        if isinstance(got, DriverError):
            self._roll.silent(camera.name, got.code, now_ns)
            visitor.say(_refusal_of(got, name=camera.name, where=_place(camera.host, camera.port)))
            return
        if not self._roll.confirmed(camera.name, sighting_of(got)):
            self._roll.stranger(camera.name, now_ns)
            visitor.say(Refused(codes.STRANGER.code, _facts(camera)))
            return
        login = self._roll.login(camera, now_ns)
        if login is not None:
            self._roll.stake([camera])
        told, trusts_clock = self._steps(visitor), self._hands.trusts_clock()
        look = Look(camera, login, camera.login, with_picture=True, trusts_clock=trusts_clock, told=told)
        self._hands.looks.start(
            lambda: look.run(self._hands.cameras),
            lambda outcome: self._tested(visitor, camera, outcome),
            lambda: _failed(visitor),
        )

    def _tested(self, visitor: Visitor, camera: Adopted, outcome: Outcome) -> None:
        self._roll.looked(outcome, self._hands.boot_ns())
        code = outcome.code or (codes.PASSWORD.code if camera.is_refused else "")
        visitor.say(Refused(code, _facts(camera)) if code else Finished(camera.name))


def look_at(scanner: Callable[[], Scanner], host: str, port: int) -> Candidate | DriverError:
    """In a thread: what is at an address. port 0: at the usual ones."""
    try:
        return scanner().look(host, (port,) if port else PORTS)
    except DriverError as error:
        return error


def _wished(wish: Adopt, got: Candidate) -> Adopted:
    seen = sighting_of(got)
    return Adopted(
        name=wish.name, host=seen.host, port=seen.port, path=seen.path, marks=seen.marks,
        consent=wish.consent, events=wish.events,
    )  # fmt: skip


def _known(camera: Adopted, outcome: Outcome) -> Adopted:
    """With what its login has shown."""
    if outcome.facts is None:
        return camera
    identity = outcome.facts.identity
    return Adopted(
        name=camera.name, host=camera.host, port=camera.port, path=camera.path,
        marks=marks_of(outcome.facts, camera.marks), manufacturer=identity.manufacturer, model=identity.model,
        firmware=identity.firmware, consent=camera.consent, events=camera.events,
    )  # fmt: skip


def _facts(camera: Adopted) -> dict[str, str]:
    return {"name": camera.name, "where": _place(camera.host, camera.port)}


def _place(host: str, port: int) -> str:
    return f"{host}:{port}" if port else host


def _refusal(meaning: Meaning, **facts: str) -> Refused:
    return Refused(meaning.code, facts)


def _refusal_of(error: DriverError, **facts: str) -> Refused:
    """A driver's words hold no login and nothing of a camera's choosing (drivers/camera.py)."""
    code = codes.RANGE.code if isinstance(error, Configuration) and not isinstance(error, CameraFault) else error.code
    return Refused(code if code in codes.CATALOGUE else codes.CAMERA.code, {**facts, "what": redact(str(error))[:200]})


def _failed(visitor: Visitor) -> None:
    visitor.say(_refusal(codes.CAMERA, what="unforeseen"))
