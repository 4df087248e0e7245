"""Cameras of a street in memory: the camera port without a network, for what stands above it.

It counts what a real one would hold against us: refused logins, subscriptions that nobody took off.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from drivers.camera import (
    PORTS,
    Address,
    Candidate,
    ClockWrong,
    Facts,
    Happening,
    Identity,
    Login,
    NoPicture,
    Noticed,
    NotOffered,
    NotOnvif,
    Profile,
    Slow,
    Unreachable,
    WrongPassword,
)
from drivers.ports import NotFound

JPEG: Final = b"\xff\xd8\xff\xe0" + b"picture" * 600 + b"\xff\xd9"
PLAIN: Final = Login("admin", "benar")


class NoStreet(NotFound):
    """No network is up."""

    code = "E-CAMERA-NO-NETWORK"


@dataclass(eq=False)
class Lens:
    """One camera. Change its members while it runs.

    dark:    it has no power
    hidden:  it answers no probe, as behind a Wi-Fi that drops multicast
    refused: logins that it refused; taken: those that it took; live: subscriptions on it
    """

    host: str
    port: int = 80
    epr: str = ""
    mac: str = ""
    serial: str = ""
    model: str = "IPC"
    firmware: str = "1.0"
    login: Login = PLAIN
    offset_s: float = 0.0
    jpeg: bytes = JPEG
    dark: bool = False
    hidden: bool = False
    onvif: bool = True
    slow: bool = False
    clock_refused: bool = False
    eventful: bool = True
    refused: list[Login] = field(default_factory=list)
    taken: int = 0
    pictures: int = 0
    live: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    noticed: list[Noticed] = field(default_factory=list)

    def notice(self, what: Happening, *, active: bool) -> None:
        """Tell whoever has subscribed."""
        with self.changed:
            self.noticed.append(Noticed(what, active, "VideoSource_1", time.clock_gettime_ns(time.CLOCK_BOOTTIME)))
            self.changed.notify_all()

    def candidate(self) -> Candidate:
        return Candidate(Address(self.host, self.port), self.epr, name=self.model, mac=self.mac)

    def admit(self, login: Login) -> None:
        if self.clock_refused:
            raise ClockWrong("refused: the clocks disagree")
        if login != self.login:
            self.refused.append(login)
            raise WrongPassword("the login was refused")
        self.taken += 1


class Street:
    """Implements Cameras; `scanner()` makes a Scanner. networks: False while no interface is up."""

    def __init__(self, *lenses: Lens) -> None:
        self.lenses: Final = list(lenses)
        self.networks = True
        self.scans = 0

    def scanner(self) -> "Passer":
        return Passer(self)

    def open(self, candidate: Candidate, login: Login | None) -> "Talk":
        return Talk(self, candidate.address, login)

    def at(self, address: Address) -> Lens:
        """Raises Unreachable."""
        for lens in self.lenses:
            if Address(lens.host, lens.port) == address and not lens.dark:
                return lens
        raise Unreachable(f"nobody answers at {address}")


class Passer:
    """Implements Scanner."""

    def __init__(self, street: Street) -> None:
        self._street = street

    def scan(self, found: Callable[[Candidate], None] | None = None) -> list[Candidate]:
        self._street.scans += 1
        if not self._street.networks:
            raise NoStreet("no network is up")
        seen = [lens.candidate() for lens in self._street.lenses if lens.onvif and not (lens.dark or lens.hidden)]
        for candidate in seen:
            (found or _nobody)(candidate)
        return seen

    def sweep(
        self, networks: tuple[str, ...] = (), progress: Callable[[int, int], None] | None = None
    ) -> list[Candidate]:
        (progress or _silent)(len(networks), len(networks))
        return [lens.candidate() for lens in self._street.lenses if lens.onvif and not lens.dark]

    def look(self, host: str, ports: tuple[int, ...] = PORTS) -> Candidate:
        there = [lens for lens in self._street.lenses if lens.host == host and lens.port in ports and not lens.dark]
        if not there:
            raise Unreachable(f"nobody answers at {host}")
        if not there[0].onvif:
            raise NotOnvif(f"{host} does not speak ONVIF")
        return there[0].candidate()


class Talk:
    """Implements Camera."""

    def __init__(self, street: Street, address: Address, login: Login | None) -> None:
        self._street = street
        self._address = address
        self._login = login

    def clock_offset_s(self) -> float:
        lens = self._there()
        if lens.slow:
            raise Slow("no whole answer before the deadline")
        return lens.offset_s

    def interrogate(self) -> Facts:
        lens = self._admitted()
        identity = Identity("Maker", lens.model, lens.firmware, lens.serial, lens.mac)
        profiles = (Profile("main", width=1280, height=720, encoding="H264"),)
        return Facts(identity, profiles, lens.offset_s, events=lens.eventful, snapshots=bool(lens.jpeg))

    def photograph(self, limit: int) -> bytes:
        lens = self._admitted()
        if not lens.jpeg or len(lens.jpeg) > limit:
            raise NoPicture("no way to a picture gives a JPEG")
        lens.pictures += 1
        return lens.jpeg

    def subscribe(self) -> "Ticket":
        lens = self._admitted()
        if not lens.eventful:
            raise NotOffered("it offers no events")
        return Ticket(lens)

    def close(self) -> None: ...

    def _there(self) -> Lens:
        lens = self._street.at(self._address)
        if not lens.onvif:
            raise NotOnvif("it answers, but not as an ONVIF device")
        return lens

    def _admitted(self) -> Lens:
        lens = self._there()
        assert self._login is not None, "without a login only the time may be asked"
        lens.admit(self._login)
        return lens

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Ticket:
    """Implements Subscription."""

    def __init__(self, lens: Lens) -> None:
        self._lens = lens
        lens.live += 1

    def pull(self, within_s: float) -> list[Noticed]:
        with self._lens.changed:
            self._lens.changed.wait_for(lambda: self._lens.noticed or self._lens.dark, within_s)
            if self._lens.dark:
                raise Unreachable("gone")
            got, self._lens.noticed = self._lens.noticed, []
        return got

    def close(self) -> None:
        self._lens.live -= 1


def _nobody(_candidate: Candidate) -> None: ...


def _silent(_done: int, _total: int) -> None: ...
