import pytest

from edge.core.debounce import HOLD_NS, LOOK_NS, PATIENCE_NS, SETTLE_NS, STUCK_NS, Debouncer, Timing, timing
from edge.core.words import Brief, Button, Contact, LostEdge, Pressed, Released, Stuck, Touched, ZoneId

ZONE = ZoneId("pos-ronda")
MS = 1_000_000
EXPOSED = timing(Button.EXPOSED)


def debouncer(timing: Timing = EXPOSED) -> Debouncer:
    made = Debouncer(ZONE, timing)
    assert made.start(active=False, now_ns=0) == []
    return made


def pressed(contact: Debouncer, at_ns: int) -> list[Contact]:
    happened = contact.edge(active=True, at_ns=at_ns)
    return happened + contact.advance(at_ns + contact._timing.hold_ns)


def test_first_edge_touches_at_once() -> None:
    assert debouncer().edge(active=True, at_ns=500 * MS) == [Touched(ZONE, 500 * MS)]


def test_contact_closed_for_the_hold_is_pressed_and_not_a_nanosecond_earlier() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=500 * MS)
    assert contact.due_ns == 1500 * MS
    assert contact.advance(1500 * MS - 1) == []
    assert contact.advance(1500 * MS) == [Pressed(ZONE, 500 * MS, 1000 * MS)]


def test_each_button_has_its_hold_and_a_latching_one_is_never_stuck() -> None:
    assert [HOLD_NS[button] // MS for button in Button] == [1000, 300, 0, 300]
    assert timing(Button.LATCHING) == Timing(0, None)
    assert timing(Button.EXPOSED, hold_ns=30 * MS).hold_ns == 30 * MS


def test_no_hold_presses_at_the_first_edge() -> None:
    contact = debouncer(timing(Button.LATCHING))
    assert contact.edge(active=True, at_ns=7) == [Touched(ZONE, 7), Pressed(ZONE, 7, 0)]
    assert contact.due_ns is None


def test_shorter_press_is_brief_and_says_how_long() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=0)
    assert contact.edge(active=False, at_ns=200 * MS) == []
    assert contact.advance(240 * MS) == [Brief(ZONE, 0, 200 * MS)]


def test_bounce_within_the_settling_time_is_one_press() -> None:
    contact = debouncer()
    happened = contact.edge(active=True, at_ns=0)
    for at_ms in (1, 3, 10, 49):
        happened += contact.edge(active=False, at_ns=at_ms * MS)
        happened += contact.edge(active=True, at_ns=(at_ms + 1) * MS)
    assert happened + contact.advance(1000 * MS) == [Touched(ZONE, 0), Pressed(ZONE, 0, 1000 * MS)]


def test_open_in_mid_bounce_at_the_deadline_is_decided_when_it_closes_again() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=0)
    contact.edge(active=False, at_ns=990 * MS)
    assert contact.advance(1010 * MS) == []
    assert contact.edge(active=True, at_ns=1015 * MS) == [Pressed(ZONE, 0, 1015 * MS)]


def test_open_at_the_deadline_and_still_open_when_settled_is_brief() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=0)
    contact.edge(active=False, at_ns=990 * MS)
    assert contact.advance(1030 * MS) == [Brief(ZONE, 0, 990 * MS)]


def test_release_is_told_once_settled_and_dated_when_it_opened() -> None:
    contact = debouncer()
    pressed(contact, 0)
    contact.edge(active=False, at_ns=2000 * MS)
    assert contact.advance(2000 * MS + SETTLE_NS - 1) == []
    assert contact.advance(2000 * MS + SETTLE_NS) == [Released(ZONE, 2000 * MS)]


def test_closed_for_sixty_seconds_is_stuck_then_released() -> None:
    contact = debouncer()
    pressed(contact, 0)
    assert contact.advance(STUCK_NS) == [Stuck(ZONE, STUCK_NS)]
    assert contact.due_ns is None
    contact.edge(active=False, at_ns=STUCK_NS + 5)
    assert contact.advance(STUCK_NS + 5 + SETTLE_NS) == [Released(ZONE, STUCK_NS + 5)]


def test_latching_contact_is_never_stuck() -> None:
    contact = debouncer(timing(Button.LATCHING))
    pressed(contact, 0)
    assert contact.advance(10 * STUCK_NS) == []


def test_an_edge_first_runs_what_was_due_before_it() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=0)
    assert contact.edge(active=False, at_ns=1200 * MS) == [Pressed(ZONE, 0, 1000 * MS)]


def test_closed_at_start_is_a_press_in_progress() -> None:
    contact = Debouncer(ZONE, EXPOSED)
    assert contact.start(active=True, now_ns=100) == [Touched(ZONE, 100)]
    assert contact.advance(1000 * MS + 100) == [Pressed(ZONE, 100, 1000 * MS)]


