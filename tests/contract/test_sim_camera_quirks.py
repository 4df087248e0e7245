"""The ways in which a simulated camera is broken, seen with raw sockets: each is what it says, and is written down."""

import re
import socket
import time
from dataclasses import replace

import pytest

from drivers.sim.camera import Proof, Quirk, SimCameras, Spec
from tests.camera_caller import Caller, Said
from tests.sim_cameras import specs

INFORMATION = "tds:GetDeviceInformation"
TOKEN = "<ProfileToken>Profile_1</ProfileToken>"
SNAPSHOT = "/onvif/snapshot?profile=Profile_1"
MEGABYTES_3 = 3_000_000


def asked(quirk: Quirk, operation: str, inner: str = "") -> Said:
    with SimCameras(specs(1, quirk)) as town:
        caller = Caller(town[0].host)
        return caller.call(operation, inner, security=caller.token())


def shot(spec: Spec) -> Said:
    with SimCameras([spec]) as town:
        return Caller(town[0].host).http("GET", SNAPSHOT)


def open_lens(*quirks: Quirk) -> Spec:
    return specs(1, Quirk.SNAPSHOT_OPEN, *quirks)[0]


@pytest.mark.parametrize(
    ("quirk", "operation", "inner", "status", "said"),
    [
        (Quirk.SNAPSHOT_NULL, "trt:GetSnapshotUri", TOKEN, 200, "<tt:Uri>(null)</tt:Uri>"),
        (Quirk.SNAPSHOT_RTSP, "trt:GetSnapshotUri", TOKEN, 200, "user=admin&amp;password=kunci-kamera"),
        (Quirk.SNAPSHOT_NONE, "trt:GetSnapshotUri", TOKEN, 500, "ter:ActionNotSupported"),
        (Quirk.HOST_CLOUD, "tr2:GetSnapshotUri", TOKEN, 200, "http://cloud.kamera.example/onvif/snapshot"),
        (Quirk.HOST_OTHER, "trt:GetStreamUri", TOKEN, 200, "rtsp://192.0.2.64:554/"),
        (Quirk.HOST_LOOPBACK, "tds:GetCapabilities", "", 200, "http://127.0.0.1:8080/onvif/media_service"),
        (Quirk.HOST_PORT_TWICE, "tds:GetServices", "", 200, ":8080:8080/onvif/media_service"),
        (Quirk.NO_GET_SERVICES, "tds:GetServices", "", 500, "ter:ActionNotSupported"),
        (Quirk.NO_MEDIA2, "tr2:GetProfiles", "", 500, "ter:ActionNotSupported"),
        (Quirk.SAME_SERIAL, INFORMATION, "", 200, "<tds:SerialNumber>2290A1B2C3D4<"),
        (Quirk.CLOCK_1970, "tds:GetSystemDateAndTime", "", 200, "<tt:Year>1970<"),
        (Quirk.WRONG_PASSWORD, INFORMATION, "", 400, "ter:NotAuthorized"),
        (Quirk.DIGEST_ONLY, INFORMATION, "", 401, "ter:NotAuthorized"),
        (Quirk.BOMB_SOAP, INFORMATION, "", 200, "<!DOCTYPE bomb"),
        (Quirk.NESTED_SOAP, INFORMATION, "", 200, "<k>" * 50_000),
    ],
)
def test_what_it_answers(quirk: Quirk, operation: str, inner: str, status: int, said: str) -> None:
    answer = asked(quirk, operation, inner)

    assert (answer.status, said in answer.body.decode()) == (status, True)


@pytest.mark.parametrize(
    ("quirk", "status", "said"),
    [
        (Quirk.FAULT_HIKVISION, 400, "wsse:FailedAuthentication"),
        (Quirk.FAULT_BARE, 401, "<title>Document Error: Unauthorized</title>"),
        (Quirk.FAULT_500, 500, "<SOAP-ENV:Value>ter:NotAuthorized</SOAP-ENV:Value>"),
    ],
)
def test_how_it_says_no(quirk: Quirk, status: int, said: str) -> None:
    with SimCameras(specs(1, quirk)) as town:
        caller = Caller(town[0].host, password="salah")
        answer = caller.call(INFORMATION, security=caller.token())

    assert (answer.status, said in answer.body.decode()) == (status, True)


@pytest.mark.parametrize(
    ("operation", "target"),
    [
        ("trt:GetProfiles", "/onvif/device_service"),
        ("tds:GetServices", "/onvif/media_service"),
        ("tev:PullMessages", "/onvif/event_service"),
        ("tds:GetServices", "/elsewhere"),
    ],
)
def test_a_service_answers_under_its_own_path_alone(operation: str, target: str) -> None:
    with SimCameras(specs(1)) as town:
        caller = Caller(town[0].host)

        assert caller.call(operation, target=target, security=caller.token()).status == 404
        assert town[0].logins == []


