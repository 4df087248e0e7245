"""A box that is lost is seen to be lost, in bounded time, whatever takes it; one that is back is seen to be back."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.mqtt import KEEPALIVE_S, WILL_DELAY_S
from edge.centre import reader
from edge.centre.standing import LOST_WITHIN_S, MARGIN_S, Standing
from edge.field.children import Child
from edge.field.stage import Home, Scene
from tests.daemons import hasty_relay

CACHE = Path(__file__).parents[2] / ".cache"
BEAT_S = 0.5
BROKER_LOOKS_S = 5.0  # mosquitto goes through its clients every few seconds
HASTY_S = 1.5 * hasty_relay.KEEPALIVE_S + hasty_relay.WILL_DELAY_S + BROKER_LOOKS_S + MARGIN_S


def test_a_lost_box_is_seen_within_ninety_seconds_with_the_intervals_of_a_real_one() -> None:
    """MQTT 5, 3.1.2.10: closed after one and a half keepalives; 3.1.3.2.2: then the will waits for its delay."""
    assert 1.5 * KEEPALIVE_S + WILL_DELAY_S + MARGIN_S <= LOST_WITHIN_S
    assert LOST_WITHIN_S == 90


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Scene(tmp_path, cache=CACHE) as made:
        made.start()
        yield made


@pytest.fixture
def home(scene: Scene, tmp_path: Path) -> Iterator[tuple[Home, Child]]:
    """Its relay has short intervals."""
    home = scene.home("kotak", kit="lab", beat_s=BEAT_S)
    command = [sys.executable, "-m", "tests.daemons.hasty_relay", "--root", str(home.places.root)]
    relay = Child("relay", command, tmp_path / "hasty.log", {"CREDENTIALS_DIRECTORY": str(home.places.secrets)})
    home.alarm.start()
    home.alarm.wait_ready()
    with relay:
        yield home, relay


def standing(scene: Scene) -> Standing | None:
    boxes = reader.boxes(scene.centre_places.store, time.time_ns(), silent_s=20.0)
    return boxes[0].standing if boxes else None


def seen_after(scene: Scene, wanted: Standing, within_s: float) -> float:
    """Seconds until the centre shows it so."""
    began = time.monotonic()
    while standing(scene) is not wanted:
        assert time.monotonic() - began < within_s, f"not {wanted} within {within_s} s"
        time.sleep(0.1)
    return time.monotonic() - began


def cut(home: Home, relay: Child, how: str) -> Callable[[], None]:
    """What takes the box away; call the answer to bring it back."""
    if how == "stopped":
        relay.signal(signal.SIGSTOP)
        return lambda: relay.signal(signal.SIGCONT)
    home.cable.hush() if how == "silent" else home.cable.pull()
    return home.cable.plug


@pytest.mark.parametrize("how", ["stopped", "silent", "pulled"])
def test_a_box_that_is_cut_off_is_lost_in_bounded_time_and_online_when_it_is_back(
    scene: Scene, home: tuple[Home, Child], how: str
) -> None:
    seen_after(scene, Standing.ONLINE, 30.0)
    bring_back = cut(*home, how)
    took_s = seen_after(scene, Standing.LOST, HASTY_S)
    assert took_s >= hasty_relay.WILL_DELAY_S / 2  # a flap is no loss
    (box,) = reader.boxes(scene.centre_places.store, time.time_ns())
    assert box.standing_age_s is not None
    assert box.standing_age_s < took_s
    bring_back()
    seen_after(scene, Standing.ONLINE, 60.0)


def test_a_box_whose_alarm_daemon_hangs_is_silent_though_its_session_lives(
    scene: Scene, home: tuple[Home, Child]
) -> None:
    seen_after(scene, Standing.ONLINE, 30.0)
    home[0].alarm.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        while (box := reader.boxes(scene.centre_places.store, time.time_ns(), silent_s=3.0)[0]) and (
            box.standing is not Standing.SILENT
        ):
            assert time.monotonic() - began < 30.0
            time.sleep(0.1)
        assert box.beat_age_s is not None
        assert box.beat_age_s >= 3.0
    finally:
        home[0].alarm.signal(signal.SIGCONT)
