"""What is done with one camera, in a thread of its own: each ends within a few DEADLINE_S and never raises CameraFault.

A login is sent only where the caller hands one in. After the first refusal nothing more is sent.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from drivers.camera import (
    Address,
    Camera,
    CameraFault,
    Cameras,
    Candidate,
    ClockWrong,
    Facts,
    Login,
    NoPicture,
    NotOffered,
    WrongPassword,
)
from edge.core.inventory import Adopted, Health, Marks, Sighting, plain_mac
from edge.link.counter import Tested

PICTURE_BYTES: Final = 200_000  # of one JPEG that leaves the box
OFFSET_MAX_S: Final = 300.0  # a camera's clock may be wrong by so much before anybody is told


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look at a camera gave.

    code:    of the fault behind `health`, "" where it is well
    sent:    number of the login that was sent, 0: none
    refused: it was
    """

    name: str
    health: Health
    code: str = ""
    facts: Facts | None = None
    sent: int = 0
    refused: bool = False
    steps: tuple[Tested, ...] = ()


@dataclass(slots=True)
class Look:
    """One camera at one address.

    login:  None where none may be sent
    number: of that login, for the one who keeps count
    told:   called with each step as it is done
    """

    camera: Adopted
    login: Login | None
    number: int = 0
    with_picture: bool = False
    trusts_clock: bool = False
    told: Callable[[Tested], None] = lambda _step: None
    _steps: list[Tested] = field(default_factory=list)

    def run(self, cameras: Cameras) -> Outcome:
        """Ask for the time, then who it is, then for a picture: as far as it goes and as far as we may."""
        with cameras.open(candidate_of(self.camera), self.login) as camera:
            try:
                with self._step("clock"):
                    offset_s = camera.clock_offset_s()
            except WrongPassword:  # some want a login even for the time; it is there all the same
                offset_s = 0.0
            except CameraFault as fault:
                return self._outcome(Health.UNREACHABLE, fault)
            if self.login is None:
                return self._outcome(self._without_login())
            return self._with_login(camera, offset_s)

    def _without_login(self) -> Health:
        if self.camera.is_refused:
            return Health.WRONG_PASSWORD
        return Health.REACHABLE if self.camera.login else Health.NO_LOGIN

    def _with_login(self, camera: Camera, offset_s: float) -> Outcome:
        try:
            with self._step("login"):
                facts = camera.interrogate()
        except WrongPassword as fault:
            return self._outcome(Health.WRONG_PASSWORD, fault)
        except ClockWrong as fault:
            return self._outcome(Health.CLOCK_WRONG, fault)
        except CameraFault as fault:
            return self._outcome(Health.UNREACHABLE, fault)
        if self.with_picture:
            try:
                with self._step("picture"):
                    camera.photograph(PICTURE_BYTES)
            except WrongPassword as fault:
                return self._outcome(Health.WRONG_PASSWORD, fault, facts)
            except CameraFault as fault:
                return self._outcome(Health.NO_PICTURE, fault, facts)
        wrong = self.trusts_clock and abs(offset_s) > OFFSET_MAX_S
        return self._outcome(Health.CLOCK_WRONG if wrong else Health.UP, ClockWrong() if wrong else None, facts)

    def _outcome(self, health: Health, fault: CameraFault | None = None, facts: Facts | None = None) -> Outcome:
        return Outcome(
            self.camera.name,
            health,
            fault.code if fault else "",
            facts,
            sent=self.number if any(step.step == "login" for step in self._steps) else 0,
            refused=isinstance(fault, WrongPassword),
            steps=tuple(self._steps),
        )

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began_ns = time.monotonic_ns()
        code = ""
        try:
            yield
        except CameraFault as fault:
            code = fault.code
            raise
        finally:
            step = Tested(name, (time.monotonic_ns() - began_ns) // 1_000_000, code)
            self._steps.append(step)
            self.told(step)


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame. jpeg b"" where there is none, and `code` says why."""

    name: str
    frame: int
    taken_ns: int
    jpeg: bytes = field(default=b"", repr=False)
    code: str = ""
    refused: bool = False


def photograph(camera: Adopted, login: Login, cameras: Cameras, frame: int, boot_ns: Callable[[], int]) -> Shot:
    """One picture of one camera; taken_ns is when it was asked for."""
    taken_ns = boot_ns()
    with cameras.open(candidate_of(camera), login) as opened:
        try:
            jpeg = opened.photograph(PICTURE_BYTES)
        except CameraFault as fault:
            return Shot(camera.name, frame, taken_ns, code=fault.code, refused=isinstance(fault, WrongPassword))
    if len(jpeg) > PICTURE_BYTES:
        return Shot(camera.name, frame, taken_ns, code=NoPicture.code)
    return Shot(camera.name, frame, taken_ns, jpeg)


def candidate_of(camera: Adopted) -> Candidate:
    address = Address(camera.host, camera.port)
    return Candidate(address, camera.marks.epr, camera.path, camera.model, mac=camera.marks.mac)


def sighting_of(candidate: Candidate) -> Sighting:
    return Sighting(
        candidate.address.host,
        candidate.address.port,
        candidate.epr,
        plain_mac(candidate.mac),
        candidate.path,
        candidate.name,
        candidate.hardware,
    )


def marks_of(facts: Facts, before: Marks) -> Marks:
    """What is known of it by now: what it says behind its login adds to what its probe said."""
    return Marks(
        epr=before.epr,
        mac=before.mac or plain_mac(facts.identity.mac),
        serial=facts.identity.serial or before.serial,
    )


def offers_events(outcome: Outcome) -> str:
    """Code of why not, "" where it does."""
    return "" if outcome.facts is None or outcome.facts.events else NotOffered.code
