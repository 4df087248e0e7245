"""What a stranger's datagram says, read without believing it: WS-Discovery (April 2005) over SOAP 1.2.

No tree is built: expat calls, and the few texts that are wanted are kept. Elements are told by their local names alone,
because cheap firmware mixes the versions of the namespaces, and some of it forgets to declare a prefix.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from xml.parsers import expat

DATAGRAM_LIMIT: Final = 64 * 1024  # bytes
ELEMENTS_LIMIT: Final = 1000  # a ProbeMatches has 20; without a limit 64 KiB cost 12 ms of an x86-64 core, with it 2 ms
DEPTH_LIMIT: Final = 24  # a ProbeMatches is 6 deep
CLAIMS_LIMIT: Final = 16  # devices of one datagram; an honest one speaks of itself
DECLARATIONS: Final = ("<!DOCTYPE", "<!ENTITY")  # what every XML bomb begins with


class Kind(StrEnum):
    """Named as its element in the body."""

    MATCHES = "ProbeMatches"
    HELLO = "Hello"
    BYE = "Bye"


@dataclass(slots=True)
class Claim:
    """One device as it describes itself: the texts of the elements of these names, unchecked."""

    epr: str = ""
    types: str = ""
    scopes: str = ""
    xaddrs: str = ""


@dataclass(slots=True)
class Heard:
    """One datagram. relates_to: the MessageID that a ProbeMatches answers."""

    kind: Kind
    relates_to: str = ""
    claims: list[Claim] = field(default_factory=list)


class Refused(ValueError):
    """Not a datagram of WS-Discovery, or one that no honest device sends."""


def read(raw: bytes) -> Heard:
    """Read one datagram. Raises Refused, and nothing else, whatever the bytes are."""
    if len(raw) > DATAGRAM_LIMIT:
        raise Refused("too large")
    text = _text(raw)
    shouted = text.upper()
    if any(declaration in shouted for declaration in DECLARATIONS):
        raise Refused("declares a document type or an entity")
    reading = _Reading()
    try:
        reading.feed(text.encode())
    except expat.ExpatError as error:
        if not reading.whole:  # some firmware sends its whole buffer: what follows the envelope is not read
            raise Refused(expat.ErrorString(error.code)) from error
    if reading.heard is None:
        raise Refused("no ProbeMatches, Hello or Bye")
    return reading.heard


def _text(raw: bytes) -> str:
    """Whatever encoding it declares: in another one, a document type would not look like one. C's NUL may stay on."""
    trimmed = raw.rstrip(b"\0")
    try:
        return trimmed.decode("utf-8-sig")
    except UnicodeDecodeError:
        return trimmed.decode("latin-1")


# where the body's element has its texts -> the member of Claim
WANTED: Final = {
    ("EndpointReference", "Address"): "epr",
    ("Types",): "types",
    ("Scopes",): "scopes",
    ("XAddrs",): "xaddrs",
}
BODY: Final = ["Envelope", "Body"]
RELATES_TO: Final = ["Envelope", "Header", "RelatesTo"]


class _Reading:
    """One pass of expat. whole: the outermost element was closed."""

    def __init__(self) -> None:
        self.heard: Heard | None = None
        self.whole = False
        self._path: list[str] = []
        self._elements = 0
        self._relates_to = ""
        self._text: list[str] | None = None

    def feed(self, raw: bytes) -> None:
        parser = expat.ParserCreate("utf-8")  # said here, it overrides what the document declares
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._said
        parser.StartDoctypeDeclHandler = self._declared
        parser.Parse(raw, True)  # noqa: FBT003  # expat takes no name for it

    def _declared(self, *_of: object) -> None:
        raise Refused("declares a document type")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        path = self._path
        path.append(name.rpartition(":")[2])
        self._elements += 1
        if len(path) > DEPTH_LIMIT or self._elements > ELEMENTS_LIMIT:
            raise Refused("too many elements, or too deep")
        if path[:2] == BODY and len(path) == 3:
            self._begin_body(path[2])
        elif path == [*BODY, Kind.MATCHES, "ProbeMatch"]:
            self._begin_claim()
        self._text = [] if self._wanted() or path == RELATES_TO else None

    def _begin_body(self, name: str) -> None:
        if self.heard is None and name in set(Kind):
            self.heard = Heard(Kind(name), self._relates_to)
            if self.heard.kind is not Kind.MATCHES:
                self._begin_claim()

    def _begin_claim(self) -> None:
        if self.heard is None or len(self.heard.claims) >= CLAIMS_LIMIT:
            raise Refused("too many devices in one datagram")
        self.heard.claims.append(Claim())

    def _said(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, _name: str) -> None:
        if self._text is not None:
            said, self._text = "".join(self._text).strip(), None
            self._keep(said)
        self._path.pop()
        self.whole = not self._path

    def _keep(self, said: str) -> None:
        if self._path == RELATES_TO:
            self._relates_to = said
        elif self.heard is not None and self.heard.claims and (member := self._wanted()):
            setattr(self.heard.claims[-1], member, said)

    def _wanted(self) -> str:
        """Which member of a claim the path leads to, or ""."""
        if self.heard is None or self._path[:3] != [*BODY, self.heard.kind]:
            return ""
        below = self._path[4:] if self.heard.kind is Kind.MATCHES else self._path[3:]
        return WANTED.get(tuple(below), "")
