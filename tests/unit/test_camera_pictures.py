"""Pictures: whose, how many, sealed before they touch the disk, and gone when they are received or too old."""

import fcntl
import os
from dataclasses import replace
from pathlib import Path

import pytest
from nacl.public import SealedBox

from drivers.sim.street import JPEG
from edge.config.model import Cameras as Policy
from edge.core.words import SECOND_NS
from edge.daemons.cameras.offers import AGAIN_NS, OFFERED_MAX, Offers
from edge.daemons.cameras.sealing import OVERHEAD, digest, seal, sealed_memory
from edge.daemons.cameras.spool import KEPT_NS, Spool
from edge.daemons.cameras.voice import WAITING_MAX, Voice
from edge.link.client import LinkClient
from edge.link.frames import Done, File, Frame, Picture, Put, Work
from tests.unit.camera_box import BOOT, KEY, CameraBox, lens

ALARM = "7c1f0b2e.11"


@pytest.fixture
def box(tmp_path: Path) -> CameraBox:
    box = CameraBox(tmp_path, *(lens(number) for number in range(1, 4)))
    for number, camera in enumerate(box.street.lenses, start=1):
        box.adopts(f"kamera-{number}", camera, consent=number != 3)
    return box


def opened(box: CameraBox, picture: Picture) -> bytes:
    return SealedBox(KEY).decrypt(box.spool.read(picture))


# ---- taking them -----------------------------------------------------------------------------------------------------


def test_an_alarm_is_pictured_by_all_cameras_with_consent_three_times(box: CameraBox) -> None:
    box.alarms(ALARM)
    assert {(each.picture.camera, each.picture.frame) for each in box.spool.pictures()} == {
        ("kamera-1", 1), ("kamera-2", 1),
    }  # fmt: skip
    box.passes(6)
    pictures = [each.picture for each in box.spool.pictures()]
    assert {(each.camera, each.frame) for each in pictures} == {
        (camera, frame) for camera in ("kamera-1", "kamera-2") for frame in (1, 2, 3)
    }
    assert {(each.alarm, each.jti, each.frames, each.boot, each.kid, each.id) for each in pictures} == {
        (ALARM, "", 3, BOOT, "picture-1", "")
    }
    assert box.street.lenses[2].pictures == 0


def test_many_cameras_give_fewer_frames_each(tmp_path: Path) -> None:
    box = CameraBox(tmp_path, *(lens(number) for number in range(1, 21)))
    for number, camera in enumerate(box.street.lenses, start=1):
        box.adopts(f"kamera-{number}", camera)
    box.alarms()
    box.passes(10)
    assert len(box.spool.pictures()) == 20


def test_only_who_holds_the_centres_key_sees_it_and_the_disk_never_held_it(box: CameraBox, tmp_path: Path) -> None:
    box.alarms()
    [one, _] = box.spool.pictures()
    assert opened(box, one.picture) == JPEG
    assert one.picture.size == len(JPEG) + OVERHEAD
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"\xff\xd8\xff" not in path.read_bytes()


def test_the_same_alarm_is_pictured_once_and_answered_each_time(box: CameraBox) -> None:
    for _ in range(3):
        box.alarms(ALARM)
    box.passes(10)
    assert len(box.spool.pictures()) == 6
    assert box.dones() == [Done(ALARM, "")]
    box.alarms(ALARM)
    assert box.dones() == [Done(ALARM, "")] * 2


def test_where_the_site_lets_no_picture_leave_none_is_taken(box: CameraBox) -> None:
    before = [camera.pictures for camera in box.street.lenses]
    box.policy = Policy(snapshots=False)
    box.alarms(ALARM)
    box.works({"jti": "j1"})
    assert box.dones() == [Done(ALARM, "no-snapshots"), Done("j1", "no-snapshots")]
    assert [camera.pictures for camera in box.street.lenses] == before


def test_the_site_may_want_fewer(box: CameraBox) -> None:
    box.policy = Policy(frames=1)
    box.alarms(ALARM)
    box.passes(10)
    assert len(box.spool.pictures()) == 2


