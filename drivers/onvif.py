"""ONVIF cameras: their clock, what they are, a picture, what they notice (docs/decisions/028)."""

import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self

from drivers.camera import (
    DEADLINE_S,
    PICTURE_S,
    Address,
    Candidate,
    Facts,
    Identity,
    Login,
    NotOffered,
    NotOnvif,
    Profile,
    Subscription,
    WrongPassword,
)
from drivers.clock import Clock, boot_ns
from drivers.dialogue import SECOND_NS, Call, Dialogue
from drivers.lan import Deadline, Door, Lan, within
from drivers.learned import Learned, number, word
from drivers.onvif_client import Namespace, Port, Vendor
from drivers.places import Place, place_of
from drivers.ports import Configuration
from drivers.pullpoint import Left, PullPoint
from drivers.snapshot import Photographer

SPARE_S: Final = 0.5  # of DEADLINE_S: what our own work may cost after the last byte, on a slow box
KNOWN: Final = 256  # cameras whose places are remembered
PROFILES: Final = 64  # of one camera; a recorder with 16 channels has 32
TOKEN: Final = 64  # characters of a profile's token (ONVIF, ReferenceToken)
TYPES: Final = ("VideoSource", "VideoEncoder")  # of Media 2's GetProfiles: without them no size is told


@dataclass(frozen=True, slots=True)
class _House:
    """What all cameras of a process share."""

    vendor: Vendor
    left: Left
    clock: Clock
    wall: Clock


class OnvifCameras:
    """`drivers.camera.Cameras` over ONVIF; one for a process, for the documents that it reads once."""

    def __init__(self, left: Path | None = None, clock: Clock = boot_ns, wall: Clock = time.time_ns) -> None:
        """left: a file in /run, where open subscriptions are noted so that a death leaves none on a camera."""
        self._house = _House(Vendor(), Left(left), clock, wall)
        self._learned: dict[tuple[Address, str], Learned] = {}
        self._lock = Lock()

    def open(self, candidate: Candidate, login: Login | None) -> "OnvifCamera":
        """Raises Configuration for an address that is none."""
        return OnvifCamera(self._house, candidate, login, self._known(candidate))

    def _known(self, candidate: Candidate) -> Learned:
        """What is known of it, while it answers at the same address under the same name."""
        key = (candidate.address, candidate.epr)
        with self._lock:
            known = self._learned.pop(key, None) or Learned()
            self._learned[key] = known
            while len(self._learned) > KNOWN:
                del self._learned[next(iter(self._learned))]
        return known


