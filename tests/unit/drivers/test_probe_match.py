"""A datagram is read or refused, whatever its bytes are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.probe_match import CLAIMS_LIMIT, DATAGRAM_LIMIT, ELEMENTS_LIMIT, Kind, Refused, read
from tests.contract.answerers import match, matches
from tests.unit.drivers.datagrams import bye, hello

HONEST = matches(
    "urn:uuid:1", match("urn:uuid:camera", "http://192.168.1.9/onvif/device_service", "onvif://a onvif://b")
)


def test_a_probe_match_is_taken_apart() -> None:
    heard = read(HONEST)
    assert (heard.kind, heard.relates_to, len(heard.claims)) == (Kind.MATCHES, "urn:uuid:1", 1)
    (claim,) = heard.claims
    assert claim.epr == "urn:uuid:camera"
    assert claim.types == "dn:NetworkVideoTransmitter"
    assert claim.scopes == "onvif://a onvif://b"
    assert claim.xaddrs == "http://192.168.1.9/onvif/device_service"


def test_several_devices_of_one_datagram_are_told_apart() -> None:
    heard = read(matches("urn:uuid:1", match("a", "http://h/1"), match("b", "http://h/2")))
    assert [(claim.epr, claim.xaddrs) for claim in heard.claims] == [("a", "http://h/1"), ("b", "http://h/2")]


def test_hello_and_bye_are_told_apart() -> None:
    assert (read(hello("a")).kind, read(hello("a")).claims[0].epr) == (Kind.HELLO, "a")
    assert (read(bye("b")).kind, read(bye("b")).claims[0].epr) == (Kind.BYE, "b")


def test_an_instance_that_is_no_number_is_nothing_to_us() -> None:
    assert read(matches("urn:uuid:1", match("a", "http://h/"), instance="abc")).claims[0].epr == "a"


@pytest.mark.parametrize(
    "firmware",
    [
        HONEST + b"\0",  # the NUL of a C string
        HONEST + b"\0\0 and the rest of the buffer",
        HONEST.replace(b"?>", b"?>\r\n  ", 1),
        b"\xef\xbb\xbf" + HONEST,
        HONEST.replace(b' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"', b""),
        HONEST.replace(b' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"', b""),  # an undeclared prefix
        HONEST.replace(b"2005/04/discovery", b"2009/01/discovery"),
    ],
)
def test_sloppy_firmware_is_read_all_the_same(firmware: bytes) -> None:
    assert read(firmware).claims == read(HONEST).claims


def test_a_name_in_a_chinese_encoding_does_not_hide_its_camera() -> None:
    raw = matches("urn:uuid:1", match("a", "http://h/", "onvif://www.onvif.org/name/X")).replace(
        b"name/X", "name/摄像机".encode("gbk")
    )
    assert read(raw).claims[0].epr == "a"


BOMB = (
    '<!DOCTYPE a [<!ENTITY b "' + "x" * 1000 + '"><!ENTITY c "' + "&b;" * 1000 + '">]>'
    "<Envelope><Body><Hello><Types>&c;</Types></Hello></Body></Envelope>"
)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no element found"),
        (b"\0", "no element found"),
        (b"<Envelope/>", "no ProbeMatches, Hello or Bye"),
        (b"GET / HTTP/1.1\r\n\r\n", "syntax error"),
        (BOMB.encode(), "declares a document type or an entity"),
        (BOMB.replace("DOCTYPE", "doctype").encode(), "declares a document type or an entity"),
        (BOMB.encode("utf-16"), "not well-formed (invalid token)"),
        (b'<?xml version="1.0" encoding="cp037"?>' + BOMB.encode("cp037"), "not well-formed (invalid token)"),
        (b'<?xml version="1.0" encoding="utf-7"?>' + BOMB.encode("utf-7").replace(b"<", b"+ADw-"), "not well-formed"),
        (HONEST[:-1], "unclosed token"),
        (HONEST + b" " * DATAGRAM_LIMIT, "too large"),
        (b"<a>" * 30 + b"</a>" * 30, "too many elements, or too deep"),
        (b"<a>" + b"<b/>" * ELEMENTS_LIMIT + b"</a>", "too many elements, or too deep"),
        (matches("urn:uuid:1", *[match("a", "http://h/")] * (CLAIMS_LIMIT + 1)), "too many devices in one datagram"),
    ],
)
def test_what_is_refused_is_refused_for_its_reason(raw: bytes, why: str) -> None:
    with pytest.raises(Refused, match="^" + why.replace("(", r"\(").replace(")", r"\)")):
        read(raw)


def test_a_declaration_is_refused_before_the_parser_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.probe_match._Reading", None)
    with pytest.raises(Refused, match="declares"):
        read(BOMB.encode())


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for each in (raw, matches("urn:uuid:1", "X").replace(b"X", raw)):
        try:
            read(each)
        except Refused:
            continue


@given(st.integers(0, len(HONEST) - 1), st.binary(min_size=1, max_size=3))
def test_an_altered_datagram_is_read_or_refused(at: int, bytes_: bytes) -> None:
    try:
        read(HONEST[:at] + bytes_ + HONEST[at + len(bytes_) :])
    except Refused:
        return
