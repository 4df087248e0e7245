"""kentongan-cameras as a process among simulated cameras: found, adopted, watched; no second wrong password."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from drivers.sim.camera import Proof, Quirk
from edge.config.places import Places
from edge.link import counter
from tests.daemons.camera_world import CameraWorld, name_of, refused
from tests.sim_cameras import needs_multicast, specs

KILLS = 20


@pytest.fixture
def world(tmp_path: Path, root: Path) -> Iterator[CameraWorld]:
    with CameraWorld(tmp_path / "world", Places(root), specs(3)) as world:
        yield world


@needs_multicast
def test_a_scan_finds_them_and_adoption_makes_one_ours(world: CameraWorld) -> None:
    world.start()
    *found, end = world.asks(counter.Scan())
    assert end == counter.Finished()
    assert {each.host: each.epr for each in found if isinstance(each, counter.Found)} == {
        spec.host: spec.epr for spec in world.specs
    }
    assert [camera.logins for camera in world.town] == [[], [], []]
    *steps, end = world.adopts(world.specs[0], consent=True)
    assert end == counter.Finished("kamera-01")
    assert [(step.step, step.code) for step in steps if isinstance(step, counter.Tested)] == [
        ("clock", ""), ("login", ""), ("picture", ""),
    ]  # fmt: skip
    shown = world.shown()["kamera-01"]
    spec = world.specs[0]
    assert (shown.health, shown.model, shown.serial, shown.firmware) == ("up", spec.model, spec.serial, spec.firmware)
    world.looked_on()
    assert [bool(camera.logins) for camera in world.town] == [True, False, False]


def test_an_address_is_adopted_by_hand_and_a_wrong_password_is_said(world: CameraWorld) -> None:
    world.start()
    spec = world.specs[1]
    wrong = counter.Adopt("pos", spec.host, spec.port, user=spec.user, password="salah")
    refusal = world.asks(wrong)[-1]
    assert isinstance(refusal, counter.Refused)
    assert refusal.code == "E-CAMERA-PASSWORD"
    again = world.asks(wrong)[-1]
    assert isinstance(again, counter.Refused)
    assert again.code == "E-CAMERA-PASSWORD"
    assert refused(world.town) == [0, 1, 0]
    assert world.asks(replace(wrong, password=spec.password))[-1] == counter.Finished("pos")


def test_a_password_changed_on_the_device_costs_one_attempt_whatever_dies(world: CameraWorld) -> None:
    world.adopted_before()
    world.start()
    world.all_are("up")
    world.town[0].password = "kunci-baru"
    world.daemon.kill()
    world.start()
    world.until(lambda: world.shown()["kamera-01"].health == "wrong-password", "wrong-password")
    for _ in range(3):
        world.daemon.kill()
        world.start()
        world.looked_on()
        world.asks(counter.Test("kamera-01"))
    assert refused(world.town) == [1, 0, 0]
    assert world.shown()["kamera-01"].waiting
    assert {camera.health for camera in world.shown().values()} == {"wrong-password", "up"}
    wish = counter.Adopt("kamera-01", world.specs[0].host, world.specs[0].port, user="admin", password="kunci-baru")
    assert world.asks(wish)[-1] == counter.Finished("kamera-01")
    assert refused(world.town) == [1, 0, 0]


@needs_multicast
def test_a_re_addressed_camera_is_found_and_its_login_goes_nowhere_else(world: CameraWorld) -> None:
    world.adopted_before()
    world.start()
    world.all_are("up")
    there = world.specs[0].host.rpartition(".")[0] + ".200"
    world.town[0].move(there)
    world.daemon.kill()
    world.start()
    world.until(lambda: world.shown()["kamera-01"].host == there, "its new address")
    world.all_are("up")
    assert refused(world.town) == [0, 0, 0]


def test_a_camera_without_power_is_told_and_comes_back(world: CameraWorld) -> None:
    world.adopted_before()
    world.start()
    world.all_are("up")
    world.town[1].off()
    world.until(lambda: world.shown()["kamera-02"].health == "unreachable", "unreachable")
    assert world.shown()["kamera-02"].code == "E-CAMERA-UNREACHABLE"
    world.town[1].on()
    world.all_are("up")


def test_no_word_of_a_login_is_in_the_log_and_none_was_sent_in_the_clear(world: CameraWorld) -> None:
    world.adopted_before(events=True)
    world.start()
    world.all_are("up")
    world.town[0].password = "lain"
    world.asks(counter.Test("kamera-01"))
    said = world.daemon.output()
    for spec in world.specs:
        assert spec.password not in said
    assert not {visit.proof for camera in world.town for visit in camera.logins} & {Proof.BASIC, Proof.WSSE_TEXT}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twenty_kills_leave_no_more_than_two_subscriptions(world: CameraWorld, seed: int) -> None:
    """At any moment, also between asking for one and hearing of it: then the next life waits until it has ended."""
    chance = Random(seed)
    world.adopted_before(events=True)
    for _ in range(KILLS):
        world.starts_and_settles()
        time.sleep(chance.uniform(0.0, 0.5))
        world.daemon.kill()
    made = [camera.subscriptions_made for camera in world.town]
    world.start()
    world.until(
        lambda: all(camera.subscriptions_made > before for camera, before in zip(world.town, made, strict=True)),
        "a subscription of its own on each",
        2 * 60.0,
    )
    peaks = [camera.subscriptions_peak for camera in world.town]
    print(f"{KILLS} kills: {made} subscriptions made, at most {peaks} at once")
    assert sum(made) > len(made)  # it was killed with subscriptions, too
    assert max(peaks) <= 2
    world.stops()
    left = [camera.subscriptions for camera in world.town]
    assert sum(left) <= 1, left  # one that is being asked for at that moment ends by itself within a minute


@pytest.mark.slow
def test_hostile_cameras_do_not_keep_the_others_from_being_looked_at(tmp_path: Path, root: Path) -> None:
    quirks = (Quirk.DRIP_BODY, Quirk.SILENT, Quirk.HUGE_SOAP, Quirk.BOMB_SOAP, Quirk.REDIRECT, Quirk.SLAM)
    street = specs(len(quirks) + 2)
    hosts = [spec.host for spec in street]
    with CameraWorld(tmp_path / "world", Places(root), street) as world:
        world.adopted_before()
        world.start()
        world.all_are("up")
        for camera, quirk in zip(world.town, quirks, strict=False):
            camera.turn(quirk)
        healthy = {name_of(spec) for spec in street[len(quirks) :]}
        world.until(lambda: world.named("up") == healthy, "only the honest up", 90.0)
        began = time.monotonic()
        assert world.asks(counter.Test("kamera-08"))[-1] == counter.Finished("kamera-08")
        print(f"a test of an honest one among {len(quirks)} hostile ones: {time.monotonic() - began:.2f} s")
        print(f"memory: {world.memory_mb():.1f} MB")
        assert [camera.elsewhere for camera in world.town if camera.host in hosts] == [[]] * len(street)


def test_fifty_are_looked_after_within_their_memory(tmp_path: Path, root: Path) -> None:
    with CameraWorld(tmp_path / "world", Places(root), specs(50), check_s=2.0) as world:
        world.adopted_before()
        world.start()
        began = time.monotonic()
        world.all_are("up", 90.0)
        print(f"50 up after {time.monotonic() - began:.1f} s, {world.memory_mb():.1f} MB")
        assert refused(world.town) == [0] * 50
        assert world.memory_mb() < 128  # its unit's limit
