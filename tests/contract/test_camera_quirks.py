"""Every way in which the simulated camera is broken, met by the driver: what works, or the one reason why not."""

import time
from collections.abc import Collection, Iterator

import pytest

from drivers.camera import (
    DEADLINE_S,
    PICTURE_S,
    Address,
    CameraFault,
    Candidate,
    Facts,
    Hostile,
    Login,
    NoPicture,
    Slow,
    Unreachable,
    WrongPassword,
)
from drivers.onvif import OnvifCamera, OnvifCameras
from drivers.sim.camera import Quirk, SimCamera, SimCameras, Spec
from tests.sim_cameras import specs

CANARY = "kunci-kamera"
LIMIT = 200_000
SLACK_S = 0.5  # three workers on two cores

# What hides a camera from a search, or betrays one, is no matter of a conversation with it.
DISCOVERY = {
    Quirk.SAME_MESSAGE_IDS, Quirk.SAME_EPR, Quirk.INSTANCE_ABC, Quirk.ONLY_NVT, Quirk.ONLY_DEVICE, Quirk.ONLY_TYPELESS,
    Quirk.RELATES_TO_NOTHING, Quirk.BOMB_PROBE, Quirk.NESTED_PROBE, Quirk.DEAF,
}  # fmt: skip
WORKS = {
    Quirk.HOST_OTHER, Quirk.HOST_LOOPBACK, Quirk.HOST_CLOUD, Quirk.HOST_PORT_TWICE, Quirk.NO_GET_SERVICES,
    Quirk.NO_MEDIA2, Quirk.NO_EVENTS, Quirk.SAME_SERIAL, Quirk.FAULT_HIKVISION, Quirk.FAULT_BARE, Quirk.FAULT_500,
    Quirk.REFERENCE_PARAMETERS, Quirk.AUTH_FOR_ALL, Quirk.ZULU_ONLY, Quirk.DIGEST_ONLY, Quirk.WSSE_ONLY, Quirk.LOCKS,
    Quirk.CLOCK_1970, Quirk.CLOCK_HOURS, Quirk.SNAPSHOT_OPEN, Quirk.ONE_SUBSCRIBER,
}  # fmt: skip
FAILS: dict[Quirk, tuple[type[CameraFault], str]] = {
    Quirk.SILENT: (Slow, "no whole answer in time"),
    Quirk.DRIP_HEAD: (Slow, "no whole answer in time"),
    Quirk.DRIP_BODY: (Slow, "no whole answer in time"),
    Quirk.SLAM: (Unreachable, "it hung up without an answer"),
    Quirk.REDIRECT: (Hostile, "it sends us elsewhere"),
    Quirk.BOMB_SOAP: (Hostile, "its XML holds declarations"),
    Quirk.NESTED_SOAP: (Hostile, "its answer is too large"),
    Quirk.HUGE_SOAP: (Hostile, "its answer is too large"),
    Quirk.WRONG_PASSWORD: (WrongPassword, "the camera refused the user name or the password"),
}
NO_PICTURE: dict[Quirk, tuple[type[CameraFault], str]] = {
    Quirk.BASIC_CHALLENGE: (NoPicture, "it wants the password in the clear"),
    Quirk.SNAPSHOT_NULL: (NoPicture, "it is no address of a picture"),
    Quirk.SNAPSHOT_RTSP: (NoPicture, "it is no address of a picture"),
    Quirk.SNAPSHOT_NONE: (NoPicture, "it has no such operation"),
    Quirk.SNAPSHOT_HTML: (NoPicture, "what it gives is no JPEG"),
    Quirk.SNAPSHOT_TRUNCATED: (NoPicture, "only a part of a picture"),
    Quirk.SNAPSHOT_CUT: (NoPicture, "it hung up in the middle of an answer"),
    Quirk.SNAPSHOT_DRIP: (Slow, "no whole answer in time"),
    Quirk.SNAPSHOT_HUGE: (NoPicture, "its answer is too large"),
    Quirk.SNAPSHOT_REDIRECT: (NoPicture, "it sends us elsewhere"),
}


@pytest.fixture(scope="module")
def cameras() -> OnvifCameras:
    return OnvifCameras()


@pytest.fixture
def spec(request: pytest.FixtureRequest) -> Spec:
    return specs(1, *request.param)[0]


@pytest.fixture
def camera(spec: Spec) -> Iterator[SimCamera]:
    with SimCameras([spec]) as town:
        yield town[0]


def opened(cameras: OnvifCameras, camera: SimCamera) -> OnvifCamera:
    return cameras.open(Candidate(Address(camera.host, camera.port)), Login("admin", CANARY))