def test_a_maker_may_choose_the_path_of_the_device_service() -> None:
    spec = replace(specs(1)[0], device_path="/ipc/dev")
    with SimCameras([spec]):
        said = Caller(spec.host).call("tds:GetServices", target="/ipc/dev")

    assert (said.status, f"http://{spec.host}:8080/ipc/dev<" in said.body.decode()) == (200, True)


def test_a_camera_that_trusts_nobody_hides_even_its_services() -> None:
    with SimCameras(specs(1, Quirk.AUTH_FOR_ALL)) as town:
        caller = Caller(town[0].host)

        assert caller.call("tds:GetSystemDateAndTime").status == 200
        assert caller.call("tds:GetServices").status == 401


def test_pictures_that_are_none() -> None:
    html, half = (shot(open_lens(quirk)) for quirk in (Quirk.SNAPSHOT_HTML, Quirk.SNAPSHOT_TRUNCATED))

    assert (html.headers("Content-Type"), html.body[:6]) == (["image/jpeg"], b"<html>")
    assert (half.headers("Content-Length"), half.body[:2], half.body[-2:] == b"\xff\xd9") == (
        ["20000"],
        b"\xff\xd8",
        False,
    )


def test_a_picture_cut_off_is_shorter_than_it_says() -> None:
    said = shot(open_lens(Quirk.SNAPSHOT_CUT))

    assert (said.headers("Content-Length"), len(said.body)) == (["40000"], 20_000)


@pytest.mark.parametrize("quirk", [Quirk.HUGE_SOAP, Quirk.SNAPSHOT_HUGE])
def test_a_flood_is_as_long_as_it_says_and_costs_no_memory(quirk: Quirk) -> None:
    spec = replace(open_lens(quirk), flood_bytes=MEGABYTES_3)
    with SimCameras([spec]) as town:
        caller = Caller(town[0].host)
        said = caller.http("GET", SNAPSHOT) if quirk is Quirk.SNAPSHOT_HUGE else caller.call("tds:GetServices")

    assert (said.headers("Content-Length"), len(said.body)) == ([str(MEGABYTES_3)], MEGABYTES_3)


def test_a_redirect_remembers_what_followed_it() -> None:
    with SimCameras(specs(1, Quirk.REDIRECT)) as town:
        camera = town[0]
        caller = Caller(camera.host)
        first = caller.call(INFORMATION, security=caller.token())
        place = re.fullmatch(r"http://([\d.]+):(\d+)/onvif/device_service", first.headers("Location")[0])
        assert (first.status, bool(place), camera.elsewhere) == (307, True, [])
        assert place

        Caller(place[1], int(place[2])).call(INFORMATION, security=caller.token())

        assert [visit.proof for visit in camera.elsewhere] == [Proof.WSSE]


def test_it_takes_the_connection_and_never_answers() -> None:
    with SimCameras(specs(1, Quirk.SILENT)) as town:
        with pytest.raises(TimeoutError):
            Caller(town[0].host, within_s=0.3).call(INFORMATION)
        assert len(town[0].book.of("connect")) == 1


def test_it_closes_at_once() -> None:
    with SimCameras(specs(1, Quirk.SLAM)) as town, socket.create_connection((town[0].host, 8080), 5.0) as sock:
        assert sock.recv(1) == b""


@pytest.mark.parametrize(
    ("quirk", "least", "most"), [(Quirk.DRIP_HEAD, 1, 12), (Quirk.DRIP_BODY, 100, 300), (Quirk.SNAPSHOT_DRIP, 60, 200)]
)
def test_it_drips(quirk: Quirk, least: int, most: int) -> None:
    """One byte each 50 ms here: after a quarter of a second only so much has come, and the connection still stands."""
    spec = replace(open_lens(quirk), drip_s=0.05)
    with SimCameras([spec]), socket.create_connection((spec.host, 8080), 5.0) as sock:
        target = SNAPSHOT if quirk is Quirk.SNAPSHOT_DRIP else "/onvif/device_service"
        method = "GET" if quirk is Quirk.SNAPSHOT_DRIP else "POST"
        sock.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        got, deadline = sock.recv(1), time.monotonic() + 0.25
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                part = sock.recv(4096)
            except TimeoutError:
                break
            assert part
            got += part

    assert least <= len(got) <= most


def test_a_quirk_may_come_and_go_while_it_runs() -> None:
    with SimCameras(specs(1)) as town:
        caller = Caller(town[0].host)
        town[0].turn(Quirk.NO_GET_SERVICES)
        assert caller.call("tds:GetServices").status == 500

        town[0].turn(Quirk.NO_GET_SERVICES, on=False)
        assert caller.call("tds:GetServices").status == 200


def test_a_camera_without_power_answers_nobody_until_it_has_some() -> None:
    with SimCameras(specs(1)) as town:
        caller = Caller(town[0].host)
        town[0].off()
        with pytest.raises(ConnectionRefusedError):
            caller.call("tds:GetSystemDateAndTime")
        town[0].on()

        assert caller.call("tds:GetSystemDateAndTime").status == 200
