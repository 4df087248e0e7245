"""A picture's whole way: from a sealed descriptor through alarm, ledger, relay and broker to the centre, and back."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import pytest

from drivers.mqtt_centre import CentreSession, Membership
from edge.centre import album, reader
from edge.centre.picture_keys import PictureKeys
from edge.centre.settings import endpoint_of, read_settings
from edge.core.seal import Signer
from edge.field.stage import Home, Stage
from edge.field.status import ask_status
from tests.daemons.centre_world import KENTONGAN, wait_for
from tests.daemons.narrow import Narrow
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


class NarrowStage(Stage):
    """Between the box and the broker lies a line of so many bits a second."""

    bits_s = 64_000

    def home(self, name: str, **said: Any) -> Home:
        narrow = self._open.enter_context(Narrow(self.broker.ports["boxes"], self.bits_s))
        return self._open.enter_context(Home(self._folder / name, self.authority, narrow.port, **said))


class WideStage(NarrowStage):
    """A picture of 200 kB takes two seconds: there is a middle of it."""

    bits_s = 1_000_000


@pytest.fixture
def calm(tmp_path: Path) -> Iterator[Play]:
    """Beats are far enough from each other for the ledger to have its rest: only then it tells of its debts."""
    with Stage(tmp_path / "stage", cache=CACHE, kit="lab", beat_s=4.0) as stage:
        play = Play(stage)
        with play.cameras:
            yield play


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Play]:
    with WideStage(tmp_path / "stage", cache=CACHE, kit="lab", beat_s=0.5) as stage:
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


def ordered(play: Play, camera: str) -> dict[str, Any]:
    """What the operator is told; the cameras work meanwhile."""
    command = [*KENTONGAN, "centre", "order", play.stage.box, "snapshot", f"camera={camera}", "--by", "Sari", "--json"]
    command += ["--within", "25", "--root", str(play.stage.centre_places.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        play.until(lambda: child.poll() is not None, "the order is answered")
        assert child.stdout is not None
        told: dict[str, Any] = json.loads(child.stdout.read())
        assert child.stderr is not None
        child.stderr.read()
    return told


def test_an_order_brings_a_picture_and_says_why_it_cannot(play: Play) -> None:
    play.cameras.cameras = ("gerbang", "pos-ronda")
    play.start()

    answer = ordered(play, "pos-ronda")
    assert (answer["result"], answer["reason"]) == ("done", "snapshot")
    play.until(play.shots, "a picture")

    (shot,) = play.shots()
    assert (shot.jti, shot.alarm, shot.camera) == (answer["jti"], "", "pos-ronda")
    assert ordered(play, "masjid")["reason"] == "camera: none of that name is adopted here"
    (audit,) = (
        row
        for row in reader.export(play.store)
        if isinstance(row["data"], dict) and row["data"].get("what") == "snapshot"
    )
    assert isinstance(audit["data"], dict)
    assert (audit["data"]["by"], audit["data"]["camera"]) == ("Sari", "pos-ronda")
    play.cameras.restart()
    play.cameras.turn = lambda: True  # type: ignore[method-assign]  # it is gone
    assert ordered(play, "pos-ronda")["reason"] == "camera: the part that speaks to cameras does not run"


@pytest.mark.parametrize("victim", ["alarm", "relay", "centre", "cameras", "broker"])
def test_whoever_dies_in_the_middle_each_picture_arrives_once_and_whole(slow: Play, victim: str) -> None:
    play = slow
    play.cameras.frames, play.cameras.size = 3, 200_000
    play.start()
    play.press()
    play.until(lambda: parts(play.store) > 4 or play.shots(), "on its way")
    assert len(play.shots()) < 3

    if victim == "cameras":
        play.cameras.restart()
    elif victim == "broker":
        play.stage.broker.stop()
        play.stage.broker.start()
    else:
        child = {"alarm": play.stage.alarm, "relay": play.stage.relay, "centre": play.stage.centre}[victim]
        child.kill()
        child.start()

    play.until(lambda: not play.cameras.spool and len(play.shots()) == 3, "all of them, received", 60.0)
    assert sorted(play.opened()) == sorted(play.cameras.jpegs)
    assert parts(play.store) == 0
    assert not [row for row in reader.export(play.store) if row["name"] == "lost"]


def parts(store: Path) -> int:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM picture_part").fetchone()[0])


def test_a_spool_that_is_gone_is_declared_lost_and_nothing_waits_any_more(calm: Play) -> None:
    """As after 72 hours: the header may be here, its bytes never come."""
    play = calm
    play.cameras.frames = 2
    play.start()
    play.stage.cable.pull()
    alarm = play.press()
    play.until(lambda: all(picture.id for picture, _ in play.cameras.spool.values()) and play.cameras.spool, "numbered")
    ids = {picture.id for picture, _ in play.cameras.spool.values()}
    play.cameras.lose()
    play.stage.cable.plug()

    play.until(lambda: lost(play.store) >= ids, "declared lost, and stored at the centre", 60.0)
    play.until(lambda: play.waiting == 0, "and receipted")
    assert play.shots() == []
    assert {each.alarm for each in reader.alarms(play.store)} == {alarm}


def lost(store: Path) -> set[str]:
    found = set()
    for row in reader.export(store):
        data = row["data"]
        if row["name"] == "lost" and isinstance(data, dict) and isinstance(data["ranges"], list):
            for span in data["ranges"]:
                assert isinstance(span, list)
                found |= {f"{data['epoch']}.{seq}" for seq in range(int(str(span[0])), int(str(span[1])) + 1)}
    return found


def test_a_restored_centre_is_told_that_the_pictures_it_lost_are_gone(calm: Play, tmp_path: Path) -> None:
    play = calm
    play.start()
    assert play.stage.centre.stop() == 0
    shutil.copy(play.store, tmp_path / "copy.db")
    play.stage.centre.start()
    play.press()
    play.until(lambda: play.shots() and not play.cameras.spool, "a picture, received")
    identity = play.shots()[0].id
    assert play.stage.centre.stop() == 0
    for name in ("centre.db", "centre.db-wal", "centre.db-shm"):
        play.store.with_name(name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy.db", play.store)

    play.stage.centre.start()
    play.until(lambda: identity in lost(play.store), "the picture is declared gone", 60.0)
    play.until(lambda: not reader.behind(play.store) and play.waiting == 0, "and nothing is missing")


def test_an_alarm_during_an_upload_over_64_kbit_is_published_within_two_seconds(tmp_path: Path) -> None:
    """And of the picture at most the part on the wire comes before it, and none before its receipt's way is free."""
    with NarrowStage(tmp_path / "stage", cache=CACHE, kit="lab", beat_s=5.0) as stage, Play(stage).cameras as cameras:
        play = Play(stage)
        play.cameras = cameras
        cameras.size = 150_000
        play.start()
        with Overheard(stage) as heard:
            play.press()
            play.until(lambda: heard.count("/picture/") > 5 and heard.turn(), "on its way", 60.0)
            for number in range(1, 4):
                began, before = time.monotonic(), len(heard.topics)
                pin = stage.line_of(stage.site.zones[number].id)
                stage.wires.press(pin)
                play.until(lambda: heard.turn() and "/event/alarm" in "".join(heard.topics[before:]), "the alarm")  # noqa: B023
                took_s = time.monotonic() - began
                stage.wires.release(pin)
                news = heard.topics[before:]
                at = next(place for place, topic in enumerate(news) if topic.endswith("/event/alarm"))
                assert sum("/picture/" in topic for topic in news[:at]) <= 1, news
                assert took_s <= 2.0
                print(f"alarm {number} published after {took_s:.2f} s")
            play.until(lambda: heard.turn() and play.shots(), "the first picture", 120.0)


