"""When a camera's health is told: not for one miss, not fifty times, and never twice."""

from hypothesis import given
from hypothesis import strategies as st

from edge.core.darkness import (
    DAMPED_NS,
    GATHER_MAX_NS,
    GATHER_NS,
    GROUP,
    MISSES,
    MISSES_DAMPED,
    CameBack,
    Changed,
    Condition,
    Darkness,
    News,
    WentDark,
)
from edge.core.inventory import Health
from edge.core.words import SECOND_NS

S = SECOND_NS
FIFTY = tuple(f"kamera-{number:02}" for number in range(50))


def up(now_ns: int = 0) -> Condition:
    return Condition(Health.UP, now_ns)


# ---- hysteresis ------------------------------------------------------------------------------------------------------


def test_one_miss_is_none() -> None:
    condition = up()
    looks = (Health.UNREACHABLE, Health.UP, Health.UNREACHABLE)
    told = [(condition.seen(look, at * S), condition.is_suspect) for at, look in enumerate(looks, start=1)]
    assert told == [(False, True), (False, False), (False, True)]
    assert condition.health is Health.UP


def test_misses_in_a_row_count_from_the_last_one() -> None:
    condition = up()
    assert [condition.seen(Health.UNREACHABLE, at * S) for at in range(1, MISSES + 1)] == [False] * (MISSES - 1) + [
        True
    ]
    assert (condition.health, condition.since_ns) == (Health.UNREACHABLE, MISSES * S)


def test_what_a_camera_says_itself_counts_at_once() -> None:
    for word in (Health.WRONG_PASSWORD, Health.CLOCK_WRONG, Health.NO_LOGIN):
        assert up().seen(word, 1 * S)


def test_that_it_lives_says_nothing_against_what_its_login_has_shown() -> None:
    for word in (Health.UP, Health.WRONG_PASSWORD, Health.NO_PICTURE, Health.CLOCK_WRONG):
        assert not Condition(word, 0).seen(Health.REACHABLE, 1 * S)
    assert Condition(Health.UNREACHABLE, 0).seen(Health.REACHABLE, 1 * S)


def test_one_that_comes_and_goes_is_believed_more_slowly() -> None:
    condition = up()
    for at in range(MISSES):
        condition.seen(Health.UNREACHABLE, at * S)
    assert [condition.seen(Health.UP, at * S) for at in (10, 11)] == [False, True]
    seen = [condition.seen(Health.UNREACHABLE, at * S) for at in range(20, 20 + MISSES_DAMPED)]
    assert seen == [False] * (MISSES_DAMPED - 1) + [True]


def test_after_ten_quiet_minutes_it_is_believed_as_before() -> None:
    condition = up()
    for at in range(MISSES):
        condition.seen(Health.UNREACHABLE, at)
    assert condition.seen(Health.UP, DAMPED_NS + 10)


# ---- one event of many -----------------------------------------------------------------------------------------------


class Story:
    """A darkness and its clock."""

    def __init__(self) -> None:
        self.darkness = Darkness()
        self.now_ns = 0
        self.news: list[News] = []

    def goes(self, *names: str, was: Health = Health.UP) -> None:
        for name in names:
            self.news += self.darkness.changed(Changed(name, Health.UNREACHABLE, was), self.now_ns)

    def comes(self, *names: str, health: Health = Health.UP) -> None:
        for name in names:
            self.news += self.darkness.changed(Changed(name, health, Health.UNREACHABLE), self.now_ns)

    def passes(self, seconds: float, *, suspects: bool = False) -> None:
        until_ns = self.now_ns + int(seconds * S)
        while self.now_ns < until_ns:
            self.now_ns += S
            self.news += self.darkness.turn(self.now_ns, suspects=suspects)


def test_a_blackout_of_fifty_is_one_event_and_its_end_another() -> None:
    story = Story()
    for name in FIFTY:
        story.goes(name)
        story.passes(1)
    story.passes(10)
    assert story.news == [WentDark(FIFTY)]
    for name in FIFTY:
        story.comes(name)
        story.passes(1)
    story.passes(10)
    assert [type(each) for each in story.news] == [WentDark, CameBack]
    assert story.news[1] == CameBack(FIFTY, (), story.news[1].lasted_ns)  # type: ignore[union-attr]