def test_an_order_for_one_camera_gives_one_picture_and_an_answer(box: CameraBox) -> None:
    box.works({"jti": "j1", "camera": "kamera-2"})
    [spooled] = box.spool.pictures()
    assert (spooled.picture.camera, spooled.picture.jti, spooled.picture.frames) == ("kamera-2", "j1", 1)
    assert box.dones() == [Done("j1", "")]


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({"camera": "tidak-ada"}, "E-CAMERA-UNKNOWN"),
        ({"camera": "kamera-3"}, "no-consent"),
        ({"kid": ""}, "no-key"),
    ],
)
def test_an_order_that_cannot_be_followed_is_answered_with_why(
    box: CameraBox, args: dict[str, str], reason: str
) -> None:
    box.works({"jti": "j1", **args})
    assert box.dones() == [Done("j1", reason)]
    assert box.spool.pictures() == []


def test_a_key_that_is_none_takes_no_picture(box: CameraBox) -> None:
    box.works({"jti": "j1"}, key=b"short")
    assert box.dones() == [Done("j1", "no-key")]
    assert sum(camera.pictures for camera in box.street.lenses) == 2  # of the adoptions


def test_where_there_is_no_camera_that_is_said(tmp_path: Path) -> None:
    box = CameraBox(tmp_path)
    box.works({"jti": "j1"})
    assert box.dones() == [Done("j1", "no-camera")]


def test_one_dead_camera_does_not_keep_the_others_from_it(box: CameraBox) -> None:
    box.street.lenses[0].dark = True
    box.works({"jti": "j1"})
    assert [each.picture.camera for each in box.spool.pictures()] == ["kamera-2"]
    assert box.dones() == [Done("j1", "")]
    box.works({"jti": "j2", "camera": "kamera-1"})
    assert box.dones()[-1] == Done("j2", "E-CAMERA-UNREACHABLE")


def test_a_picture_that_is_too_large_does_not_leave(box: CameraBox) -> None:
    box.street.lenses[0].jpeg = b"\xff\xd8" + bytes(200_000)
    box.works({"jti": "j1", "camera": "kamera-1"})
    assert box.dones() == [Done("j1", "E-CAMERA-PICTURE")]


def test_after_a_death_only_what_is_missing_of_an_alarm_is_taken(box: CameraBox) -> None:
    box.alarms(ALARM)  # the first frame of each, and then it dies
    before = {each.picture.sha256 for each in box.spool.pictures()}
    box = box.again()
    box.passes(60)
    box.alarms(ALARM)
    box.passes(10)
    pictures = [each.picture for each in box.spool.pictures()]
    assert len(before) == 2
    assert before < {each.sha256 for each in pictures}
    assert sorted((each.camera, each.frame) for each in pictures) == [
        (camera, frame) for camera in ("kamera-1", "kamera-2") for frame in (1, 2, 3)
    ]
    assert box.dones() == [Done(ALARM, "")]


# ---- the spool -------------------------------------------------------------------------------------------------------


def test_the_spool_outlives_the_daemon_and_keeps_the_number_it_was_given(box: CameraBox) -> None:
    box.alarms()
    first, second = (each.picture for each in box.spool.pictures())
    box.spool.kept(first.sha256, "7c1f0b2e.12")
    after = box.again()
    assert {each.picture.sha256: each.picture for each in after.spool.pictures()} == {
        first.sha256: replace(first, id="7c1f0b2e.12"),
        second.sha256: second,
    }
    assert opened(after, replace(first, id="7c1f0b2e.12")) == JPEG


@pytest.mark.parametrize("damage", ["cut", "grown", "other name", "flipped header", "temporary"])
def test_a_file_that_a_power_cut_left_is_no_picture(box: CameraBox, tmp_path: Path, damage: str) -> None:
    box.works({"jti": "j1", "camera": "kamera-1"})
    [path] = (tmp_path / "spool").iterdir()
    whole = path.read_bytes()
    match damage:
        case "cut":
            path.write_bytes(whole[:-1])
        case "grown":
            path.write_bytes(whole + b"x")
        case "other name":
            path.rename(path.with_name("0" * 64))
        case "flipped header":
            path.write_bytes(b"\xff\xff" + whole[2:])
        case "temporary":
            path.rename(path.with_name(f".{path.name}.17"))
    assert box.again().spool.pictures() == []
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_card_that_gives_back_other_bytes_is_not_believed(box: CameraBox, tmp_path: Path) -> None:
    box.works({"jti": "j1", "camera": "kamera-1"})
    [spooled] = box.spool.pictures()
    [path] = (tmp_path / "spool").iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    assert box.spool.read(spooled.picture) == b""
    assert box.lost == [(spooled.picture, "unreadable")]
    assert box.spool.pictures() == []


