"""What leaves together and what does not, and how a batch that breaks the connection is taken apart."""

from edge.core.delivery import Answer
from edge.core.words import SECOND_NS, EventClass
from edge.link.carry import AHEAD, Carry, Work
from edge.link.frames import Marks, News, Row
from tests.unit.carry_box import EPOCH, Box, identity, marks, pulled, row, rows, waited


def batching(window: int = 20, batch: int = 64 * 1024) -> Carry:
    carry = Carry("mqtt")
    carry.up(window, 0, batch=batch)
    carry.work(0)
    return carry


def parcels(work: Work) -> list[list[int]]:
    return [[row.seq for row in parcel] for parcel in work.parcels]


def test_history_leaves_together_one_class_a_parcel() -> None:
    carry = batching()
    carry.rows([*rows(1, 3, 5), *rows(2, 4, event_class=EventClass.TEST), *rows(6, event_class=EventClass.TROUBLE)])

    assert parcels(carry.work(0)) == [[6], [1, 3, 5], [2, 4]]


def test_alarms_leave_first_and_each_alone() -> None:
    carry = batching()
    carry.rows([*rows(1, 2), *rows(8, 9, event_class=EventClass.ALARM)])

    assert parcels(carry.work(0)) == [[8], [9], [1, 2]]


def test_alarms_that_waited_leave_together_behind_a_new_one_and_before_the_rest() -> None:
    carry = batching()
    carry.rows([*rows(1, 2), *waited(3, 4, 5), *rows(9, event_class=EventClass.ALARM)])

    assert parcels(carry.work(0)) == [[9], [3, 4, 5], [1, 2]]


def test_a_new_alarm_leaves_at_once_though_alarms_that_waited_fill_the_line() -> None:
    carry = batching()
    carry.rows(Row(EPOCH, seq, EventClass.ALARM, bytes(1000)) for seq in range(60))
    carry.work(0)
    assert parcels(carry.work(0)) == []

    carry.rows(rows(99, event_class=EventClass.ALARM))

    assert parcels(carry.work(0)) == [[99]]


