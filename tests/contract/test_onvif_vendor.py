"""onvif-zeep on a short lead: what its import may not do, what it may not say, and where a password may not stand."""

import json
import logging
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.camera import Address, CameraFault, Candidate, ClockWrong, Login, NotOnvif, WrongPassword
from drivers.onvif import OnvifCamera, OnvifCameras
from drivers.ports import NotFound
from drivers.sim.camera import Quirk, SimCamera, SimCameras, Spec
from tests.arch.tree import ROOT
from tests.contract.raw_peer import RawPeer, page
from tests.sim_cameras import specs

CANARY = "kunci-kenari-7f3a"
HOUR_NS = 3600 * 1_000_000_000
SMALL_STACK = 512 * 1024  # what kentongan-cameras gives its threads

LOADED = """
import json, logging, os, sys
os.environ["HTTP_PROXY"] = os.environ["http_proxy"] = "http://127.0.0.1:1"
before = dict(os.environ), logging.getLogger().handlers[:], logging.getLogger().level
from drivers.onvif import OnvifCameras
early = sorted({"zeep", "onvif", "requests"} & set(sys.modules))
from drivers.onvif_client import Port, Vendor
vendor = Vendor()
for port in Port:
    vendor.client(port, None)
after = dict(os.environ), logging.getLogger().handlers[:], logging.getLogger().level
print(json.dumps([early, before == after, len(vendor._documents)]))
"""


@pytest.fixture
def spec(request: pytest.FixtureRequest) -> Spec:
    return specs(1, *getattr(request, "param", ()))[0]


@pytest.fixture
def camera(spec: Spec) -> Iterator[SimCamera]:
    with SimCameras([spec]) as town:
        town[0].password = CANARY
        yield town[0]


def opened(camera: SimCamera) -> OnvifCamera:
    return OnvifCameras().open(Candidate(Address(camera.host, camera.port)), Login("admin", CANARY))


def test_its_import_is_late_and_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    """HOME is a folder that nobody may write to: zeep's cache would want it."""
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(
        command, cwd=ROOT, env={"HOME": str(home)}, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], True, 4]
    assert list(home.iterdir()) == []


def test_without_the_extra_it_is_said(monkeypatch: pytest.MonkeyPatch, camera: SimCamera) -> None:
    monkeypatch.setitem(sys.modules, "zeep", None)
    with pytest.raises(NotFound, match='the extra "cameras"'):
        opened(camera).clock_offset_s()


def test_it_works_on_the_small_stacks_of_the_daemon(camera: SimCamera) -> None:
    done: list[Any] = []
    before = threading.stack_size(SMALL_STACK)
    try:
        thread = threading.Thread(target=lambda: done.append(opened(camera).interrogate().identity.serial))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert done == [camera.spec.serial]


@pytest.mark.parametrize(
    "spec",
    [
        [],
        [Quirk.WSSE_ONLY],
        [Quirk.WRONG_PASSWORD],
        [Quirk.WRONG_PASSWORD, Quirk.WSSE_ONLY],
        [Quirk.SNAPSHOT_RTSP],
        [Quirk.BASIC_CHALLENGE],
        [Quirk.BOMB_SOAP],
    ],
    indirect=True,
)
def test_a_password_stands_in_no_log_no_fault_and_no_repr(camera: SimCamera, caplog: pytest.LogCaptureFixture) -> None:
    shown: list[str] = []
    with caplog.at_level(logging.DEBUG), opened(camera) as ours:
        for ask in (ours.clock_offset_s, ours.interrogate, lambda: ours.photograph(200_000), ours.subscribe):
            try:
                answer = ask()
            except CameraFault as fault:
                shown += traceback.TracebackException.from_exception(fault, capture_locals=True).format()
            else:
                shown.append(repr(answer))
                getattr(answer, "close", lambda: None)()
        shown.append(repr(ours))
    assert CANARY not in "".join(shown) + caplog.text
    assert "UsernameToken" not in caplog.text


NONSENSE = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    b'<GetSystemDateAndTimeResponse xmlns="http://www.onvif.org/ver10/device/wsdl"><SystemDateAndTime><UTCDateTime'
    b' xmlns="http://www.onvif.org/ver10/schema"><Time><Hour>KENTONGAN-WAS-HERE</Hour></Time></UTCDateTime>'
    b"</SystemDateAndTime></GetSystemDateAndTimeResponse></s:Body></s:Envelope>"
)


@pytest.mark.parametrize(
    "body", [NONSENSE, NONSENSE.replace(b"GetSystem", b"KENTONGAN-WAS-HERE"), b"KENTONGAN-WAS-HERE"]
)
def test_nothing_that_a_camera_says_gets_into_a_log_or_a_fault(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with RawPeer(page(body, "Content-Type: application/soap+xml")) as peer, caplog.at_level(logging.DEBUG):
        ours = OnvifCameras().open(Candidate(Address("127.0.0.1", peer.port)), None)
        with pytest.raises((NotOnvif, ClockWrong)) as raised:
            ours.clock_offset_s()
    assert "KENTONGAN-WAS-HERE" not in "".join(traceback.format_exception(raised.value)) + caplog.text


@pytest.mark.parametrize("spec", [[Quirk.WSSE_ONLY]], indirect=True)
def test_a_clock_that_stepped_is_read_again_and_is_no_wrong_password(camera: SimCamera) -> None:
    with opened(camera) as ours:
        offset_s = ours.interrogate().clock_offset_s
        ours._known.ahead_ns = (ours._known.ahead_ns or 0) - HOUR_NS
        ours.subscribe().close()  # whose token is made with the hour that is gone
        assert abs(ours._offset_s() - offset_s) < 2.0
    assert [visit.verdict.value for visit in camera.refused] == ["clock"]


@pytest.mark.parametrize("spec", [[Quirk.WSSE_ONLY]], indirect=True)
def test_a_password_that_changed_is_tried_once(camera: SimCamera) -> None:
    with opened(camera) as ours:
        ours.interrogate()
        camera.password = "another"
        for _ in range(3):
            with pytest.raises(WrongPassword):
                ours.interrogate()
    assert len(camera.refused) == 1
