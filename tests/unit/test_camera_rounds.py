"""The cameras of a street over hours: what is told of them, how often they are asked, and what a person is shown."""

from pathlib import Path

import msgspec
import pytest

from drivers.camera import Happening, Noticed
from drivers.sim.street import Lens
from edge.core.words import SECOND_NS
from edge.daemons.cameras.watching import BURST, REFILL_NS, STREET_BURST, STREET_REFILL_NS, Sieve
from edge.link import counter
from edge.link.frames import PUT_LIMIT
from tests.unit.camera_box import CameraBox, lens

STREET = 50


def street(folder: Path, count: int = STREET) -> CameraBox:
    """All of them adopted."""
    box = CameraBox(folder, *(lens(number) for number in range(1, count + 1)))
    for number, camera in enumerate(box.street.lenses, start=1):
        box.adopts(f"kamera-{number:02}", camera)
    box.said.clear()
    return box


def test_a_blackout_of_fifty_is_one_event_and_so_is_its_end(tmp_path: Path) -> None:
    box = street(tmp_path)
    box.passes(120)
    for camera in box.street.lenses:
        camera.dark = True
    box.passes(300)
    [dark] = box.puts()
    assert (dark.name, dark.subject, dark.body["dark"], dark.body["count"]) == ("cameras-dark", "cameras", True, STREET)
    assert set(box.health().values()) == {"unreachable"}
    for at, camera in enumerate(box.street.lenses):  # they start one after the other
        camera.dark = False
        box.passes(1 if at % 2 else 2)
    box.passes(300)
    assert [(put.name, put.body["dark"], put.body["count"]) for put in box.puts()[1:]] == [
        ("cameras-dark", False, STREET)
    ]
    assert set(box.health().values()) == {"up"}


def test_a_blackout_during_which_the_box_starts_again_ends_as_one_event(tmp_path: Path) -> None:
    box = street(tmp_path, 5)
    for camera in box.street.lenses:
        camera.dark = True
    box.passes(300)
    box = box.again()
    box.passes(120)
    assert box.puts() == []  # it was told before
    for camera in box.street.lenses:
        camera.dark = False
    box.passes(300)
    assert [put.body["dark"] for put in box.puts()] == [False]


def test_one_camera_alone_is_told_by_name_with_its_code(tmp_path: Path) -> None:
    box = street(tmp_path, 5)
    box.street.lenses[2].dark = True
    box.passes(300)
    [put] = box.puts()
    assert (put.name, put.subject) == ("camera-health", "camera/kamera-03")
    assert put.body == {"health": "unreachable", "was": "up", "code": "E-CAMERA-UNREACHABLE"}


def test_a_quiet_street_says_nothing_and_is_asked_for_its_login_once_an_hour(tmp_path: Path) -> None:
    box = street(tmp_path, 3)
    before = [camera.taken for camera in box.street.lenses]
    scans = box.street.scans
    box.passes(3 * 3600 + 300)
    assert box.puts() == []
    assert [camera.taken - was for camera, was in zip(box.street.lenses, before, strict=True)] == [3, 3, 3]
    assert box.street.scans - scans in {3, 4}


def test_hellos_bring_a_scan_but_a_storm_of_them_does_not_bring_many(tmp_path: Path) -> None:
    box = street(tmp_path, 1)
    box.passes(60)
    scans = box.street.scans
    box.rounds.hint(box.now_ns)
    box.passes(5)
    assert box.street.scans == scans + 1
    for _ in range(60):
        box.rounds.hint(box.now_ns)
        box.passes(1)
    assert box.street.scans <= scans + 4


def test_a_new_firmware_is_told(tmp_path: Path) -> None:
    box = street(tmp_path, 1)
    box.street.lenses[0].firmware = "2.0"
    box.passes(3700)
    [put] = box.puts("camera")
    assert put.body == {"what": "changed", "firmware": "2.0", "was": "1.0"}


def test_a_clock_that_is_wrong_is_said_and_the_camera_is_used_all_the_same(tmp_path: Path) -> None:
    box = street(tmp_path, 1)
    box.street.lenses[0].offset_s = 7 * 3600.0
    box.passes(3700)
    assert box.health() == {"kamera-01": "clock-wrong"}
    box.alarms()
    assert len(box.spool.pictures()) == 1


