"""What alarm tells a bearer that has no credit, and what becomes of rows whose bytes the ledger should have."""

from collections.abc import Sequence

import pytest

from edge.core.delivery import Answer
from edge.core.events import Frozen
from edge.core.outbox import Outbox
from edge.core.words import SECOND_NS, Epoch, EventClass, EventId
from edge.daemons.alarm.traffic import Traffic
from edge.ledger.ledger import Unreceived
from edge.link.frames import Frame, News, Rows


def event(seq: int, event_class: EventClass) -> Frozen:
    return Frozen(EventId(Epoch("7c1f0b2e"), seq), event_class, b"raw")


def fetch(_ids: Sequence[EventId]) -> None: ...


def test_an_alarm_is_announced_over_news_that_was_not_worth_hurrying_for() -> None:
    told: list[Frame] = []
    traffic = Traffic(Outbox(lambda: 0.5), told.append, fetch)
    for seq, event_class in enumerate([EventClass.AUDIT, EventClass.AUDIT, EventClass.ALARM, EventClass.TROUBLE], 1):
        made = event(seq, event_class)
        traffic.made(made, 0, 0)
        traffic.stored([made.id], 0)
        traffic.serve(0, up=False)

    assert told == [News(EventClass.AUDIT), News(EventClass.ALARM)]


EVERY = tuple(EventClass)
OLD = Unreceived(EventId(Epoch("00000001"), 7), 1, EventClass.ALARM, bytes(32), shown=True)


class World:
    """A bearer's traffic whose frames and questions to the ledger are kept."""

    def __init__(self) -> None:
        self.told: list[Frame] = []
        self.asked: list[EventId] = []
        self.outbox = Outbox(lambda: 0.5)
        self.traffic = Traffic(self.outbox, self.told.append, self.asked.extend)

    def stored(self, seq: int, event_class: EventClass = EventClass.ALARM) -> Frozen:
        made = event(seq, event_class)
        self.traffic.made(made, 0, 0)
        self.traffic.stored([made.id], 0)
        return made

    def seqs(self) -> list[int]:
        return [row.seq for frame in self.told if isinstance(frame, Rows) for row in frame.rows]


@pytest.fixture
def world() -> World:
    return World()


def test_credit_without_a_connection_leaves_nothing_due_for_ever(world: World) -> None:
    """A bearer that pulls before it says that it is up must not keep the loop awake."""
    world.traffic.pull(EVERY, 20)
    world.traffic.made(event(1, EventClass.ALARM), 0, 0)
    world.traffic.serve(2 * SECOND_NS, up=False)
    assert world.outbox.due_ns is None


def test_rows_that_the_ledger_cannot_give_are_lost_not_under_way(world: World) -> None:
    world.traffic.opened(2, [OLD])
    world.traffic.pull(EVERY, 20)
    world.traffic.serve(0, up=True)
    assert world.asked == [OLD.id]
    assert [row.id for row in world.traffic.fetched([], world.asked)] == [OLD.id]
    assert len(world.outbox) == 0
    world.traffic.opened(2, [OLD])  # the disk that had it is back
    assert OLD.id in world.outbox


def alone(told: list[Frame]) -> list[tuple[int, bool]]:
    return [(row.seq, row.alone) for frame in told if isinstance(frame, Rows) for row in frame.rows]


def test_a_new_alarm_goes_alone_and_one_that_waited_does_so_once_it_was_published_in_vain(world: World) -> None:
    made = event(1, EventClass.ALARM)
    world.traffic.made(made, 0, SECOND_NS)
    world.traffic.stored([made.id], SECOND_NS)
    for at_s in (2, 100, 200):
        world.traffic.pull(EVERY, 1)
        world.traffic.serve(at_s * SECOND_NS, up=True)
        if at_s == 2:
            world.traffic.disconnected()
        world.traffic.answered(made.id, Answer.PUBLISHED, at_s * SECOND_NS)

    assert alone(world.told) == [(1, True), (1, False), (1, True)]


def test_what_the_ledger_kept_is_history(world: World) -> None:
    world.traffic.opened(2, [OLD])
    world.traffic.pull(EVERY, 20)
    world.traffic.serve(SECOND_NS, up=True)
    world.traffic.fetched([Frozen(OLD.id, OLD.event_class, b"raw")], world.asked)

    assert alone(world.told) == [(OLD.id.seq, False)]


def test_each_new_alarm_is_announced_behind_alarms_that_wait(world: World) -> None:
    world.traffic.opened(2, [OLD])
    world.traffic.serve(SECOND_NS, up=True)
    for seq in (1, 2):
        made = event(seq, EventClass.ALARM)
        world.traffic.made(made, 0, SECOND_NS)
        world.traffic.stored([made.id], SECOND_NS)
        world.traffic.serve(SECOND_NS, up=True)
        world.traffic.serve(SECOND_NS, up=True)
        world.traffic.pull(EVERY, 1)
        world.traffic.serve(SECOND_NS, up=True)

    news = [(frame.event_class, frame.hurried) for frame in world.told if isinstance(frame, News)]
    assert news[:2] == [(EventClass.ALARM, False), (EventClass.ALARM, True)]
    assert news.count((EventClass.ALARM, True)) == 2
    assert world.seqs() == [1, 2]


def test_an_answer_to_a_question_that_a_lost_connection_voided_loses_nothing(world: World) -> None:
    world.traffic.opened(2, [OLD])
    world.traffic.pull(EVERY, 20)
    world.traffic.serve(0, up=True)
    world.traffic.disconnected()
    assert world.traffic.fetched([], world.asked) == []
    assert OLD.id in world.outbox


def test_what_a_new_ledger_does_not_hold_is_stored_again(world: World) -> None:
    """The old file was set aside: its rows of this run are in memory, and on no disk that the next start reads."""
    kept, gone, received = world.stored(1), world.stored(2), world.stored(3)
    world.traffic.received([received.id], 0)
    waiting = [Unreceived(kept.id, 2, kept.event_class, kept.digest, shown=True)]
    assert world.traffic.opened(2, waiting) == [gone]
    world.traffic.pull(EVERY, 20)
    assert world.traffic.serve(0, up=True) == (gone.id,)
    world.traffic.stored([gone.id], 0)
    assert world.traffic.opened(2, [*waiting, Unreceived(gone.id, 2, gone.event_class, gone.digest, shown=True)]) == []


def test_a_commit_that_does_not_come_is_noticed_without_any_bearer(world: World) -> None:
    made = event(1, EventClass.TROUBLE)
    world.traffic.made(made, 0, 5 * SECOND_NS)
    assert not world.traffic.is_commit_late(6 * SECOND_NS - 1)
    assert world.traffic.is_commit_late(6 * SECOND_NS)
    world.traffic.stored([made.id], 7 * SECOND_NS)
    assert not world.traffic.is_commit_late(99 * SECOND_NS)


def test_what_the_broker_took_twice_without_a_receipt_is_handed_over_to_go_alone(world: World) -> None:
    """A centre takes a batch whole or not at all: the third time, an innocent event has no bad company."""
    made = world.stored(1, EventClass.AUDIT)
    answers = [Answer.NOBODY, Answer.PUBLISHED, Answer.QUOTA, Answer.PUBLISHED, Answer.PUBLISHED]
    for turn, answer in enumerate(answers):
        world.traffic.pull(EVERY, 1)
        world.traffic.serve(turn * 120 * SECOND_NS, up=True)
        world.traffic.answered(made.id, answer, turn * 120 * SECOND_NS)

    alone = [row.alone for frame in world.told if isinstance(frame, Rows) for row in frame.rows]
    assert alone == [False, False, False, False, True]
