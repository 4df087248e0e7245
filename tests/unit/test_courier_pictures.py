"""Pictures over the courier: last of all, a part at a time, whole or again, and no descriptor stays open."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.core.delivery import Answer
from edge.core.words import Epoch, EventClass
from edge.link.frames import File, Mark, News, Picture, Pull, Row, Rows
from tests.unit.courier_scene import Scene, row

EPOCH = Epoch("7c1f0b2e")
CONTENT = os.urandom(4096 * 3 + 100)
FDS = Path("/proc/self/fd")


@pytest.fixture
def up() -> Iterator[Scene]:
    before = len(list(FDS.iterdir()))
    scene = Scene()
    scene.connect()
    yield scene
    scene.courier.stop()
    assert len(list(FDS.iterdir())) == before


def give(scene: Scene, seq: int = 9, content: bytes = CONTENT, size: int = len(CONTENT)) -> None:
    """What alarm does: the bytes, then the row."""
    descriptor = os.memfd_create("picture")
    os.write(descriptor, content)
    scene.link.given.append(descriptor)
    identity = f"{EPOCH}.{seq}"
    picture = Picture(identity, "", "j", "gerbang", 1, "5f0e2a9c", 1, 1, "ab" * 32, size, "picture-1")
    scene.hear(File(picture))
    scene.hear(Rows((Row(EPOCH, seq, EventClass.PICTURE, b"header"),)))


def leaves(scene: Scene) -> list[str]:
    return [seen.topic.split("/", 3)[3] for seen in scene.broker.seen if "/state" not in seen.topic]


def settle(scene: Scene, turns: int = 20) -> None:
    for _ in range(turns):
        scene.turn(0.01)


def test_header_then_parts_in_their_order_then_published(up: Scene) -> None:
    give(up)
    settle(up)
    assert leaves(up) == ["event/picture", *(f"picture/{EPOCH}.9/{part}" for part in range(1, 5))]
    assert b"".join(seen.raw for seen in up.broker.seen if "/picture/" in seen.topic) == CONTENT
    assert up.link.marks() == [Mark(EPOCH, 9, Answer.PUBLISHED)]


def test_one_is_asked_for_and_another_when_that_is_through(up: Scene) -> None:
    pulls = [frame for frame in up.link.frames if isinstance(frame, Pull) and frame.classes == (EventClass.PICTURE,)]
    assert pulls == [Pull("mqtt", (EventClass.PICTURE,), 1)]
    give(up)
    settle(up)
    assert [frame for frame in up.link.frames if isinstance(frame, Pull)][-1] == pulls[0]


def test_one_part_is_in_flight_and_an_alarm_goes_before_the_next(up: Scene) -> None:
    give(up)
    up.turn()  # the header is answered
    up.turn()  # part 1
    before = leaves(up)
    up.hear(Rows((row(1),)))  # on the wire when this returns
    settle(up)
    after = leaves(up)[len(before) :]
    assert after[: after.index("event/alarm")].count("event/alarm") == 0
    assert after.index("event/alarm") <= 1  # but for the part that was on its way
    assert leaves(up)[-1] == f"picture/{EPOCH}.9/4"


@pytest.mark.parametrize("event_class", [each for each in EventClass if each is not EventClass.PICTURE])
def test_nothing_of_a_picture_leaves_while_anything_else_is_unanswered(up: Scene, event_class: EventClass) -> None:
    up.broker.frozen = True
    up.hear(Rows((row(1, event_class),)))
    give(up)
    for _ in range(10):
        up.turn(0.1)
    assert up.link.marks() == []
    assert [message.leaf for message in up.uplink.unanswered] == [f"event/{event_class}"]
    up.broker.frozen = False
    settle(up, 3)
    assert leaves(up)[0] == f"event/{event_class}"


def test_what_is_announced_is_waited_for_but_not_for_ever(up: Scene) -> None:
    up.hear(News(EventClass.ALARM))
    give(up)
    settle(up)
    assert leaves(up) == []
    up.hear(Rows((row(1),)))
    settle(up)
    assert leaves(up)[0] == "event/alarm"
    assert len(leaves(up)) == 6
    up.hear(News(EventClass.TROUBLE))
    give(up, 10)
    up.turn(2.1)
    settle(up)
    assert leaves(up)[-1] == f"picture/{EPOCH}.10/4"


def test_a_lost_connection_begins_the_picture_again(up: Scene) -> None:
    give(up)
    up.turn()
    up.turn()
    up.broker.drop("ktg-k7q2m9xa")
    up.turn()
    assert up.link.marks() == []
    up.turn(11)
    up.speak()
    give(up)
    settle(up)
    assert leaves(up)[-5:] == ["event/picture", *(f"picture/{EPOCH}.9/{part}" for part in range(1, 5))]
    assert up.link.marks() == [Mark(EPOCH, 9, Answer.PUBLISHED)]


def test_a_picture_that_kills_the_connection_twice_is_poison(up: Scene) -> None:
    for _ in range(2):
        give(up)
        up.turn()
        up.broker.drop("ktg-k7q2m9xa")
        up.turn()
        up.turn(11)
        up.speak()
    assert [mark.state for mark in up.link.marks()] == [Answer.POISON]


@pytest.mark.parametrize(("leaf", "code", "answer"), [
    ("event/picture", 0x87, Answer.FORBIDDEN), (f"picture/{EPOCH}.9/2", 0x97, Answer.QUOTA),
    (f"picture/{EPOCH}.9/3", 0x10, Answer.NOBODY),
])  # fmt: skip
def test_a_refused_part_is_the_answer_to_the_picture(up: Scene, leaf: str, code: int, answer: Answer) -> None:
    up.broker.answers[leaf] = code
    give(up)
    settle(up)
    assert [mark.state for mark in up.link.marks()] == [answer]
    assert f"picture/{EPOCH}.9/4" not in leaves(up)


def test_a_row_without_its_bytes_or_with_too_few_goes_back(up: Scene) -> None:
    up.hear(Rows((Row(EPOCH, 8, EventClass.PICTURE, b"header"),)))
    up.turn()
    give(up, 9, b"short")
    settle(up)
    assert [mark.state for mark in up.link.marks()] == [Answer.RETRY, Answer.RETRY]


def test_when_alarm_dies_its_picture_is_void(up: Scene) -> None:
    give(up)
    up.turn()
    up.link.connected = False
    up.turn()
    settle(up, 3)
    assert f"picture/{EPOCH}.9/2" not in leaves(up)
