"""SIGKILL at the worst moments, deaths in a row, and garbage from every side: the buttons live and no cap is broken."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.clock import boot_ns
from edge.core.words import SECOND_NS
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox

CAP_S = 3.0
SLACK_NS = SECOND_NS  # a stolen core may delay the last stroke's end; a siren that starts over would take CAP_S more
FLOOD = str(Path(__file__).with_name("flood.py"))


@pytest.fixture
def short(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak", panel=f"sound_s = {CAP_S}") as box:
        yield box


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak", kit="demo") as box:
        yield box


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak") as box:
        yield box


def test_killed_while_it_sounds_the_siren_goes_on_and_ends_at_its_cap(short: AlarmBox) -> None:
    short.start()
    assert short.sounds()
    (first_ns, _), *_ = (stroke for stroke in short.strokes("sirene") if stroke[1])
    for _ in range(3):
        before = len(short.strokes("sirene"))
        short.alarm.kill()
        short.start()
        if short.activations()[-1].until_ns - boot_ns() > SECOND_NS:  # starts of a loaded machine may outlast the cap
            assert short.wires.watch(lambda _: any(on for _, on in short.strokes("sirene")[before:]), PATIENCE_S)  # noqa: B023
    assert {each.until_ns - each.since_ns for each in short.activations()} == {int(CAP_S * SECOND_NS)}
    (until_ns,) = {each.until_ns for each in short.activations()}
    assert short.wires.watch(lambda bench: bench._clock() > until_ns + SLACK_NS, PATIENCE_S)
    last_ns, on = short.strokes("sirene")[-1]
    assert not on
    assert last_ns - first_ns < CAP_S * SECOND_NS + SLACK_NS


def test_a_press_held_through_a_death_counts_once(demo: AlarmBox) -> None:
    """Exposed button: one second. It is killed before that second is over."""
    demo.start()
    bearer = demo.bearer()
    demo.wires.press(demo.line_of("pos-ronda"))
    assert demo.wires.watch(lambda _bench: any(on for _, on in demo.strokes("lampu")), PATIENCE_S)
    demo.alarm.kill()
    assert not any(on for _, on in demo.strokes("sirene"))
    demo.start()
    assert demo.wires.watch(lambda _bench: any(on for _, on in demo.strokes("sirene")), PATIENCE_S)
    demo.wires.release(demo.line_of("pos-ronda"))
    bearer.until(lambda: bearer.alarms("pos-ronda"), PATIENCE_S, "the alarm")
    assert len(bearer.alarms()) == 1


def test_a_press_made_while_nobody_lived_counts(demo: AlarmBox) -> None:
    demo.start()
    demo.alarm.kill()
    demo.wires.press(demo.line_of("posyandu"))
    assert demo.wires.unheard == 1
    demo.start()
    assert demo.wires.watch(lambda _bench: any(on for _, on in demo.strokes("sirene")), PATIENCE_S)


def test_after_five_deaths_only_the_pins_are_left_and_they_work(demo: AlarmBox) -> None:
    for _ in range(5):
        demo.start()
        demo.alarm.kill()
    assert "E-DEATHS" not in demo.alarm.output()
    demo.start()
    assert demo.said("E-DEATHS")
    assert demo.sounds("posyandu")
    assert demo.said("not recorded, pins only")


def test_four_deaths_are_not_five(demo: AlarmBox) -> None:
    for _ in range(4):
        demo.start()
        demo.alarm.kill()
    demo.start()
    assert demo.sounds("posyandu")
    bearer = demo.bearer()
    bearer.until(bearer.alarms, PATIENCE_S, "the alarm, over the link")
    assert "E-DEATHS" not in demo.alarm.output()


def test_garbage_on_every_socket_costs_no_press_its_siren(box: AlarmBox) -> None:
    box.start()
    with subprocess.Popen([sys.executable, FLOOD, str(box.places.link)], stdout=subprocess.PIPE) as flood:
        try:
            assert flood.stdout is not None
            assert flood.stdout.read(1) == b"."
            silent = [turn for turn in range(20) if not box.sounds(box.site.zones[turn % 16].id)]
            assert flood.stdout.read(1) == b"."  # it went on to the end
            assert flood.poll() is None
        finally:
            flood.kill()
    assert silent == []
    bearer = box.bearer()
    bearer.until(lambda: len(bearer.alarms()) >= 16, PATIENCE_S, "the alarms, once the flood is over")


def test_presses_in_quick_turn_never_make_a_steady_tone(box: AlarmBox) -> None:
    """Sixteen buttons in turn, each prolonging the sound: the strokes of the pattern stay apart."""
    box.start()
    assert box.sounds()
    for turn in range(1, 60):
        known = box.activations()[-1].until_ns
        pin = box.site.zones[turn % 16].pin
        box.wires.press(pin)
        assert box.wires.watch(lambda _: box.activations()[-1].until_ns > known, PATIENCE_S)  # noqa: B023
        box.wires.release(pin)
    strokes = box.strokes("sirene")
    assert len(strokes) > 8
    longest_ns = max(off_ns - on_ns for (on_ns, on), (off_ns, _) in pairwise(strokes) if on)
    assert longest_ns < SECOND_NS