def met(quirks: Collection[Quirk]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("spec", [[quirk] for quirk in sorted(quirks)], ids=", ".join, indirect=True)


def test_every_quirk_has_its_end() -> None:
    assert sorted([*DISCOVERY, *WORKS, *FAILS, *NO_PICTURE]) == sorted(Quirk)


@met(WORKS)
def test_it_is_interrogated_and_photographed_all_the_same(cameras: OnvifCameras, camera: SimCamera) -> None:
    with opened(cameras, camera) as ours:
        facts = ours.interrogate()
        picture = ours.photograph(LIMIT)

    assert expected(camera) == (facts.identity.serial, facts.identity.mac, facts.media2, facts.events, facts.snapshots)
    assert [(profile.width, profile.height) for profile in facts.profiles] == [*camera.spec.profiles]
    assert abs(facts.clock_offset_s - camera.clock_off_s) < 1.5
    assert (picture[:2], picture[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    assert (camera.refused, camera.basic, camera.elsewhere) == ([], [], [])


def expected(camera: SimCamera) -> tuple[str, str, bool, bool, bool]:
    media2 = not {Quirk.NO_MEDIA2, Quirk.NO_GET_SERVICES} & camera.spec.quirks
    return camera.spec.serial, camera.spec.mac, media2, not camera.spec.has(Quirk.NO_EVENTS), True


@met(FAILS)
def test_it_ends_in_time_with_its_own_reason(cameras: OnvifCameras, camera: SimCamera) -> None:
    (quirk,) = camera.spec.quirks
    kind, text = FAILS[quirk]
    with opened(cameras, camera) as ours:
        began = time.monotonic()
        with pytest.raises(kind, match=f"^{text}$") as raised:
            ours.interrogate()
        took_s = time.monotonic() - began

    assert took_s <= DEADLINE_S + SLACK_S
    assert CANARY not in repr(raised.value) + repr(raised.value.__dict__)
    assert (len(camera.refused), camera.basic, camera.elsewhere) == (quirk is Quirk.WRONG_PASSWORD, [], [])


@met(NO_PICTURE)
def test_it_is_known_but_gives_no_picture(cameras: OnvifCameras, camera: SimCamera) -> None:
    (quirk,) = camera.spec.quirks
    kind, text = NO_PICTURE[quirk]
    with opened(cameras, camera) as ours:
        assert isinstance(ours.interrogate(), Facts)
        began = time.monotonic()
        with pytest.raises(kind, match=text) as raised:
            ours.photograph(LIMIT)
        took_s = time.monotonic() - began

    assert took_s <= PICTURE_S + SLACK_S
    assert CANARY not in str(raised.value)
    assert (camera.refused, camera.basic, camera.elsewhere) == ([], [], [])


@pytest.mark.parametrize("spec", [[Quirk.SNAPSHOT_NULL], [Quirk.SNAPSHOT_NONE], [Quirk.SNAPSHOT_HTML]], indirect=True)
def test_a_camera_that_was_mended_gives_its_picture_at_once(cameras: OnvifCameras, camera: SimCamera) -> None:
    with opened(cameras, camera) as ours:
        with pytest.raises(NoPicture):
            ours.photograph(LIMIT)
        camera.turn(*camera.spec.quirks, on=False)
        assert ours.photograph(LIMIT).endswith(b"\xff\xd9")


@pytest.mark.parametrize("spec", [[]], indirect=True)
def test_the_next_picture_of_a_known_camera_is_one_request_and_its_proof(
    cameras: OnvifCameras, camera: SimCamera
) -> None:
    for _ in range(2):
        before = len(camera.book.visits)
        with opened(cameras, camera) as ours:
            ours.photograph(LIMIT)
    assert [visit.kind for visit in list(camera.book.visits)[before:]] == ["picture", "picture"]


@pytest.mark.parametrize("spec", [[Quirk.WRONG_PASSWORD], [Quirk.WRONG_PASSWORD, Quirk.WSSE_ONLY]], indirect=True)
def test_a_refused_login_is_sent_once_whatever_is_asked_next(cameras: OnvifCameras, camera: SimCamera) -> None:
    with opened(cameras, camera) as ours:
        for ask in (ours.interrogate, lambda: ours.photograph(LIMIT), ours.subscribe, ours.interrogate):
            with pytest.raises(WrongPassword):
                ask()

    assert len(camera.refused) == 1


@pytest.mark.parametrize(
    "spec",
    [
        [Quirk.WSSE_ONLY, other]
        for other in (
            Quirk.CLOCK_1970, Quirk.CLOCK_HOURS, Quirk.ZULU_ONLY, Quirk.AUTH_FOR_ALL, Quirk.FAULT_BARE,
            Quirk.FAULT_500, Quirk.FAULT_HIKVISION,
        )
    ],
    ids=lambda quirks: str(quirks[1]),
    indirect=True,
)  # fmt: skip
def test_a_token_is_made_with_the_cameras_own_clock(cameras: OnvifCameras, camera: SimCamera) -> None:
    with opened(cameras, camera) as ours:
        assert ours.interrogate().identity.serial == camera.spec.serial

    assert camera.refused == []


@pytest.mark.parametrize("spec", [[]], indirect=True)
def test_without_a_login_only_the_time_is_asked(cameras: OnvifCameras, camera: SimCamera) -> None:
    with cameras.open(Candidate(Address(camera.host, camera.port)), None) as ours:
        assert abs(ours.clock_offset_s()) < 1.5
        with pytest.raises(WrongPassword):
            ours.interrogate()

    assert camera.logins == []
