"""The bearers' loop beside the real outbox and a broker that can be told which row it cannot stand."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.delivery import Answer
from edge.core.outbox import Outbox, Waiting
from edge.core.words import SECOND_NS, Epoch, EventClass, EventId
from edge.link.carry import Carry, Work
from edge.link.frames import Mark, Pull, Row

EPOCH = Epoch("7c1f0b2e")


def row(seq: int, event_class: EventClass = EventClass.AUDIT) -> Row:
    return Row(EPOCH, seq, event_class, b"row %d" % seq)


def rows(*seqs: int, event_class: EventClass = EventClass.AUDIT) -> tuple[Row, ...]:
    return tuple(row(seq, event_class) for seq in seqs)


def identity(seq: int) -> EventId:
    return EventId(EPOCH, seq)


def sent(work: Work) -> list[int]:
    return [row.seq for row in work.rows]


def pulled(work: Work) -> list[int]:
    return [frame.limit for frame in work.frames if isinstance(frame, Pull)]


def marks(work: Work) -> list[tuple[int, Answer]]:
    return [(frame.seq, frame.state) for frame in work.frames if isinstance(frame, Mark)]


def connected(window: int = 4) -> Carry:
    carry = Carry("mqtt")
    carry.up(window, 0)
    return carry


def test_without_a_connection_nothing_is_pulled() -> None:
    carry = Carry("mqtt")
    carry.news(EventClass.ALARM)
    carry.rows(rows(1))

    assert carry.work(0) == Work()
    assert carry.alarm_waits


def test_a_connection_pulls_its_window_at_once() -> None:
    carry = connected(window=4)

    assert pulled(carry.work(0)) == [4]
    assert pulled(carry.work(0)) == []


def test_rows_are_sent_in_the_same_step() -> None:
    carry = connected()
    carry.work(0)

    carry.rows(rows(1, 2))

    assert sent(carry.work(0)) == [1, 2]


def test_an_answer_is_marked_and_its_room_pulled_again() -> None:
    carry = connected(window=2)
    carry.work(0)
    carry.rows(rows(1, 2))
    assert sent(carry.work(0)) == [1, 2]

    carry.settled(identity(1), Answer.PUBLISHED)
    work = carry.work(0)

    assert marks(work) == [(1, Answer.PUBLISHED)]
    assert pulled(work) == [1]


def test_no_more_than_the_window_is_in_flight_and_the_urgent_go_first() -> None:
    carry = connected(window=2)
    carry.work(0)
    carry.rows(rows(1, 2, 3))
    carry.rows(rows(9, event_class=EventClass.ALARM))

    assert sent(carry.work(0)) == [9, 1]
    carry.settled(identity(9), Answer.PUBLISHED)
    assert sent(carry.work(0)) == [2]


def test_news_means_that_our_credit_was_lost() -> None:
    carry = connected(window=4)
    carry.work(0)

    carry.news(EventClass.AUDIT)

    assert pulled(carry.work(0)) == [4]


def test_an_answer_to_a_row_of_an_earlier_connection_is_no_answer() -> None:
    carry = connected()
    carry.work(0)
    carry.rows(rows(1))
    carry.work(0)
    carry.down(0, unexplained=False)
    carry.up(4, 0)

    carry.settled(identity(1), Answer.PUBLISHED)

    assert marks(carry.work(0)) == []


def test_an_alarm_on_its_way_at_the_loss_waits() -> None:
    carry = connected()
    carry.work(0)
    carry.rows(rows(1, event_class=EventClass.ALARM))
    carry.work(0)

    carry.down(0, unexplained=False)

    assert carry.alarm_waits


def test_after_an_unexplained_loss_rows_go_one_by_one() -> None:
    carry = connected()
    carry.work(0)
    carry.rows(rows(1, 2, 3))
    carry.work(0)
    carry.down(0, unexplained=True)
    carry.up(4, 0)
    carry.work(0)
    carry.rows(rows(1, 2, 3, 4))

    order: list[int] = []
    for _ in range(4):
        work = carry.work(0)
        order += sent(work)
        if len(order) < 4:
            assert len(sent(work)) == 1
        carry.settled(identity(order[-1]), Answer.PUBLISHED)

    assert order == [1, 2, 3, 4]


def test_an_explained_loss_puts_nobody_under_suspicion() -> None:
    carry = connected()
    carry.work(0)
    carry.rows(rows(1, 2))
    carry.work(0)
    carry.down(0, unexplained=False)
    carry.up(4, 0)
    carry.work(0)
    carry.rows(rows(1, 2))

    assert sent(carry.work(0)) == [1, 2]


def test_a_loss_long_after_the_sending_is_the_line_s() -> None:
    carry = connected()
    for _ in range(5):
        carry.work(0)
        carry.rows(rows(1))
        carry.passed()
        assert sent(carry.work(0)) == [1]
        carry.down(3 * SECOND_NS, unexplained=True)
        assert marks(carry.work(0)) == []
        carry.up(4, 0)


def test_a_row_is_no_poison_where_nothing_passes() -> None:
    carry = connected()
    now_ns = 0
    for _ in range(10):
        carry.rows(rows(1))
        now_ns += 5 * SECOND_NS
        assert sent(carry.work(now_ns)) == [1]
        carry.down(now_ns, unexplained=True)
        assert marks(carry.work(now_ns)) == []
        carry.up(4, now_ns)
    assert sent(carry.work(now_ns)) == []


def test_an_alarm_under_suspicion_does_not_wait_for_a_backlog() -> None:
    carry = connected()
    carry.work(0)
    carry.rows(rows(1, event_class=EventClass.ALARM))
    carry.work(0)
    carry.down(0, unexplained=True)
    carry.up(4, 0)
    carry.work(0)
    carry.rows((*rows(1, event_class=EventClass.ALARM), *rows(2, 3, 4)))

    assert sent(carry.work(0)) == [2]  # shows that the connection carries
    carry.settled(identity(2), Answer.PUBLISHED)
    assert sent(carry.work(0)) == [1]
    assert sent(carry.work(0)) == []
    carry.settled(identity(1), Answer.PUBLISHED)
    assert sent(carry.work(0)) == [3, 4]


def struck_alarm(window: int = 4) -> Carry:
    """Row 1 was alone in flight at a loss; connected again at 0."""
    carry = connected(window)
    carry.work(0)
    carry.rows(rows(1, event_class=EventClass.ALARM))
    carry.work(0)
    carry.down(0, unexplained=True)
    carry.up(window, 0)
    return carry


def test_a_row_under_suspicion_waits_until_nothing_else_is_in_flight() -> None:
    carry, later_ns = struck_alarm(), 61 * SECOND_NS
    carry.passed()
    carry.rows(rows(2))
    assert sent(carry.work(later_ns)) == [2]

    carry.rows(rows(1, event_class=EventClass.ALARM))

    assert sent(carry.work(later_ns)) == []
    carry.settled(identity(2), Answer.PUBLISHED)
    assert sent(carry.work(later_ns)) == [1]


def test_an_answer_clears_a_row_of_suspicion() -> None:
    carry = struck_alarm()
    carry.passed()
    carry.rows(rows(1, event_class=EventClass.ALARM))
    carry.work(0)
    carry.settled(identity(1), Answer.PUBLISHED)
    carry.rows(rows(1, event_class=EventClass.ALARM))  # no receipt came: once more
    assert sent(carry.work(0)) == [1]

    carry.passed()
    carry.down(0, unexplained=True)

    assert (1, Answer.POISON) not in marks(carry.work(0))


class Box:
    """Alarm's outbox, the loop, and a broker that breaks off when it gets one of the poisonous rows."""

    def __init__(self, poison: Iterable[int], window: int) -> None:
        self.outbox = Outbox(lambda: 0.5)
        self.carry = Carry("mqtt")
        self.now_ns = SECOND_NS
        self.reconnects = -1
        self.passed: list[int] = []
        self.marked: list[int] = []
        self._up = False
        self._poison = set(poison)
        self._window = window
        self._classes: dict[int, EventClass] = {}

    def add(self, seq: int, event_class: EventClass) -> None:
        self._classes[seq] = event_class
        self.outbox.add(Waiting(identity(seq), 0, event_class, b""))

    def connect(self) -> None:
        self.reconnects += 1
        self.carry.up(self._window, self.now_ns)
        self._up = True
        for _ in range(3):
            while self._up and self._step():
                pass
            self.now_ns += SECOND_NS

    def _step(self) -> bool:
        """One exchange; False when nothing moves."""
        work = self.carry.work(self.now_ns)
        self._tell(work)
        for each in work.rows:
            if each.seq in self._poison:
                self._break_off()
                return True
        for each in work.rows:
            self.passed.append(each.seq)
            self.carry.settled(identity(each.seq), Answer.PUBLISHED)
        return bool(work.frames or work.rows)

    def _break_off(self) -> None:
        self._up = False
        self.now_ns += SECOND_NS // 10
        self.carry.down(self.now_ns, unexplained=True)
        self._tell(self.carry.work(self.now_ns))
        self.outbox.disconnected()

    def _tell(self, work: Work) -> None:
        for frame in work.frames:
            if isinstance(frame, Mark):
                if frame.state is Answer.POISON:
                    self.marked.append(frame.seq)
                self.outbox.answered(identity(frame.seq), frame.state, self.now_ns)
                if frame.state is Answer.PUBLISHED:
                    self.outbox.received([identity(frame.seq)])
            if isinstance(frame, Pull):
                taken = self.outbox.take(frame.classes, frame.limit, self.now_ns)
                self.carry.rows(row(each.id.seq, each.event_class) for each in taken)


