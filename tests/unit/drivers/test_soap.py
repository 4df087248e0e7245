"""Strangers' XML: what gets through is a SOAP envelope of ordinary shape."""

import time
from contextlib import suppress

import pytest

from drivers.camera import SOAP_LIMIT, CameraFault, Hostile, NotOnvif
from drivers.soap import DEPTH, TAGS, Meaning, mended, read_envelope

pytest.importorskip("lxml")

SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"


IDS = [
    *("dtd", "doctype", "utf-16", "deep", "deepest", "many", "attributes", "large"),
    *("empty", "html", "json", "jpeg", "bodiless", "nameless", "unbound", "utf-7"),
]


def envelope(body: str, *, before: str = "", namespace: str = SOAP12) -> bytes:
    return f'{before}<s:Envelope xmlns:s="{namespace}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def fault(*codes: str) -> bytes:
    nested = "".join(f"<s:Subcode><s:Value>{code}</s:Value>" for code in codes) + "</s:Subcode>" * len(codes)
    return envelope(f"<s:Fault><s:Code><s:Value>s:Sender</s:Value>{nested}</s:Code></s:Fault>")


@pytest.mark.parametrize("namespace", [SOAP11, SOAP12])
def test_an_honest_answer_is_read(namespace: str) -> None:
    read = read_envelope(envelope("<a>b</a>", namespace=namespace))
    assert (read.fault, read.body[0].text) == (None, "b")


def test_a_bare_ampersand_is_mended() -> None:
    read = read_envelope(envelope("<uri>http://x/snap?a=1&channel=2&amp;c=3&#38;d</uri>"))
    assert read.body[0].text == "http://x/snap?a=1&channel=2&c=3&d"


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (envelope("&k;", before='<!DOCTYPE b [<!ENTITY k "x">]>'), Hostile),
        (envelope("", before="<!doctype b>"), Hostile),
        (envelope("").decode().encode("utf-16"), Hostile),
        (envelope("<a>" * (DEPTH + 1) + "</a>" * (DEPTH + 1)), Hostile),
        (envelope("<a>" * 5000 + "</a>" * 5000), Hostile),
        (envelope("<a/>" * TAGS), Hostile),
        (envelope("<a " + " ".join(f'b{number}=""' for number in range(500)) + "/>"), Hostile),
        (envelope("x" * SOAP_LIMIT), Hostile),
        (b"", NotOnvif),
        (b"<html><body>Silakan login</body></html>", NotOnvif),
        (b'{"error": 401}', NotOnvif),
        (b"\xff\xd8\xff\xe0" * 100, NotOnvif),
        (f'<s:Envelope xmlns:s="{SOAP12}"/>'.encode(), NotOnvif),
        (b"<Envelope><Body/></Envelope>", NotOnvif),
        (b"<s:Envelope><s:Body/></s:Envelope>", NotOnvif),
        (b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4APA-a/+AD4-', CameraFault),
    ],
    ids=IDS,
)
def test_what_gets_no_further(raw: bytes, kind: type[CameraFault]) -> None:
    with pytest.raises(kind):
        read_envelope(raw)


@pytest.mark.parametrize("piece", [b"&", b"<a>", b"<a/>", b"</a>", b"<![CDATA[", b"<!--", b"&#", b'<a b="', b"\xc3"])
def test_the_worst_of_its_size_takes_no_long_time(piece: bytes) -> None:
    raw = envelope("@").replace(b"@", piece * ((SOAP_LIMIT - 200) // len(piece)))
    began = time.process_time()
    with suppress(CameraFault):
        read_envelope(raw)
    assert time.process_time() - began < 2.0


def test_no_entity_is_ever_made_text() -> None:
    """Were the declarations not refused, the reader still would not expand them."""
    with pytest.raises(Hostile):
        mended(envelope("", before='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'))


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        (fault("ter:NotAuthorized"), Meaning.LOGIN),
        (fault("ter:NotAuthorized", "wsse:FailedAuthentication"), Meaning.LOGIN),
        (fault("env:NotAuthorized"), Meaning.LOGIN),
        (fault("NotAuthorized"), Meaning.LOGIN),
        (fault("wsse:FailedAuthentication", "wsu:MessageExpired"), Meaning.CLOCK),
        (fault("ter:ActionNotSupported"), Meaning.MISSING),
        (fault("wsntw:SubscribeCreationFailedFault", "ter:MaxNotifyProducers"), Meaning.FULL),
        (fault("wsa:InvalidEndpointReference"), Meaning.GONE),
        (fault("ter:InvalidArgVal", "ter:NoProfile"), Meaning.OTHER),
        (fault(), Meaning.OTHER),
        (envelope("<s:Fault><faultcode>ter:NotAuthorized</faultcode></s:Fault>", namespace=SOAP11), Meaning.LOGIN),
        (envelope("<s:Fault/>"), Meaning.OTHER),
        (envelope("<s:Fault><k:Value>ter:NotAuthorized</k:Value></s:Fault>"), Meaning.OTHER),
    ],
)
def test_a_fault_is_told_by_its_codes_whatever_their_prefixes(raw: bytes, meaning: Meaning) -> None:
    assert read_envelope(raw).fault is meaning
