"""From a simulated camera to the centre: what it notices, how it is, and what it saw when a button was pressed."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest

from drivers.sim.camera import Topic
from edge.centre import album, reader
from edge.centre.picture_keys import PictureKeys
from edge.core.words import EventClass
from edge.field.stage import Stage
from edge.field.status import ask_status
from edge.link import counter
from edge.link.frames import Row
from tests.daemons.alarm_box import AlarmBox
from tests.daemons.bearer import Bearer
from tests.daemons.camera_world import PATIENCE_S, CameraWorld
from tests.daemons.centre_world import wait_for
from tests.sim_cameras import specs

CACHE = Path(__file__).parents[2] / ".cache"
MOTIONS = 18


class Watched:
    """A real alarm, played by no relay but the test's, and a street."""

    def __init__(self, box: AlarmBox, world: CameraWorld, bearer: Bearer) -> None:
        self.box = box
        self.world = world
        self.bearer = bearer

    def events(self, name: str) -> list[dict[str, Any]]:
        """Of the inventory, in the order of their numbers."""
        return [body for row in self.rows() if (body := json.loads(row.raw))["type"] == f"id.kentongan.{name}.v1"]

    def rows(self) -> list[Row]:
        rows = [row for row in self.bearer.rows.values() if row.event_class is EventClass.INVENTORY]
        return sorted(rows, key=lambda row: (row.epoch, row.seq))

    def told_more(self, name: str, than: int) -> None:
        self.until(lambda: len(self.events(name)) > than, f"another {name}")

    def until(self, done: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
        self.bearer.until(done, within_s, what)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    opened: list[Any] = []

    def begin(count: int, *, events: bool = False, check_s: float = 0.5) -> Watched:
        box = AlarmBox(tmp_path / "box")
        opened.append(box)
        box.__enter__()
        box.start()
        world = CameraWorld(tmp_path / "world", box.places, specs(count), check_s=check_s)
        opened.append(world)
        world.__enter__()
        world.adopted_before(events=events)
        world.start()
        watched = Watched(box, world, box.bearer())
        watched.until(lambda: watched.bearer.up, "the bearer is served")
        return watched

    yield begin
    for each in reversed(opened):
        each.__exit__(None, None, None)


Begin = Callable[..., Watched]


def test_how_cameras_are_is_in_the_state_of_the_box(watched: Begin) -> None:
    here = watched(2)
    here.until(lambda: ask_status(here.box.places)["cameras"] == {"kamera-01": "up", "kamera-02": "up"}, "both up")
    here.world.town[0].password = "lain"
    here.world.asks(counter.Test("kamera-01"))
    here.until(lambda: ask_status(here.box.places)["cameras"]["kamera-01"] == "wrong-password", "wrong password")
    here.until(lambda: here.events("camera-health"), "an event of it")
    [event] = here.events("camera-health")
    assert event["subject"] == "camera/kamera-01"
    assert (event["data"]["health"], event["data"]["code"]) == ("wrong-password", "E-CAMERA-PASSWORD")


def test_adoption_and_forgetting_are_events_without_a_login(watched: Begin) -> None:
    here = watched(1)
    spec = here.world.specs[0]
    here.world.asks(counter.Forget("kamera-01"))
    assert here.world.adopts(spec, consent=True)[-1] == counter.Finished("kamera-01")
    here.until(lambda: len(here.events("camera")) == 2, "two events")
    forgotten, adopted = here.events("camera")
    assert (forgotten["data"]["what"], adopted["data"]["what"], adopted["data"]["serial"]) == (
        "forgotten", "adopted", spec.serial,
    )  # fmt: skip
    assert not any(spec.password in row.raw.decode() or spec.user in row.raw.decode() for row in here.rows())


@pytest.mark.slow
def test_a_blackout_of_fifty_is_one_event_and_its_end_one(watched: Begin) -> None:
    here = watched(50, check_s=2.0)
    here.until(lambda: here.world.health() == {"up"}, "all up", 90.0)
    for camera in here.world.town:
        camera.off()
    here.until(lambda: here.events("cameras-dark"), "the blackout", 90.0)
    for camera in here.world.town:
        camera.on()
    here.until(lambda: len(here.events("cameras-dark")) == 2, "its end", 90.0)
    told = [(each["data"]["dark"], each["data"]["count"]) for each in here.events("cameras-dark")]
    assert told == [(True, 50), (False, 50)]
    assert here.events("camera-health") == []
    print(f"{len(here.rows())} events in all, {here.world.memory_mb():.1f} MB")


def test_motion_is_in_the_ledger_and_sounds_nothing(watched: Begin) -> None:
    here = watched(3, events=True)
    here.until(lambda: all(camera.subscriptions == 1 for camera in here.world.town), "subscriptions")
    numbered_ms, handed_ms = [], []
    for number in range(MOTIONS):  # more at once would be told more slowly, on purpose
        told = len(here.events("camera-event"))
        began_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        here.world.town[number % 3].happen(Topic.MOTION, active=number % 6 < 3)
        here.told_more("camera-event", told)
        handed_ms.append((time.clock_gettime_ns(time.CLOCK_BOOTTIME) - began_ns) / 1e6)
        numbered_ms.append((int(here.events("camera-event")[-1]["bootclock"]) - began_ns) / 1e6)
    for what, took_ms in (("numbered by alarm", numbered_ms), ("committed and handed to a bearer", handed_ms)):
        steps = quantiles(took_ms, n=20)
        print(f"motion -> {what}: p50 {steps[9]:.0f} ms, p95 {steps[18]:.0f} ms, {MOTIONS} times")
    assert here.events("camera-event")[0]["data"]["what"] == "motion"
    assert not any(on for _, on in here.box.strokes("sirene"))
    assert here.bearer.alarms() == []


# ---- pictures --------------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", cache=CACHE, kit="lab", beat_s=0.5) as stage:
        yield stage


def begun(stage: Stage, world: CameraWorld) -> None:
    stage.start()
    world.adopted_before()
    world.start()
    wait_for(lambda: ask_status(stage.places)["online"], "the box is online")
    world.all_are("up")
    wait_for(lambda: len(ask_status(stage.places)["cameras"]) == len(world.specs), "the cameras are known")


def press(stage: Stage) -> None:
    pin = stage.line_of(stage.site.zones[0].id)
    stage.wires.press(pin)
    wait_for(lambda: ask_status(stage.places)["journey"], "it is an alarm")
    stage.wires.release(pin)


def shots(stage: Stage) -> list[album.Shot]:
    return [shot for shot in album.shots(stage.centre_places.store) if shot.state == "here"]


def spooled(world: CameraWorld) -> list[Path]:
    """Whole ones; what is being written begins with a dot."""
    return sorted(path for path in (world.places.cameras / "spool").iterdir() if not path.name.startswith("."))


def test_an_alarm_is_seen_by_every_camera_and_only_the_centre_can_see_it(stage: Stage, tmp_path: Path) -> None:
    with CameraWorld(tmp_path / "world", stage.places, specs(2)) as world:
        begun(stage, world)
        press(stage)
        wait_for(lambda: len(shots(stage)) == 6 and not spooled(world), "six pictures, received", 60.0)
        opened = [
            jpeg for _, jpeg in album.opened_shots(stage.centre_places.store, PictureKeys.read(stage.centre_places))
        ]
        assert all(jpeg.startswith(b"\xff\xd8\xff") and jpeg.endswith(b"\xff\xd9") for jpeg in opened)
        assert {(shot.camera, shot.frame) for shot in shots(stage)} == {
            (camera, frame) for camera in ("kamera-01", "kamera-02") for frame in (1, 2, 3)
        }
        [alarm] = reader.alarms(stage.centre_places.store)
        assert {shot.alarm for shot in shots(stage)} == {alarm.alarm}


def test_pictures_outlive_the_deaths_of_all_who_carry_them(stage: Stage, tmp_path: Path) -> None:
    with CameraWorld(tmp_path / "world", stage.places, specs(2)) as world:
        begun(stage, world)
        stage.cable.pull()
        press(stage)
        wait_for(lambda: len(spooled(world)) == 6, "six pictures in the spool", 60.0)
        for _ in range(3):
            world.daemon.kill()
            stage.alarm.kill()
            stage.alarm.start()
            stage.alarm.wait_ready()
            world.start()
            time.sleep(0.3)
        assert len(spooled(world)) == 6
        for path in (*spooled(world), *world.places.state.rglob("ledger*")):
            assert not path.is_file() or b"\xff\xd8\xff" not in path.read_bytes()
        stage.cable.plug()
        wait_for(lambda: len(shots(stage)) == 6 and not spooled(world), "six pictures, received", 90.0)
        assert signal.SIGKILL
