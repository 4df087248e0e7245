"""Alarm's side of pictures without a process: what is numbered, held, asked for again, and let go."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from edge.core.delivery import Answer
from edge.core.events import Author, Frozen, freeze
from edge.core.outbox import Outbox, Waiting
from edge.core.seal import Signer
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import SECOND_NS, BoxId, Epoch, EventClass, EventId, Pictured, Record, SiteId
from edge.daemons.alarm import pictures
from edge.daemons.alarm.files import Flawed
from edge.daemons.alarm.pictures import BURST, HELD_LIMIT, LIFE_NS, Pictures, Question
from edge.ledger.recorder import Recorder
from edge.link import sockets
from edge.link.frames import File, Frame, Picture, Work
from tests.daemons.spool import memory, picture_of

AUTHOR = Author(BoxId("ktg-k7q2m9xa"), SiteId("33.74.10.1004-010-005"), Epoch("7c1f0b2e"), "5f0e2a9c")
SIGNER = Signer(bytes(32))
FDS = Path("/proc/self/fd")


@dataclass
class Disk:
    """`Recorder`, as far as pictures use it."""

    asked: list[object] = field(default_factory=list)
    fetched: list[EventId] = field(default_factory=list)

    def digests(self, _epoch: Epoch, _first: int, _last: int, token: object) -> None:
        self.asked.append(token)

    def fetch(self, ids: Sequence[EventId]) -> None:
        self.fetched += ids


class Play:
    def __init__(self) -> None:
        self.outbox = Outbox(lambda: 0.5)
        self.disk = Disk()
        self.posted: list[Pictured] = []
        self.works: list[Work] = []
        self.relayed: list[Frame] = []
        self.lost: list[EventId] = []
        self.now_ns = 10**12
        self._seq = 0
        self.pictures = Pictures(
            self.outbox, cast("Recorder", self.disk), boot=picture_of(b"x").boot, lost=self._lose,
            post=self.posted.append, to_cameras=self.works.append, to_relay=lambda frame, _: self.relayed.append(frame),
        )  # fmt: skip
        self.pictures.whole = True

    def _lose(self, ids: Sequence[EventId]) -> None:
        self.lost += ids
        self.outbox.lost(ids)

    def offer(self, content: bytes, **said: object) -> Picture:
        picture = picture_of(content, **said)
        self.pictures.offered(picture, memory(content), self.now_ns)
        return picture

    def number(self) -> EventId:
        """The panel, the scribe and the ledger do their part for the oldest picture that was posted."""
        event = self.event(self.posted.pop(0))
        row = Waiting(event.id, 1, EventClass.PICTURE, event.digest, away=True)
        self.outbox.add(row)
        self.pictures.made(event, self.now_ns)
        self.pictures.stored([event.id])
        return event.id

    def event(self, pictured: Pictured) -> Frozen:
        self._seq += 1
        identity = EventId(AUTHOR.epoch, self._seq)
        record = Record(identity, EventClass.PICTURE, "picture", "camera/gerbang", pictured.content)
        return freeze(record, Stamp(0, 0, TimeQuality.SYNCED), AUTHOR, SIGNER)

    def told(self, what: str) -> list[dict[str, str]]:
        return [work.args for work in self.works if work.what == what]

    def turn(self, after_s: float = 0.0) -> None:
        self.now_ns += int(after_s * SECOND_NS)
        self.pictures.turn(self.now_ns, cameras=True)


@pytest.fixture
def play() -> Iterator[Play]:
    before = len(list(FDS.iterdir()))
    play = Play()
    yield play
    play.pictures.dropped([row.id for row in play.outbox.away])
    play.pictures.dropped([EventId(AUTHOR.epoch, seq) for seq in range(1, 200)])
    play.turn(3600)  # what was never numbered
    assert len(list(FDS.iterdir())) == before


def test_it_is_kept_when_it_is_stored_and_leaves_when_it_is_due(play: Play) -> None:
    offered = play.offer(b"one")
    identity = play.number()
    assert play.told("kept") == [{"sha256": offered.sha256, "id": str(identity)}]
    assert [row.id for row in play.outbox.take((EventClass.PICTURE,), 1, play.now_ns)] == [identity]
    assert play.pictures.attach(identity)
    assert play.relayed == [File(replace(offered, id=str(identity)))]
    play.outbox.answered(identity, Answer.PUBLISHED, play.now_ns)
    play.pictures.settled(identity)
    assert not play.pictures.attach(identity)  # let go
    play.turn(59)
    assert play.told("offer") == []
    play.turn(1)
    assert play.told("offer") == [{"id": str(identity)}]
    play.offer(b"one", id=str(identity))
    assert play.pictures.attach(identity)
    play.pictures.received(play.outbox.received([identity]))
    assert play.told("received") == [{"id": str(identity), "sha256": offered.sha256}]


def test_the_same_picture_offered_twice_has_one_number(play: Play) -> None:
    play.offer(b"one")
    play.offer(b"one")
    assert len(play.posted) == 1
    identity = play.number()
    play.offer(b"one")  # its "kept" was lost with a dead process
    assert play.posted == []
    assert {kept["id"] for kept in play.told("kept")} == {str(identity)}


def test_eight_are_held_and_the_rest_is_numbered_and_asked_for_later(play: Play) -> None:
    before = len(list(FDS.iterdir()))
    contents = [b"%d" % number for number in range(HELD_LIMIT + 4)]
    for content in contents:
        play.offer(content)
    ids = [play.number() for _ in contents]
    assert len(list(FDS.iterdir())) - before == HELD_LIMIT
    play.turn()
    assert play.told("offer") == []
    for identity in ids[:2]:
        play.pictures.received(play.outbox.received([identity]))
    play.turn()
    assert [asked["id"] for asked in play.told("offer")] == [str(identity) for identity in ids[8:10]]
    play.turn(5)
    assert len(play.told("offer")) == 2
    play.turn(30)  # no answer
    assert len(play.told("offer")) == 4


def test_after_a_restart_a_picture_is_known_by_its_digest(play: Play) -> None:
    play.pictures.whole = False
    offered = play.offer(b"one")
    assert play.posted == []  # perhaps it has a number that the ledger has not told yet
    play.pictures.whole = True
    play.offer(b"one")
    event = play.event(play.posted.pop())
    play.pictures.turn(play.now_ns + 60 * SECOND_NS, cameras=True)
    play.outbox.add(Waiting(event.id, 1, EventClass.PICTURE, event.digest, away=True))
    play.pictures.fetched([event], play.now_ns)
    play.offer(b"one")
    assert play.posted == []
    assert play.told("kept") == [{"sha256": offered.sha256, "id": str(event.id)}]
    assert play.pictures.attach(event.id)


def test_an_id_that_nobody_waits_for_is_received_or_gets_a_new_number(play: Play) -> None:
    offered = play.offer(b"one", id="00000001.5")
    (question,) = play.disk.asked
    assert isinstance(question, Question)
    play.pictures.answered(question, {EventId(Epoch("00000001"), 5)}, play.now_ns)
    assert play.told("received") == [{"id": "00000001.5", "sha256": offered.sha256}]
    play.pictures.answered(question, (), play.now_ns)
    assert len(play.posted) == 1


def test_what_the_spool_has_lost_or_nobody_sent_for_three_days_is_declared_lost(play: Play) -> None:
    play.offer(b"one")
    play.offer(b"two")
    first, second = play.number(), play.number()
    assert play.pictures.gone(first, "expired")
    assert not play.pictures.gone(EventId(Epoch("00000001"), 5), "expired")
    assert play.lost == [first]
    play.turn(LIFE_NS / SECOND_NS + 1)
    assert play.lost == [first, second]


def test_a_flood_is_refused_when_its_quota_is_used(play: Play) -> None:
    for number in range(BURST):
        play.offer(b"%d" % number)
        play.number()
    with pytest.raises(Flawed, match=r"^rate"):
        play.offer(os.urandom(9))
    assert play.told("refused")[-1]["reason"].startswith("rate")


def test_what_comes_too_often_is_closed_once(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two closings another thread may open something, and lose it to the second."""
    for number in range(BURST):
        play.offer(b"%d" % number)
        play.number()
    closed: list[int] = []

    def close_all(descriptors: Iterable[int]) -> None:
        mine = [each for each in descriptors if each >= 0]
        closed.extend(mine)
        sockets.close_all(mine)

    monkeypatch.setattr(pictures, "close_all", close_all)
    with pytest.raises(Flawed, match=r"^rate"):
        play.offer(os.urandom(9))
    assert len(closed) == 1


def test_a_picture_that_the_ledger_forgot_waits_in_the_spool_while_there_are_too_many(play: Play) -> None:
    for number in range(BURST):
        play.offer(b"%d" % number)
        play.number()
    forgotten = Question(picture_of(b"late", id=str(EventId(AUTHOR.epoch, 999))))
    play.pictures.answered(forgotten, [], play.now_ns)
    assert play.posted == []
    play.pictures.answered(forgotten, [], play.now_ns + 60 * SECOND_NS)  # offered again
    assert len(play.posted) == 1


def test_a_number_that_never_comes_frees_its_place(play: Play) -> None:
    for number in range(HELD_LIMIT):
        play.offer(b"%d" % number)
    play.turn(11)
    play.posted.clear()
    play.offer(b"another")
    identity = play.number()
    assert play.pictures.attach(identity)
