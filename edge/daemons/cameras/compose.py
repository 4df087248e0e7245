"""The composition root of kentongan-cameras: one loop, and bounded threads for what cameras take their time with."""

import argparse
import gc
import logging
import os
import selectors
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from drivers.camera import Cameras, Noticed, Scanner
from drivers.discovery import WsDiscovery
from drivers.hearing import Hearing
from drivers.redact import redact
from edge.config import model
from edge.config.active import read_active
from edge.config.places import Places
from edge.core import camera_codes as codes
from edge.core.faults import Exit
from edge.core.inventory import Health
from edge.core.words import SECOND_NS
from edge.daemons.border import Border
from edge.daemons.cameras.begun import Begun
from edge.daemons.cameras.clerk import Clerk, Hands
from edge.daemons.cameras.crew import STACK_BYTES, Crew, Post
from edge.daemons.cameras.desk import Desk
from edge.daemons.cameras.offers import Offers
from edge.daemons.cameras.pictures import Photographer
from edge.daemons.cameras.roll import Roll
from edge.daemons.cameras.rounds import Means, Pace, Rounds
from edge.daemons.cameras.spool import Spool
from edge.daemons.cameras.store import Store
from edge.daemons.cameras.voice import Voice
from edge.daemons.cameras.watching import Sieve, Told, Watch
from edge.daemons.runtime import Notifier, SystemClock, boot_id, on_stop, start_logging
from edge.link.client import LinkClient
from edge.link.frames import Done, Frame, Picture, Put, Work

log = logging.getLogger("kentongan.cameras")

LOOKS: Final = 8  # threads
PICTURES: Final = 16  # threads; each holds one JPEG of at most 200 kB
TURN_NS: Final = 1 * SECOND_NS
LINK_AGAIN_NS: Final = SECOND_NS // 5  # alarm is back within 2 s of its death
POWER_ON_NS: Final = 300 * SECOND_NS  # started this early in the machine's life: cameras may be starting, too
WATCH_STOP_S: Final = 8.0  # in all, for subscriptions to be taken off


@dataclass(frozen=True, slots=True)
class Devices:
    """The other side: real cameras, or simulated ones.

    hearing: hints that somebody should look: (a descriptor to wait on, what to call when it is readable); None: none
    """

    cameras: Cameras
    scanner: Callable[[], Scanner]
    hearing: Callable[[], "Ear | None"] = lambda: None


@dataclass(frozen=True, slots=True)
class Ear:
    """fileno: readable when something was heard; heard: reads it, and says how many hints it held.

    follow: listens where a network has come up since; called about once a second
    """

    fileno: int
    heard: Callable[[], int]
    close: Callable[[], None]
    follow: Callable[[], None] = lambda: None


def main(argv: Sequence[str] | None = None, *, devices: "Callable[[Places], Devices] | None" = None) -> int:
    """Run until SIGTERM. Returns an exit code of edge.core.faults.Exit."""
    parser = argparse.ArgumentParser(prog="kentongan-cameras")
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--check-s", type=float, default=60.0, help=argparse.SUPPRESS)
    parser.add_argument("--again-s", type=float, default=10.0, help=argparse.SUPPRESS)
    chosen = parser.parse_args(argv)
    start_logging()
    for written in logging.getLogger().handlers:
        written.addFilter(_redacted)
    threading.stack_size(STACK_BYTES)
    pace = Pace(int(chosen.check_s * SECOND_NS), int(chosen.again_s * SECOND_NS))
    places = Places(chosen.root)
    try:
        places.counter.parent.mkdir(parents=True, exist_ok=True)
        box = Box(places, (devices or real_devices)(places), pace)
    except OSError as error:
        log.error("%s", codes.STORE.fault(what=f"{error.filename}: {error.strerror}").line())
        return Exit.PREREQUISITE
    on_stop(box.stop)
    box.run()
    return Exit.OK


def _redacted(record: logging.LogRecord) -> bool:
    """Our lines hold no login by what they are made of; this is for what others log, and for what we overlooked.

    Of an exception its kind and place are left: its words may be a camera's.
    """
    said, raised = record.getMessage(), record.exc_info
    if raised and raised[0] is not None:
        said += f"  error={raised[0].__name__} at={_place(raised[2])}"
    record.msg, record.args, record.exc_info, record.exc_text = redact(said), None, None, None
    return True


