"""Pictures for an alarm or an order: all cameras at once, each frame sealed and spooled in the thread that took it.

The JPEG lives in that thread's memory alone; what reaches the disk and the link is ciphertext.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from drivers.camera import Cameras, Login
from edge.config.model import Cameras as Policy
from edge.core import camera_codes as codes
from edge.core.inventory import Adopted, Health
from edge.core.words import SECOND_NS
from edge.daemons.cameras.crew import Crew
from edge.daemons.cameras.looks import Outcome, Shot, photograph
from edge.daemons.cameras.roll import Roll
from edge.daemons.cameras.sealing import KEY_BYTES, digest, seal
from edge.daemons.cameras.spool import Spool, Spooled
from edge.link.counter import Tested
from edge.link.frames import Done, Frame, Picture, Work

log = logging.getLogger("kentongan.cameras")

FRAMES: Final = ((8, 3), (16, 2))  # up to so many cameras: so many frames each; beyond, one
BETWEEN_NS: Final = 2 * SECOND_NS  # frames of one camera
WAITING_MAX: Final = 256  # frames that run or wait; a storm of alarms is pictured once
REMEMBERED: Final = 64  # alarms that were pictured


@dataclass(slots=True)
class _Round:
    """One Work on its way. left: frames that have not ended; reasons: why there is none, by camera."""

    work: Work
    frames: int
    left: int
    spooled: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def alarm(self) -> str:
        return self.work.args.get("alarm", "")

    @property
    def jti(self) -> str:
        return self.work.args.get("jti", "")


@dataclass(frozen=True, slots=True)
class _Taken:
    shot: Shot
    spooled: Spooled | None = None
    reason: str = ""


class Photographer:
    """say: passes a frame to alarm; policy: the site's word, asked anew each time; boot: this boot's id."""

    def __init__(
        self, roll: Roll, cameras: Cameras, crew: Crew, spool: Spool, say: Callable[[Frame], None],
        *, policy: Callable[[], Policy], boot_ns: Callable[[], int], boot: str,
    ) -> None:  # fmt: skip
        self._roll = roll
        self._cameras = cameras
        self._crew = crew
        self._spool = spool
        self._say = say
        self._policy = policy
        self._boot_ns = boot_ns
        self._boot = boot
        self._later: list[tuple[int, _Round, Adopted, int]] = []
        self._pictured: dict[str, str | None] = {}  # by alarm what became of it, None while it is being done

    @property
    def due_ns(self) -> int | None:
        return min((due_ns for due_ns, *_ in self._later), default=None)

    def begin(self, work: Work, now_ns: int) -> None:
        """Follow a Work "snapshot"; an order is answered with Done in any case."""
        alarm = work.args.get("alarm", "")
        if alarm and alarm in self._pictured:  # asked again by an alarm that has started anew
            if self._pictured[alarm] is not None:
                self._say(Done(alarm, self._pictured[alarm] or ""))
            return
        policy = self._policy()
        reason, chosen = self._chosen(work) if policy.snapshots else ("no-snapshots", [])
        if reason:
            self._end(_Round(work, 0, 0, reasons={"": reason}))
            return
        if alarm:
            self._remember(alarm, None)
        frames = min(policy.frames, next((count for most, count in FRAMES if len(chosen) <= most), 1)) if alarm else 1
        there = self._spool.taken(alarm) if alarm else set()  # by a life of ours that died over it
        wanted = [
            (camera, frame) for frame in range(1, frames + 1) for camera in chosen if (camera.name, frame) not in there
        ]
        job = _Round(work, frames, len(wanted), spooled=len(there))
        if not wanted:
            self._end(job)
        for camera, frame in wanted:
            if frame == 1:
                self._take(job, camera, frame, now_ns)
            else:
                self._later.append((now_ns + (frame - 1) * BETWEEN_NS, job, camera, frame))

    def turn(self, now_ns: int) -> None:
        due = [each for each in self._later if each[0] <= now_ns]
        self._later = [each for each in self._later if each[0] > now_ns]
        for _, job, camera, frame in due:
            self._take(job, camera, frame, now_ns)

    def _chosen(self, work: Work) -> tuple[str, list[Adopted]]:
        """Why nobody is photographed, or who is."""
        name = work.args.get("camera", "")
        if len(work.raw) != KEY_BYTES or not work.args.get("kid"):
            return "no-key", []
        if name and self._roll.get(name) is None:
            return codes.UNKNOWN.code, []
        wanted = [camera for camera in self._roll.all() if name in {"", camera.name}]
        chosen = [camera for camera in wanted if camera.consent]
        if not chosen:
            return ("no-consent" if wanted else "no-camera"), []
        if self._crew.busy + len(chosen) > WAITING_MAX:
            return codes.BUSY.code, []
        return "", chosen

    def _remember(self, alarm: str, reason: str | None) -> None:
        self._pictured[alarm] = reason
        while len(self._pictured) > REMEMBERED:
            del self._pictured[next(iter(self._pictured))]

    def _take(self, job: _Round, camera: Adopted, frame: int, now_ns: int) -> None:
        current = self._roll.get(camera.name)
        login = self._roll.login(current, now_ns, urgent=bool(job.alarm)) if current else None
        if current is None or login is None:
            self._ended(job, _Taken(Shot(camera.name, frame, now_ns, code="no-login")), 0)
            return
        try:
            self._spool.room(of_alarm=bool(job.alarm))
        except OSError as error:
            self._ended(job, _Taken(Shot(camera.name, frame, now_ns, code=str(error))), 0)
            return
        self._roll.stake([current])
        number = current.login
        self._crew.start(
            lambda: self._picture(job, current, login, frame),
            lambda taken: self._ended(job, taken, number),
            lambda: self._ended(job, _Taken(Shot(camera.name, frame, now_ns, code=codes.CAMERA.code)), 0),
        )

    def _picture(self, job: _Round, camera: Adopted, login: Login, frame: int) -> _Taken:
        """In a thread: take it, seal it, spool it."""
        shot = photograph(camera, login, self._cameras, frame, self._boot_ns)
        if not shot.jpeg:
            return _Taken(shot)
        ciphertext = seal(shot.jpeg, job.work.raw)
        picture = Picture(
            id="", alarm=job.alarm, jti=job.jti, camera=camera.name, taken_ns=shot.taken_ns, boot=self._boot,
            frame=frame, frames=job.frames, sha256=digest(ciphertext), size=len(ciphertext), kid=job.work.args["kid"],
        )  # fmt: skip
        try:
            return _Taken(shot, self._spool.write(picture, ciphertext))
        except OSError as error:
            return _Taken(shot, reason=f"spool: {error.strerror or 'full'}")

    def _ended(self, job: _Round, taken: _Taken, number: int) -> None:
        job.left -= 1
        shot = taken.shot
        if number:
            self._roll.looked(_outcome(shot, number), self._boot_ns())
        if taken.spooled is not None:
            self._spool.enter(taken.spooled)
            job.spooled += 1
            if self._roll.get(shot.name) is None:  # forgotten meanwhile, and its pictures with it
                self._spool.forget(shot.name)
        elif reason := taken.reason or shot.code:
            job.reasons.setdefault(shot.name, reason)
        if job.left == 0:
            self._end(job)

    def _end(self, job: _Round) -> None:
        reason = "" if job.spooled else "; ".join(dict.fromkeys(job.reasons.values()))[:200]
        log.info(
            "pictures taken  alarm=%s spooled=%d without=%s", job.alarm or "-", job.spooled,
            ",".join(f"{name}:{why}" for name, why in sorted(job.reasons.items()))[:300] or "-",
        )  # fmt: skip
        if job.alarm:
            self._remember(job.alarm, reason)
        if name := job.jti or job.alarm:
            self._say(Done(name, reason))


def _outcome(shot: Shot, number: int) -> Outcome:
    """What a picture, or none, says of the camera's health."""
    outcome = Outcome(shot.name, Health.UP, sent=number, steps=(Tested("picture", 0, shot.code),))
    if shot.jpeg:
        return outcome
    if shot.refused:
        return replace(outcome, health=Health.WRONG_PASSWORD, code=shot.code, refused=True)
    health = Health.UNREACHABLE if shot.code == codes.UNREACHABLE.code else Health.NO_PICTURE
    return replace(outcome, health=health, code=shot.code)