class Overheard:
    """What the broker has taken from the box, in its order: one connection, so the order on the wire."""

    def __init__(self, stage: Stage) -> None:
        self.topics: list[str] = []
        endpoint = endpoint_of(stage.centre_places, read_settings(stage.centre_places).broker)
        member = Membership(
            "overheard", (f"kentongan/v1/{stage.box}/event/#", f"kentongan/v1/{stage.box}/picture/#"), 0
        )
        self._session = CentreSession.open(endpoint, member)

    def turn(self) -> bool:
        letters = self._session.receive(0.0)
        self._session.acknowledge(letters)
        self.topics += [letter.topic for letter in letters]
        return True

    def count(self, part: str) -> int:
        self.turn()
        return sum(part in topic for topic in self.topics)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()


def seen_at_the_box(stage: Stage) -> dict[str, Any]:
    """Everything that `kentongan status` knows, without what only time changes."""
    status = ask_status(stage.places)
    return {name: value for name, value in status.items() if name not in {"boot_ms", "answered_ms", "nonce", "session"}}


def test_a_silent_alarm_brings_pictures_and_nothing_at_the_box_shows_it(tmp_path: Path) -> None:
    with Stage(tmp_path / "stage", cache=CACHE, kit="demo", beat_s=0.5) as stage:
        play = Play(stage)
        with play.cameras:
            play.start()
            play.until(lambda: ask_status(stage.places)["receiver"], "the centre has answered")
            silent = next(zone for zone in stage.site.zones if zone.silent)
            before = seen_at_the_box(stage)
            pin = stage.line_of(silent.id)
            stage.wires.press(pin)
            play.until(play.shots, "a picture of a silent alarm")
            assert seen_at_the_box(stage) == before
            stage.wires.release(pin)
            play.until(lambda: not play.cameras.spool, "received")
            assert seen_at_the_box(stage) == before
            (listed,) = reader.alarms(play.store)
            assert (listed.zone, listed.pictures) == (silent.id, 1)


def test_a_centre_that_a_stranger_wrote_gets_the_picture(play: Play, tmp_path: Path) -> None:
    """docs/examples/pictures.py, with the keys that its first lines ask for."""
    places, keys, seen = play.stage.centre_places, tmp_path / "keys", tmp_path / "seen"
    seen.mkdir()
    keys.mkdir()
    for path in (places.certificates / "ca.pem", places.certificates / "centre.pem", places.certificates / "centre.key",
                 places.keys / "receipt.key", places.keys / "picture-1.key"):  # fmt: skip
        shutil.copy(path, keys)
    (keys / "box.pub").write_bytes(Signer((play.stage.places.secrets / "box.key").read_bytes()).public)
    play.start()
    assert play.stage.centre.stop() == 0
    endpoint = endpoint_of(places, read_settings(places).broker)
    example = Path(__file__).parents[2] / "docs/examples/pictures.py"
    command = [sys.executable, str(example), endpoint.host, str(endpoint.port), play.stage.box, str(keys), str(seen)]
    with (tmp_path / "said").open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as child:
        try:
            play.until(lambda: b"listening" in (tmp_path / "said").read_bytes(), "it has subscribed")
            play.press()
            play.until(lambda: list(seen.iterdir()) and not play.cameras.spool, "its picture, receipted", 60.0)
            (saved,) = seen.iterdir()
            assert {saved.read_bytes()} == play.cameras.jpegs
        finally:
            child.kill()
    assert "refused" not in (tmp_path / "said").read_text()