def _place(trace: TracebackType | None) -> str:
    """File and line where it was raised."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else "?"


def real_devices(places: Places) -> Devices:
    from drivers.onvif import OnvifCameras  # noqa: PLC0415  what reads XML: 20 MB that nobody else's import pays

    return Devices(OnvifCameras(places.subscriptions), WsDiscovery, hearing)


def hearing() -> Ear | None:
    """None where no network lets us listen: then the hourly scan has to do."""
    try:
        ear = Hearing()
    except OSError as error:
        log.warning("no Hello can be heard  cause=%s", error.strerror)
        return None
    return Ear(ear.fileno(), lambda: len(ear.hints()), ear.close, ear.follow)


def _policy(places: Places) -> model.Cameras:
    """The site's word on pictures, as it is applied now; without any word, the model's."""
    site = read_active(places).configuration
    return site.cameras if site else model.Cameras()


class Box:
    """Every part, made once. Raises OSError where its folder cannot be read."""

    def __init__(self, places: Places, devices: Devices, pace: Pace) -> None:
        self._stopping = False
        self._border = Border(log, "cameras")
        self._clock = SystemClock()
        self._notifier = Notifier()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_fd, selectors.EVENT_READ, lambda _events: os.eventfd_read(self._wake_fd))
        now_ns = self._clock.boot_ns()

        self._link = LinkClient(places.link / "cameras.sock")
        self._voice = Voice(self._link)
        self._link_fd = -1
        self._link_due_ns = 0
        self._alive_due_ns = 0

        store = Store(places.cameras)
        for told in store.load():
            log.error("%s", codes.STORE.fault(what=told).line())
        self._spool = Spool(places.cameras / "spool", self._lost, self._clock.utc_ns)
        self._spool.load()
        self._offers = Offers(self._spool, self._voice)
        self._roll = Roll(store, self._voice.say, self._spool.count, now_ns)

        self._post = Post(self._wake, self._border)
        self._devices = devices
        self._crews = {"scan": 1, "look": LOOKS, "picture": PICTURES}
        scans, looks, pictures = (Crew(name, threads, self._post) for name, threads in self._crews.items())
        self._closing = (scans, looks, pictures)
        self._photographer = Photographer(
            self._roll, devices.cameras, pictures, self._spool, self._voice.say,
            policy=lambda: _policy(places), boot_ns=self._clock.boot_ns, boot=boot_id(),
        )  # fmt: skip
        means = Means(devices.cameras, devices.scanner, scans, looks, self._clock.boot_ns, self._trusts_clock)
        self._rounds = Rounds(self._roll, means, pace, now_ns=now_ns, powered_on=now_ns < POWER_ON_NS)
        hands = Hands(
            devices.cameras, devices.scanner, scans, looks, self._post, self._clock.boot_ns, self._trusts_clock,
            self._adopted, self._forgotten,
        )  # fmt: skip
        self._desk = Desk(places.counter, self._selector, Clerk(self._roll, hands).ask, self._border)
        self._begun = Begun(places.counter.with_name("begun.json"), self._clock.boot_ns)
        self._watches: dict[str, Watch] = {}
        self._sieve = Sieve()
        self._ear: Ear | None = None

    def stop(self) -> None:
        """Callable from a signal: only sets a flag and wakes the loop."""
        self._stopping = True
        self._wake()

    def run(self) -> None:
        try:
            self._desk.open()
        except OSError as error:  # cameras are looked after all the same
            log.error("nobody can ask us  path=%s cause=%s", error.filename, error.strerror)
        if (ear := self._devices.hearing()) is not None:
            self._ear = ear
            self._selector.register(ear.fileno, selectors.EVENT_READ, self._heard)
        gc.collect()
        gc.freeze()
        self._notifier.ready("cameras")
        while not self._stopping:
            self._turn(self._clock.boot_ns())
            self._wait()
        self._end()

    def _turn(self, now_ns: int) -> None:
        if now_ns >= self._alive_due_ns:
            self._alive_due_ns = now_ns + TURN_NS
            self._notifier.alive()
            if self._ear is not None:
                self._ear.follow()
        self._listen(now_ns)
        self._post.take()
        self._rounds.turn(now_ns)
        self._watch(now_ns)
        self._photographer.turn(now_ns)
        self._roll.turn(now_ns)
        self._offers.turn(now_ns)
        self._link.flush()

    # ---- alarm -------------------------------------------------------------------------------------------------------

    def _listen(self, now_ns: int) -> None:
        if not self._link.connected and now_ns >= self._link_due_ns:
            self._link_due_ns = now_ns + LINK_AGAIN_NS
            if self._link.open():
                self._roll.send_health()
                self._voice.greeted()
                self._offers.greeted()
        for frame in self._link.frames():
            self._border.call(self._hear, frame, now_ns)

    def _hear(self, frame: Frame, now_ns: int) -> None:
        match frame:
            case Work("snapshot"):
                self._photographer.begin(frame, now_ns)
            case Work():
                self._offers.hear(frame)
            case _:
                pass  # a newer alarm may say what we do not know

    def _lost(self, picture: Picture, why: str) -> None:
        log.warning("a picture is given up  camera=%s reason=%s", picture.camera, why)
        if picture.id:
            self._voice.say(Done(picture.id, why))

    def _trusts_clock(self) -> bool:
        return self._clock.quality().name in {"SYNCED", "RTC", "HOLDOVER"}

    # ---- people and threads ------------------------------------------------------------------------------------------

    def _adopted(self, name: str) -> None:
        self._unwatch(name)
        self._rounds.changed(name)

    def _forgotten(self, name: str) -> None:
        self._adopted(name)
        self._spool.forget(name)

    def _watch(self, now_ns: int) -> None:
        """Begin to listen to each camera that is up and whose owner wants it."""
        if not self._roll.is_written:
            return
        for camera in self._roll.all():
            if not camera.events or camera.name in self._watches:
                continue
            seat = self._roll.seat(camera.name)
            login = self._roll.login(camera, now_ns)
            if login is None or seat is None or not seat.proven or seat.condition.health is Health.UNREACHABLE:
                continue
            told = Told(self._noticed, self._refused)
            watch = Watch(camera, login, cameras=self._devices.cameras, post=self._post, told=told, begun=self._begun)
            self._watches[camera.name] = watch
            watch.start()

    def _unwatch(self, name: str) -> None:
        if (watch := self._watches.pop(name, None)) is not None:
            watch.stop()
            self._sieve.forget(name)

    def _noticed(self, name: str, noticed: Noticed) -> None:
        if name not in self._watches or not self._sieve.passes(name, noticed):
            return
        body: dict[str, str | int | bool] = {"what": str(noticed.what), "active": noticed.active}
        self._voice.say(Put("camera-event", f"camera/{name}", body))

    def _refused(self, name: str, number: int) -> None:
        self._unwatch(name)
        self._roll.refused(name, number, self._clock.boot_ns())

    def _heard(self, _events: int) -> None:
        if self._ear is not None and self._ear.heard():
            self._rounds.hint(self._clock.boot_ns())

    # ---- waiting -----------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        with suppress(OSError):  # a thread that ends after us
            os.eventfd_write(self._wake_fd, 1)

    def _wait(self) -> None:
        self._follow_link()
        now_ns = self._clock.boot_ns()
        due = [
            self._alive_due_ns if self._roll.is_written else now_ns + SECOND_NS // 5,
            self._rounds.due_ns,
            self._roll.due_ns,
            self._photographer.due_ns,
        ]
        if not self._link.connected:
            due.append(self._link_due_ns)
        due_ns = min(each for each in due if each is not None)
        timeout_s = max(0.001, (due_ns - now_ns) / SECOND_NS)
        for key, events in self._selector.select(timeout_s):
            key.data(events)

    def _follow_link(self) -> None:
        """The link's socket is another one after each death of alarm."""
        descriptor = self._link.fileno()
        if descriptor != self._link_fd:
            if self._link_fd >= 0:
                with suppress(KeyError, ValueError, OSError):
                    self._selector.unregister(self._link_fd)
            if descriptor >= 0:
                self._selector.register(descriptor, selectors.EVENT_READ, lambda _events: None)
            self._link_fd = descriptor
        elif descriptor >= 0:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._link.wants_write else 0)
            if self._selector.get_key(descriptor).events != events:
                self._selector.modify(descriptor, events, self._selector.get_key(descriptor).data)

    def _end(self) -> None:
        """Take the subscriptions off; what else runs in threads ends by itself."""
        self._notifier.stopping()
        self._desk.close()
        for crew in self._closing:
            crew.close()
        for watch in self._watches.values():
            watch.stop()
        for watch in self._watches.values():
            watch.join(WATCH_STOP_S / max(1, len(self._watches)))
        self._roll.turn(self._clock.boot_ns())
        if self._ear is not None:
            self._ear.close()
        self._link.close()
        self._selector.close()
        self._notifier.close()