def test_what_is_older_than_three_days_goes(box: CameraBox, tmp_path: Path) -> None:
    box.works({"jti": "j1", "camera": "kamera-1"})
    box.now_ns += KEPT_NS - SECOND_NS
    box.spool.expire()
    assert box.lost == []
    box.now_ns += 2 * SECOND_NS
    box.spool.expire()
    assert [why for _, why in box.lost] == ["expired"]
    assert list((tmp_path / "spool").iterdir()) == []


def filled(folder: Path, *alarms: bool, quota: int = 1_000_000) -> tuple[Spool, list[tuple[str, str]]]:
    """Pictures of 300 kB each, of an alarm or not, the oldest first."""
    lost: list[tuple[str, str]] = []
    now = iter(range(1000))
    spool = Spool(folder, lambda picture, why: lost.append((picture.camera, why)), lambda: next(now), quota)
    spool.load()
    for number, of_alarm in enumerate(alarms):
        add(spool, f"kamera-{number}", of_alarm=of_alarm)
    return spool, lost


def add(spool: Spool, camera: str, *, of_alarm: bool, size: int = 250_000) -> Picture:
    ciphertext = camera.encode().ljust(size, b"x")
    picture = Picture("", ALARM if of_alarm else "", "", camera, 1, BOOT, 1, 1, digest(ciphertext), size, "k")
    spool.room(of_alarm=of_alarm)
    spool.enter(spool.write(picture, ciphertext))
    return picture


def test_over_its_quota_the_oldest_that_is_no_alarms_goes_first(tmp_path: Path) -> None:
    spool, lost = filled(tmp_path, True, False, False)
    add(spool, "baru", of_alarm=False)
    assert lost == [("kamera-1", "quota")]
    add(spool, "alarm", of_alarm=True)
    add(spool, "alarm-2", of_alarm=True)
    assert lost == [("kamera-1", "quota"), ("kamera-2", "quota"), ("baru", "quota")]
    add(spool, "alarm-3", of_alarm=True)
    assert lost[-1] == ("kamera-0", "quota")  # only alarms' are left: the oldest of them


def test_an_alarms_picture_never_goes_for_one_that_is_of_none(tmp_path: Path) -> None:
    spool, lost = filled(tmp_path, True, True, True)
    with pytest.raises(OSError, match="alarms"):
        add(spool, "baru", of_alarm=False)
    assert lost == []


def test_alarms_pictures_are_offered_first(tmp_path: Path) -> None:
    spool, _ = filled(tmp_path, False, True, False, quota=10_000_000)
    assert [each.picture.camera for each in spool.pictures()] == ["kamera-1", "kamera-0", "kamera-2"]


# ---- over the link ---------------------------------------------------------------------------------------------------


