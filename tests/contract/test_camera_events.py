"""What a camera notices, and that we leave nothing on it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.camera import Address, Candidate, Happening, Login, NotOffered, Subscription
from drivers.clock import boot_ns
from drivers.onvif import OnvifCameras
from drivers.sim.camera import Quirk, SimCamera, SimCameras, Spec, Topic
from drivers.soap import Gone, Taken
from tests.arch.tree import ROOT
from tests.sim_cameras import TownApart, own_hosts, specs

SECOND_NS = 1_000_000_000
PULL_S = 1.0


@pytest.fixture
def spec(request: pytest.FixtureRequest) -> Spec:
    return specs(1, *getattr(request, "param", ()))[0]


@pytest.fixture
def camera(spec: Spec) -> Iterator[SimCamera]:
    with SimCameras([spec]) as town:
        yield town[0]


@pytest.fixture(scope="module")
def cameras() -> OnvifCameras:
    return OnvifCameras()


def subscribed(cameras: OnvifCameras, camera: SimCamera) -> Subscription:
    candidate = Candidate(Address(camera.host, camera.port))
    return cameras.open(candidate, Login("admin", "kunci-kamera")).subscribe()


def told(subscription: Subscription) -> list[tuple[Happening, bool, str]]:
    return [(one.what, one.active, one.source) for one in subscription.pull(PULL_S)]


@pytest.mark.parametrize(
    ("topic", "what", "source"),
    [
        (Topic.MOTION, Happening.MOTION, "VSC_1"),
        (Topic.ALARM, Happening.MOTION, "VideoSource_1"),
        (Topic.TAMPER, Happening.TAMPER, "VSC_1"),
        (Topic.INPUT, Happening.INPUT, "DI_1"),
    ],
)
def test_what_it_notices_is_told_once(
    cameras: OnvifCameras, camera: SimCamera, topic: Topic, what: Happening, source: str
) -> None:
    subscription = subscribed(cameras, camera)
    for active in (True, True, False):
        camera.happen(topic, active=active)

    assert told(subscription) == [(what, True, source), (what, False, source)]
    subscription.close()


def test_of_what_was_there_before_us_only_what_goes_on_is_told(cameras: OnvifCameras, camera: SimCamera) -> None:
    camera.happen(Topic.MOTION, active=False)
    camera.happen(Topic.TAMPER, active=True)
    subscription = subscribed(cameras, camera)

    assert told(subscription) == [(Happening.TAMPER, True, "VSC_1")]
    subscription.close()


def test_nothing_to_tell_is_no_fault_and_ends_in_time(cameras: OnvifCameras, camera: SimCamera) -> None:
    subscription = subscribed(cameras, camera)
    began = time.monotonic()
    assert subscription.pull(PULL_S) == []
    assert time.monotonic() - began < PULL_S + 1.0
    subscription.close()


def test_at_what_moment_it_was_read(cameras: OnvifCameras, camera: SimCamera) -> None:
    subscription = subscribed(cameras, camera)
    camera.happen(Topic.MOTION, active=True)
    before = boot_ns()
    (noticed,) = subscription.pull(PULL_S)
    assert before < noticed.at_ns < boot_ns()
    subscription.close()


@pytest.mark.parametrize(
    "spec", [[], [Quirk.REFERENCE_PARAMETERS], [Quirk.WSSE_ONLY], [Quirk.HOST_CLOUD], [Quirk.HOST_OTHER]], indirect=True
)
def test_closing_takes_it_off_the_camera(cameras: OnvifCameras, camera: SimCamera) -> None:
    subscription = subscribed(cameras, camera)
    camera.happen(Topic.MOTION, active=True)
    assert told(subscription) == [(Happening.MOTION, True, "VSC_1")]
    assert camera.subscriptions == 1
    subscription.close()
    subscription.close()
    assert camera.subscriptions == 0
    with pytest.raises(Gone):
        subscription.pull(PULL_S)


@pytest.mark.parametrize("spec", [[], [Quirk.REFERENCE_PARAMETERS]], indirect=True)
def test_it_is_renewed_at_half_of_its_life(camera: SimCamera) -> None:
    ahead_s = [0]
    subscription = subscribed(OnvifCameras(clock=lambda: boot_ns() + ahead_s[0] * SECOND_NS), camera)
    asked = []
    for ahead_s[0] in (0, 20, 35, 40, 75):
        subscription.pull(PULL_S)
        asked.append(sum(visit.what == "wsnt:Renew" for visit in camera.book.of("soap")))
    assert asked == [0, 0, 1, 1, 2]
    subscription.close()


def test_a_camera_that_forgot_it_may_be_asked_again(cameras: OnvifCameras, camera: SimCamera) -> None:
    """It has events all the same: who stopped at NotOffered would never hear of it again."""
    subscription = subscribed(cameras, camera)
    camera.drop_subscriptions()
    with pytest.raises(Gone) as raised:
        subscription.pull(PULL_S)
    assert not isinstance(raised.value, NotOffered)
    subscription.close()
    subscribed(cameras, camera).close()


@pytest.mark.parametrize("spec", [[Quirk.ONE_SUBSCRIBER]], indirect=True)
def test_a_place_that_somebody_has_is_not_taken(cameras: OnvifCameras, camera: SimCamera) -> None:
    theirs = subscribed(cameras, camera)
    with pytest.raises(Taken) as raised:
        subscribed(cameras, camera)
    assert not isinstance(raised.value, NotOffered)
    assert camera.subscriptions == 1
    theirs.close()


@pytest.mark.parametrize("spec", [[Quirk.NO_EVENTS]], indirect=True)
def test_a_camera_without_events_is_asked_nothing(cameras: OnvifCameras, camera: SimCamera) -> None:
    with pytest.raises(NotOffered):
        subscribed(cameras, camera)
    assert camera.subscriptions_made == 0


def test_interrogating_and_photographing_subscribe_to_nothing(cameras: OnvifCameras, camera: SimCamera) -> None:
    with cameras.open(Candidate(Address(camera.host, camera.port)), Login("admin", "kunci-kamera")) as ours:
        ours.interrogate()
        ours.photograph(200_000)
    assert camera.subscriptions_made == 0


@pytest.mark.parametrize("spec", [[Quirk.ONE_SUBSCRIBER]], indirect=True)
def test_what_a_death_left_is_taken_off_first(camera: SimCamera, tmp_path: Path) -> None:
    subscribed(OnvifCameras(tmp_path / "subscriptions.json"), camera)
    assert camera.subscriptions == 1

    after = subscribed(OnvifCameras(tmp_path / "subscriptions.json"), camera)

    assert (camera.subscriptions, camera.subscriptions_peak) == (1, 1)
    after.close()
    assert camera.subscriptions == 0


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"127.0.0.1:80": 7}', b"\xff"])
def test_a_broken_note_of_what_was_left_is_nothing(camera: SimCamera, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "left.json").write_bytes(content)
    subscribed(OnvifCameras(tmp_path / "left.json"), camera).close()
    assert camera.subscriptions == 0


DIES = """
import sys, time
from pathlib import Path
from drivers.camera import Address, Candidate, Login
from drivers.onvif import OnvifCameras
host, port, left = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
ours = OnvifCameras(left).open(Candidate(Address(host, port)), Login("admin", sys.stdin.readline().strip()))
point = ours.subscribe()
print("subscribed", flush=True)
while True:
    point.pull(5.0)
"""


@pytest.mark.slow
def test_twenty_deaths_leave_two_subscriptions_at_most(tmp_path: Path) -> None:
    (host,) = own_hosts(1)
    with TownApart("--host", host) as town:
        (told_,) = town.cameras
        for _ in range(20):
            child = subprocess.Popen(
                [sys.executable, "-c", DIES, told_.host, str(told_.port), str(tmp_path / "left.json")],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            with child:
                assert child.stdin is not None
                assert child.stdout is not None
                child.stdin.write(b"kunci-kamera\n")
                child.stdin.flush()
                assert child.stdout.readline() == b"subscribed\n"
                os.kill(child.pid, signal.SIGKILL)
                assert child.wait() == -signal.SIGKILL
        assert town.order("book", camera=0)["subscriptions"] <= 2
