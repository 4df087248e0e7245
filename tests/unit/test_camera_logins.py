"""A login goes to the camera that a human adopted, where it seems to be that one, and not again once it was refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.camera import Login
from drivers.sim.street import PLAIN, Lens, Street
from edge.core.words import SECOND_NS
from edge.daemons.cameras.roll import STAKED_NS
from edge.link import counter
from tests.unit.camera_box import CameraBox, lens

WRONG = Login("admin", "salah")
NEW = Login("admin", "baru")


@pytest.fixture
def gate() -> Lens:
    return lens(1)


@pytest.fixture
def box(tmp_path: Path, gate: Lens) -> CameraBox:
    return CameraBox(tmp_path, gate, lens(2), lens(3))


def adopt(lens: Lens, login: Login, name: str = "gerbang") -> counter.Adopt:
    return counter.Adopt(name, lens.host, lens.port, lens.epr, login.user, login.password, consent=True)


def sent(box: CameraBox) -> int:
    return sum(lens.taken + len(lens.refused) for lens in box.street.lenses)


# ---- adoption --------------------------------------------------------------------------------------------------------


def test_a_scan_and_hours_of_life_send_no_login_to_what_nobody_adopted(box: CameraBox, gate: Lens) -> None:
    box.asks(counter.Scan())
    box.adopts("gerbang", gate)
    box.passes(4000)
    assert [lens.taken + len(lens.refused) for lens in box.street.lenses][1:] == [0, 0]


def test_adoption_tries_the_login_once_and_says_what_is_wrong(box: CameraBox, gate: Lens) -> None:
    answers = box.asks(adopt(gate, WRONG))
    assert answers[-1] == counter.Refused("E-CAMERA-PASSWORD", {"name": "gerbang", "where": "10.0.0.1:80"})
    assert gate.refused == [WRONG]
    assert box.roll.all() == ()


def test_the_same_wrong_login_is_not_tried_a_second_time(box: CameraBox, gate: Lens) -> None:
    box.asks(adopt(gate, WRONG))
    assert box.asks(adopt(gate, WRONG)) == [counter.Refused("E-CAMERA-PASSWORD", {"name": "gerbang"})]
    assert gate.refused == [WRONG]
    assert box.asks(adopt(gate, PLAIN))[-1] == counter.Finished("gerbang")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"dark": True}, "E-CAMERA-UNREACHABLE"),
        ({"onvif": False}, "E-CAMERA-NOT-ONVIF"),
        ({"slow": True}, "E-CAMERA-SLOW"),
        ({"clock_refused": True}, "E-CAMERA-CLOCK"),
    ],
)
def test_what_keeps_it_from_being_adopted_is_said_by_its_code(
    box: CameraBox, gate: Lens, wrong: dict[str, bool], code: str
) -> None:
    for name, value in wrong.items():
        setattr(gate, name, value)
    last = box.asks(adopt(gate, PLAIN))[-1]
    assert isinstance(last, counter.Refused)
    assert last.code == code
    assert box.roll.all() == ()


def test_another_device_than_the_one_that_was_shown_gets_no_login(box: CameraBox, gate: Lens) -> None:
    wish = replace(adopt(gate, PLAIN), epr="urn:uuid:other")
    last = box.asks(wish)[-1]
    assert isinstance(last, counter.Refused)
    assert last.code == "E-CAMERA-STRANGER"
    assert sent(box) == 0


def test_a_camera_without_a_picture_is_ours_and_says_so(box: CameraBox, gate: Lens) -> None:
    gate.jpeg = b""
    assert box.asks(adopt(gate, PLAIN))[-1] == counter.Finished("gerbang")
    assert box.health() == {"gerbang": "no-picture"}
    box.passes(4000)  # its login is tried each hour, and is good: that makes no picture
    assert box.health() == {"gerbang": "no-picture"}
    gate.jpeg = b"\xff\xd8" + b"x" * 100 + b"\xff\xd9"
    assert box.asks(counter.Test("gerbang"))[-1] == counter.Finished("gerbang")
    assert box.health() == {"gerbang": "up"}


def test_one_camera_has_one_name(box: CameraBox, gate: Lens) -> None:
    box.adopts("gerbang", gate)
    last = box.asks(adopt(gate, PLAIN, "pintu"))[-1]
    assert last == counter.Refused("E-CAMERA-TAKEN", {"name": "gerbang", "where": "10.0.0.1:80"})


def test_adopting_a_name_again_replaces_its_login(box: CameraBox, gate: Lens) -> None:
    before = box.adopts("gerbang", gate)
    gate.login = NEW
    assert box.asks(adopt(gate, NEW))[-1] == counter.Finished("gerbang")
    after = box.roll.get("gerbang")
    assert after is not None
    assert after.login != before.login
    assert box.store.login(after) == NEW


# ---- a password that was changed on the device -----------------------------------------------------------------------


def test_a_changed_password_costs_one_attempt_and_then_silence(box: CameraBox, gate: Lens) -> None:
    box.adopts("gerbang", gate)
    gate.login = NEW
    box.passes(3 * 3600)
    box.alarms()
    box.asks(counter.Test("gerbang"))
    assert gate.refused == [PLAIN]
    assert box.health()["gerbang"] == "wrong-password"


def test_the_silence_outlives_restarts(box: CameraBox, gate: Lens) -> None:
    box.adopts("gerbang", gate)
    gate.login = NEW
    box.passes(3700)
    for _ in range(5):
        box = box.again()
        box.passes(3700)
        box.alarms(f"7c1f0b2e.{box.now_ns}")
    assert gate.refused == [PLAIN]
    assert box.health()["gerbang"] == "wrong-password"


def test_a_new_login_ends_the_silence(box: CameraBox, gate: Lens) -> None:
    box.adopts("gerbang", gate)
    gate.login = NEW
    box.passes(3700)
    box = box.again()
    assert box.asks(adopt(gate, NEW))[-1] == counter.Finished("gerbang")
    box.passes(3700)
    assert gate.refused == [PLAIN]
    assert box.health() == {"gerbang": "up"}


class Died(BaseException):
    """The process was killed there."""


def test_a_death_between_sending_and_writing_is_followed_by_half_an_hour_of_silence(
    box: CameraBox, gate: Lens, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.adopts("gerbang", gate)
    gate.login = NEW
    box = box.again()
    monkeypatch.setattr(box.roll, "_fate", die)
    with pytest.raises(Died):
        box.passes(60)
    for _ in range(20):
        box = box.again(after_s=1)
        box.passes(60)
    assert len(gate.refused) == 1
    box.passes(STAKED_NS / SECOND_NS + 120)
    assert len(gate.refused) == 2  # the one whose fate nobody knew, and no other
    box = box.again()
    box.passes(7200)
    assert len(gate.refused) == 2


def die(*_args: object) -> None:
    raise Died


def test_for_an_alarm_a_login_that_was_good_is_worth_a_second_try(
    box: CameraBox, gate: Lens, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.adopts("gerbang", gate)
    box = box.again()
    monkeypatch.setattr(box.roll, "_fate", die)
    with pytest.raises(Died):
        box.passes(60)
    box = box.again(after_s=1)
    box.passes(10)
    box.works({"jti": "1"})
    assert box.spool.pictures() == []
    box.alarms()
    assert len(box.spool.pictures()) == 1


def test_a_card_that_takes_nothing_does_not_forget_a_refusal(
    box: CameraBox, gate: Lens, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.adopts("gerbang", gate)
    gate.login = NEW
    monkeypatch.setattr("edge.daemons.cameras.store.write_atomically", full)
    box.passes(3 * 3600)
    box.alarms()
    assert gate.refused == [PLAIN]


def full(*_args: object, **_named: object) -> None:
    raise OSError(28, "No space left on device")


# ---- identity --------------------------------------------------------------------------------------------------------


def test_a_camera_with_a_new_address_is_bound_there_and_gets_its_login_nowhere_else(box: CameraBox, gate: Lens) -> None:
    box.adopts("gerbang", gate)
    taken = gate.taken
    gate.host = "10.0.0.77"
    box.passes(900)
    camera = box.roll.get("gerbang")
    assert camera is not None
    assert camera.host == "10.0.0.77"
    assert [put.body["what"] for put in box.puts("camera")] == ["adopted", "moved"]
    assert gate.taken > taken
    assert [lens.taken + len(lens.refused) for lens in box.street.lenses[1:]] == [0, 0]
    assert box.health() == {"gerbang": "up"}


def test_what_sits_at_its_old_address_gets_nothing(box: CameraBox, gate: Lens) -> None:
    """After a blackout the addresses are dealt anew."""
    box.adopts("gerbang", gate)
    other = box.street.lenses[1]
    gate.host, other.host = other.host, gate.host
    box = box.again()
    box.passes(900)
    assert (other.taken, other.refused) == (0, [])
    camera = box.roll.get("gerbang")
    assert camera is not None
    # At its old address something speaks ONVIF, so nothing was bound anew: that is for a human to see.
    assert camera.host == "10.0.0.1"
    assert box.roll.shown(box.now_ns)[0].code in {"E-CAMERA-STRANGER", "E-CAMERA-DOUBT"}


def test_a_forged_twin_gets_no_login(box: CameraBox, gate: Lens) -> None:
    box.adopts("gerbang", gate)
    forged = Lens("10.0.0.66", epr=gate.epr, mac=gate.mac)
    box.street.lenses.append(forged)
    box.passes(4000)
    gate.dark = True
    forged2 = Lens("10.0.0.67", epr=gate.epr, mac=gate.mac)
    box.street.lenses.append(forged2)
    box.passes(4000)
    assert (forged.taken, forged.refused, forged2.taken, forged2.refused) == (0, [], 0, [])
    assert box.health() == {"gerbang": "unreachable"}


def test_one_that_takes_the_login_and_is_another_is_a_stranger_from_then_on(box: CameraBox, gate: Lens) -> None:
    box.adopts("gerbang", gate)
    gate.serial = "OTHER"
    box.passes(3700)
    taken = gate.taken
    box.passes(2 * 3600)
    box.alarms()
    assert gate.taken == taken
    assert box.roll.shown(box.now_ns)[0].code == "E-CAMERA-STRANGER"
    assert box.health() == {"gerbang": "unreachable"}


def test_a_camera_that_answers_no_probe_is_looked_for_at_its_address(box: CameraBox, gate: Lens) -> None:
    box.adopts("gerbang", gate)
    gate.hidden = True
    box = box.again()
    taken = gate.taken
    box.passes(120)
    assert box.health() == {"gerbang": "up"}
    assert gate.taken > taken


# ---- what is on disk and in words ------------------------------------------------------------------------------------


def test_logins_are_in_their_own_file_alone_and_readable_by_us_alone(
    box: CameraBox, gate: Lens, tmp_path: Path
) -> None:
    gate.login = Login("pemilik", "kenari-kuning")
    wish = counter.Adopt("gerbang", gate.host, gate.port, gate.epr, "pemilik", "kenari-kuning", consent=True)
    answers = box.asks(wish)
    box.asks(counter.List())
    box.alarms()
    said = repr((answers, box.said, box.asks(counter.List()), box.roll.all(), box.store, vars(box.store)))
    assert "kenari-kuning" not in said
    holding = [path.name for path in tmp_path.rglob("*") if path.is_file() and b"kenari-kuning" in path.read_bytes()]
    assert holding == ["credentials.json"]
    assert (tmp_path / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_forgetting_takes_the_login_and_the_pictures_along(box: CameraBox, gate: Lens, tmp_path: Path) -> None:
    box.adopts("gerbang", gate)
    box.alarms()
    box.passes(10)
    assert box.spool.pictures()
    assert box.asks(counter.Forget("gerbang")) == [counter.Finished("gerbang")]
    assert (tmp_path / "credentials.json").read_bytes() == b"{}"
    assert list((tmp_path / "spool").iterdir()) == []
    assert box.health() == {}
    assert box.puts("camera")[-1].body == {"what": "forgotten"}


def test_a_broken_file_is_set_aside_and_told(box: CameraBox, gate: Lens, tmp_path: Path) -> None:
    box.adopts("gerbang", gate)
    (tmp_path / "credentials.json").write_bytes(b'{"gerbang": {"number": 1, "user": "admin", "password": 7}}')
    after = box.again()
    assert (tmp_path / "credentials.json.broken").exists()
    assert len(after.broken) == 1
    assert "admin" not in after.broken[0]
    camera = after.roll.get("gerbang")
    assert camera is not None
    assert camera.login == 0


def test_a_login_of_nobody_is_taken_off_the_disk(box: CameraBox, gate: Lens, tmp_path: Path) -> None:
    """The process died between the two files."""
    box.adopts("gerbang", gate)
    (tmp_path / "inventory.json").unlink()
    box.again()
    assert (tmp_path / "credentials.json").read_bytes() == b"{}"


def test_nothing_is_sent_on_the_network_while_no_camera_is_ours(tmp_path: Path) -> None:
    box = CameraBox(tmp_path, street=Street(lens(1)))
    box.passes(7200)
    assert box.street.scans == 0
