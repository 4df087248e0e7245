"""A silent zone shows nothing: the same life with and without it looks the same to everybody at the box."""

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.words import (
    Activation,
    Brief,
    Cancel,
    Effect,
    Keep,
    LostEdge,
    Pressed,
    Recalled,
    Record,
    Released,
    Silence,
    Sound,
    Stimulus,
    Stuck,
    Switched,
    Tick,
    Touched,
    WalkTest,
    ZoneId,
)
from tests.unit.panel_box import ANI, FIRE, HUSHED, KEY, MASJID, MS, POS, SIREN, Box, S


@dataclass(frozen=True)
class Turn:
    """Wait, then something happens; `nth` names the nth alarm that was shown, whatever its number."""

    wait_ns: int
    what: str
    zone: ZoneId = POS
    length_ns: int = S
    nth: int = 0


waits = st.sampled_from([1 * MS, 400 * MS, 700 * MS, 6 * S, 70 * S, 200 * S])
seen_turns = st.builds(
    Turn,
    waits,
    st.sampled_from(
        ["press", "press", "press", "tap", "release", "silence", "cancel", "key", "switch", "walk", "stuck"]
    ),
    st.sampled_from([POS, MASJID, FIRE]),
    st.sampled_from([0, 300 * MS, 3 * S]),
    st.integers(0, 5),
)
silent_turns = st.builds(
    Turn,
    st.just(0),
    st.sampled_from(["press", "press", "tap", "release", "stuck", "lost"]),
    st.just(HUSHED),
    st.sampled_from([0, 60 * MS, 300 * MS, 3 * S]),
)
lives = st.lists(st.tuples(seen_turns, st.lists(silent_turns, max_size=3)), min_size=1, max_size=25)


class Watched:
    """A box, and what a person in front of it could ever notice."""

    def __init__(self) -> None:
        self.box = Box()
        self.shown: list[str] = []
        self.seen: list[object] = []

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Record) and effect.shown:
                self.shown.append(str(effect.id))
            if not isinstance(effect, Record) or effect.shown:
                self.seen.append((self.box.now, self.nameless(effect)))

    def nameless(self, effect: Effect) -> object:
        """Numbers count silent events too: an alarm is named by its place among those shown."""
        if isinstance(effect, Keep):
            return tuple(self.anonymous(each) for each in effect.activations)
        if isinstance(effect, Sound):
            return self.anonymous(effect.activation)
        if isinstance(effect, Record):
            return effect.name, effect.subject, {**effect.content, "alarm": self.place(str(effect.content["alarm"]))}
        return effect

    def anonymous(self, activation: Activation) -> Activation:
        return replace(activation, alarm=self.place(activation.alarm))

    def place(self, alarm: str) -> str:
        return str(self.shown.index(alarm)) if alarm in self.shown else "next" if alarm else ""

    def look(self) -> None:
        panel = self.box.panel
        alarms = [(self.place(each.alarm), each.zone, each.presses, each.confirmed) for each in panel.open_alarms]
        self.seen.append((alarms, panel.shown_troubles, dict(panel.bypassed), panel.walk_test_until_ns))

    def wait(self, ns: int) -> None:
        end = self.box.now + ns
        while (due := self.box.panel.due_ns) is not None and due <= end:
            self.box.now = due
            self.tell(Tick())
        self.box.now = end

    def tell(self, stimulus: Stimulus) -> None:
        self.take(self.box.panel.handle(stimulus, self.box.now))

    def live(self, turn: Turn) -> None:
        self.wait(turn.wait_ns)
        now, zone = self.box.now, turn.zone
        alarm = self.shown[turn.nth % len(self.shown)] if self.shown else "ffffffff.1"
        stimuli: dict[str, Stimulus] = {
            "press": Pressed(zone, now, turn.length_ns),
            "tap": Brief(zone, now, turn.length_ns),
            "release": Released(zone, now),
            "silence": Silence(alarm, ANI),
            "cancel": Cancel(alarm, ANI),
            "key": Pressed(KEY, now, 300 * MS),
            "switch": Switched(SIREN, True, now),
            "walk": WalkTest(60 * S, ANI),
            "stuck": Stuck(zone, now),
            "lost": LostEdge(zone, now),
        }
        if turn.what in {"press", "tap"}:
            self.tell(Touched(zone, now))
        self.tell(stimuli[turn.what])


@settings(max_examples=300, deadline=None)
@given(lives, st.booleans())
def test_silent_presses_change_no_output_and_nothing_that_is_shown(
    life: list[tuple[Turn, list[Turn]]], stuck_before: bool
) -> None:
    without, beside = Watched(), Watched()
    if stuck_before:
        without.tell(Recalled(frozenset(), 0))
        beside.tell(Recalled(frozenset({HUSHED}), 0))
    for turn, silent in life:
        for each in silent:
            beside.live(each)
        for watched in (without, beside):
            watched.live(turn)
            watched.look()
    for watched in (without, beside):
        watched.wait(3600 * S)
        watched.look()
    assert beside.seen == without.seen


def test_the_comparison_would_see_a_press_that_is_not_silent() -> None:
    without, beside = Watched(), Watched()
    beside.live(Turn(0, "press", POS))
    assert beside.seen != without.seen


def test_the_centre_learns_what_the_box_hides() -> None:
    watched = Watched()
    effects = watched.box.press(HUSHED)
    assert [each.name for each in effects if isinstance(each, Record)] == ["alarm"]
    assert watched.seen == []
