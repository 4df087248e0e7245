"""The simulated cameras' WS-Discovery, tried with raw sockets: who answers what, from where, and with which numbers."""

import re
from dataclasses import replace

import pytest

from drivers.sim.camera import Quirk, SimCameras
from tests.camera_caller import GROUP, answers, probe
from tests.sim_cameras import needs_multicast, specs

NVT = "dn:NetworkVideoTransmitter"


def text(raw: bytes, element: str) -> str:
    found = re.search(rf"<a:{element}>(.*?)<", raw.decode())
    assert found
    return found[1]


@needs_multicast
def test_every_one_of_54_answers_one_probe_from_its_own_address() -> None:
    wanted = specs(54)
    with SimCameras(wanted) as town:
        heard = [(raw, host) for raw, host in answers(probe(NVT)) if host in {spec.host for spec in wanted}]

        assert sorted(host for _, host in heard) == sorted(camera.host for camera in town)
        assert {text(raw, "RelatesTo") for raw, _ in heard} == {"urn:uuid:1"}
        assert len({text(raw, "MessageID") for raw, _ in heard}) == 54


@needs_multicast
def test_twins_of_one_second_give_their_answers_one_number() -> None:
    wanted = [replace(spec, delay_s=0.0) for spec in specs(6, Quirk.SAME_MESSAGE_IDS)]
    with SimCameras(wanted):
        first = [answer for spec in wanted for answer in answers(probe(NVT), (spec.host, 3702), within_s=0.1)]

    assert len(first) == 6
    assert len({text(raw, "MessageID") for raw, _ in first}) == 1


@pytest.mark.parametrize(
    ("quirks", "types", "answered"),
    [
        ([], NVT, True),
        ([], "tds:Device", True),
        ([], "", True),
        ([], "tds:Device dn:NetworkVideoTransmitter", True),
        ([], "dn:Printer", False),
        ([Quirk.ONLY_DEVICE], NVT, False),
        ([Quirk.ONLY_DEVICE], "tds:Device", True),
        ([Quirk.ONLY_TYPELESS], NVT, False),
        ([Quirk.ONLY_TYPELESS], "", True),
        ([Quirk.ONLY_NVT], "", False),
    ],
)
def test_a_camera_answers_the_types_that_are_its_own(quirks: list[Quirk], types: str, answered: bool) -> None:
    spec = replace(specs(1, *quirks)[0], delay_s=0.0)
    with SimCameras([spec]):
        assert bool(list(answers(probe(types), (spec.host, 3702), within_s=0.1))) == answered


@needs_multicast
def test_behind_an_access_point_that_drops_multicast_only_a_knock_is_heard() -> None:
    spec = specs(1, Quirk.DEAF)[0]
    with SimCameras([spec]):
        assert spec.host not in {host for _, host in answers(probe(NVT), GROUP, within_s=0.3)}
        assert [host for _, host in answers(probe(NVT), (spec.host, 3702), within_s=0.3)] == [spec.host]


def test_a_camera_that_moved_answers_where_it_is_and_nowhere_else() -> None:
    old, new = (spec.host for spec in specs(2))
    with SimCameras([replace(specs(1)[0], host=old, delay_s=0.0)]) as town:
        town[0].move(new)

        assert list(answers(probe(NVT), (old, 3702), within_s=0.1)) == []
        raw, host = next(answers(probe(NVT), (new, 3702), within_s=0.3))
        assert (host, f"http://{new}:8080/" in raw.decode()) == (new, True)
        assert "<d:MetadataVersion>2<" in raw.decode()


@pytest.mark.parametrize(
    ("quirk", "said"),
    [
        (Quirk.HOST_OTHER, "http://192.0.2.64:8080/"),
        (Quirk.HOST_LOOPBACK, "http://127.0.0.1:8080/"),
        (Quirk.HOST_CLOUD, "http://cloud.kamera.example/"),
        (Quirk.HOST_PORT_TWICE, ":8080:8080/"),
        (Quirk.INSTANCE_ABC, 'InstanceId="abc"'),
        (Quirk.BOMB_PROBE, "<!ENTITY k9 "),
        (Quirk.NESTED_PROBE, "<k>" * 5000),
    ],
)
def test_what_a_camera_lies_about_stands_in_its_answer(quirk: Quirk, said: str) -> None:
    spec = replace(specs(1, quirk)[0], delay_s=0.0)
    with SimCameras([spec]):
        raw, _ = next(answers(probe(NVT), (spec.host, 3702), within_s=0.3))

    assert said in raw.decode()
