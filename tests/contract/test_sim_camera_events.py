"""The simulated camera's PullPoints, tried with raw sockets: they wait, bring what happens, expire, and are few."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from drivers.sim.camera import Quirk, SimCamera, SimCameras, Topic
from tests.camera_caller import Caller, Said
from tests.sim_cameras import specs

LONG = "<Timeout>PT5S</Timeout><MessageLimit>10</MessageLimit>"
SOON_S = 0.3
SHORT = "<Timeout>PT0.05S</Timeout><MessageLimit>10</MessageLimit>"


@pytest.fixture
def camera() -> Iterator[SimCamera]:
    with SimCameras(specs(1)) as town:
        yield town[0]


@pytest.fixture
def caller(camera: SimCamera) -> Caller:
    return Caller(camera.host)


@contextmanager
def soon(act: Callable[[], None]) -> Iterator[None]:
    """Do something while the caller waits for an answer."""
    timer = threading.Timer(SOON_S, act)
    timer.start()
    yield
    timer.join()


def ask(caller: Caller, operation: str, inner: str = "", target: str = "") -> Said:
    return caller.call(operation, inner, target=target, security=caller.token())


def subscribe(caller: Caller, extent: str = "PT60S") -> str:
    """Path and query of a new subscription."""
    said = ask(caller, "tev:CreatePullPointSubscription", f"<InitialTerminationTime>{extent}</InitialTerminationTime>")
    found = re.search(r"<wsa:Address>http://[^/]+(/[^<]*)<", said.body.decode())
    assert found, said
    return found[1]


def test_a_pull_waits_for_motion_and_brings_it_at_once(camera: SimCamera, caller: Caller) -> None:
    target = subscribe(caller)
    began = time.monotonic()
    with soon(lambda: camera.happen(Topic.MOTION)):
        said = ask(caller, "tev:PullMessages", LONG, target)

    assert SOON_S <= time.monotonic() - began < 4.0  # it waited, and not for the five seconds that were asked for
    assert b'Name="IsMotion" Value="true"' in said.body
    assert b'PropertyOperation="Changed"' in said.body


def test_a_pull_without_news_comes_back_empty(caller: Caller) -> None:
    said = ask(caller, "tev:PullMessages", SHORT, subscribe(caller))

    assert (said.status, b"NotificationMessage" in said.body) == (200, False)


def test_a_new_subscriber_hears_the_state_that_holds(camera: SimCamera, caller: Caller) -> None:
    camera.happen(Topic.TAMPER)

    said = ask(caller, "tev:PullMessages", SHORT, subscribe(caller))

    assert b'PropertyOperation="Initialized"' in said.body
    assert b'Name="IsTamper" Value="true"' in said.body


def test_a_subscription_expires_and_a_renewal_holds_it(camera: SimCamera, caller: Caller) -> None:
    lost, kept = subscribe(caller, "PT1S"), subscribe(caller, "PT1S")
    other = subscribe(caller, "PT30S")
    renewed = ask(caller, "wsnt:Renew", "<TerminationTime>PT30S</TerminationTime>", kept)
    ask(caller, "tev:PullMessages", "<Timeout>PT1.1S</Timeout><MessageLimit>1</MessageLimit>", other)
    ask(caller, "wsnt:Unsubscribe", "", other)

    assert (renewed.status, camera.subscriptions, camera.subscriptions_peak) == (200, 1, 3)
    assert ask(caller, "tev:PullMessages", SHORT, lost).status == 400
    assert ask(caller, "tev:PullMessages", SHORT, kept).status == 200


def test_unsubscribing_frees_the_place(camera: SimCamera, caller: Caller) -> None:
    camera.turn(Quirk.ONE_SUBSCRIBER)
    target = subscribe(caller)

    second = ask(caller, "tev:CreatePullPointSubscription")
    assert (second.status, b"SubscribeCreationFailedFault" in second.body) == (500, True)
    assert ask(caller, "wsnt:Unsubscribe", "", target).status == 200
    assert (camera.subscriptions, subscribe(caller) != target) == (0, True)


def test_a_pull_on_a_subscription_that_is_ended_does_not_hang(camera: SimCamera, caller: Caller) -> None:
    target = subscribe(caller)
    began = time.monotonic()
    with soon(camera.drop_subscriptions):
        said = ask(caller, "tev:PullMessages", LONG, target)

    assert (said.status, time.monotonic() - began < 4.0) == (400, True)


def test_the_number_may_lie_in_a_reference_parameter() -> None:
    with SimCameras(specs(1, Quirk.REFERENCE_PARAMETERS)) as town:
        caller = Caller(town[0].host)
        said = ask(caller, "tev:CreatePullPointSubscription")
        found = re.search(r"<sim:Id>(\d+)</sim:Id>", said.body.decode())
        assert found

        header = f'<Id xmlns="urn:kentongan:sim">{found[1]}</Id>{caller.token()}'
        pulled = caller.call("tev:PullMessages", SHORT, target="/onvif/subscription", security=header)
        without = ask(caller, "tev:PullMessages", SHORT, "/onvif/subscription")

    assert (pulled.status, without.status) == (200, 400)


def test_a_camera_without_events_says_so() -> None:
    with SimCameras([replace(specs(1)[0], quirks=frozenset({Quirk.NO_EVENTS}))]) as town:
        caller = Caller(town[0].host)

        assert b"/events/wsdl<" not in ask(caller, "tds:GetServices").body
        assert ask(caller, "tev:CreatePullPointSubscription").status == 500
