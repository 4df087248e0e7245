"""History on its way through the relay: the frozen bytes, joined as far as the broker takes them."""

import pytest

from edge.core.words import Epoch, EventClass
from edge.link.frames import Row, Rows
from tests.unit.courier_scene import Scene, row


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_history_leaves_as_one_batch_of_the_frozen_bytes(scene: Scene) -> None:
    scene.connect()
    scene.hear(Rows((row(1, EventClass.AUDIT), row(2, EventClass.AUDIT), row(3))))
    scene.turn()

    assert [(seen.topic.rpartition("/")[2], seen.raw, seen.content_type) for seen in scene.broker.seen[1:]] == [
        ("alarm", b"3", ""),
        ("audit", b"[1,2]", "application/cloudevents-batch+json"),
    ]
    assert [mark.seq for mark in scene.link.marks()] == [3, 1, 2]


@pytest.mark.parametrize(("packet", "longest"), [(268_435_460, 64 * 1024), (4096, 4096 - 256), (300, 44), (100, 0)])
def test_a_batch_is_within_64_kib_and_the_broker_s_maximum_packet_size(scene: Scene, packet: int, longest: int) -> None:
    scene.broker.packet = packet
    scene.connect()
    for start in range(0, 2000, 100):
        raw = b"x" * min(700, packet - 80)
        scene.hear(Rows(tuple(Row(Epoch("7c1f0b2e"), n, EventClass.AUDIT, raw) for n in range(start, start + 100))))
        for _ in range(60):
            scene.turn()

    sizes = [len(seen.raw) for seen in scene.broker.seen if "/event/" in seen.topic]
    assert max(sizes) <= max(longest, len(raw))
    assert max(sizes) >= longest - len(raw) - 1
    assert len(scene.link.marks()) == 2000
