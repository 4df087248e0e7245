"""The bearers' loop beside the real outbox and a broker that can be told which row it cannot stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.delivery import Answer
from edge.core.words import SECOND_NS, EventClass
from edge.link.carry import ROWS, Carry, Work
from edge.link.frames import News
from tests.unit.carry_box import Box, identity, marks, pulled, rows, sent


def connected(window: int = 4) -> Carry:
    carry = Carry("mqtt")
    carry.up(window, 0)
    return carry


def test_without_a_connection_nothing_is_pulled() -> None:
    carry = Carry("mqtt")
    carry.news(News(EventClass.ALARM, hurried=True))
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

    carry.settled(identity(1), Answer.QUOTA, 0)
    work = carry.work(0)

    assert marks(work) == [(1, Answer.QUOTA)]
    assert pulled(work) == [1]


def test_good_answers_to_history_wait_for_a_few_more_and_no_longer_than_there_are_any() -> None:
    carry = connected(window=20)
    carry.work(0)
    carry.rows(rows(1, 2, 3, 9))
    carry.work(0)

    told: list[list[int]] = []
    for seq in (1, 2, 3, 9):
        carry.settled(identity(seq), Answer.PUBLISHED, 0)
        told.append([each for each, _ in marks(carry.work(0))])

    assert told == [[], [], [], [1, 2, 3, 9]]


def test_an_answer_to_a_new_alarm_is_told_at_once_with_all_that_waited() -> None:
    carry = connected(window=20)
    carry.work(0)
    carry.rows([*rows(1, 2), *rows(9, event_class=EventClass.ALARM)])
    carry.work(0)
    carry.settled(identity(1), Answer.PUBLISHED, 0)
    assert marks(carry.work(0)) == []

    carry.settled(identity(9), Answer.PUBLISHED, 0)

    assert [seq for seq, _ in marks(carry.work(0))] == [1, 9]


def test_no_more_than_the_window_is_in_flight_and_the_urgent_go_first() -> None:
    carry = connected(window=2)
    carry.work(0)
    carry.rows(rows(1, 2, 3))
    carry.rows(rows(9, event_class=EventClass.ALARM))

    assert sent(carry.work(0)) == [9, 1]
    carry.settled(identity(9), Answer.PUBLISHED, 0)
    assert sent(carry.work(0)) == [2]


def test_news_means_that_our_credit_was_lost() -> None:
    carry = connected(window=4)
    carry.work(0)

    carry.news(News(EventClass.AUDIT))

    assert pulled(carry.work(0)) == [4]


def test_an_answer_to_a_row_of_an_earlier_connection_is_no_answer() -> None:
    carry = connected()
    carry.work(0)
    carry.rows(rows(1))
    carry.work(0)
    carry.down(0, unexplained=False)
    carry.up(4, 0)

    carry.settled(identity(1), Answer.PUBLISHED, 0)

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
        carry.settled(identity(order[-1]), Answer.PUBLISHED, 0)

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
    carry.settled(identity(2), Answer.PUBLISHED, 0)
    assert sent(carry.work(0)) == [1]
    assert sent(carry.work(0)) == []
    carry.settled(identity(1), Answer.PUBLISHED, 0)
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
    carry.settled(identity(2), Answer.PUBLISHED, 0)
    assert sent(carry.work(later_ns)) == [1]


def test_an_answer_clears_a_row_of_suspicion() -> None:
    carry = struck_alarm()
    carry.passed()
    carry.rows(rows(1, event_class=EventClass.ALARM))
    carry.work(0)
    carry.settled(identity(1), Answer.PUBLISHED, 0)
    carry.rows(rows(1, event_class=EventClass.ALARM))  # no receipt came: once more
    assert sent(carry.work(0)) == [1]

    carry.passed()
    carry.down(0, unexplained=True)

    assert (1, Answer.POISON) not in marks(carry.work(0))


def test_alarms_behind_a_poisonous_alarm_leave_within_two_reconnects() -> None:
    box = Box(poison=[1], window=20)
    for seq in range(1, 8):
        box.add(seq, EventClass.ALARM)

    while box.reconnects < 2:
        box.connect()

    assert set(box.passed) == {2, 3, 4, 5, 6, 7}
    assert box.marked == [1]


@pytest.mark.parametrize("batch", [0, 64 * 1024])
@pytest.mark.parametrize("window", [1, 2, 20])
def test_poison_stays_in_its_lane_and_dies_unless_it_is_an_alarm(window: int, batch: int) -> None:
    box = Box(poison=[3, 4], window=window, batch=batch)
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
    classes=st.lists(st.sampled_from(ROWS), min_size=1, max_size=60),
    poison=st.sets(st.integers(0, 59), max_size=3),
    window=st.integers(1, 20),
    batch=st.sampled_from([0, 600, 64 * 1024]),
)
def test_everything_but_poison_passes_exactly_once(
    classes: list[EventClass], poison: set[int], window: int, batch: int
) -> None:
    box = Box(poison, window, batch)
    for seq, event_class in enumerate(classes):
        box.add(seq, event_class)
    innocent = set(range(len(classes))) - poison

    for _ in range(30):
        box.connect()
        box.now_ns += 3 * SECOND_NS

    assert sorted(box.passed) == sorted(innocent)
    assert set(box.marked) <= poison