def test_a_full_window_is_filled_again_with_a_few_rows_at_once_and_an_alarm_does_not_wait_for_that() -> None:
    carry = batching(batch=8)  # no two rows fit: each goes singly
    carry.rows(rows(*range(1, 41)))
    assert len(parcels(carry.work(0))) == 19

    refilled: list[int] = []
    for seq in range(1, 6):
        carry.settled(identity(seq), Answer.PUBLISHED, SECOND_NS // 10)
        refilled.append(len(parcels(carry.work(0))))
    carry.settled(identity(6), Answer.PUBLISHED, SECOND_NS // 10)
    carry.rows(rows(99, event_class=EventClass.ALARM))

    assert refilled == [0, 0, 0, 0, 5]
    assert parcels(carry.work(0)) == [[99]]


def test_news_of_alarms_that_waited_pull_nothing_into_full_hands() -> None:
    carry = batching()
    carry.rows(waited(*range(AHEAD)))
    carry.work(0)

    carry.news(News(EventClass.ALARM))

    assert pulled(carry.work(0)) == []


def test_an_alarm_that_waited_counts_as_one_when_the_connection_goes() -> None:
    carry = batching()
    carry.rows(waited(1, 2))
    carry.work(0)
    carry.down(0, unexplained=False)

    assert carry.alarm_waits


def test_one_answer_to_neighbours_is_one_mark() -> None:
    carry = batching()
    carry.rows(rows(1, 2, 3, 7))
    carry.work(0)
    carry.settled(identity(1), Answer.PUBLISHED, 0)

    (told,) = (frame for frame in carry.work(0).frames if isinstance(frame, Marks))
    assert [(mark.seq, mark.count) for mark in told.marks] == [(1, 3), (7, 1)]


def test_one_event_waits_for_no_company() -> None:
    carry = batching()
    carry.rows(rows(1))

    assert parcels(carry.work(0)) == [[1]]


def test_the_answer_to_a_parcel_is_the_answer_to_each_of_its_rows() -> None:
    carry = batching()
    carry.rows(rows(1, 2, 3))
    carry.work(0)

    carry.settled(identity(1), Answer.QUOTA, 0, "0x97")

    assert marks(carry.work(0)) == [(1, Answer.QUOTA), (2, Answer.QUOTA), (3, Answer.QUOTA)]


def test_a_parcel_is_no_longer_than_a_batch_may_be_and_no_event_is_cut() -> None:
    carry = batching(batch=40)
    carry.rows(rows(1, 2, 3, 4, 5, 6, 7, 8))
    work = carry.work(0)

    assert all(len(b",".join(row.raw for row in parcel)) + 2 <= 40 for parcel in work.parcels)
    assert parcels(work)[:2] == [[1, 2, 3, 4, 5, 6], [7, 8]]


def test_what_is_not_durable_and_what_was_sent_in_vain_go_alone() -> None:
    carry = batching()
    undurable = Row(EPOCH, 2, EventClass.AUDIT, b"row 2", durable=False)
    again = Row(EPOCH, 3, EventClass.AUDIT, b"row 3", alone=True)
    carry.rows([row(1), undurable, again, row(4)])

    assert parcels(carry.work(0)) == [[1, 4], [2], [3]]


def test_history_leaves_a_place_of_the_window_to_an_alarm() -> None:
    carry = batching(window=2)
    carry.rows([*rows(1), *rows(2, event_class=EventClass.TEST)])
    assert parcels(carry.work(0)) == [[1]]

    carry.rows(rows(9, event_class=EventClass.ALARM))

    assert parcels(carry.work(0)) == [[9]]


def test_only_so_much_history_is_in_flight_as_the_line_answers_for() -> None:
    carry = batching()
    big = [Row(EPOCH, seq, EventClass.AUDIT, bytes(1000)) for seq in range(60)]
    carry.rows(big)

    assert parcels(carry.work(0)) == [[0, 1, 2, 3], [4, 5, 6, 7]]  # 2 x 4 KiB of a new connection
    carry.settled(identity(0), Answer.PUBLISHED, SECOND_NS // 10)
    assert parcels(carry.work(0)) == [[8, 9, 10, 11, 12, 13, 14, 15], [16, 17, 18, 19]]  # it was quick: 16 KiB


def test_an_announced_alarm_is_pulled_though_everything_is_full() -> None:
    carry = batching()
    carry.rows(rows(*range(AHEAD)))
    carry.work(0)
    assert pulled(carry.work(0)) == []

    carry.news(News(EventClass.ALARM, hurried=True))

    assert pulled(carry.work(0)) == [1]
    assert pulled(carry.work(0)) == []


def test_a_batch_that_breaks_the_connection_is_split_and_alarms_do_not_wait_for_that() -> None:
    box = Box(poison=[5], window=20, batch=64 * 1024)
    for seq in range(100):
        box.add(seq, EventClass.AUDIT)
    box.connect()
    box.add(200, EventClass.ALARM)
    box.connect()
    assert 200 in box.passed

    while box.reconnects < 3:
        box.connect()

    assert sorted(box.passed) == sorted({*range(100), 200} - {5})
    assert box.marked == [5]


def test_batches_are_smaller_after_one_was_lost_with_its_connection() -> None:
    carry = batching()
    carry.rows(rows(*range(50)))
    (first,) = parcels(carry.work(0))
    carry.down(0, unexplained=False)
    carry.up(20, 0, batch=64 * 1024)
    carry.rows(rows(*range(50)))

    assert len(first) > 2 * len(parcels(carry.work(0))[1]) - 2 > 0


def test_a_batch_under_suspicion_is_looked_into_however_long_that_takes() -> None:
    carry = batching()
    carry.rows(rows(1, 2, 3, 4))
    carry.work(0)
    carry.down(0, unexplained=True)
    carry.up(20, 0, batch=64 * 1024)
    carry.rows(rows(1, 2, 3, 4))

    for seq, seconds in ((1, 50), (2, 100), (3, 150)):  # a slow line
        assert parcels(carry.work((seconds - 50) * SECOND_NS)) == [[seq]]
        carry.settled(identity(seq), Answer.PUBLISHED, seconds * SECOND_NS)
