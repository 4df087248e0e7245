"""The disk below the alarm daemon hangs, is full, or cannot be written: siren and lamp go on, events leave at once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.core.words import EventId
from edge.field.status import ask_status
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox
from tests.daemons.hung import PIPE, thaw
from tests.daemons.mounted import mounted

HUNG = (str(Path(__file__).with_name("hung.py")),)


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak", entry=HUNG) as box:
        box.places.ledger.parent.mkdir(parents=True)
        os.mkfifo(box.places.ledger.with_name(PIPE))
        yield box


def test_a_disk_that_hangs_delays_neither_siren_nor_lamp_nor_centre(hung: AlarmBox) -> None:
    hung.start()
    bearer = hung.bearer()
    zones = [zone.id for zone in hung.site.zones[:3]]
    for zone in zones:
        assert hung.sounds(zone)
    bearer.until(lambda: len(bearer.alarms()) == len(zones), PATIENCE_S, "three alarms, straight from memory")
    assert [row.durable for row in bearer.alarms()] == [False, False, False]
    assert hung.shows("gangguan-mengirim")
    thaw(hung.places.ledger)
    assert hung.shows("mengirim")
    bearer.pass_on("receipt", hung.receipt(bearer.alarms()))
    assert hung.shows("diterima")


def test_a_disk_that_hangs_does_not_hold_back_an_orderly_end(hung: AlarmBox) -> None:
    hung.start()
    assert hung.sounds()
    assert hung.alarm.stop() == 0
    assert not hung.wires.level(hung.line_of("sirene"))


def test_killed_on_a_hung_disk_it_is_back_with_its_buttons(hung: AlarmBox) -> None:
    hung.start()
    assert hung.sounds()
    hung.alarm.kill()
    hung.start()
    assert hung.sounds(hung.site.zones[1].id)


def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    """128 KiB: a handful of alarms. What no disk takes leaves from memory, each once."""
    with mounted(tmp_path, "size=128k") as box:
        box.start()
        bearer = box.bearer()
        zones = box.site.zones[:12]
        for zone in zones:
            assert box.sounds(zone.id)
        assert box.said("E-STATE-READONLY")
        bearer.until(lambda: len(bearer.alarms()) == len(zones), PATIENCE_S, "every alarm")
        assert len({EventId(row.epoch, row.seq) for row in bearer.alarms()}) == len(zones)
        assert {row.durable for row in bearer.alarms()} == {True, False}
        assert box.shows("gangguan-mengirim")


def test_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with mounted(tmp_path, "ro,size=64k") as box:
        box.start()
        bearer = box.bearer()
        assert box.sounds()
        assert box.said("E-STATE-READONLY")
        bearer.until(bearer.alarms, PATIENCE_S, "the alarm, straight from memory")
        assert not bearer.alarms()[0].durable
        assert box.shows("gangguan-mengirim")
        assert "E-STATE-READONLY" in ask_status(box.places)["troubles"]
