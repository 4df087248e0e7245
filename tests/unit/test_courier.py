"""When the relay connects, what it asks for first, and what it passes on: with a broker in memory and a played link."""

import pytest

from drivers.sim.uplink import SimBroker, SimUplink
from edge.core.delivery import Answer
from edge.core.retry import SPREAD_S
from edge.core.words import SECOND_NS, Epoch, EventClass
from edge.link.carry import AHEAD
from edge.link.frames import BadFrame, Bytes, Mark, News, Pull, Rows, Send, Speak, pack
from tests.unit.courier_scene import BOX, Scene, row

RECEIPT = f"kentongan/v1/{BOX}/receipt"


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def up(scene: Scene) -> Scene:
    scene.connect()
    assert scene.told() == [(False, "connecting"), (True, "")]
    return scene


def test_alarm_is_asked_what_to_say_before_each_connection(scene: Scene) -> None:
    scene.turn()
    assert scene.told() == [(False, "connecting")]
    assert scene.broker.retained == {}

    scene.speak()

    assert scene.broker.retained == {f"kentongan/v1/{BOX}/state": b"state"}


def test_words_that_nobody_asked_for_open_nothing(scene: Scene) -> None:
    scene.broker.reachable = False
    scene.connect()
    scene.broker.reachable = True

    scene.speak()

    assert (True, "") not in scene.told()


def test_an_alarm_that_does_not_answer_is_asked_again(scene: Scene) -> None:
    scene.turn()
    scene.turn(4.9)
    assert scene.asked() == 1

    scene.turn(0.2)

    assert scene.asked() == 2


def test_rows_are_published_before_hear_returns(up: Scene) -> None:
    up.hear(Rows((row(1), row(2))))
    up.courier.turn(up.now_ns)

    assert [seen.raw for seen in up.broker.seen[1:]] == [b"1", b"2"]
    assert [mark.state for mark in up.link.marks()] == [Answer.PUBLISHED] * 2


def test_the_code_of_a_refusal_is_the_reason_of_its_mark(up: Scene) -> None:
    up.broker.answers["event/alarm"] = 0x97
    up.hear(Rows((row(1),)))
    up.turn()

    assert up.link.marks() == [Mark(Epoch("7c1f0b2e"), 1, Answer.QUOTA, "0x97")]


def test_what_arrives_is_passed_on_as_it_is(up: Scene) -> None:
    up.broker.tell(RECEIPT, b"\xff\x00")
    up.turn()

    assert Bytes("receipt", b"\xff\x00") in up.link.frames


def test_what_is_too_long_for_the_link_is_dropped_and_nothing_else(up: Scene) -> None:
    with pytest.raises(BadFrame):
        pack(Bytes("receipt", bytes(20_000)))
    up.broker.tell(RECEIPT, bytes(20_000))
    up.broker.tell(RECEIPT, b"short")

    up.turn()

    assert Bytes("receipt", b"short") in up.link.frames


def test_words_of_alarm_without_a_session_are_let_go(scene: Scene) -> None:
    scene.hear(Send("beat", b"beat"))
    scene.connect()

    assert [seen.raw for seen in scene.broker.seen] == [b"state"]


@pytest.mark.parametrize("kind", ["state", "beat", "reply"])
def test_only_the_state_is_retained(up: Scene, kind: str) -> None:
    up.hear(Send(kind, b"words"))
    up.turn()

    assert up.broker.seen[-1].retained == (kind == "state")


# ---- when to connect ------------------------------------------------------------------------------------------------


def failing(scene: Scene) -> Scene:
    scene.broker.reachable = False
    scene.connect()
    return scene


def test_waits_double_up_to_two_minutes(scene: Scene) -> None:
    failing(scene)
    waits: list[float] = []
    for _ in range(9):
        before = scene.asked()
        waited = 0.0
        while scene.asked() == before:
            scene.turn(0.5)
            waited += 0.5
        waits.append(waited)
        scene.speak()

    assert waits == [1, 2, 4, 8, 16, 32, 64, 120, 120]


def test_while_an_alarm_waits_no_wait_is_longer_than_ten_seconds(scene: Scene) -> None:
    failing(scene)
    for _ in range(8):
        scene.hear(News(EventClass.ALARM))
        before = scene.asked()
        scene.turn(10.0)
        assert scene.asked() == before + 1
        scene.speak()


def test_a_clock_that_is_not_set_yet_is_no_reason_to_wait_for_minutes(scene: Scene) -> None:
    scene.broker.trouble = "tls-not-yet-valid"
    scene.connect()
    for _ in range(8):
        before = scene.asked()
        scene.turn(10.0)
        assert scene.asked() == before + 1
        scene.speak()


@pytest.mark.parametrize("cause", ["tls-not-yet-valid", "tls-expired"])
def test_once_the_clock_is_set_there_is_nothing_left_to_wait_for(scene: Scene, cause: str) -> None:
    scene.broker.trouble = cause
    scene.connect()
    for _ in range(8):
        scene.turn(120.0)
        scene.speak()
    asked = scene.asked()
    scene.turn(1.0)
    assert scene.asked() == asked
    scene.off_ns = 3600 * SECOND_NS
    scene.turn(1.0)
    assert scene.asked() == asked + 1
    scene.broker.trouble = ""
    scene.speak()
    assert scene.told()[-1] == (True, "")


def test_a_clock_that_is_set_ends_no_other_wait(scene: Scene) -> None:
    failing(scene)
    for _ in range(8):
        scene.turn(120.0)
        scene.speak()
    asked = scene.asked()
    scene.off_ns = 3600 * SECOND_NS
    scene.turn(1.0)
    assert scene.asked() == asked