def test_recalled_stuck_before_the_hold_ends_is_stuck_and_not_pressed() -> None:
    contact = Debouncer(ZONE, EXPOSED)
    contact.start(active=True, now_ns=0)
    assert contact.recall_stuck(500 * MS) == [Stuck(ZONE, 500 * MS)]
    assert contact.advance(2 * STUCK_NS) == []


def test_recalled_stuck_after_the_hold_changes_nothing() -> None:
    contact = Debouncer(ZONE, EXPOSED)
    contact.start(active=True, now_ns=0)
    assert contact.recall_stuck(1500 * MS) == [Pressed(ZONE, 0, 1000 * MS)]
    assert contact.recall_stuck(1600 * MS) == []


def test_recalled_stuck_does_not_swallow_a_press_that_began_later() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=100 * MS)
    assert contact.recall_stuck(500 * MS) == []
    assert contact.advance(1100 * MS) == [Pressed(ZONE, 100 * MS, 1000 * MS)]


def looked_at_until(contact: Debouncer, until_ns: int, *, level: bool | None) -> list[Contact]:
    """Look whenever it asks for it, as the panel does."""
    happened: list[Contact] = []
    while (due_ns := contact.due_ns) is not None and due_ns <= until_ns:
        happened += contact.advance(due_ns, level=level)
    return happened


# ---- edges that are late or lost --------------------------------------------------------------------------------


def test_level_that_contradicts_the_edges_waits_for_the_edge_whose_timestamp_decides() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=0)
    assert contact.advance(1001 * MS, level=False) == []
    contact.edge(active=False, at_ns=950 * MS)
    assert contact.advance(1002 * MS) == [Brief(ZONE, 0, 950 * MS)]


def test_edge_after_the_hold_that_arrives_late_leaves_the_press_pressed() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=0)
    assert contact.advance(1003 * MS, level=False) == []
    assert contact.edge(active=False, at_ns=1002 * MS) == [Pressed(ZONE, 0, 1000 * MS)]


def test_lost_closing_edge_is_found_by_the_level_and_presses() -> None:
    contact = debouncer()
    assert contact.advance(100 * MS, level=True) == []
    assert looked_at_until(contact, 100 * MS + PATIENCE_NS - LOOK_NS, level=True) == []
    assert contact.advance(100 * MS + PATIENCE_NS, level=True) == [LostEdge(ZONE, 100 * MS), Touched(ZONE, 100 * MS)]
    assert contact.advance(1100 * MS, level=True) == [Pressed(ZONE, 100 * MS, 1000 * MS)]


def test_late_edge_of_a_level_already_believed_is_not_a_second_press() -> None:
    contact = debouncer()
    contact.advance(100 * MS, level=True)
    looked_at_until(contact, 200 * MS, level=True)
    assert contact.edge(active=True, at_ns=99 * MS) == []


def test_who_was_held_up_asks_the_level_again_before_he_believes_it() -> None:
    contact = debouncer()
    pressed(contact, 0)
    assert contact.advance(5000 * MS, level=False) == []
    assert contact.advance(5300 * MS, level=False) == []  # nobody ran for 300 ms, nor did who brings the edges
    assert contact.edge(active=False, at_ns=4999 * MS) == []
    assert contact.edge(active=True, at_ns=5120 * MS) == [Released(ZONE, 4999 * MS), Touched(ZONE, 5120 * MS)]
    assert contact.edge(active=False, at_ns=5220 * MS) == []
    assert contact.advance(6000 * MS, level=False) == [Brief(ZONE, 5120 * MS, 100 * MS)]


def test_a_level_that_cannot_be_read_any_more_leaves_no_press_undecided() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=0)
    assert contact.advance(1021 * MS, level=False) == []
    assert looked_at_until(contact, 1500 * MS, level=None)[-1] == Released(ZONE, 1021 * MS)


def test_lost_opening_edge_is_found_at_the_end_of_the_hold() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=0)
    contact.advance(1001 * MS, level=False)
    assert looked_at_until(contact, 1200 * MS, level=False) == [
        LostEdge(ZONE, 1001 * MS),
        Brief(ZONE, 0, 1000 * MS - 1),
    ]


def test_open_long_after_the_hold_does_not_take_the_press_back() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=0)
    assert contact.advance(5000 * MS, level=False) == []
    assert looked_at_until(contact, 5100 * MS, level=False) == [
        LostEdge(ZONE, 5000 * MS),
        Pressed(ZONE, 0, 1000 * MS),
        Released(ZONE, 5000 * MS),
    ]


def test_level_that_agrees_again_ends_the_contradiction() -> None:
    contact = debouncer()
    contact.edge(active=True, at_ns=0)
    assert contact.advance(1001 * MS, level=False) == []
    assert contact.advance(1002 * MS, level=True) == [Pressed(ZONE, 0, 1000 * MS)]


