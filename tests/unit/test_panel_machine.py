"""Whole lives of a panel with crashes: the siren never outlives its cap, and a press is never lost."""

from collections import defaultdict
from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge.core.numbers import Numbers
from edge.core.panel import Panel, PanelPlan, SounderPlan, ZonePlan
from edge.core.words import (
    Activation,
    Brief,
    Button,
    Bypass,
    Cancel,
    Effect,
    Epoch,
    EventId,
    Hush,
    Keep,
    Kind,
    LostEdge,
    Pressed,
    Purpose,
    Recalled,
    Record,
    Released,
    Restored,
    Silence,
    Sound,
    SounderId,
    SoundFor,
    Stimulus,
    Stuck,
    Switched,
    Tick,
    Touched,
    Troubled,
    WalkTest,
    ZoneId,
)
from tests.unit.panel_box import ANI, FIRE, HORN, HUSHED, KEY, MASJID, MS, POS, SIREN, S, number

ZONES = (
    ZonePlan(POS, Kind.CRIME, Button.EXPOSED),
    ZonePlan(MASJID, Kind.DISASTER, Button.COVERED),
    ZonePlan(FIRE, Kind.FIRE, Button.LATCHING),
    ZonePlan(HUSHED, Kind.CRIME, Button.EXPOSED, silent=True),
    ZonePlan(KEY, Kind.CRIME, Button.KEY),
)
SOUNDERS = (SounderPlan(SIREN, "ssr"), SounderPlan(HORN, "relay", backup=True))
CALLING = (POS, MASJID, FIRE, HUSHED)
# The promises, written again: a test that read them from the product would follow it anywhere.
ACTIVATION_NS = 180 * S
GRACE_NS = 30 * S
HOUR_NS = 3600 * S
LIMIT_NS = {Purpose.PRESS: 900 * S, Purpose.REMOTE: 180 * S, Purpose.TEST: 60 * S}


@dataclass(frozen=True)
class Stretch:
    """A time that a sounder really was on, as its output would have played it."""

    since_ns: int
    until_ns: int
    activation: Activation


