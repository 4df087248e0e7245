"""The simulated camera's door, tried with raw sockets: clock window, replays, Digest, lock-out, and its book."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from drivers.sim.camera import Digest, Proof, Quirk, SimCamera, SimCameras, Spec, Verdict
from tests.camera_caller import Caller
from tests.sim_cameras import specs

INFORMATION = "tds:GetDeviceInformation"
SNAPSHOT = "/onvif/snapshot?profile=Profile_1&channel=1"


@pytest.fixture
def spec(request: pytest.FixtureRequest) -> Spec:
    return specs(1, *getattr(request, "param", ()))[0]


@pytest.fixture
def camera(spec: Spec) -> Iterator[SimCamera]:
    with SimCameras([spec]) as town:
        yield town[0]


@pytest.fixture
def caller(camera: SimCamera) -> Caller:
    return Caller(camera.host)


def test_a_right_token_is_let_in_and_written_down(camera: SimCamera, caller: Caller) -> None:
    said = caller.call(INFORMATION, security=caller.token())

    assert (said.status, b"<tds:Model>RC-2</tds:Model>" in said.body) == (200, True)
    assert [(visit.proof, visit.verdict, visit.user) for visit in camera.logins] == [(Proof.WSSE, Verdict.OK, "admin")]


def test_a_stranger_gets_the_time_and_nothing_else(camera: SimCamera, caller: Caller) -> None:
    assert caller.call("tds:GetSystemDateAndTime").status == 200
    assert caller.call(INFORMATION).status == 401
    assert (len(camera.unauthenticated), camera.logins) == (2, [])


@pytest.mark.parametrize(("off_s", "verdict"), [(4.0, Verdict.OK), (-4.0, Verdict.OK), (7.0, Verdict.CLOCK)])
def test_the_clock_window_refuses(camera: SimCamera, caller: Caller, off_s: float, verdict: Verdict) -> None:
    caller.off_s = off_s

    said = caller.call(INFORMATION, security=caller.token())

    assert (said.status == 200, camera.logins[-1].verdict) == (verdict is Verdict.OK, verdict)


@pytest.mark.parametrize("spec", [[Quirk.CLOCK_1970], [Quirk.CLOCK_HOURS]], indirect=True)
def test_a_wrong_clock_lets_in_who_follows_it(camera: SimCamera, caller: Caller) -> None:
    assert caller.call(INFORMATION, security=caller.token()).status == 400
    caller.off_s = camera.clock_off_s

    assert caller.call(INFORMATION, security=caller.token()).status == 200


def test_a_nonce_serves_once(camera: SimCamera, caller: Caller) -> None:
    nonce = os.urandom(16)

    first, second = (caller.call(INFORMATION, security=caller.token(nonce)) for _ in range(2))

    assert (first.status, second.status, camera.logins[-1].verdict) == (200, 400, Verdict.REPLAY)


@pytest.mark.parametrize("spec", [[Quirk.ZULU_ONLY]], indirect=True)
def test_the_quirk_refuses_an_offset_where_zulu_is_due(camera: SimCamera, caller: Caller) -> None:
    assert caller.call(INFORMATION, security=caller.token()).status == 200
    caller.suffix = "+00:00"

    assert caller.call(INFORMATION, security=caller.token()).status == 400


@pytest.mark.parametrize("spec", [[Quirk.LOCKS]], indirect=True)
def test_the_lock_out_counts_every_wrong_login_and_then_refuses_the_right_one(
    camera: SimCamera, caller: Caller
) -> None:
    right, caller.password = caller.password, "salah"
    for _ in range(camera.spec.lock_after):
        assert not camera.locked
        caller.call(INFORMATION, security=caller.token())
    caller.password = right

    assert (camera.locked, caller.call(INFORMATION, security=caller.token()).status) == (True, 400)
    verdicts = [visit.verdict for visit in camera.refused]
    assert verdicts == [Verdict.WRONG] * camera.spec.lock_after + [Verdict.LOCKED]


@pytest.mark.parametrize("digest", list(Digest))
def test_digest_lets_in_by_each_challenge_it_makes(spec: Spec, digest: Digest) -> None:
    with SimCameras([replace(spec, digest=digest)]) as town:
        caller = Caller(town[0].host)
        challenges = caller.http("GET", SNAPSHOT).headers("WWW-Authenticate")

        given = [
            caller.http("GET", SNAPSHOT, Authorization=caller.authorization(one, "GET", SNAPSHOT, count))
            for count, one in enumerate(challenges, 1)
        ]

        assert len(challenges) == len(digest.split(", "))
        assert [(said.status, said.body[:3], said.body[-2:]) for said in given] == [
            (200, b"\xff\xd8\xff", b"\xff\xd9") for _ in challenges
        ]
        assert {visit.verdict for visit in town[0].logins} == {Verdict.OK}


def test_a_digest_of_another_password_is_refused_and_counted(camera: SimCamera, caller: Caller) -> None:
    caller.password = "salah"
    challenge = caller.http("GET", SNAPSHOT).headers("WWW-Authenticate")[0]

    said = caller.http("GET", SNAPSHOT, Authorization=caller.authorization(challenge, "GET", SNAPSHOT))

    assert (said.status, [visit.verdict for visit in camera.refused]) == (401, [Verdict.WRONG])


def test_a_digest_count_used_twice_is_stale(camera: SimCamera, caller: Caller) -> None:
    challenge = caller.http("GET", SNAPSHOT).headers("WWW-Authenticate")[0]
    header = caller.authorization(challenge, "GET", SNAPSHOT)

    first, second = (caller.http("GET", SNAPSHOT, Authorization=header) for _ in range(2))

    assert (first.status, second.status) == (200, 401)
    assert "stale=true" in second.headers("WWW-Authenticate")[0]


def test_a_password_changed_on_the_device_holds_at_once(camera: SimCamera, caller: Caller) -> None:
    camera.password = "baru"

    assert caller.call(INFORMATION, security=caller.token()).status == 400
    caller.password = "baru"
    assert caller.call(INFORMATION, security=caller.token()).status == 200


@pytest.mark.parametrize("spec", [[Quirk.BASIC_CHALLENGE]], indirect=True)
def test_basic_is_asked_for_and_remembered_when_it_comes(camera: SimCamera, caller: Caller) -> None:
    assert caller.http("GET", SNAPSHOT).headers("WWW-Authenticate") == ['Basic realm="kamera"']
    assert camera.basic == []

    caller.http("GET", SNAPSHOT, Authorization="Basic YWRtaW46a3VuY2kta2FtZXJh")

    assert [visit.verdict for visit in camera.basic] == [Verdict.OK]