def test_what_is_told_fits_into_an_observation_whatever_the_names(tmp_path: Path) -> None:
    box = CameraBox(tmp_path, *(lens(number) for number in range(1, 64)))
    for number, camera in enumerate(box.street.lenses, start=1):
        box.adopts(f"kamera-depan-{number:03}", camera)
        camera.dark = True
    box.said.clear()
    box.passes(400)
    [put] = box.puts()
    assert len(str(put.body["names"]).split()) == 63
    assert len(msgspec.json.encode(put.body)) < PUT_LIMIT


def test_without_a_network_it_waits_for_one(tmp_path: Path) -> None:
    box = street(tmp_path, 1)
    box = box.again()
    box.street.networks = False
    box.passes(100)
    scans = box.street.scans
    assert 2 <= scans <= 12
    box.street.networks = True
    box.passes(60)
    assert box.health() == {"kamera-01": "up"}


# ---- what people are shown -------------------------------------------------------------------------------------------


def test_a_scan_shows_twins_as_two_and_ours_by_its_name(tmp_path: Path) -> None:
    twin = Lens("10.0.0.9", epr="urn:uuid:1")
    box = CameraBox(tmp_path, lens(1), lens(2), twin)
    box.adopts("gerbang", box.street.lenses[1])
    answers = box.asks(counter.Scan())
    assert answers[-1] == counter.Finished()
    found = {each.host: each for each in answers if isinstance(each, counter.Found)}  # the last word on each
    assert {host: (each.adopted, each.twins) for host, each in found.items()} == {
        "10.0.0.1": ("", 1),
        "10.0.0.2": ("gerbang", 0),
        "10.0.0.9": ("", 1),
    }


def test_a_sweep_tells_how_far_it_is(tmp_path: Path) -> None:
    box = CameraBox(tmp_path, lens(1, hidden=True))
    answers = box.asks(counter.Scan(sweep=True, networks=("10.0.0.0/24",)))
    assert [type(each) for each in answers] == [counter.Progress, counter.Found, counter.Finished]


def test_a_scan_without_a_network_is_refused_with_what_to_do(tmp_path: Path) -> None:
    box = CameraBox(tmp_path)
    box.street.networks = False
    [refused] = box.asks(counter.Scan())
    assert isinstance(refused, counter.Refused)
    assert refused.code == "E-CAMERA-NO-NETWORK"


def test_an_address_that_was_typed_is_looked_at(tmp_path: Path) -> None:
    box = CameraBox(tmp_path, lens(1, port=8000))
    found, end = box.asks(counter.Look("10.0.0.1"))
    assert isinstance(found, counter.Found)
    assert (found.port, end) == (8000, counter.Finished())
    [refused] = box.asks(counter.Look("10.0.0.2", 80))
    assert isinstance(refused, counter.Refused)
    assert (refused.code, refused.facts["where"]) == ("E-CAMERA-UNREACHABLE", "10.0.0.2:80")
    assert refused.facts["name"] == "10.0.0.2"  # it has no name yet, and a sentence about it needs one


def test_the_list_comes_in_frames_that_fit_and_shows_conflicts(tmp_path: Path) -> None:
    box = CameraBox(tmp_path, *(lens(number, serial="SAME" if number < 3 else f"S{number}") for number in range(1, 21)))
    for number, camera in enumerate(box.street.lenses, start=1):
        box.adopts(f"kamera-{number:02}", camera)
    *lists, end = box.asks(counter.List())
    assert end == counter.Finished()
    shown = [camera for each in lists if isinstance(each, counter.Listed) for camera in each.cameras]
    assert [camera.name for camera in shown] == [f"kamera-{number:02}" for number in range(1, 21)]
    assert [camera.conflicts for camera in shown[:3]] == [("kamera-02: serial",), ("kamera-01: serial",), ()]


