"""The adopted cameras as they are now: where, how, and whether their login may be sent. The loop's own, no threads.

A login is sent only to a camera whose identity seems the adopted one in this life of the daemon, and that has not
refused it. Before it is sent for the first time in a life it is staked on disk: whoever dies before its fate is
written down waits half an hour before trying again, so that no row of crashes locks an account.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from drivers.camera import Login
from edge.core import camera_codes as codes
from edge.core.darkness import CameBack, Changed, Condition, Darkness, News, WentDark
from edge.core.inventory import Adopted, Diff, Health, Sighting, Where, compare, conflicts
from edge.core.words import SECOND_NS
from edge.daemons.cameras.looks import Outcome, marks_of
from edge.daemons.cameras.store import Store
from edge.link.counter import Shown
from edge.link.frames import Frame, Put
from edge.link.frames import Health as HealthFrame

log = logging.getLogger("kentongan.cameras")

STAKED_NS: Final = 30 * 60 * SECOND_NS  # the longest lock that makers are known for (Hikvision)
FLUSH_NS: Final = SECOND_NS // 5  # fifty logins that are taken within four seconds are twenty writes, not fifty
UNWRITTEN_NS: Final = 60 * SECOND_NS
_WELL: Final = frozenset({Health.UP, Health.REACHABLE})
BLIND: Final = frozenset({Where.USURPED, Where.DOUBTFUL})


@dataclass(slots=True)
class Seat:
    """One adopted camera, as far as it is not on disk.

    confirmed: its identity seemed the adopted one since it was last away
    proven:    it has taken its login in this life of ours
    stranger:  its login was taken, and then it said that it is somebody else
    code:      of the fault behind its health
    is_new:    nothing was ever told of its health
    quiet_until_ns: no login before, but for an alarm
    """

    condition: Condition
    confirmed: bool = False
    proven: bool = False
    stranger: bool = False
    code: str = ""
    is_new: bool = False
    quiet_until_ns: int = 0


class Roll:
    """say: passes a frame to alarm; pictures: how many of a camera wait in the spool."""

    def __init__(self, store: Store, say: Callable[[Frame], None], pictures: Callable[[str], int], now_ns: int) -> None:
        self._store = store
        self._say = say
        self._pictures = pictures
        kept = store.kept
        self._seats = {camera.name: self._seated(camera, kept.health.get(camera.name), now_ns) for camera in self.all()}
        self._darkness = Darkness(dict.fromkeys(kept.dark, now_ns))
        self._unwritten = False
        self._flush_ns = 0

    def _seated(self, camera: Adopted, health: Health | None, now_ns: int) -> Seat:
        seat = Seat(Condition(health or Health.REACHABLE, now_ns), is_new=health is None)
        if camera.staked and camera.staked == camera.login:
            seat.quiet_until_ns = now_ns + STAKED_NS
            log.warning("a login's fate is not known  camera=%s again_in=%ds", camera.name, STAKED_NS // SECOND_NS)
        return seat

    # ---- who ---------------------------------------------------------------------------------------------------------

    def all(self) -> tuple[Adopted, ...]:
        return self._store.kept.cameras

    def get(self, name: str) -> Adopted | None:
        return self._store.get(name)

    def seat(self, name: str) -> Seat | None:
        return self._seats.get(name)

    def login(self, camera: Adopted, now_ns: int, *, urgent: bool = False) -> Login | None:
        """Its login, where it may be sent now.

        urgent: an alarm wants a picture, which is worth a second try of a login that it once took
        """
        seat = self._seats[camera.name]
        if camera.is_refused or seat.stranger or not seat.confirmed:
            return None
        waits = now_ns < seat.quiet_until_ns and not (urgent and camera.accepted == camera.login)
        return None if waits else self._store.login(camera)

    def stake(self, cameras: Iterable[Adopted]) -> None:
        """Write down that these logins are about to be sent; a disk that takes nothing holds no login back."""
        unproven = [each for each in cameras if each.login and not self._seats[each.name].proven]
        fresh = [replace(each, staked=each.login) for each in unproven if each.staked != each.login]
        if fresh:
            self._put(*fresh)

    # ---- what was seen -----------------------------------------------------------------------------------------------

    def placed(self, diff: Diff, now_ns: int) -> list[tuple[Adopted, Sighting]]:
        """A scan's word on where our cameras are. Returns those that seem to have moved: to be confirmed."""
        moved = []
        for camera in self.all():
            found, seat = diff.cameras[camera.name], self._seats[camera.name]
            if found.where is Where.HERE:
                self._confirm(camera, seat, found.sightings[0])
            elif found.where is Where.MOVED:
                moved.append((camera, found.sightings[0]))
            elif found.where in BLIND:
                self._doubt(camera, seat, found.where, now_ns)
        return moved

    def confirmed(self, name: str, sighting: Sighting) -> bool:
        """What answered at its address: whether it may be it."""
        camera, seat = self.get(name), self._seats.get(name)
        if camera is None or seat is None:
            return False
        here = compare([camera], [sighting]).cameras[name].where is Where.HERE
        if here:
            self._confirm(camera, seat, sighting)
        return here

    def _confirm(self, camera: Adopted, seat: Seat, sighting: Sighting) -> None:
        if not seat.confirmed and seat.code in {codes.STRANGER.code, codes.DOUBT.code} and not seat.stranger:
            seat.code = ""
        seat.confirmed = not seat.stranger
        if sighting.epr and sighting.epr == camera.marks.epr and sighting.path != camera.path:
            self._put(replace(camera, path=sighting.path))

    def _doubt(self, camera: Adopted, seat: Seat, where: Where, now_ns: int) -> None:
        code = (codes.STRANGER if where is Where.USURPED else codes.DOUBT).code
        if seat.confirmed or seat.code != code:
            at = f"{camera.host}:{camera.port}"
            log.warning("not the camera that was adopted  camera=%s at=%s code=%s", camera.name, at, code)
        seat.confirmed = False
        self._count(camera.name, seat, Health.UNREACHABLE, code, now_ns)

    def stranger(self, name: str, now_ns: int) -> None:
        """Something else answers at its address."""
        camera, seat = self.get(name), self._seats.get(name)
        if camera is not None and seat is not None:
            self._doubt(camera, seat, Where.USURPED, now_ns)

    def moved(self, name: str, sighting: Sighting) -> None:
        """It was confirmed at another address: it is bound there from now on."""
        camera, seat = self.get(name), self._seats.get(name)
        if camera is None or seat is None:
            return
        self._put(replace(camera, host=sighting.host, port=sighting.port, path=sighting.path))
        seat.confirmed, seat.code = not seat.stranger, ""
        log.info("re-addressed  camera=%s from=%s to=%s", name, camera.host, sighting.host)
        self._tell("camera", f"camera/{name}", {"what": "moved", "host": sighting.host, "was": camera.host})

    def looked(self, outcome: Outcome, now_ns: int) -> None:
        """What a look at one of ours gave."""
        camera, seat = self.get(outcome.name), self._seats.get(outcome.name)
        if camera is None or seat is None:
            return
        camera = self._fate(camera, seat, outcome)
        if outcome.facts is not None:
            camera = self._facts(camera, seat, outcome)
        health, code = outcome.health, outcome.code
        if seat.stranger:
            health, code = Health.UNREACHABLE, codes.STRANGER.code
        elif seat.condition.health is Health.NO_PICTURE and health is Health.UP and not _pictured(outcome):
            health, code = Health.NO_PICTURE, seat.code  # a login that works shows no picture
        self._count(camera.name, seat, health, code, now_ns)

    def silent(self, name: str, code: str, now_ns: int) -> None:
        """Nothing that speaks ONVIF answered at its address."""
        if (seat := self._seats.get(name)) is not None:
            self._count(name, seat, Health.UNREACHABLE, code, now_ns)

    def refused(self, name: str, number: int, now_ns: int) -> None:
        """It refused this login outside of a look: while watching, or for a picture."""
        self.looked(Outcome(name, Health.WRONG_PASSWORD, codes.PASSWORD.code, sent=number, refused=True), now_ns)

    def _fate(self, camera: Adopted, seat: Seat, outcome: Outcome) -> Adopted:
        if not outcome.sent or outcome.sent != camera.login:
            return camera
        if outcome.refused:
            seat.proven = False
            log.warning("login refused  camera=%s again=never", camera.name)
            return self._put(replace(camera, refused=outcome.sent, staked=0))
        taken = outcome.facts is not None or _pictured(outcome)
        if taken:
            seat.proven, seat.quiet_until_ns = True, 0
        now = replace(camera, accepted=outcome.sent if taken else camera.accepted, staked=0)
        if now != camera:
            self._store.hold(now)  # a crash that forgets this costs half an hour, no attempt
        return now

    def _facts(self, camera: Adopted, seat: Seat, outcome: Outcome) -> Adopted:
        assert outcome.facts is not None
        identity = outcome.facts.identity
        if camera.marks.serial and identity.serial and identity.serial != camera.marks.serial:
            seat.stranger, seat.confirmed = True, False
            log.warning("another camera took the login  camera=%s at=%s", camera.name, camera.host)
            return camera
        now = replace(
            camera, marks=marks_of(outcome.facts, camera.marks),
            manufacturer=identity.manufacturer, model=identity.model, firmware=identity.firmware,
        )  # fmt: skip
        if now == camera:
            return camera
        if camera.firmware and now.firmware != camera.firmware:
            self._tell(
                "camera", f"camera/{camera.name}",
                {"what": "changed", "firmware": now.firmware[:64], "was": camera.firmware[:64]},
            )  # fmt: skip
        return self._put(now)

    def _count(self, name: str, seat: Seat, health: Health, code: str, now_ns: int) -> None:
        was = seat.condition.health
        changed = seat.condition.seen(health, now_ns)
        if seat.condition.health is health:
            seat.code = code
        if not changed:
            return
        if health is Health.UNREACHABLE:
            seat.confirmed = False  # whoever answers there next is looked at first
        self.send_health()
        as_expected, seat.is_new = seat.is_new and health is Health.UP, False
        if as_expected:
            self._settle()
        else:
            self._announce(self._darkness.changed(Changed(name, health, was), now_ns))

    # ---- what people decide ------------------------------------------------------------------------------------------

    def adopt(self, camera: Adopted, login: Login | None, health: Health, code: str, now_ns: int) -> None:
        """Make it ours. Raises OSError."""
        adopted = self._store.adopt(camera, login)
        self._seats[camera.name] = Seat(Condition(health, now_ns), confirmed=True, proven=adopted.login != 0, code=code)
        self._darkness.forget(camera.name)
        self._tell("camera", f"camera/{camera.name}", _described(adopted, "adopted"))
        self._settle()

    def forget(self, name: str) -> None:
        """Raises OSError."""
        self._store.forget(name)
        self._seats.pop(name, None)
        self._darkness.forget(name)
        self._tell("camera", f"camera/{name}", {"what": "forgotten"})
        self._settle()

    # ---- what is told ------------------------------------------------------------------------------------------------

    @property
    def due_ns(self) -> int | None:
        return self._darkness.due_ns

    @property
    def is_written(self) -> bool:
        """The disk knows the fate of every login that was sent, or cannot be told."""
        return self._unwritten or not self._store.is_held

    @property
    def suspects(self) -> bool:
        """Some missed once: the others are worth a look."""
        return any(seat.condition.is_suspect for seat in self._seats.values())

    def turn(self, now_ns: int) -> None:
        if now_ns >= self._flush_ns:
            self._flush()
            self._flush_ns = now_ns + (UNWRITTEN_NS if self._unwritten else FLUSH_NS)
        self._announce(self._darkness.turn(now_ns, suspects=self.suspects))

    def send_health(self) -> None:
        self._say(HealthFrame({name: str(seat.condition.health) for name, seat in self._seats.items()}))

    def shown(self, now_ns: int) -> list[Shown]:
        """As the counter shows them, by name."""
        doubles = conflicts(self.all())
        return [self._shown(camera, doubles[camera.name], now_ns) for camera in self.all()]

    def _shown(self, camera: Adopted, doubles: tuple[str, ...], now_ns: int) -> Shown:
        seat = self._seats[camera.name]
        return Shown(
            camera.name, camera.host, camera.port, str(seat.condition.health),
            since_s=max(0, now_ns - seat.condition.since_ns) // SECOND_NS,
            code=seat.code, waiting=camera.is_refused, login=camera.login != 0,
            consent=camera.consent, events=camera.events, epr=camera.marks.epr,
            manufacturer=camera.manufacturer, model=camera.model, firmware=camera.firmware,
            serial=camera.marks.serial, mac=camera.marks.mac, conflicts=doubles[:8],
            pictures=self._pictures(camera.name),
        )  # fmt: skip

    def _announce(self, news: Iterable[News]) -> None:
        told = tuple(news)
        for each in told:
            self._announced(each)
        if told:
            self._settle()

    def _announced(self, news: News) -> None:
        match news:
            case Changed(name, health, was):
                level = logging.INFO if health in _WELL else logging.WARNING
                log.log(level, "camera %s  camera=%s was=%s code=%s", health, name, was, self._code(name) or "-")
                self._tell(
                    "camera-health", f"camera/{name}",
                    {"health": str(health), "was": str(was), "code": self._code(name)},
                )  # fmt: skip
            case WentDark(names):
                log.warning("cameras dark  count=%d of=%d", len(names), len(self._seats))
                self._tell("cameras-dark", "cameras", self._group(names, dark=True))
            case CameBack(names, missing, lasted_ns):
                lasted_s = int(lasted_ns // SECOND_NS)
                log.info("cameras back after %d s  count=%d missing=%d", lasted_s, len(names), len(missing))
                body = self._group(names, dark=False)
                self._tell("cameras-dark", "cameras", body | {"missing": " ".join(missing), "lasted_s": lasted_s})

    def _code(self, name: str) -> str:
        seat = self._seats.get(name)
        return seat.code if seat else ""

    def _group(self, names: tuple[str, ...], *, dark: bool) -> dict[str, str | int | bool]:
        """Every name: CAMERAS_LIMIT of the longest fit into an observation."""
        return {"dark": dark, "count": len(names), "of": len(self._seats), "names": " ".join(names)}

    def _settle(self) -> None:
        """Keep what was told; a disk that does not take it costs a repeated event after a restart."""
        health = {name: seat.condition.health for name, seat in self._seats.items()}
        self._store.note(health, tuple(sorted(self._darkness.dark)))
        self._flush()
        self.send_health()

    def _put(self, *cameras: Adopted) -> Adopted:
        """Keep them now; where the disk does not take it, in memory. Returns the first."""
        self._store.hold(*cameras)
        self._flush()
        return cameras[0]

    def _flush(self) -> None:
        try:
            self._store.flush()
        except OSError as error:
            if not self._unwritten:
                log.error("%s", codes.STORE.fault(what=error.strerror or "?").line())
            self._unwritten = True
        else:
            self._unwritten = False

    def _tell(self, name: str, subject: str, body: dict[str, str | int | bool]) -> None:
        self._say(Put(name, subject, body))


def _described(camera: Adopted, what: str) -> dict[str, str | int | bool]:
    """What the centre hears of a camera: no login, no path, nothing that a stream could be opened with."""
    return {
        "what": what, "host": camera.host, "port": camera.port,
        "manufacturer": camera.manufacturer[:64], "model": camera.model[:64], "firmware": camera.firmware[:64],
        "serial": camera.marks.serial[:64], "mac": camera.marks.mac, "consent": camera.consent, "events": camera.events,
    }  # fmt: skip


def _pictured(outcome: Outcome) -> bool:
    return any(step.step == "picture" and not step.code for step in outcome.steps)