class Alarm(LinkClient):
    """Takes what the cameras say, and reads each file as alarm does."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.there = True
        self.frames_said: list[Frame] = []
        self.files: list[bytes] = []

    @property
    def connected(self) -> bool:
        return self.there

    def send(self, frame: Frame, descriptor: int = -1) -> None:
        self.frames_said.append(frame)
        if isinstance(frame, File):
            self.files.append(os.pread(descriptor, 1_000_000, 0))

    def offered(self) -> list[Picture]:
        return [frame.picture for frame in self.frames_said if isinstance(frame, File)]


@pytest.fixture
def alarm() -> Alarm:
    return Alarm()


def test_a_new_picture_is_offered_until_it_has_a_number(box: CameraBox, alarm: Alarm) -> None:
    box.works({"jti": "j1", "camera": "kamera-1"})
    offers = Offers(box.spool, Voice(alarm))
    offers.turn(box.now_ns)
    offers.turn(box.now_ns + SECOND_NS)
    [picture] = alarm.offered()
    assert digest(alarm.files[0]) == picture.sha256
    offers.turn(box.now_ns + AGAIN_NS)
    assert len(alarm.offered()) == 2
    offers.hear(Work("kept", {"sha256": picture.sha256, "id": "7c1f0b2e.12"}))
    offers.turn(box.now_ns + 3 * AGAIN_NS)
    assert len(alarm.offered()) == 2


def test_at_most_eight_are_offered_at_a_time(tmp_path: Path, alarm: Alarm) -> None:
    spool, _ = filled(tmp_path, *[True] * 12, quota=10_000_000)
    offers = Offers(spool, Voice(alarm))
    offers.turn(0)
    assert len(alarm.offered()) == OFFERED_MAX
    offers.hear(Work("kept", {"sha256": alarm.offered()[0].sha256, "id": "7c1f0b2e.12"}))
    offers.turn(SECOND_NS)
    assert len(alarm.offered()) == OFFERED_MAX + 1


def test_when_alarm_comes_back_all_without_a_number_are_offered_again(tmp_path: Path, alarm: Alarm) -> None:
    spool, _ = filled(tmp_path, True, True, quota=10_000_000)
    offers = Offers(spool, Voice(alarm))
    offers.turn(0)
    alarm.there = False
    offers.turn(SECOND_NS)
    alarm.there = True
    offers.greeted()
    offers.turn(2 * SECOND_NS)
    assert len(alarm.offered()) == 4


def test_a_picture_is_handed_over_again_by_its_number(box: CameraBox, alarm: Alarm) -> None:
    box.works({"jti": "j1", "camera": "kamera-1"})
    [spooled] = box.spool.pictures()
    offers = Offers(box.spool, Voice(alarm))
    offers.hear(Work("kept", {"sha256": spooled.picture.sha256, "id": "7c1f0b2e.12"}))
    offers.hear(Work("offer", {"id": "7c1f0b2e.12"}))
    assert alarm.offered() == [replace(spooled.picture, id="7c1f0b2e.12")]
    offers.hear(Work("offer", {"id": "7c1f0b2e.99"}))
    assert alarm.frames_said[-1] == Done("7c1f0b2e.99", "unknown")


def test_what_the_centre_has_and_what_alarm_refuses_is_deleted(box: CameraBox, alarm: Alarm, tmp_path: Path) -> None:
    box.alarms()
    box.passes(3)
    one, other, third, *rest = (each.picture for each in box.spool.pictures())
    offers = Offers(box.spool, Voice(alarm))
    offers.hear(Work("kept", {"sha256": one.sha256, "id": "7c1f0b2e.12"}))
    offers.hear(Work("received", {"id": "7c1f0b2e.12"}))
    offers.hear(Work("received", {"id": "7c1f0b2e.13", "sha256": third.sha256}))  # before it was called "kept"
    for each in (other, *rest):
        offers.hear(Work("refused", {"sha256": each.sha256, "reason": "quota"}))
    assert list((tmp_path / "spool").iterdir()) == []
    assert box.lost == []


@pytest.mark.parametrize("what", ["kept", "offer", "refused", "received", "key", "else"])
def test_a_word_about_a_picture_that_is_not_ours_changes_nothing(box: CameraBox, alarm: Alarm, what: str) -> None:
    box.works({"jti": "j1", "camera": "kamera-1"})
    Offers(box.spool, Voice(alarm)).hear(Work(what, {"sha256": "0" * 64, "id": "../../etc/passwd"}))
    assert len(box.spool.pictures()) == 1


def test_observations_wait_for_an_alarm_that_is_away_and_the_oldest_go_first(alarm: Alarm) -> None:
    voice = Voice(alarm)
    alarm.there = False
    for number in range(WAITING_MAX + 10):
        voice.say(Put("camera-event", "camera/a", {"n": number}))
    alarm.there = True
    voice.greeted()
    numbers = [frame.body["n"] for frame in alarm.frames_said if isinstance(frame, Put)]
    assert numbers == list(range(10, WAITING_MAX + 10))


# ---- sealing ---------------------------------------------------------------------------------------------------------


def test_a_file_in_memory_can_neither_change_nor_shrink() -> None:
    descriptor = sealed_memory(b"ciphertext")
    try:
        assert os.pread(descriptor, 100, 0) == b"ciphertext"
        every = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        assert fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & every == every
        with pytest.raises(OSError, match="not permitted"):
            os.write(descriptor, b"x")
        with pytest.raises(OSError, match="not permitted"):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"x" * 33])
def test_what_is_no_key_seals_nothing(key: bytes) -> None:
    with pytest.raises(ValueError, match="key"):
        seal(b"picture", key)