def test_one_camera_alone_is_told_by_its_name() -> None:
    story = Story()
    story.goes("gerbang")
    story.passes(GATHER_NS / S)
    assert story.news == [Changed("gerbang", Health.UNREACHABLE, Health.UP)]
    story.comes("gerbang")
    story.passes(GATHER_NS / S)
    assert story.news[1:] == [Changed("gerbang", Health.UP, Health.UNREACHABLE)]


def test_while_others_are_suspect_the_first_waits_for_them_but_not_for_ever() -> None:
    story = Story()
    story.goes("gerbang")
    story.passes(GATHER_MAX_NS / S - 1, suspects=True)
    assert story.news == []
    story.passes(1, suspects=True)
    assert len(story.news) == 1


def test_one_that_is_back_before_it_was_told_was_never_gone() -> None:
    story = Story()
    story.goes("gerbang")
    story.passes(2)
    story.comes("gerbang")
    story.passes(60)
    assert story.news == []


def test_one_that_is_gone_again_before_its_return_was_told_never_came() -> None:
    story = Story()
    story.goes("gerbang")
    story.passes(10)
    story.comes("gerbang")
    story.passes(2)
    story.goes("gerbang")
    story.passes(60)
    assert story.news == [Changed("gerbang", Health.UNREACHABLE, Health.UP)]


def test_the_end_of_a_blackout_names_who_is_still_missing_and_later_each_comes_alone() -> None:
    story = Story()
    story.goes(*FIFTY)
    story.passes(10)
    story.comes(*FIFTY[:-2])
    story.passes(GATHER_MAX_NS / S)
    assert story.news[1:] == [CameBack(FIFTY[:-2], FIFTY[-2:], story.news[1].lasted_ns)]  # type: ignore[union-attr]
    story.comes(FIFTY[-1])
    story.passes(10)
    assert story.news[2:] == [Changed(FIFTY[-1], Health.UP, Health.UNREACHABLE)]


def test_a_blackout_survives_a_restart_in_its_middle() -> None:
    story = Story()
    story.darkness = Darkness(dict.fromkeys(FIFTY, 0))
    story.comes(*FIFTY)
    story.passes(10)
    assert [type(each) for each in story.news] == [CameBack]


def test_other_words_are_told_at_once() -> None:
    change = Changed("gerbang", Health.WRONG_PASSWORD, Health.UP)
    assert Darkness().changed(change, 0) == (change,)


def test_a_camera_that_was_forgotten_is_not_waited_for() -> None:
    story = Story()
    story.goes("gerbang", "pos", "masjid")
    story.passes(10)
    story.darkness.forget("masjid")
    story.comes("gerbang", "pos")
    story.passes(10)
    assert story.news[1:] == [CameBack(("gerbang", "pos"), (), story.news[1].lasted_ns)]  # type: ignore[union-attr]


NAMES = ("a", "b", "c", "d")


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 30)), max_size=40))
def test_what_is_told_adds_up_to_how_it_is(steps: list[tuple[str, int]]) -> None:
    """Whoever reads the news alone knows, once all is quiet, who is away."""
    story, away = Story(), set[str]()
    for name, pause in steps:
        if name in away:
            story.comes(name)
        else:
            story.goes(name)
        away ^= {name}
        story.passes(pause)
    story.passes(2 * GATHER_MAX_NS / S)
    told: set[str] = set()
    for news in story.news:
        match news:
            case Changed(name, health, _):
                assert (name in told) is (health is not Health.UNREACHABLE)  # nothing is told twice
                told ^= {name}
            case WentDark(names):
                assert len(names) >= GROUP
                assert not told & set(names)
                told |= set(names)
            case CameBack(names, missing, _):
                assert set(names) <= told
                told -= set(names)
                assert set(missing) <= told
    assert told == away
    assert story.darkness.due_ns is None