class Life(RuleBasedStateMachine):
    """The box around the panel: contacts that press, outputs that play, a file in /run, a reader of records."""

    @initialize(storm_s=st.sampled_from([0, 3, 60]))
    def begin(self, storm_s: int) -> None:
        self.plan = PanelPlan(ZONES, SOUNDERS, "jateng", storm_ns=storm_s * S)
        self.now = 50_000 * S
        self.runs = 0
        self.panel = Panel(self.plan, Numbers(Epoch("00000000")))
        self.kept: tuple[Activation, ...] = ()
        self.playing: dict[SounderId, Stretch] = {}
        self.played: list[Stretch] = []
        self.records: list[tuple[int, Record]] = []
        self.ids: set[EventId] = set()
        self.closed: set[ZoneId] = set()
        self.pressed: dict[tuple[int, ZoneId], int] = defaultdict(int)  # real presses by run and zone
        self.short: dict[ZoneId, int] = {}  # first edge of a short press that waits for its second
        self.held_in_walk_test: dict[ZoneId, int] = {}  # first edge of what becomes real after 3 s

    # ---- the world ---------------------------------------------------------------------------------------------------

    def tell(self, stimulus: Stimulus) -> list[Effect]:
        return self.take(self.panel.handle(stimulus, self.now))

    def take(self, effects: list[Effect]) -> list[Effect]:
        ranks = [0 if isinstance(each, Keep) else 2 if isinstance(each, Record) else 1 for each in effects]
        assert ranks == sorted(ranks), "keep, then sound or hush, then record"
        for effect in effects:
            if isinstance(effect, Keep):
                self.kept = effect.activations
            elif isinstance(effect, Sound):
                self.play(effect.activation)
            elif isinstance(effect, Hush):
                self.rest(effect.sounder)
            else:
                self.read(effect)
        return effects

    def play(self, activation: Activation) -> None:
        assert self.now < activation.until_ns <= self.now + ACTIVATION_NS
        assert any(
            each.sounder == activation.sounder
            and each.purpose is activation.purpose
            and each.since_ns <= activation.since_ns
            and each.until_ns >= activation.until_ns
            for each in self.kept
        ), "what sounds was kept before"
        self.rest(activation.sounder)
        self.playing[activation.sounder] = Stretch(self.now, activation.until_ns, activation)

    def rest(self, sounder: SounderId) -> None:
        stretch = self.playing.pop(sounder, None)
        if stretch is not None:
            self.played.append(replace(stretch, until_ns=min(stretch.until_ns, self.now)))

    def read(self, record: Record) -> None:
        assert record.id not in self.ids
        assert not record.shown or (record.name == "alarm" and record.subject != f"zone/{HUSHED}")
        self.ids.add(record.id)
        self.records.append((self.now, record))

    def is_on(self, sounder: SounderId) -> bool:
        return sounder in self.playing and self.playing[sounder].until_ns > self.now

    def spent_ns(self, sounder: SounderId, purpose: Purpose) -> int:
        """On-time of the last hour up to now, without grace."""
        return sum(
            max(0, min(each.until_ns, self.now) - max(each.since_ns, self.now - HOUR_NS))
            for each in (*self.played, *self.playing.values())
            if each.activation.sounder == sounder and each.activation.purpose is purpose and not each.activation.grace
        )

    def wait(self, ns: int) -> None:
        end = self.now + ns
        for _ in range(20_000):
            due = self.panel.due_ns
            if due is None or due > end:
                break
            assert due > self.now, "a deadline in the past is a busy loop"
            self.now = due
            self.tell(Tick())
        self.now = end
        self.tell(Tick())
        for zone, edge in tuple(self.held_in_walk_test.items()):
            if end >= edge + 3 * S:
                del self.held_in_walk_test[zone]
                self.pressed[self.runs, zone] += 1

    def let_go(self, zone: ZoneId) -> None:
        self.closed.discard(zone)
        self.held_in_walk_test.pop(zone, None)
        self.tell(Released(zone, self.now))

    # ---- what happens ------------------------------------------------------------------------------------------------

    @rule(ns=st.sampled_from([1 * MS, 300 * MS, S, 4 * S, 31 * S, 100 * S, 181 * S, 600 * S, 3000 * S]))
    def time_passes(self, ns: int) -> None:
        self.wait(ns)

    @rule(zone=st.sampled_from(CALLING), held_ns=st.sampled_from([0, 300 * MS, S, 3 * S]), keep_closed=st.booleans())
    def somebody_presses(self, zone: ZoneId, held_ns: int, keep_closed: bool) -> None:
        if zone in self.closed:
            self.let_go(zone)
        edge = self.now
        self.tell(Touched(zone, edge))
        self.wait(held_ns)
        real = self.is_real(zone)
        effects = self.tell(Pressed(zone, edge, held_ns))
        self.closed.add(zone)
        self.short.pop(zone, None)
        if real or (held_ns >= 3 * S and zone not in self.panel.bypassed):
            self.pressed[self.runs, zone] += 1
            self.is_heard(zone)
        else:
            assert not any(isinstance(each, Record) and each.name == "alarm" for each in effects)
            if zone not in self.panel.bypassed:
                self.held_in_walk_test[zone] = edge
        if not keep_closed:
            self.wait(200 * MS)
            self.let_go(zone)

    @rule(zone=st.sampled_from(CALLING), times=st.integers(3, 8), gap_ns=st.sampled_from([300 * MS, 100 * S, 179 * S]))
    def somebody_goes_on_and_on(self, zone: ZoneId, times: int, gap_ns: int) -> None:
        for _ in range(times):
            self.somebody_presses(zone, 300 * MS, False)
            self.wait(gap_ns)

    def is_real(self, zone: ZoneId) -> bool:
        """Whether a press now is a call: in service, and not under a walk test."""
        return zone not in self.panel.bypassed and not (
            self.panel.walk_test_until_ns is not None and all(each.zone.id != zone for each in self.panel._alarms.open)
        )

    def is_heard(self, zone: ZoneId) -> None:
        """The press sounds at once if the hour has anything left for it."""
        if zone == HUSHED:
            return
        sounders = [HORN] if "E-BROWN-OUT" in self.panel.shown_troubles else [SIREN]
        for sounder in sounders:
            if self.spent_ns(sounder, Purpose.PRESS) < LIMIT_NS[Purpose.PRESS]:
                assert self.is_on(sounder)
                assert self.playing[sounder].activation.zone == zone

    @rule(zone=st.sampled_from((*CALLING, KEY)), lasted_ns=st.sampled_from([49 * MS, 50 * MS, 250 * MS]))
    def somebody_taps(self, zone: ZoneId, lasted_ns: int) -> None:
        if zone in self.closed:
            return
        edge = self.now
        self.tell(Touched(zone, edge))
        self.wait(lasted_ns)
        real = self.is_real(zone)
        self.tell(Brief(zone, edge, lasted_ns))
        if zone == KEY or lasted_ns < 50 * MS or zone in self.panel.bypassed:
            return
        first = self.short.pop(zone, None)
        if first is None or edge - first > 5 * S:
            self.short[zone] = edge
        elif real:
            self.pressed[self.runs, zone] += 2
            self.is_heard(zone)

    @precondition(lambda self: self.closed)
    @rule(data=st.data())
    def somebody_lets_go(self, data: st.DataObject) -> None:
        self.let_go(data.draw(st.sampled_from(sorted(self.closed))))

    @rule()
    def the_key_is_turned(self) -> None:
        self.tell(Pressed(KEY, self.now, 300 * MS))
        assert not any(self.is_on(each) for each in (SIREN, HORN)) or KEY in self.panel.bypassed
        self.tell(Released(KEY, self.now))

    @rule(data=st.data(), cancel=st.booleans())
    def the_centre_silences(self, data: st.DataObject, cancel: bool) -> None:
        names = [str(record.content["alarm"]) for _, record in self.records if record.name == "alarm"]
        name = data.draw(st.sampled_from([*names[-4:], "ffffffff.1"]))
        self.tell(Cancel(name, ANI) if cancel else Silence(name, ANI))
        assert not any(each.activation.alarm == name for each in self.playing.values() if each.until_ns > self.now)

    @rule(
        wish=st.one_of(
            st.builds(
                SoundFor,
                pattern=st.sampled_from(["jateng.fire", "polri.theft", "nowhere.none"]),
                duration_ns=st.sampled_from([-1, 0, 5 * S, 59 * S, 10_000 * S]),
                purpose=st.sampled_from(Purpose),
                by=st.just(ANI),
            ),
            st.builds(
                Bypass,
                zone=st.sampled_from((*CALLING, KEY, ZoneId("nowhere"))),
                for_ns=st.sampled_from([0, 60 * S, 100_000 * S]),
                by=st.just(ANI),
            ),
            st.builds(WalkTest, for_ns=st.sampled_from([0, 60 * S, 100_000 * S]), by=st.just(ANI)),
        )
    )
    def somebody_wishes(self, wish: SoundFor | Bypass | WalkTest) -> None:
        self.tell(wish)
        assert any(each not in self.panel.bypassed for each in CALLING)
        assert all(self.now < until <= self.now + 8 * 3600 * S for until in self.panel.bypassed.values())
        walk_until = self.panel.walk_test_until_ns
        assert walk_until is None or self.now < walk_until <= self.now + 900 * S

    @rule(data=st.data())
    def a_part_reports(self, data: st.DataObject) -> None:
        sounder = data.draw(st.sampled_from([SIREN, HORN, SounderId("nowhere")]))
        zones = (*CALLING, KEY, ZoneId("nowhere"))
        self.tell(
            data.draw(
                st.one_of(
                    st.builds(Switched, sounder=st.just(sounder), sounding=st.booleans(), at_ns=st.just(self.now)),
                    st.just(Troubled(f"E-DEVICE-MISSING/{sounder}", "321", "gone")),
                    st.just(Restored(f"E-DEVICE-MISSING/{sounder}")),
                    st.builds(LostEdge, zone=st.sampled_from(zones), at_ns=st.just(self.now)),
                    st.builds(Recalled, stuck=st.frozensets(st.sampled_from(zones)), brownouts=st.integers(0, 3)),
                    *(st.just(Stuck(zone, self.now)) for zone in sorted(self.closed)),
                )
            )
        )

    @rule(ns=st.sampled_from([0, 100 * MS, 2 * S, 60 * S]))
    def the_daemon_dies_and_comes_back(self, ns: int) -> None:
        """A dead-man switches the outputs off; a contact that is still closed is pressed again."""
        before = dict(self.playing)
        self.now += ns
        for sounder in (SIREN, HORN):
            self.rest(sounder)  # off while dead, yet the panel cannot know: the gap counts as spent
        self.runs += 1
        self.short = {}
        self.held_in_walk_test = {}
        self.panel = Panel(self.plan, Numbers(Epoch(f"{self.runs:08x}")))
        self.take(self.panel.restore(self.kept, self.now))
        for sounder, stretch in before.items():
            if stretch.until_ns > self.now:
                assert self.is_on(sounder)
                assert self.playing[sounder].until_ns == stretch.until_ns
        for zone in sorted(self.closed):
            self.tell(Touched(zone, self.now))
            self.tell(Pressed(zone, self.now, 0))
            self.pressed[self.runs, zone] += 1

    # ---- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_raises_and_time_goes_forward(self) -> None:
        ends = [
            *self.panel.bypassed.values(),
            *([self.panel.walk_test_until_ns] if self.panel.walk_test_until_ns else []),
        ]
        due = self.panel.due_ns
        assert due is None or due > self.now
        assert not ends or (due is not None and due <= min(ends)), "what ends itself is due"

    def teardown(self) -> None:
        for zone in CALLING:
            self.let_go(zone)
        self.wait(10 * 3600 * S)
        for sounder in (SIREN, HORN):
            self.rest(sounder)
        self.no_sounder_outlived_its_caps()
        self.every_press_is_in_exactly_one_record()
        self.updates_keep_their_distance()
        assert self.panel.open_alarms == ()
        assert self.panel.bypassed == {}
        assert self.panel.walk_test_until_ns is None
        assert "E-SOUND-CAP" not in self.panel.shown_troubles

    def no_sounder_outlived_its_caps(self) -> None:
        budgets: dict[object, list[Stretch]] = defaultdict(list)
        for each in self.played:
            a = each.activation
            budgets[(a.sounder, a.purpose, a.zone) if a.grace else (a.sounder, a.purpose)].append(each)
        for stretches in budgets.values():
            activation = stretches[0].activation
            limit = GRACE_NS if activation.grace else LIMIT_NS[activation.purpose]
            for end in [each.until_ns for each in stretches] + [each.since_ns + HOUR_NS for each in stretches]:
                spent = sum(max(0, min(each.until_ns, end) - max(each.since_ns, end - HOUR_NS)) for each in stretches)
                assert spent <= limit

    def every_press_is_in_exactly_one_record(self) -> None:
        """Two short ones count as two. A run that died may not have told its last counts, but its alarms."""
        told: dict[tuple[int, ZoneId], int] = defaultdict(int)
        for _, record in self.records:
            if record.name in {"alarm", "alarm-update"} and "presses" in record.content:
                told[int(record.id.epoch, 16), ZoneId(str(record.content["zone"]))] += number(record.content["presses"])
        assert {key for key, count in self.pressed.items() if count} == set(told)
        for (run, zone), count in self.pressed.items():
            assert told[run, zone] == count if run == self.runs else 1 <= told[run, zone] <= count

    def updates_keep_their_distance(self) -> None:
        told: dict[object, int] = {}
        closed: set[object] = set()
        for at_ns, record in self.records:
            alarm = record.content.get("alarm")
            if record.name in {"alarm", "alarm-update"} and "presses" in record.content:
                assert alarm not in closed
                assert self.plan.storm_ns == 0 or at_ns - told.get(alarm, 0) >= 5 * S or self.is_closing(alarm, at_ns)
                told[alarm] = at_ns
            if record.name == "restoral" and "alarm" in record.content:
                assert alarm not in closed, "one restoral per alarm"
                closed.add(alarm)

    def is_closing(self, alarm: object, at_ns: int) -> bool:
        """What is untold when a new alarm of its zone ends an old one is told at once, before the restoral."""
        now = [record for at, record in self.records if at == at_ns]
        ended = any(each.name == "restoral" and each.content.get("alarm") == alarm for each in now)
        return ended and any(each.name == "alarm" for each in now)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=200, stateful_step_count=30, deadline=None, report_multiple_bugs=False)