def test_closing_twice_without_an_opening_is_a_new_press() -> None:
    contact = debouncer()
    pressed(contact, 0)
    assert contact.edge(active=True, at_ns=5000 * MS) == [
        LostEdge(ZONE, 5000 * MS),
        Released(ZONE, 5000 * MS),
        Touched(ZONE, 5000 * MS),
    ]
    assert contact.advance(6000 * MS) == [Pressed(ZONE, 5000 * MS, 1000 * MS)]


def test_opening_twice_loses_nothing_but_the_edge() -> None:
    contact = debouncer()
    assert contact.edge(active=False, at_ns=5000 * MS) == [LostEdge(ZONE, 5000 * MS)]
    assert pressed(contact, 6000 * MS)[-1] == Pressed(ZONE, 6000 * MS, 1000 * MS)


def test_edge_older_than_what_was_decided_is_moved_up_to_it() -> None:
    contact = debouncer()
    pressed(contact, 0)
    contact.edge(active=False, at_ns=900 * MS)
    assert contact.advance(1040 * MS) == [Released(ZONE, 1000 * MS)]


@pytest.mark.parametrize(("hold_ns", "stuck_ns", "settle_ns"), [(-1, None, 1), (0, None, 0), (5, 5, 1)])
def test_impossible_timing_is_refused(hold_ns: int, stuck_ns: int | None, settle_ns: int) -> None:
    with pytest.raises(ValueError, match="hold"):
        Timing(hold_ns, stuck_ns, settle_ns)


def test_closed_at_the_start_waits_for_what_is_remembered_but_not_longer_than_its_patience() -> None:
    contact = Debouncer(ZONE, Timing(0))
    assert contact.start(active=True, now_ns=0, patience_ns=500 * MS) == [Touched(ZONE, 0)]
    assert contact.advance(499 * MS) == []
    assert contact.advance(500 * MS) == [Pressed(ZONE, 0, 500 * MS)]


def test_a_press_recorded_before_the_start_goes_on_untold_until_it_is_released() -> None:
    contact = Debouncer(ZONE, Timing(20 * MS))
    contact.start(active=True, now_ns=0, patience_ns=500 * MS)
    assert contact.recall_held(30 * MS) == []
    assert contact.advance(900 * MS) == []
    assert contact.held_since_ns == 0
    contact.edge(active=False, at_ns=1000 * MS)
    assert contact.advance(2000 * MS) == [Released(ZONE, 1000 * MS)]


def test_a_word_that_waited_in_a_queue_is_heard_before_the_press_is_decided() -> None:
    contact = Debouncer(ZONE, Timing(20 * MS))
    contact.start(active=True, now_ns=0, patience_ns=500 * MS)
    assert contact.recall_held(900 * MS) == []
    assert contact.advance(1000 * MS) == []


def test_a_press_recorded_before_the_start_may_have_been_recorded_stuck_since() -> None:
    contact = Debouncer(ZONE, Timing(20 * MS))
    contact.start(active=True, now_ns=0)
    assert contact.recall_held(0) == []
    assert contact.recall_stuck(2000 * MS) == [Stuck(ZONE, 2000 * MS)]


def test_only_what_was_decided_before_anybody_remembered_it_is_a_press_from_the_start() -> None:
    forgotten, remembered, later = (Debouncer(ZONE, Timing(20 * MS)) for _ in range(3))
    for contact in (forgotten, remembered):
        contact.start(active=True, now_ns=0)
    remembered.recall_held(0)
    later.start(active=False, now_ns=0)
    later.edge(active=True, at_ns=100 * MS)
    for contact in (forgotten, remembered, later):
        contact.advance(200 * MS)
    assert [each.pressed_from_start for each in (forgotten, remembered, later)] == [True, False, False]
    forgotten.edge(active=True, at_ns=300 * MS)  # the opening between was lost: this press is another one
    assert not forgotten.pressed_from_start


def test_nothing_remembered_of_a_contact_closed_at_the_start_makes_it_a_press_at_once() -> None:
    contact = Debouncer(ZONE, Timing(20 * MS))
    contact.start(active=True, now_ns=0, patience_ns=500 * MS)
    assert contact.recall_normal(30 * MS) == [Pressed(ZONE, 0, 20 * MS)]


def test_let_go_before_anybody_remembered_it_was_still_a_press() -> None:
    contact = Debouncer(ZONE, Timing(20 * MS))
    contact.start(active=True, now_ns=0, patience_ns=500 * MS)
    assert contact.edge(active=False, at_ns=100 * MS) == [Pressed(ZONE, 0, 20 * MS)]
    assert contact.advance(200 * MS) == [Released(ZONE, 100 * MS)]
    assert contact.recall_held(300 * MS) == []
