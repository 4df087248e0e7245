"""What the box does by itself: the daily test of the way, the monthly one of the siren, each told as a test."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from edge.core.calendar import FIRST_NS, Monthly
from edge.core.events import Author, Frozen, freeze
from edge.core.numbers import Numbers
from edge.core.panel import Panel, PanelPlan, SounderPlan, ZonePlan
from edge.core.seal import Signer
from edge.core.timing import DAY_NS, Stamp, TimeQuality
from edge.core.words import (
    SECOND_NS,
    BoxId,
    Button,
    Epoch,
    EventClass,
    Kind,
    Noted,
    Operator,
    Pressed,
    Purpose,
    Record,
    Released,
    Restored,
    SiteId,
    Sound,
    SounderId,
    SoundFor,
    Tick,
    Troubled,
    WalkTest,
    ZoneId,
)
from edge.daemons.alarm.notes import refusal_in
from edge.daemons.alarm.posts import Ordered
from edge.daemons.alarm.rounds import AGAIN_NS, PASS_NS, SIREN_NS, Rounds

BOX, EPOCH = BoxId("ktg-k7q2m9xa"), Epoch("7c1f0b2e")
AUTHOR = Author(BOX, SiteId("33.74.10.1004-010-005"), EPOCH, "5f0e2a9c")
HOUR_NS = 3600 * SECOND_NS
TEN_ON_THE_26TH = 1_795_662_000 * SECOND_NS  # 2026-11-26 10:00 WIB
ZONE, SILENT = ZoneId("pos-ronda"), ZoneId("kasir")


class World:
    """A panel that is asked, a ledger that notes, and no threads."""

    def __init__(self, *, notes: Mapping[str, object] | None = None, utc_ns: int = TEN_ON_THE_26TH - DAY_NS) -> None:
        self.now_ns, self.off_ns = 0, utc_ns
        self.trust = TimeQuality.SYNCED
        self.disk: dict[str, Any] = dict(notes or {})
        self.commits = True
        self.posted: list[Any] = []
        self.made: list[Frozen] = []
        self.records: list[Record] = []
        self.sounds: list[Sound] = []
        zones = (
            ZonePlan(ZONE, Kind.CRIME, Button.EXPOSED, silent=False),
            ZonePlan(SILENT, Kind.CRIME, Button.EXPOSED, silent=True),
        )
        self.panel = Panel(PanelPlan(zones, (SounderPlan(SounderId("sirene"), "ssr"),), "jateng"), Numbers(EPOCH))
        self.rounds = Rounds(self, AUTHOR, Monthly(26, "10:00"), note=self.note, post=self.post)
        self.rounds.opened(self.disk)

    def boot_ns(self) -> int:
        return self.now_ns

    def utc_ns(self) -> int:
        return self.off_ns + self.now_ns

    def quality(self) -> TimeQuality:
        return self.trust

    def note(self, notes: Mapping[str, object], stored: Callable[[], None] | None = None) -> None:
        self.disk |= notes if self.commits else {}
        if stored is not None and self.commits:
            stored()

    def post(self, post: Any) -> None:
        self.posted.append(post)
        if isinstance(post, Ordered):
            post.answered(refusal_in(self.panel_does(post.stimulus)))
        else:
            self.panel_does(post)

    def panel_does(self, stimulus: Any) -> list[Any]:
        effects = self.panel.handle(stimulus, self.now_ns)
        self.sounds += [effect for effect in effects if isinstance(effect, Sound)]
        for record in (effect for effect in effects if isinstance(effect, Record)):
            self.records.append(record)
            when = Stamp(self.utc_ns(), self.now_ns, self.trust)
            self.made.append(freeze(record, when, AUTHOR, Signer(bytes(32))))
            self.rounds.made(self.made[-1])
        return list(effects)

    def at(self, now_ns: int) -> None:
        self.now_ns = now_ns
        self.panel_does(Tick())
        self.rounds.turn(now_ns)

    def at_utc(self, utc_ns: int) -> None:
        self.at(utc_ns - self.off_ns)

    def tests(self, what: str = "self-test") -> list[Record]:
        return [
            each
            for each in self.records
            if each.event_class is EventClass.TEST and (each.content.get("what") == what or what in each.content)
        ]

    def of(self, form: type[Any]) -> list[Any]:
        return [post for post in self.posted if isinstance(post, form)]

    def press(self, zone: ZoneId = ZONE) -> None:
        self.panel_does(Pressed(zone, self.now_ns, SECOND_NS))


@pytest.fixture
def world() -> World:
    return World()


def state(world: World) -> tuple[str, str]:
    assert world.rounds.self_test is not None
    return world.rounds.self_test.state, world.rounds.self_test.receiver


# ---- the way to the centre -------------------------------------------------------------------------------------------


def test_the_daily_test_is_a_test_event_and_passes_by_a_receipt_in_a_name(world: World) -> None:
    world.at(2 * FIRST_NS)
    (test,) = world.tests()
    assert (test.content["cid"], test.content["status"]) == ("1602", "test")
    assert state(world) == ("waiting", "")
    world.rounds.received([test.id], "Pusat Komando Kota")
    assert state(world) == ("passed", "Pusat Komando Kota")
    assert not world.of(Troubled)
    world.at(2 * FIRST_NS + HOUR_NS)
    assert len(world.tests()) == 1


@pytest.mark.parametrize("wrong", ["another event", "no name"])
def test_what_does_not_prove_the_whole_way_passes_nothing(world: World, wrong: str) -> None:
    world.at(2 * FIRST_NS)
    (test,) = world.tests()
    world.panel_does(Noted("other", {}))
    if wrong == "no name":
        world.rounds.received([test.id], "")
    else:
        world.rounds.received([world.records[-1].id], "Pusat")
    assert state(world) == ("waiting", "")
    world.at(2 * FIRST_NS + PASS_NS + 1)
    assert state(world)[0] == "failed"
    assert [(each.code, each.cid) for each in world.of(Troubled)] == [("E-SELF-TEST", "354")]


def test_a_receipt_that_comes_late_ends_the_trouble(world: World) -> None:
    world.at(2 * FIRST_NS)
    world.at(2 * FIRST_NS + PASS_NS + 1)
    world.at(2 * FIRST_NS + PASS_NS + 2)
    assert len(world.of(Troubled)) == 1
    world.rounds.received([world.tests()[0].id], "Pusat")
    assert world.of(Restored) == [Restored("E-SELF-TEST")]
    assert state(world)[0] == "passed"


def test_a_test_that_passed_is_not_repeated_after_a_start_and_one_that_did_not_is(world: World) -> None:
    world.at(2 * FIRST_NS)
    failed = World(notes=world.disk)
    failed.at(2 * FIRST_NS)
    assert len(failed.tests()) == 1
    world.rounds.received([world.tests()[0].id], "Pusat")
    passed = World(notes=world.disk)
    passed.at(2 * FIRST_NS)
    assert passed.tests() == []


# ---- the siren -------------------------------------------------------------------------------------------------------


def siren_tests(world: World) -> list[Record]:
    return world.tests("pattern")


def test_the_monthly_test_sounds_once_and_says_that_it_is_a_test(world: World) -> None:
    for minute in range(-5, 40):
        world.at_utc(TEN_ON_THE_26TH + minute * 60 * SECOND_NS)
    (test,) = siren_tests(world)
    assert (test.content["cid"], test.content["status"], test.content["by"]) == ("1602", "test", "calendar")
    (sound,) = world.sounds
    assert sound.activation.purpose is Purpose.TEST
    assert sound.activation.until_ns - sound.activation.since_ns == SIREN_NS


def test_neither_a_reboot_nor_a_step_back_sounds_it_again(world: World) -> None:
    world.at_utc(TEN_ON_THE_26TH)
    again = World(notes=world.disk)
    again.at_utc(TEN_ON_THE_26TH + 60 * SECOND_NS)
    again.at_utc(TEN_ON_THE_26TH + 29 * 60 * SECOND_NS)
    again.off_ns -= 20 * 60 * SECOND_NS
    again.at(again.now_ns + AGAIN_NS)
    assert again.sounds == []


def test_without_the_month_on_the_disk_there_is_no_sound(world: World) -> None:
    world.commits = False
    world.at_utc(TEN_ON_THE_26TH)
    assert world.sounds == []


def test_a_ledger_that_never_opened_knows_of_no_month(world: World) -> None:
    world.rounds = Rounds(world, AUTHOR, Monthly(26, "10:00"), note=world.note, post=world.post)
    world.at_utc(TEN_ON_THE_26TH)
    assert world.sounds == []


def test_a_wrong_year_that_was_tested_does_not_stop_the_right_ones() -> None:
    world = World(notes={"siren_tests": ["2099-11"]})
    world.at_utc(TEN_ON_THE_26TH)
    assert len(world.sounds) == 1


def test_what_nobody_vouches_for_sounds_nothing(world: World) -> None:
    world.trust = TimeQuality.UNSYNCED
    world.at_utc(TEN_ON_THE_26TH)
    assert world.sounds == []


def test_an_open_alarm_puts_the_test_off_until_it_is_over(world: World) -> None:
    world.at_utc(TEN_ON_THE_26TH - 10 * SECOND_NS)
    world.press()
    world.sounds.clear()
    world.at_utc(TEN_ON_THE_26TH)
    assert siren_tests(world) == []
    world.panel_does(Released(ZONE, world.now_ns))
    for minute in range(1, 29):
        world.at_utc(TEN_ON_THE_26TH + minute * 60 * SECOND_NS)
    assert len(siren_tests(world)) == 1


def test_a_silent_alarm_puts_it_off_too(world: World) -> None:
    world.at_utc(TEN_ON_THE_26TH - 10 * SECOND_NS)
    world.press(SILENT)
    world.at_utc(TEN_ON_THE_26TH)
    assert world.sounds == []


@pytest.mark.parametrize("beside", ["walk test", "ordered sound"])
def test_who_tests_or_sounds_already_is_not_disturbed(world: World, beside: str) -> None:
    world.at_utc(TEN_ON_THE_26TH - SECOND_NS)
    by = Operator("Sari", "centre")
    wish = SoundFor("iso.temporal-3", 20 * SECOND_NS, Purpose.REMOTE, by)
    world.panel_does(WalkTest(600 * SECOND_NS, by) if beside == "walk test" else wish)
    world.at_utc(TEN_ON_THE_26TH)
    assert siren_tests(world) == []


def test_a_press_during_the_test_sounds_as_ever(world: World) -> None:
    world.at_utc(TEN_ON_THE_26TH)
    world.at_utc(TEN_ON_THE_26TH + 2 * SECOND_NS)
    world.press()
    world.at_utc(TEN_ON_THE_26TH + 8 * SECOND_NS)
    last = world.sounds[-1].activation
    assert last.purpose is Purpose.PRESS
    assert last.until_ns - (world.now_ns - 6 * SECOND_NS) >= 170 * SECOND_NS
    assert [each.event_class for each in world.records if each.content.get("status") == "actual"][:1] == [
        EventClass.ALARM
    ]
