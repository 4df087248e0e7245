import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drivers.ports import Outcome
from edge.core.delivery import BEAT_NS, COMMIT_WITHIN_NS, LANE_NS, POISON_LIMIT, RULES, Answer, RowState, Wait, pause_ns
from edge.core.outbox import CURRENT, Outbox, Waiting
from edge.core.words import SECOND_NS, Epoch, EventClass, EventId

EVERY = tuple(EventClass)
EPOCH = Epoch("00000001")


def half() -> float:
    return 0.5


def row(seq: int, event_class: EventClass = EventClass.ALARM, **given: object) -> Waiting:
    return Waiting(EventId(EPOCH, seq), CURRENT, event_class, bytes(32), **given)  # type: ignore[arg-type]  # test data


def outbox(*rows: Waiting) -> Outbox:
    box = Outbox(half)
    for each in rows:
        box.add(each)
    return box


def seqs(taken: list[Waiting]) -> list[int]:
    return [each.id.seq for each in taken]


def test_alarms_leave_first_then_the_rest_by_class_and_age() -> None:
    box = outbox(row(1, EventClass.AUDIT), row(2, EventClass.TROUBLE), row(3), row(4, EventClass.TEST), row(5))
    assert seqs(box.take(EVERY, 9, 0)) == [3, 5, 2, 1, 4]


def test_an_older_epoch_leaves_before_a_newer_one() -> None:
    old = Waiting(EventId(Epoch("ffffffff"), 900), 3, EventClass.ALARM, bytes(32))
    assert seqs(outbox(row(1), old).take(EVERY, 9, 0)) == [900, 1]


def test_an_alarm_of_just_now_leaves_before_those_that_have_waited() -> None:
    box = outbox(row(1), row(2, made_ns=SECOND_NS), row(3, EventClass.TROUBLE), row(4, made_ns=50 * SECOND_NS), row(5))
    assert seqs(box.take(EVERY, 1, 2 * SECOND_NS)) == [2]
    box.disconnected()
    assert seqs(box.take(EVERY, 9, 55 * SECOND_NS)) == [4, 1, 2, 5, 3]  # by now 2 is history


def test_what_was_handed_out_is_not_handed_out_twice() -> None:
    box = outbox(row(1), row(2))
    assert seqs(box.take(EVERY, 1, 0)) == [1]
    assert seqs(box.take(EVERY, 9, 0)) == [2]
    assert box.take(EVERY, 9, 0) == []


def test_only_the_classes_asked_for() -> None:
    box = outbox(row(1, EventClass.AUDIT), row(2))
    assert seqs(box.take([EventClass.AUDIT], 9, 0)) == [1]
    assert seqs(box.take(EVERY, 9, 0)) == [2]


def test_a_row_waits_for_its_commit_but_not_longer_than_a_second() -> None:
    box = outbox(row(1, state=RowState.NEW, durable=False, made_ns=0), row(2, state=RowState.NEW, durable=False))
    assert box.take(EVERY, 9, COMMIT_WITHIN_NS - 1) == []
    box.committed([EventId(EPOCH, 2)])
    assert [(each.id.seq, each.durable) for each in box.take(EVERY, 9, 10)] == [(2, True)]
    assert [(each.id.seq, each.durable) for each in box.take(EVERY, 9, COMMIT_WITHIN_NS)] == [(1, False)]