def test_alarms_behind_a_poisonous_alarm_leave_within_two_reconnects() -> None:
    box = Box(poison=[1], window=20)
    for seq in range(1, 8):
        box.add(seq, EventClass.ALARM)

    while box.reconnects < 2:
        box.connect()

    assert set(box.passed) == {2, 3, 4, 5, 6, 7}
    assert box.marked == [1]


@pytest.mark.parametrize("window", [1, 2, 20])
def test_poison_stays_in_its_lane_and_dies_unless_it_is_an_alarm(window: int) -> None:
    box = Box(poison=[3, 4], window=window)
    box.add(3, EventClass.AUDIT)
    box.add(4, EventClass.ALARM)
    for seq in (1, 2, *range(5, 40)):
        box.add(seq, EventClass.AUDIT)

    for _ in range(100):
        box.connect()
        box.now_ns += 10 * SECOND_NS
        box.outbox.disconnected()
        box.carry.down(box.now_ns, unexplained=False)

    assert set(box.passed) == {1, 2, *range(5, 40)}
    assert box.marked.count(3) == 5
    assert box.marked.count(4) > 5
    assert identity(4) in box.outbox


@given(
    classes=st.lists(st.sampled_from(EventClass), min_size=1, max_size=60),
    poison=st.sets(st.integers(0, 59), max_size=3),
    window=st.integers(1, 20),
)
def test_everything_but_poison_passes_exactly_once(classes: list[EventClass], poison: set[int], window: int) -> None:
    box = Box(poison, window)
    for seq, event_class in enumerate(classes):
        box.add(seq, event_class)
    innocent = set(range(len(classes))) - poison

    for _ in range(30):
        box.connect()
        box.now_ns += 3 * SECOND_NS

    assert sorted(box.passed) == sorted(innocent)
    assert set(box.marked) <= poison
