"""SOAP 1.2 envelopes: what was asked, and answers and faults as bytes."""

from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

__all__ = ["NS", "Asked", "Fault", "NotSoap", "Refused", "envelope", "escape", "fault", "parse"]

NS: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "ter": "http://www.onvif.org/ver10/error",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wsntw": "http://docs.oasis-open.org/wsn/bw-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "tns1": "http://www.onvif.org/ver10/topics",
    "xs": "http://www.w3.org/2001/XMLSchema",
    "sim": "urn:kentongan:sim",
}
PREFIXES: Final = {namespace: prefix for prefix, namespace in NS.items()}
_DECLARED: Final = " ".join(f'xmlns:{prefix}="{namespace}"' for prefix, namespace in NS.items())
_OPEN: Final = f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope {_DECLARED}>'


class NotSoap(ValueError):
    """No SOAP envelope with one element in its body."""


@dataclass(frozen=True, slots=True)
class Asked:
    """name: "tds:GetServices" with the prefixes of NS, whatever the caller's were."""

    name: str
    body: ET.Element
    header: ET.Element | None

    def text(self, path: str, otherwise: str = "") -> str:
        """Of an element below the operation."""
        return (self.body.findtext(path, otherwise, NS) or otherwise).strip()

    def heading(self, path: str) -> str:
        """Of an element below the header."""
        found = None if self.header is None else self.header.findtext(path, None, NS)
        return (found or "").strip()


def parse(raw: bytes) -> Asked:
    """Read a request. Callers are our own tests: nothing is guarded against here."""
    try:
        root = ET.fromstring(raw)  # noqa: S314
    except ET.ParseError as fault_:
        raise NotSoap(str(fault_)) from fault_
    body = root.find("s:Body", NS)
    if body is None or len(body) != 1:
        raise NotSoap("no body with one element")
    namespace, _, local = body[0].tag.lstrip("{").rpartition("}")
    return Asked(f"{PREFIXES.get(namespace, '?')}:{local}", body[0], root.find("s:Header", NS))


def envelope(body: str, *, action: str = "", relates_to: str = "") -> bytes:
    """Wrap an answer; `action` and `relates_to` are for the event services, which speak WS-Addressing."""
    header = f"<wsa:Action>{escape(action)}</wsa:Action>" if action else ""
    header += f"<wsa:RelatesTo>{escape(relates_to)}</wsa:RelatesTo>" if relates_to else ""
    header = f"<s:Header>{header}</s:Header>" if header else ""
    return f"{_OPEN}{header}<s:Body>{body}</s:Body></s:Envelope>".encode()


@dataclass(frozen=True, slots=True)
class Fault:
    """code: Sender or Receiver; subcodes: outermost first, qualified; status: of HTTP."""

    subcodes: tuple[str, ...]
    text: str
    code: str = "Sender"
    status: int = 400


class Refused(Exception):
    """An operation answers with a fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.text)
        self.fault = fault


def fault(refusal: Fault) -> bytes:
    """SOAP 1.2, part 1, clause 5.4, with ONVIF's subcodes (Core, 5.8.2)."""
    inner = ""
    for subcode in reversed(refusal.subcodes):
        inner = f"<s:Subcode><s:Value>{subcode}</s:Value>{inner}</s:Subcode>"
    return envelope(
        f"<s:Fault><s:Code><s:Value>s:{refusal.code}</s:Value>{inner}</s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{escape(refusal.text)}</s:Text></s:Reason></s:Fault>'
    )


NOT_AUTHORIZED: Final = Fault(("ter:NotAuthorized",), "Sender not authorized")
NOT_SUPPORTED: Final = Fault(("ter:ActionNotSupported",), "Optional Action Not Implemented", "Receiver", 500)
NO_PROFILE: Final = Fault(("ter:InvalidArgVal", "ter:NoProfile"), "The requested profile token does not exist")