def test_a_press_cuts_a_long_wait_short(scene: Scene) -> None:
    failing(scene)
    for _ in range(8):
        scene.turn(120)
        scene.speak()
    before = scene.asked()
    scene.turn(5)
    assert scene.asked() == before

    scene.hear(News(EventClass.ALARM))
    scene.turn(10.0)

    assert scene.asked() == before + 1


def test_the_first_connection_waits_its_turn_unless_an_alarm_does() -> None:
    scene = Scene(first_s=30)
    scene.turn(29)
    assert scene.asked() == 0
    scene.hear(News(EventClass.AUDIT))
    scene.turn()
    assert scene.asked() == 0

    scene.hear(News(EventClass.ALARM))
    scene.turn()

    assert scene.asked() == 1


def test_a_session_that_stood_begins_the_waits_anew(scene: Scene) -> None:
    failing(scene)
    for _ in range(5):
        scene.turn(120)
        scene.speak()
    scene.broker.reachable = True
    scene.turn(120)
    scene.speak()
    scene.turn(11)
    scene.broker.drop(BOX)
    scene.turn()
    before = scene.asked()

    scene.turn(1.0)

    assert scene.asked() == before + 1


def test_a_session_that_falls_at_once_does_not(scene: Scene) -> None:
    scene.connect()
    for _ in range(3):
        scene.broker.drop(BOX)
        scene.turn()
        scene.turn(10)
        scene.speak()
    scene.broker.drop(BOX)
    scene.turn()
    before = scene.asked()

    scene.turn(7.9)
    assert scene.asked() == before
    scene.turn(0.2)
    assert scene.asked() == before + 1


def test_a_broker_of_many_boxes_gets_them_back_spread_out_and_sooner_with_an_alarm() -> None:
    scene = Scene(spread_s=SPREAD_S)
    scene.connect()
    scene.turn(60)
    scene.broker.drop(BOX)
    scene.turn()
    before = scene.asked()

    scene.turn(12.0)
    assert scene.asked() == before
    scene.hear(News(EventClass.ALARM))
    scene.turn(9.9)
    assert scene.asked() == before
    scene.turn(0.2)
    assert scene.asked() == before + 1


def test_each_failure_is_told_to_alarm_by_its_cause(scene: Scene) -> None:
    scene.broker.refusal = 0x8A
    scene.connect()

    assert scene.told() == [(False, "connecting"), (False, "refused-0x8A")]


def test_other_brokers_get_a_session_at_once_and_the_old_ones_see_the_box_leave(up: Scene) -> None:
    up.turn(60)
    other = SimBroker()

    up.courier.replace(SimUplink(other, "other:8883"), up.now_ns)
    up.turn()
    up.speak()
    up.broker.run_out(BOX)

    assert up.told()[-3:] == [(False, "moved"), (False, "connecting"), (True, "")]
    assert up.broker.retained[f"kentongan/v1/{BOX}/state"] == b"will"
    assert other.retained[f"kentongan/v1/{BOX}/state"] == b"state"


# ---- alarm comes and goes -------------------------------------------------------------------------------------------


def test_a_new_life_of_alarm_gets_a_new_session_at_once(up: Scene) -> None:
    up.turn(11)
    up.link.connected = False
    up.turn()
    up.link.connected = True
    up.turn(0.2)
    assert up.asked() == 2

    up.speak()

    assert up.told()[-1] == (True, "")
    assert [frame.limit for frame in up.link.frames if isinstance(frame, Pull)][-2:] == [AHEAD, 1]  # rows, a picture


def test_an_alarm_that_dies_again_and_again_causes_no_storm(up: Scene) -> None:
    for _ in range(20):
        up.link.connected = False
        up.turn(0.1)
        up.link.connected = True
        up.turn(0.1)
        up.hear(Speak(BOX, b"state", b"will", "n"))
        up.turn()

    assert up.asked() <= 5


def test_answers_for_an_alarm_that_died_are_not_told_to_the_next(up: Scene) -> None:
    up.broker.frozen = True
    up.hear(Rows((row(1),)))
    up.turn()
    up.link.connected = False
    up.turn()
    up.broker.frozen = False
    up.turn()
    up.link.connected = True
    up.turn()

    assert up.link.marks() == []
    up.turn(11)
    up.speak()
    assert [frame.limit for frame in up.link.frames if isinstance(frame, Pull)][-2:] == [AHEAD, 1]


def test_after_five_seconds_without_alarm_the_box_is_offline(up: Scene) -> None:
    up.link.connected = False
    up.turn()
    up.turn(4.9)
    up.broker.run_out(BOX)
    assert up.broker.retained[f"kentongan/v1/{BOX}/state"] == b"state"

    up.turn(0.2)
    up.broker.run_out(BOX)

    assert up.broker.retained[f"kentongan/v1/{BOX}/state"] == b"will"


# ---- the log --------------------------------------------------------------------------------------------------------


def test_one_warning_a_transition_and_one_word_when_it_is_over(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "kentongan.relay")
    failing(scene)
    for _ in range(5):
        scene.turn(120)
        scene.speak()
    scene.broker.reachable, scene.broker.refusal = True, 0x87
    scene.turn(120)
    scene.speak()
    scene.broker.refusal = 0
    scene.turn(120)
    scene.speak()

    lines = [record.getMessage() for record in caplog.records]
    assert [line.split()[0] for line in lines] == ["E-BROKER-UNREACHABLE", "E-BROKER-REFUSED", "uplink"]
    assert lines[-1].endswith("after_s=840")


def test_a_flaw_is_told_once_a_session(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.broker.grants["receipt"] = 0x87
    scene.connect()

    (record,) = caplog.records
    assert "E-BROKER-REFUSED part refused" in record.getMessage()
    assert "cause=subscribe-receipt-0x87" in record.getMessage()
