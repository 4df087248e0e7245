"""Wires that somebody else holds, and a board that is away: the other zones work, and what comes back is taken."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.ports import ContactWiring, OutputWiring
from drivers.sim.board import SimBoard
from edge.config.generations import install
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak") as box:
        yield box


def test_a_button_and_a_siren_that_another_program_holds(box: AlarmBox) -> None:
    """The holder is named, the other buttons and the backup siren work, and both lines are taken once they are free."""
    button, free, later = box.site.zones[:3]
    siren, backup = box.site.sounders
    with SimBoard(box.places.run / "sim") as other:
        other.contact(ContactWiring(button.pin), lambda _active, _at_ns: None)
        other.output(OutputWiring(siren.pin, siren.relay))
        box.start()
        for line in (button.pin, siren.pin):
            assert box.said(
                f"E-DEVICE-BUSY The device is held by another program: {line} is held by process {os.getpid()}"
            )
        box.wires.press(free.pin)
        assert box.wires.watch(lambda _bench: any(on for _, on in box.strokes(backup.id)), PATIENCE_S)
        box.wires.release(free.pin)
    assert box.said(f"{button.pin} back")
    assert box.said(f"{siren.pin} back")
    assert box.sounds(button.id)
    assert box.sounds(later.id)


@pytest.mark.skipif(any(Path("/dev").glob("gpiochip*")), reason="this machine has lines of its own")
def test_a_board_that_is_not_there(box: AlarmBox) -> None:
    """Nothing can sound then; the daemon stands, says what to do, and lives on."""
    install(box.places, replace(box.site, driver="gpiod"))
    box.start()
    assert box.said("E-DEVICE-MISSING")
    assert box.said("do=check the cable and `driver` in site.toml")
    assert box.alarm.stop() == 0
