"""Strangers' XML, read with suspicion: what is no SOAP envelope of ordinary shape never gets further.

The checks go from cheap to dear: size, bytes that no honest answer holds, the parser, depth, the envelope, a fault.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from lxml import etree

from drivers.camera import SOAP_LIMIT, Hostile, NotOnvif, Unreachable

Element = Any
"""An element of lxml, which has no types; nobody else imports it."""

ENVELOPES: Final = ("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/")
TAGS: Final = 20_000  # "<" in one answer: GetProfiles of a 32 channel recorder has about 6,000
DEPTH: Final = 48  # elements inside each other; the deepest of ONVIF's own have about 15
ATTRIBUTES: Final = 64  # of one element
BARE_AMPERSAND: Final = re.compile(rb"&(?!#?\w{1,32};)")  # in snapshot URIs of firmware that does not know its own XML
NEVER: Final = re.compile(rb"<!(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)


class Gone(Unreachable):
    """It knows no such subscription any more, as after a reboot: another one may be had at once."""


class Taken(Unreachable):
    """It holds as many subscriptions as it can: one may be had when another ends."""


class Meaning(Enum):
    """What a SOAP fault means for us."""

    LOGIN = auto()  # who are you, or: not you
    CLOCK = auto()  # the proof is out of its time
    MISSING = auto()  # it has no such operation
    FULL = auto()  # as many subscriptions as it can hold
    GONE = auto()  # no such subscription any more
    OTHER = auto()


MEANINGS: Final = {
    "NotAuthorized": Meaning.LOGIN,
    "OperationProhibited": Meaning.LOGIN,
    "FailedAuthentication": Meaning.LOGIN,
    "InvalidSecurity": Meaning.LOGIN,
    "InvalidSecurityToken": Meaning.LOGIN,
    "MessageExpired": Meaning.CLOCK,
    "ActionNotSupported": Meaning.MISSING,
    "OptionalActionNotImplemented": Meaning.MISSING,
    "NoSuchService": Meaning.MISSING,
    "UnknownAction": Meaning.MISSING,
    "MaxNotifyProducers": Meaning.FULL,
    "SubscribeCreationFailedFault": Meaning.FULL,
    "InvalidEndpointReference": Meaning.GONE,
    "ResourceUnknownFault": Meaning.GONE,
    "UnableToDestroySubscriptionFault": Meaning.GONE,
    "UnableToGetMessagesFault": Meaning.GONE,
}
ORDER: Final = (Meaning.CLOCK, Meaning.LOGIN, Meaning.FULL, Meaning.GONE, Meaning.MISSING)


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer whose shape is believed. fault: what its SOAP fault means, None where it has none."""

    root: Element
    body: Element
    fault: Meaning | None


def read_envelope(raw: bytes) -> Envelope:
    """Read a SOAP answer of either version.

    raises: NotOnvif for what is no envelope, Hostile for what no honest camera writes
    """
    root = _parsed(mended(raw))
    _check_shape(root)
    namespace, name = _name(root)
    body = root.find(f"{{{namespace}}}Body") if name == "Envelope" and namespace in ENVELOPES else None
    if body is None:
        raise NotOnvif("its answer is no SOAP")
    fault = body.find(f"{{{namespace}}}Fault")
    return Envelope(root, body, None if fault is None else _meaning(fault))


def mended(raw: bytes) -> bytes:
    """The same document as every later reader will see it. Raises Hostile for what must reach no parser."""
    if len(raw) > SOAP_LIMIT:
        raise Hostile("its answer is too large")
    if NEVER.search(raw) or b"\0" in raw:
        raise Hostile("its XML holds declarations")
    if raw.count(b"<") > TAGS:
        raise Hostile("its XML has too many elements")
    return BARE_AMPERSAND.sub(b"&amp;", raw)


def _parsed(raw: bytes) -> Element:
    """Forgiving, as cameras need it; nothing is loaded, nothing is expanded."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True, remove_pis=True,
        remove_comments=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        raise NotOnvif("its answer is no XML")
    if root.getroottree().docinfo.doctype:  # in an encoding that hid it from `mended`
        raise Hostile("its XML holds declarations")
    return root


def _name(element: Element) -> tuple[str, str]:
    """Namespace and local name; a forgiving parser leaves tags that lxml's own QName refuses."""
    namespace, _, name = element.tag.rpartition("}")
    return namespace.lstrip("{"), name


def _check_shape(root: Element) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEPTH or len(element.attrib) > ATTRIBUTES:
            raise Hostile("its XML is nested without end")


def _meaning(fault: Element) -> Meaning:
    """By the local names in its codes, whatever the prefixes: cameras use those of others."""
    codes = {
        (element.text or "").strip().rpartition(":")[2]
        for element in fault.iter("*")
        if _name(element)[1] in {"Value", "faultcode"}
    }
    found = {MEANINGS[code] for code in codes if code in MEANINGS}
    return next((meaning for meaning in ORDER if meaning in found), Meaning.OTHER)


def written(element: Element) -> bytes:
    return bytes(etree.tostring(element, xml_declaration=True, encoding="utf-8"))
