"""The centre's session before a hostile broker; with a real one it is tested in tests/daemons."""

import threading
from collections.abc import Iterator

import pytest

from drivers.dial import Endpoint
from drivers.mqtt_centre import CentreSession, Membership, SessionLost
from tests.contract.crooked import PUBLISH, Crooked, packet

TOPIC = "kentongan/v1/ktg-k7q2m9xa/beat"
WITHIN_S = 10.0


@pytest.fixture
def polled(broker: Crooked) -> Iterator[Crooked]:
    """The crooked broker, answering from a thread of its own: the centre's session waits for it."""
    done = threading.Event()

    def poll() -> None:
        while not done.wait(0.001):
            broker.poll()

    thread = threading.Thread(target=poll)
    thread.start()
    yield broker
    done.set()
    thread.join()


@pytest.fixture
def session(polled: Crooked) -> Iterator[CentreSession]:
    opened = CentreSession.open(Endpoint("127.0.0.1", polled.port), Membership("kentongan-centre", (TOPIC,), 0))
    with opened as session:
        yield session


def test_what_waits_for_a_release_ends_the_session_before_it_fills_the_memory(
    polled: Crooked, session: CentreSession
) -> None:
    polled.say(packet(PUBLISH, len(TOPIC).to_bytes(2, "big") + TOPIC.encode() + b"\0\7\0" + b"x", flags=4))

    with pytest.raises(SessionLost, match="QoS 2"):
        list(iter(lambda: session.receive(WITHIN_S), None))
