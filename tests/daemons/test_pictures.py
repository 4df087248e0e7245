"""A picture's whole way: from a sealed descriptor through alarm, ledger, relay and broker to the centre, and back."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.centre import album, reader
from edge.centre.picture_keys import PictureKeys
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import wait_for
from tests.daemons.spool import PlayedCameras

CACHE = Path(__file__).parents[2] / ".cache"
WITHIN_S = 30.0


class Play:
    """A stage with cameras: what is waited for, the cameras take part in."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.cameras = PlayedCameras(stage.places.link / "cameras.sock")

    def until(self, reached: Callable[[], object], what: str, within_s: float = WITHIN_S) -> None:
        wait_for(lambda: self.cameras.turn() and reached(), what, within_s)

    def start(self) -> None:
        self.stage.start()
        self.until(lambda: ask_status(self.stage.places)["online"], "the box is online")
        self.until(lambda: ask_status(self.stage.places)["cameras"], "the cameras are known")

    def press(self, number: int = 0) -> str:
        """Press a button, and let it go; the alarm's name."""
        pin = self.stage.line_of(self.stage.site.zones[number].id)
        before = newest(self.stage)
        self.stage.wires.press(pin)
        self.until(lambda: newest(self.stage) != before, "it is an alarm")
        self.stage.wires.release(pin)
        return newest(self.stage)

    def shots(self, state: str = "here") -> list[album.Shot]:
        return [shot for shot in album.shots(self.store) if shot.state == state]

    def opened(self) -> list[bytes]:
        keys = PictureKeys.read(self.stage.centre_places)
        return [jpeg for _, jpeg in album.opened_shots(self.store, keys)]

    @property
    def store(self) -> Path:
        return self.stage.centre_places.store

    @property
    def waiting(self) -> int:
        """Rows of any class without a receipt, as the last beat says."""
        return sum(beat.pending for beat in reader.beats(self.store))


def newest(stage: Stage) -> str:
    journey = ask_status(stage.places)["journey"]
    return str(journey["id"]) if journey else ""


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    with Stage(tmp_path / "stage", cache=CACHE, kit="lab", beat_s=0.5) as stage:
        play = Play(stage)
        with play.cameras:
            yield play


def test_an_alarm_is_seen_at_the_centre_and_the_spool_is_empty_again(play: Play) -> None:
    play.cameras.cameras, play.cameras.frames = ("gerbang", "pos-ronda"), 2
    play.start()

    alarm = play.press()
    play.until(lambda: len(play.shots()) == 4 and not play.cameras.spool, "four pictures, received")

    assert set(play.opened()) == play.cameras.jpegs
    assert {(shot.alarm, shot.camera, shot.frame) for shot in play.shots()} == {
        (alarm, camera, frame) for camera in ("gerbang", "pos-ronda") for frame in (1, 2)
    }
    (listed,) = (each for each in reader.alarms(play.store) if each.alarm == alarm)
    assert listed.pictures == 4
    assert len(set(play.cameras.received)) == 4
    said = [json.loads(line) for line in play.stage.centre.output().splitlines() if '"what": "picture"' in line]
    assert sorted((line["camera"], line["frame"]) for line in said) == [
        ("gerbang", 1), ("gerbang", 2), ("pos-ronda", 1), ("pos-ronda", 2),
    ]  # fmt: skip
