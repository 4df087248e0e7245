"""One picture, by whichever way gives one: the address that the camera names, one of its maker's, or its stream."""

from collections.abc import Iterator
from itertools import chain
from typing import Final, Protocol

from drivers.camera import (
    JPEG_LIMIT,
    Address,
    CameraFault,
    Identity,
    NoPicture,
    NotOffered,
    NotOnvif,
    Profile,
    Slow,
    WrongPassword,
)
from drivers.develop import developed
from drivers.lan import Ask, Deadline, Lan
from drivers.learned import Learned
from drivers.places import Place
from drivers.rtsp import key_frame, stream_place

BEGIN: Final = b"\xff\xd8\xff"  # SOI, and the marker that follows it (ITU-T T.81, B.1.1.3)
END: Final = b"\xff\xd9"  # EOI
PADDING: Final = b"\0\r\n \xff"  # what firmware puts behind the end

# Where makers keep a picture, by a word of what they call themselves; only with HTTP Digest, never with the login in
# the address (Reolink and Xiongmai want that: they have no way here)
MAKERS: Final = {
    "hik": ("/ISAPI/Streaming/channels/101/picture", "/ISAPI/Streaming/channels/102/picture"),
    "dahua": ("/cgi-bin/snapshot.cgi", "/cgi-bin/snapshot.cgi?channel=1"),
    "imou": ("/cgi-bin/snapshot.cgi", "/cgi-bin/snapshot.cgi?channel=1"),
    "amcrest": ("/cgi-bin/snapshot.cgi", "/cgi-bin/snapshot.cgi?channel=1"),
    "axis": ("/axis-cgi/jpg/image.cgi",),
    "hanwha": ("/stw-cgi/video.cgi?msubmenu=snapshot&action=view",),
    "samsung": ("/stw-cgi/video.cgi?msubmenu=snapshot&action=view",),
    "vivotek": ("/cgi-bin/viewer/video.jpg",),
}
NAMED: Final = "the address that it names"
MAKER: Final = "its maker's usual address"
STREAM: Final = "its stream"
STREAM_WIDTH: Final = 1280  # pixels; a larger key frame takes a Pi a second to decode
PROFILES: Final = 4  # of one camera that are tried
PLAIN_PORT: Final = 80  # where makers' own pages are, if not beside ONVIF


class Source(Protocol):
    """What is asked of the camera on the way to a picture. Each raises CameraFault."""

    def profiles(self, until: Deadline) -> tuple[Profile, ...]: ...

    def identity(self, until: Deadline) -> Identity: ...

    def snapshot_place(self, token: str, until: Deadline) -> Place | None: ...

    def stream_uri(self, token: str, until: Deadline) -> str: ...


class Photographer:
    """Finds a way to a picture, and remembers it."""

    def __init__(self, source: Source, lan: Lan, known: Learned) -> None:
        self._source, self._lan, self._known = source, lan, known

    def take(self, limit: int, until: Deadline) -> bytes:
        """The first picture that is one and fits, of the largest profile that gives it.

        A refused login and the deadline end it: no other way is tried with a login that was refused.
        raises: NoPicture naming each way and what was there, WrongPassword, Slow
        """
        tried: list[str] = []
        for name, place in self._ways(until, tried):
            try:
                picture = take(self._lan, place, limit, until)
            except (WrongPassword, Slow):
                raise
            except CameraFault as fault:
                tried.append(f"{name}: {fault}")
            else:
                self._known.shot = place
                return picture
        try:
            return self._of_stream(limit, until)
        except (WrongPassword, Slow):
            raise
        except CameraFault as fault:
            tried.append(f"{STREAM}: {fault}")
        self._known.forget_places()
        raise NoPicture("; ".join(dict.fromkeys(tried)) or "it offers no way to a picture")

    def _ways(self, until: Deadline, tried: list[str]) -> Iterator[tuple[str, Place]]:
        """Each place once, the one that served last first; what could not be asked goes to `tried`."""
        seen: set[Place] = set()
        for name, place in chain(self._last(), self._named(until, tried), self._of_maker(until, tried)):
            if place not in seen:
                seen.add(place)
                yield name, place

    def _last(self) -> Iterator[tuple[str, Place]]:
        if self._known.shot is not None:
            yield NAMED, self._known.shot

    def _named(self, until: Deadline, tried: list[str]) -> Iterator[tuple[str, Place]]:
        """What the camera names itself, largest picture first."""
        try:
            profiles = sorted(self._source.profiles(until), key=lambda one: one.width * one.height, reverse=True)
            for profile in profiles[:PROFILES]:
                place = self._source.snapshot_place(profile.token, until)
                if place is None:
                    tried.append(f"{NAMED}: it is no address of a picture")
                else:
                    yield NAMED, place
        except (NotOffered, NotOnvif) as fault:
            tried.append(f"{NAMED}: {fault}")

    def _of_maker(self, until: Deadline, tried: list[str]) -> Iterator[tuple[str, Place]]:
        try:
            for place in places_of_maker(self._source.identity(until), self._lan.address):
                yield MAKER, place
        except (NotOffered, NotOnvif) as fault:
            tried.append(f"{MAKER}: {fault}")

    def _of_stream(self, limit: int, until: Deadline) -> bytes:
        """Of the largest stream that a small box decodes in time."""
        profiles = sorted(self._source.profiles(until), key=lambda one: one.width * one.height, reverse=True)
        if not profiles:
            raise NotOffered("it has no stream")
        fitting = next((one for one in profiles if 0 < one.width <= STREAM_WIDTH), profiles[-1])
        place = stream_place(self._source.stream_uri(fitting.token, until), self._lan)
        return checked(developed(key_frame(self._lan, place, until), limit, until))


def take(lan: Lan, place: Place, limit: int, until: Deadline) -> bytes:
    """Fetch what lies at a place and make sure that it is a picture. Raises CameraFault."""
    ask = Ask("GET", place, limit=min(limit, JPEG_LIMIT), authorised=True)
    answer = lan.ask(ask, until)
    if answer.status == 401:
        raise NotOffered("it wants the password in the clear" if answer.challenges else "it refuses")
    if answer.status != 200:
        raise NotOffered("there is none")
    return checked(answer.body)


def checked(raw: bytes) -> bytes:
    """The picture without what stands behind its end. Raises NoPicture for what is no JPEG, or half of one."""
    if not raw.startswith(BEGIN):
        raise NoPicture("what it gives is no JPEG")
    bare = raw.rstrip(PADDING[:-1])
    if not bare.endswith(END):
        raise NoPicture("only a part of a picture")
    return bare


def places_of_maker(identity: Identity, address: Address) -> list[Place]:
    """Where this maker's cameras keep a picture; empty for makers that we do not know."""
    maker = f"{identity.manufacturer} {identity.model}".lower()
    targets = next((targets for name, targets in MAKERS.items() if name in maker), ())
    ports = tuple(dict.fromkeys((address.port, PLAIN_PORT)))
    return [Place(ports, target) for target in targets]
