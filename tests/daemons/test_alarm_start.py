"""What is wrong from the start is on the lamp and in the status, not in the log alone; a silent zone is in neither."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from edge.config.generations import install_bare
from edge.core.words import SECOND_NS
from edge.field.status import ask_status
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox

BLIP_NS = SECOND_NS  # two flashes closer than this are the double blip of gangguan; siaga flashes every 4 s


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak") as box:
        yield box


def blips(box: AlarmBox) -> bool:
    flashes = [at_ns for at_ns, on in box.strokes(box.site.lamps[0].id) if on]
    return any(after - before < BLIP_NS for before, after in pairwise(flashes))


def leave_only_the_pins(box: AlarmBox) -> None:
    for generation in box.places.generations.iterdir():
        generation.unlink()


def test_a_box_without_its_key_shows_it(box: AlarmBox) -> None:
    (box.places.secrets / "box.key").unlink()
    box.start()
    assert box.wires.watch(lambda _bench: "E-IDENTITY-MISSING" in ask_status(box.places)["troubles"], PATIENCE_S)
    assert ask_status(box.places)["lamp"] == "gangguan"


def test_a_box_on_its_last_good_configuration_shows_it(box: AlarmBox) -> None:
    (box.places.generations / "active.json").write_text("{", encoding="utf-8")
    box.start()
    assert box.wires.watch(lambda _bench: "E-CONFIG-LASTGOOD" in ask_status(box.places)["troubles"], PATIENCE_S)


def test_a_box_with_nothing_but_its_pins_shows_it(box: AlarmBox) -> None:
    leave_only_the_pins(box)
    box.start()
    assert box.wires.watch(lambda _bench: blips(box), PATIENCE_S)
    assert box.sounds()


def test_a_silent_zone_on_bare_pins_is_not_in_the_log(box: AlarmBox) -> None:
    silent, seen, last = box.site.zones[0], box.site.zones[1].id, box.site.zones[2].id
    leave_only_the_pins(box)
    install_bare(box.places, replace(box.site, zones=(replace(silent, silent=True), *box.site.zones[1:])))
    box.start()
    box.wires.press(silent.pin)
    assert box.sounds(seen)
    box.wires.release(silent.pin)
    assert box.sounds(last)
    assert box.said(f"not recorded, pins only  class=alarm subject=zone/{seen}")
    assert silent.id not in box.alarm.output()
