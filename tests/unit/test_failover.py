"""Two brokers as one uplink: over to the second, back to the first, and never back and forth."""

import socket

import pytest

from drivers.dial import DialFailed
from drivers.failover import ATTEMPTS, KNOCK_NS, PATIENCE_MAX_NS, PATIENCE_NS, Failover
from drivers.ports import Down, Message, Session, Settled, Up, UplinkEvent
from drivers.sim.uplink import SimBroker, SimUplink

BOX = "ktg-k7q2m9xa"
SECOND_NS = 1_000_000_000
STATE = f"kentongan/v1/{BOX}/state"


class Door:
    """One knock at the first broker's door: answered at once, or not at all."""

    def __init__(self, broker: SimBroker) -> None:
        self._broker = broker

    def fileno(self) -> int:
        return -1

    def take(self) -> socket.socket:
        if not self._broker.reachable:
            raise DialFailed("unreachable", "nobody answers")
        return socket.socket()

    def abandon(self) -> None: ...


class Scene:
    """A caller that connects again whenever the session has ended; each session says another state."""

    def __init__(self) -> None:
        self.first, self.second = SimBroker(), SimBroker()
        self.knocks = 0
        self.uplink = Failover(SimUplink(self.first, "first:8883"), SimUplink(self.second, "second:8883"), self.knock)
        self.now_ns = 0
        self.ups: list[str] = []
        self.downs: list[tuple[str, str]] = []
        self.settled = 0
        self._sessions = 0
        self.connect()

    def knock(self) -> Door:
        self.knocks += 1
        return Door(self.first)

    def connect(self) -> None:
        self._sessions += 1
        self.uplink.connect(Session(BOX, will=b"will %d" % self._sessions, state=b"state %d" % self._sessions))

    def turn(self, seconds: float = 1.0) -> None:
        self.now_ns += int(seconds * SECOND_NS)
        place = str(self.uplink)
        for event in self.uplink.turn(self.now_ns):
            self._hear(event, place)

    def _hear(self, event: UplinkEvent, place: str) -> None:
        match event:
            case Up():
                assert event.secondary == place.startswith("second")
                self.ups.append(place)
            case Down(cause, _):
                self.downs.append((place, cause))
                self.connect()
            case Settled():
                self.settled += 1

    def run(self, seconds: float, step_s: float = 5.0) -> None:
        for _ in range(int(seconds / step_s)):
            self.turn(step_s)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def moved(scene: Scene) -> Scene:
    """At the second broker, because the first has gone."""
    scene.run(60)
    scene.first.stop()
    scene.run(20)
    assert scene.ups == ["first:8883", "second:8883"]
    return scene


def test_while_the_first_answers_nobody_speaks_to_the_second(scene: Scene) -> None:
    scene.run(7200)

    assert scene.ups == ["first:8883"]
    assert (scene.second.seen, scene.knocks) == ([], 0)


def test_sessions_that_stood_and_ended_are_no_reason_to_move(scene: Scene) -> None:
    for _ in range(5):
        scene.run(60)
        scene.first.drop(BOX)
    scene.run(20)

    assert scene.ups == ["first:8883"] * 6


@pytest.mark.parametrize("trouble", ["dns", "timeout", "tls-expired", "tls-wrong-host"])
def test_after_two_attempts_that_failed_for_whatever_reason_the_second_speaks(trouble: str) -> None:
    scene = Scene()
    scene.first.trouble = trouble
    scene.run(60)

    assert scene.downs == [("first:8883", trouble)] * ATTEMPTS
    assert scene.ups == ["second:8883"]


def test_a_session_that_falls_at_once_is_a_failed_attempt(scene: Scene) -> None:
    for _ in range(ATTEMPTS):
        scene.turn()
        scene.first.drop(BOX)
        scene.turn()
    scene.turn()

    assert scene.ups[-1] == "second:8883"


def test_where_neither_answers_both_are_tried_in_turn(scene: Scene) -> None:
    scene.first.reachable = scene.second.reachable = False
    scene.run(45)

    places = [place.partition(":")[0] for place, _ in scene.downs]
    assert places[:6] == ["first", "first", "second", "first", "first", "second"]


def test_each_broker_keeps_the_state_of_the_session_it_has(moved: Scene) -> None:
    assert moved.second.retained[STATE] == moved.uplink._second.session.state  # type: ignore[attr-defined]  # a SimUplink
    moved.first.run_out(BOX)
    assert moved.first.retained[STATE] == b"will 1"  # offline there, for who listens to that broker alone

    moved.first.reachable = True
    moved.run(600)
    moved.second.run_out(BOX)

    assert moved.ups[-1] == "first:8883"
    assert moved.second.retained[STATE].startswith(b"will")
    assert moved.first.retained[STATE].startswith(b"state")


def test_the_first_is_returned_to_after_it_has_answered_for_minutes(moved: Scene) -> None:
    moved.first.reachable = True
    back_ns = moved.now_ns
    while moved.ups[-1] == "second:8883":
        moved.turn(5)

    assert PATIENCE_NS <= moved.now_ns - back_ns <= PATIENCE_NS + 2 * KNOCK_NS + 20 * SECOND_NS
    assert moved.downs[-1][1] == "moved"
    moved.run(3600)
    assert moved.ups == ["first:8883", "second:8883", "first:8883"]


def test_a_first_that_comes_and_goes_is_not_returned_to(moved: Scene) -> None:
    for _ in range(40):
        moved.first.reachable = True
        moved.run(100)
        moved.first.reachable = False
        moved.run(100)

    assert moved.ups == ["first:8883", "second:8883"]
    assert moved.knocks > 40


def test_a_return_that_does_not_last_makes_the_next_one_wait_longer(moved: Scene) -> None:
    """The door is answered, and whoever comes in is thrown out: a broken broker behind a good port."""
    moved.first.reachable, moved.first.refusal = True, 0x88
    moved.run(24 * 3600)

    returns = [place for place, cause in moved.downs if cause == "moved"]
    assert 6 <= len(returns) <= 30
    assert moved.uplink._patience_ns == PATIENCE_MAX_NS


def test_nothing_in_flight_is_left_behind_by_a_return(moved: Scene) -> None:
    moved.first.reachable = True
    moved.run(120)  # a knock was answered
    moved.second.frozen = True
    moved.uplink.publish(Message("event/alarm", b"1"))
    moved.now_ns += 5 * SECOND_NS
    moved.uplink._patience_ns = 0
    moved.turn(0.1)
    assert moved.uplink._current is moved.uplink._second

    moved.second.frozen = False
    moved.turn(0.1)

    assert moved.settled == 1
    assert moved.downs[-1][1] == "moved"


def test_closing_leaves_nothing_to_watch(moved: Scene) -> None:
    moved.uplink.close()

    assert moved.uplink.sockets() == []