def test_a_frame_of_the_list_has_room_for_the_longest(tmp_path: Path) -> None:
    long = "x" * 128
    worst = counter.Shown(
        "n" * 16, "255.255.255.255", 65535, "wrong-password", 2**40, "E-CAMERA-NOT-OFFERED", waiting=True, login=True,
        consent=True, events=True, epr=long, manufacturer=long, model=long, firmware=long, serial=long, mac="a" * 12,
        conflicts=(f"{'n' * 16}: serial",) * 8, pictures=10**6,
    )  # fmt: skip
    from edge.daemons.cameras.clerk import SHOWN_AT_ONCE

    counter.pack(counter.Listed((worst,) * SHOWN_AT_ONCE))


@pytest.mark.parametrize("request_", [counter.Forget("tidak-ada"), counter.Test("tidak-ada")])
def test_a_name_that_nobody_gave_is_refused(tmp_path: Path, request_: counter.Request) -> None:
    assert CameraBox(tmp_path).asks(request_) == [counter.Refused("E-CAMERA-UNKNOWN", {"name": "tidak-ada"})]


def test_a_test_says_each_step_and_why_it_ended(tmp_path: Path) -> None:
    box = street(tmp_path, 1)
    box.street.lenses[0].jpeg = b""
    *steps, end = box.asks(counter.Test("kamera-01"))
    assert [(step.step, step.code) for step in steps if isinstance(step, counter.Tested)] == [
        ("clock", ""),
        ("login", ""),
        ("picture", "E-CAMERA-PICTURE"),
    ]
    assert isinstance(end, counter.Refused)
    assert end.code == "E-CAMERA-PICTURE"


# ---- motion ----------------------------------------------------------------------------------------------------------


def noticed(at_s: float, *, active: bool = True, source: str = "1") -> Noticed:
    return Noticed(Happening.MOTION, active, source, int(at_s * SECOND_NS))


def test_what_is_said_twice_is_told_once() -> None:
    sieve = Sieve()
    assert [sieve.passes("a", noticed(at)) for at in (1, 2, 3)] == [True, False, False]
    assert sieve.passes("a", noticed(4, active=False))
    assert sieve.passes("b", noticed(4))


def test_a_tree_in_the_wind_is_told_at_a_limited_rate() -> None:
    sieve = Sieve()
    passed = sum(sieve.passes("a", noticed(at / 10, active=at % 2 == 0)) for at in range(6000))
    assert BURST <= passed <= BURST + 600 * SECOND_NS // REFILL_NS
    assert sieve.passed_over


def test_a_street_in_the_wind_is_told_no_faster_than_alarm_takes_it() -> None:
    sieve = Sieve()
    passed = sum(
        sieve.passes(f"kamera-{number}", noticed(at, active=at % 2 == 0)) for at in range(600) for number in range(16)
    )
    assert STREET_BURST <= passed <= STREET_BURST + 600 * SECOND_NS // STREET_REFILL_NS


def test_after_a_pause_the_first_change_is_told_at_once() -> None:
    sieve = Sieve()
    for at in range(100):
        sieve.passes("a", noticed(at / 10, active=at % 2 == 0))
    assert sieve.passes("a", noticed(120, active=True, source="2"))


# ---- what nobody foresaw ---------------------------------------------------------------------------------------------


def test_an_exception_in_a_thread_or_in_the_loop_costs_that_camera_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = street(tmp_path, 2)
    box.passes(30)
    planted = [ZeroDivisionError("planted"), RuntimeError("planted")]

    def raises(*_args: object) -> None:
        if planted:
            raise planted.pop()

    monkeypatch.setattr("edge.daemons.cameras.rounds.Rounds._looked", raises)  # in the loop
    box.passes(40)
    monkeypatch.undo()
    assert planted == []
    monkeypatch.setattr("edge.daemons.cameras.looks.Look.run", raises)  # in its thread
    planted.append(ZeroDivisionError("planted"))
    box.passes(200)
    monkeypatch.undo()
    assert planted == []
    box.street.lenses[0].dark = True
    box.passes(300)
    assert box.health() == {"kamera-01": "unreachable", "kamera-02": "up"}
    box.street.lenses[0].dark = False
    box.passes(300)
    assert box.health() == {"kamera-01": "up", "kamera-02": "up"}
