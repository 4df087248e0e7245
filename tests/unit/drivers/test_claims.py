"""Of what a device says only the harmless is taken, and the host never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera import Address, Candidate
from drivers.claims import DEVICE_PATH, EPR_LIMIT, TEXT_LIMIT, candidate_of
from drivers.probe_match import Claim

HOST = "192.168.1.9"
ONVIF = "onvif://www.onvif.org/type/video_encoder"


def of(**said: str) -> Candidate:
    candidate = candidate_of(Claim(**{"scopes": ONVIF, **said}), HOST)
    assert candidate is not None
    return candidate


@pytest.mark.parametrize(
    ("xaddrs", "port", "path"),
    [
        ("http://192.168.1.9/onvif/device_service", 80, "/onvif/device_service"),
        ("http://192.168.1.9:8899/onvif/device_service", 8899, "/onvif/device_service"),
        ("http://10.1.1.1:8000/onvif/other", 8000, "/onvif/other"),
        ("http://127.0.0.1:2020/onvif/device_service", 2020, "/onvif/device_service"),
        ("http://cloud.example/onvif/device_service", 80, "/onvif/device_service"),
        ("http://192.168.1.9:8106:8106/onvif/device_service", 8106, "/onvif/device_service"),
        ("http://[fe80::1]:81/v6 http://192.168.1.9:82/v4", 82, "/v4"),
        ("http://169.254.7.7:81/stale http://192.168.1.9:82/now", 82, "/now"),
        ("https://192.168.1.9:8443/onvif/s http://192.168.1.9:82/onvif/p", 82, "/onvif/p"),
        ("http://[fe80::1]:81/v6", 81, "/v6"),
        ("https://192.168.1.9/onvif/s", 443, "/onvif/s"),
        ("http://admin:12345@192.168.1.9:8080/onvif/device_service", 8080, "/onvif/device_service"),
        ("HTTP://192.168.1.9:81/ONVIF/device_service?user=admin&password=1", 81, "/ONVIF/device_service"),
        ("http://192.168.1.9", 80, DEVICE_PATH),
        ("http://192.168.1.9:0/onvif/x", 80, "/onvif/x"),
        ("http://192.168.1.9:99999/onvif/x", 80, "/onvif/x"),
        ("http://192.168.1.9:٨٠/onvif/x", 80, "/onvif/x"),
        ("http://192.168.1.9/" + "a" * 300, 80, DEVICE_PATH),
        ("", 80, DEVICE_PATH),
        ("(null)", 80, DEVICE_PATH),
        ("rtsp://192.168.1.9:554/live", 80, DEVICE_PATH),
        ("file:///etc/passwd", 80, DEVICE_PATH),
    ],
)
def test_path_and_port_are_taken_and_nothing_else(xaddrs: str, port: int, path: str) -> None:
    assert (of(xaddrs=xaddrs).address, of(xaddrs=xaddrs).path) == (Address(HOST, port), path)


def test_scopes_are_decoded_into_what_people_read() -> None:
    candidate = of(
        scopes=f"{ONVIF} onvif://www.onvif.org/name/Pos%20Ronda%2f2 onvif://www.onvif.org/hardware/IPC-1/B "
        "ONVIF://www.onvif.org/MAC/AA-BB-cc-00-11-22 onvif://www.onvif.org/name/Second"
    )
    assert (candidate.name, candidate.hardware, candidate.mac) == ("Pos Ronda/2", "IPC-1/B", "aa:bb:cc:00:11:22")


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("%1b%5b31mRed%07", "[31mRed"),
        ("a%00b%0d%0aSet-Cookie", "ab Set-Cookie"),
        ("%E2%80%AEgnp.exe", "gnp.exe"),  # a right-to-left override
        ("%ff%fe", "\N{REPLACEMENT CHARACTER}" * 2),
        ("%zz%", "%zz%"),
        ("x" * 1000, "x" * TEXT_LIMIT),
        ("Kamera%E6%91%84", "Kamera摄"),
    ],
)
def test_a_name_is_printable_and_short(name: str, read: str) -> None:
    assert of(scopes=f"onvif://www.onvif.org/name/{name}").name == read


def test_what_does_not_claim_to_be_a_camera_is_none() -> None:
    printer = Claim("urn:uuid:printer", "wsdp:Device wprt:PrintDeviceType", "", "http://192.168.1.9:5357/4d2a")
    assert candidate_of(printer, HOST) is None
    assert candidate_of(Claim(), HOST) is None


@pytest.mark.parametrize(
    "claim", [Claim(types="dn:NetworkVideoTransmitter"), Claim(scopes=ONVIF), Claim(xaddrs="http://h/onvif/x")]
)
def test_one_sign_of_a_camera_is_enough(claim: Claim) -> None:
    assert candidate_of(claim, HOST) is not None


@given(st.builds(Claim, epr=st.text(), types=st.text(), scopes=st.text(), xaddrs=st.text()))
def test_any_claim_gives_a_harmless_candidate_or_none(claim: Claim) -> None:
    held(candidate_of(claim, HOST))


@given(st.text(), st.text(), st.text())
def test_any_tail_of_what_is_known_gives_a_harmless_candidate(name: str, place: str, epr: str) -> None:
    held(of(scopes=f"onvif://www.onvif.org/name/{name}", xaddrs=f"http://{place}", epr=epr))
    held(of(scopes=f"onvif://www.onvif.org/mac/{name}", xaddrs=f"http://{HOST}:{place}"))
    held(of(scopes=f"onvif://www.onvif.org/hardware/{name}", xaddrs=f"http://{HOST}:81/{place}"))


def held(candidate: Candidate | None) -> None:
    if candidate is None:
        return
    assert candidate.address.host == HOST
    assert 0 < candidate.address.port < 65536
    assert candidate.path.startswith("/")
    assert all("!" <= letter <= "~" for letter in candidate.path)
    assert set("?#<>").isdisjoint(candidate.path)
    for said in (candidate.name, candidate.hardware, candidate.mac, candidate.epr):
        assert not said or said.isprintable()
        assert len(said) <= EPR_LIMIT
    assert max(len(candidate.name), len(candidate.hardware), len(candidate.mac)) <= TEXT_LIMIT