class OnvifCamera:
    """A `drivers.camera.Camera`."""

    def __init__(self, house: _House, candidate: Candidate, login: Login | None, known: Learned) -> None:
        """raises: Configuration where the candidate's address or path cannot be one"""
        self._house, self._login, self._known = house, login, known
        self._address = candidate.address
        self._door = Door()
        self._device = _device_place(candidate)
        self._dialogue = self._new_dialogue()

    def clock_offset_s(self) -> float:
        self._dialogue.read_clock(_deadline())
        return self._offset_s()

    def interrogate(self) -> Facts:
        self._check_login()
        until = _deadline()
        self._dialogue.read_clock(until)
        self._known.services = self._ask_services(until)
        self._known.identity = self._ask_identity(until)
        self._known.profiles = self._ask_profiles(until)
        self._known.shots.clear()
        services = self._known.services
        return Facts(
            self._known.identity,
            self._known.profiles,
            self._offset_s(),
            media2=Namespace.MEDIA2 in services,
            events=Namespace.EVENTS in services,
            snapshots=self._names_snapshots(until),
        )

    def photograph(self, limit: int) -> bytes:
        self._check_login()
        return Photographer(self, self._dialogue.lan, self._known).take(limit, within(PICTURE_S))

    def subscribe(self) -> Subscription:
        self._check_login()
        until = _deadline()
        events = self._services(until).get(Namespace.EVENTS)
        if events is None:
            raise NotOffered("it has no events")
        point = PullPoint(self._new_dialogue(), events, self._house.left, self._house.clock)
        point.open(until)
        return point

    def close(self) -> None:
        """Nothing is held between calls; a subscription has a conversation of its own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # what a picture needs to know

    def profiles(self, until: Deadline) -> tuple[Profile, ...]:
        """As the camera orders them. Raises CameraFault."""
        if not self._known.profiles:
            self._services(until)
            self._known.profiles = self._ask_profiles(until)
        return self._known.profiles

    def identity(self, until: Deadline) -> Identity:
        if self._known.identity == Identity():
            self._known.identity = self._ask_identity(until)
        return self._known.identity

    def snapshot_place(self, token: str, until: Deadline) -> Place | None:
        """Where it says that a picture of this profile lies; None where that is no place for HTTP."""
        if token not in self._known.shots:
            uri = self._ask_uri("GetSnapshotUri", token, until)
            self._known.shots[token] = place_of(uri, self._address)
        return self._known.shots[token]

    def stream_uri(self, token: str, until: Deadline) -> str:
        """As the camera writes it: not to be shown to anybody. Raises CameraFault."""
        if self._media()[0] is Port.MEDIA2:
            return self._ask_uri("GetStreamUri", token, until, Protocol="RTSP")
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        return self._ask_uri("GetStreamUri", token, until, StreamSetup=setup)

    # what is asked

    def _new_dialogue(self) -> Dialogue:
        lan = Lan(self._address, self._login, self._door)
        house = self._house
        return Dialogue(house.vendor, lan, self._known, device=self._device, login=self._login, clock=house.clock)

    def _check_login(self) -> None:
        if self._login is None:
            raise WrongPassword("no login was given for this camera")

    def _offset_s(self) -> float:
        ahead_ns = self._known.ahead_ns
        assert ahead_ns is not None, "the clock was read"
        return (ahead_ns + self._house.clock() - self._house.wall()) / SECOND_NS

    def _services(self, until: Deadline) -> dict[str, Place]:
        if not self._known.services:
            self._known.services = self._ask_services(until)
        return self._known.services

    def _ask_services(self, until: Deadline) -> dict[str, Place]:
        """By namespace; a service whose address cannot be one is not there."""
        try:
            call = Call(Port.DEVICE, "GetServices", self._device)
            told = _rows(self._dialogue.call(call, until, IncludeCapability=False))
            named = [(word(getattr(row, "Namespace", "")), getattr(row, "XAddr", "")) for row in told]
        except NotOffered:
            named = self._ask_capabilities(until)
        places = {name: place_of(str(url), self._address) for name, url in named if name in set(Namespace)}
        return {name: place for name, place in places.items() if place is not None}

    def _ask_capabilities(self, until: Deadline) -> list[tuple[str, str]]:
        """What cameras before ONVIF 2.1 have instead of GetServices."""
        call = Call(Port.DEVICE, "GetCapabilities", self._device)
        told = self._dialogue.call(call, until, Category="All")
        rows = ((Namespace.MEDIA, getattr(told, "Media", None)), (Namespace.EVENTS, getattr(told, "Events", None)))
        return [(name, getattr(row, "XAddr", None) or "") for name, row in rows]

    def _ask_identity(self, until: Deadline) -> Identity:
        told = self._dialogue.call(Call(Port.DEVICE, "GetDeviceInformation", self._device), until)
        return Identity(
            word(getattr(told, "Manufacturer", None)),
            word(getattr(told, "Model", None)),
            word(getattr(told, "FirmwareVersion", None)),
            word(getattr(told, "SerialNumber", None)),
            self._ask_mac(until),
        )

    def _ask_mac(self, until: Deadline) -> str:
        """Of its first interface that has one; "" where it is not told: many users may not ask."""
        try:
            call = Call(Port.DEVICE, "GetNetworkInterfaces", self._device, optional=True)
            rows = _rows(self._dialogue.call(call, until))
        except (NotOffered, NotOnvif):
            return ""
        found = (word(getattr(getattr(row, "Info", None), "HwAddress", None)).lower() for row in rows)
        return next((mac.replace("-", ":") for mac in found if mac), "")

    def _media(self) -> tuple[Port, Place]:
        """Raises NotOffered."""
        for port, service in ((Port.MEDIA2, Namespace.MEDIA2), (Port.MEDIA, Namespace.MEDIA)):
            if place := self._known.services.get(service):
                return port, place
        raise NotOffered("it has no media service")

    def _ask_profiles(self, until: Deadline) -> tuple[Profile, ...]:
        try:
            port, place = self._media()
            wanted: dict[str, Any] = {"Type": list(TYPES)} if port is Port.MEDIA2 else {}
            told = _rows(self._dialogue.call(Call(port, "GetProfiles", place), until, **wanted))
        except NotOffered:
            return ()
        return tuple(profile for row in told[:PROFILES] if (profile := _profile(row)).token)

    def _ask_uri(self, operation: str, token: str, until: Deadline, **arguments: Any) -> str:
        port, place = self._media()
        call = Call(port, operation, place, optional=True)
        told = self._dialogue.call(call, until, ProfileToken=token, **arguments)
        return str(getattr(told, "Uri", told) or "")

    def _names_snapshots(self, until: Deadline) -> bool:
        try:
            return any(self.snapshot_place(profile.token, until) for profile in self._known.profiles[:1])
        except (NotOffered, NotOnvif):
            return False


def _deadline() -> Deadline:
    return within(DEADLINE_S - SPARE_S)


def _device_place(candidate: Candidate) -> Place:
    """Raises Configuration."""
    url = f"http://{candidate.address}{candidate.path}"
    place = place_of(url, candidate.address)
    if place is None:
        raise Configuration("a camera's path begins with / and holds no spaces")
    return place


def _rows(told: Any) -> list[Any]:
    return told if isinstance(told, list) else []


def _profile(row: Any) -> Profile:
    """Of Media or Media 2."""
    encoder = getattr(row, "VideoEncoderConfiguration", None)
    encoder = encoder or getattr(getattr(row, "Configurations", None), "VideoEncoder", None)
    size = getattr(encoder, "Resolution", None)
    return Profile(
        str(getattr(row, "token", "") or "")[:TOKEN],
        word(getattr(row, "Name", None)),
        number(getattr(size, "Width", None)),
        number(getattr(size, "Height", None)),
        word(getattr(encoder, "Encoding", None)),
    )
