"""The simulated cameras' WS-Discovery, tried with raw sockets: who answers what, from where, and with which numbers."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        own, heard = {camera.host for camera in town}, list[tuple[bytes, str]]()
        for raw, host in answers(probe(NVT), within_s=5.0):
            heard += [(raw, host)] if host in own else []
            if len(heard) == len(own):
                break

        assert {host for _, host in heard} == own
        assert {text(raw, "RelatesTo") for raw, _ in heard} == {"urn:uuid:1"}
        assert len({text(raw, "MessageID") for raw, _ in heard}) == 54


@needs_multicast
def test_twins_of_one_second_give_their_answers_one_number() -> None:
    wanted = [replace(spec, delay_s=0.0) for spec in specs(6, Quirk.SAME_MESSAGE_IDS)]
    with SimCameras(wanted):
        first = [next(answers(probe(NVT), (spec.host, 3702), within_s=5.0)) for spec in wanted]

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
        heard = next(answers(probe(types), (spec.host, 3702), within_s=5.0 if answered else 0.1), None)

    assert (heard is not None) == answered


@needs_multicast
def test_behind_an_access_point_that_drops_multicast_only_a_knock_is_heard() -> None:
    spec = specs(1, Quirk.DEAF)[0]
    with SimCameras([spec]):
        assert spec.host not in {host for _, host in answers(probe(NVT), GROUP, within_s=0.3)}
        assert next(answers(probe(NVT), (spec.host, 3702), within_s=5.0))[1] == spec.host


def test_a_camera_that_moved_answers_where_it_is_and_nowhere_else() -> None:
    old, new = (spec.host for spec in specs(2))
    with SimCameras([replace(specs(1)[0], host=old, delay_s=0.0)]) as town:
        town[0].move(new)

        assert list(answers(probe(NVT), (old, 3702), within_s=0.1)) == []
        raw, host = next(answers(probe(NVT), (new, 3702), within_s=5.0))
        assert (host, f"http://{new}:8080/" in raw.decode()) == (new, True)
        assert "<d:MetadataVersion>2<" in raw.decode()


@needs_multicast
def test_it_says_hello_when_it_boots_and_bye_when_told_to() -> None:
    spec = replace(specs(1)[0], delay_s=0.0)
    with group_member() as ear, SimCameras([spec]) as town:
        assert (heard_of(ear, spec.host), heard_of(ear, spec.host, told=town[0].bye)) == ("Hello", "Bye")


@contextmanager
def group_member() -> Iterator[socket.socket]:
    """One more socket in the group: each of them gets a copy."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(GROUP)
        membership = socket.inet_aton(GROUP[0]) + socket.inet_aton("127.0.0.1")
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        sock.settimeout(5.0)
        yield sock


def heard_of(ear: socket.socket, host: str, told: Callable[[], None] = lambda: None) -> str:
    """What a camera says next to everybody."""
    told()
    while True:
        raw, source = ear.recvfrom(65535)
        if source[0] == host:
            return text(raw, "Action").rpartition("/")[2]


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
        raw, _ = next(answers(probe(NVT), (spec.host, 3702), within_s=5.0))

    assert said in raw.decode()