def test_published_without_a_receipt_is_published_again_with_growing_pauses() -> None:
    box = outbox(row(1))
    now_ns, pauses = 0, []
    for _ in range(6):
        assert seqs(box.take(EVERY, 9, now_ns)) == [1]
        box.answered(EventId(EPOCH, 1), Answer.PUBLISHED, now_ns)
        due_ns = box.due_ns
        assert due_ns is not None
        assert box.take(EVERY, 9, due_ns - 1) == []
        pauses.append((due_ns - now_ns) // SECOND_NS)
        now_ns = due_ns
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_nobody_listening_waits_for_the_beat_and_is_a_trouble() -> None:
    box = outbox(row(1))
    box.take(EVERY, 1, 0)
    assert box.answered(EventId(EPOCH, 1), Answer.NOBODY, 0) == "E-CENTRE-SILENT"
    assert box.take(EVERY, 1, BEAT_NS - 1) == []
    assert seqs(box.take(EVERY, 1, BEAT_NS)) == [1]


def test_an_answered_beat_ends_the_wait_for_somebody_who_listens() -> None:
    box = outbox(row(1))
    box.take(EVERY, 1, 0)
    box.answered(EventId(EPOCH, 1), Answer.NOBODY, 0)
    box.beat_answered()
    assert seqs(box.take(EVERY, 1, 1)) == [1]


def test_a_quota_pauses_its_class_and_alarms_go_on() -> None:
    box = outbox(row(1, EventClass.AUDIT), row(2, EventClass.AUDIT), row(3))
    box.take([EventClass.AUDIT], 1, 0)
    box.answered(EventId(EPOCH, 1), Answer.QUOTA, 0)
    assert seqs(box.take(EVERY, 9, 1)) == [3]
    assert seqs(box.take(EVERY, 9, 60 * SECOND_NS)) == [1, 2]


def test_a_forbidden_row_is_parked_until_the_next_connection() -> None:
    box = outbox(row(1))
    box.take(EVERY, 1, 0)
    assert box.answered(EventId(EPOCH, 1), Answer.FORBIDDEN, 0) == "E-BROKER-REFUSED"
    assert box.take(EVERY, 1, 3600 * SECOND_NS) == []
    box.disconnected()
    assert seqs(box.take(EVERY, 1, 0)) == [1]


def test_what_was_on_the_wire_when_it_broke_is_sent_again() -> None:
    box = outbox(row(1), row(2))
    box.take(EVERY, 9, 0)
    box.answered(EventId(EPOCH, 1), Answer.PUBLISHED, 0)
    box.disconnected()
    assert seqs(box.take(EVERY, 9, 0)) == [2]  # 1 was published: its receipt may still come


def poison(event_class: EventClass) -> tuple[Outbox, int]:
    box, now_ns = outbox(row(1, event_class)), 0
    for _ in range(POISON_LIMIT):
        assert seqs(box.take(EVERY, 1, now_ns)) == [1]
        box.answered(EventId(EPOCH, 1), Answer.POISON, now_ns)
        now_ns += LANE_NS
    return box, now_ns


def test_a_poison_row_dies_after_five_times_but_an_alarm_never() -> None:
    box, now_ns = poison(EventClass.AUDIT)
    assert box.take(EVERY, 1, now_ns) == []
    box, now_ns = poison(EventClass.ALARM)
    assert seqs(box.take(EVERY, 1, now_ns)) == [1]


def test_a_receipt_ends_a_row_in_any_state_and_only_once() -> None:
    box = outbox(row(1), row(2), row(3))
    box.take(EVERY, 2, 0)
    box.answered(EventId(EPOCH, 1), Answer.FORBIDDEN, 0)
    assert [each.id.seq for each in box.received([EventId(EPOCH, n) for n in (1, 2, 3, 4)])] == [1, 2, 3]
    assert box.received([EventId(EPOCH, 1)]) == []
    assert len(box) == 0


def test_an_alarm_is_seen_behind_any_number_of_rows_that_are_gone() -> None:
    """Receipts that came while nobody pulled: what was ready then must not hide what is ready now."""
    box = outbox(*(row(seq) for seq in range(1, 21)))
    box.received([EventId(EPOCH, seq) for seq in range(1, 21)])
    box.add(row(21))
    ready = box.ready(0)
    assert ready is not None
    assert ready.event_class is EventClass.ALARM


def test_an_answer_to_a_row_that_was_not_sent_changes_nothing() -> None:
    box = outbox(row(1))
    assert box.answered(EventId(EPOCH, 1), Answer.FORBIDDEN, 0) == ""
    assert box.answered(EventId(EPOCH, 77), Answer.FORBIDDEN, 0) == ""
    assert seqs(box.take(EVERY, 9, 0)) == [1]


def test_the_table_answers_every_outcome_of_a_bearer() -> None:
    assert {outcome.value for outcome in Outcome} | {Answer.LOST.value} == {answer.value for answer in Answer}
    assert set(RULES) == set(Answer)


def test_no_line_of_the_table_discards_or_receives() -> None:
    assert {rule.then for rule in RULES.values()} <= {RowState.STORED, RowState.PUBLISHED, RowState.PARKED}


@pytest.mark.parametrize("wait", [wait for wait in Wait if wait is not Wait.CONNECTION])
def test_every_timed_wait_ends(wait: Wait) -> None:
    assert all(0 < pause_ns(wait, attempt, 1.0) <= 60 * SECOND_NS for attempt in range(1, 2000, 17))


@pytest.mark.parametrize("answer", [answer for answer, rule in RULES.items() if rule.wait is Wait.CONNECTION])
def test_what_waits_for_a_connection_leaves_with_the_next_one(answer: Answer) -> None:
    box, identity = Outbox(half), EventId(EPOCH, 1)
    box.add(Waiting(identity, CURRENT, EventClass.ALARM, bytes(32)))
    box.take(EVERY, 1, 0)
    box.answered(identity, answer, 0)
    assert box.take(EVERY, 1, 60 * SECOND_NS) == []
    box.disconnected()
    box.disconnected()
    assert [row.id for row in box.take(EVERY, 2, 60 * SECOND_NS)] == [identity]


class AnyHistory(RuleBasedStateMachine):
    """Whatever bearers and the centre do: every alarm is either received or can still be taken, in some finite time."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Outbox(half)
        self.made: set[EventId] = set()
        self.received: set[EventId] = set()
        self.sent: set[EventId] = set()
        self.now_ns = 0

    @rule(durable=st.booleans())
    def press(self, *, durable: bool) -> None:
        identity = EventId(EPOCH, len(self.made) + 1)
        self.made.add(identity)
        state = RowState.STORED if durable else RowState.NEW
        self.box.add(
            Waiting(identity, CURRENT, EventClass.ALARM, bytes(32), state=state, durable=durable, made_ns=self.now_ns)
        )

    @rule(limit=st.integers(1, 5))
    def pull(self, limit: int) -> None:
        taken = {each.id for each in self.box.take(EVERY, limit, self.now_ns)}
        assert not taken & self.received
        self.sent |= taken

    @precondition(lambda self: self.sent)
    @rule(answer=st.sampled_from([*RULES]))
    def answer(self, answer: Answer) -> None:
        identity = min(self.sent)
        self.sent.discard(identity)
        self.box.answered(identity, answer, self.now_ns)

    @precondition(lambda self: self.made)
    @rule(count=st.integers(1, 3))
    def receive(self, count: int) -> None:
        ids = sorted(self.made - self.received)[:count]
        self.box.received(ids)
        self.received |= set(ids)
        self.sent -= set(ids)

    @rule()
    def disconnect(self) -> None:
        self.box.disconnected()
        self.sent.clear()

    @rule(seconds=st.integers(0, 90))
    def wait(self, seconds: int) -> None:
        self.now_ns += seconds * SECOND_NS

    @invariant()
    def nothing_forgotten(self) -> None:
        assert len(self.box) == len(self.made - self.received)

    def teardown(self) -> None:
        """Faults stop: one new connection and two minutes later every alarm can be sent."""
        self.box.disconnected()
        taken = self.box.take(EVERY, 10_000, self.now_ns + 120 * SECOND_NS)
        assert {each.id for each in taken} == self.made - self.received


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=60, stateful_step_count=40)


def test_a_picture_whose_bytes_are_away_holds_up_nobody_and_leaves_when_they_come() -> None:
    outbox = Outbox(lambda: 0.5)
    outbox.add(Waiting(EventId(Epoch("00000001"), 1), 1, EventClass.PICTURE, b"", away=True))
    outbox.add(Waiting(EventId(Epoch("00000001"), 2), 1, EventClass.PICTURE, b"", away=True))
    outbox.add(Waiting(EventId(Epoch("00000001"), 3), 1, EventClass.AUDIT, b""))
    assert [row.id.seq for row in outbox.take(EVERY, 9, 0)] == [3]
    assert outbox.ready(0) is None
    assert [row.id.seq for row in outbox.wanting(0)] == [1, 2]
    outbox.present(EventId(Epoch("00000001"), 2), 0)
    ready = outbox.ready(0)
    assert ready is not None
    assert ready.id.seq == 2
    outbox.disconnected()
    assert [row.id.seq for row in outbox.take(EVERY, 9, 0)] == [3, 2]


def test_a_picture_without_a_receipt_wants_its_bytes_again_after_a_minute_then_two() -> None:
    outbox, identity = Outbox(lambda: 0.5), EventId(Epoch("00000001"), 1)
    outbox.add(Waiting(identity, 1, EventClass.PICTURE, b"", away=True))
    now_ns = 0
    for minutes in (1, 2, 4):
        outbox.present(identity, now_ns)
        assert [row.id for row in outbox.take(EVERY, 1, now_ns)] == [identity]
        outbox.answered(identity, Answer.PUBLISHED, now_ns)
        outbox.absent(identity)
        now_ns += minutes * 60 * SECOND_NS
        assert outbox.wanting(now_ns - 1) == []
        assert [row.id for row in outbox.wanting(now_ns)] == [identity]
    assert [row.id for row in outbox.received([identity])] == [identity]
    assert outbox.wanting(now_ns) == []
