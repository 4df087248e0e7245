"""Scenes of discovery, each on a network of its own: `unshare --map-root-user --net python -m ... NAME`."""

import os
import re
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

import pytest

from drivers.camera import DEADLINE_S, PORTS, Address, Candidate, NotOnvif, Unreachable
from drivers.discovery import NoNetwork, WsDiscovery
from drivers.hearing import HINTS_AT_ONCE, Hearing, Hint
from drivers.interfaces import ipv4_interfaces
from drivers.probe_match import Kind
from drivers.probing import DEVICES_LIMIT, DEVICES_OF_HOST, GROUP, PORT, Mouth
from drivers.sim.camera import Proof, Quirk, SimCameras, Spec
from tests.contract import doors
from tests.contract.answerers import Answerers, Device, match, matches
from tests.contract.lan import LOOPBACK, Far, ip
from tests.sim_cameras import TownApart
from tests.unit.drivers.datagrams import bye, hello

CROWD: Final = [f"127.0.7.{number}" for number in range(1, 55)]
TWINS: Final = ("--count", "54", "--twins", "50", "--host", CROWD[0])


MUTE: Final = ("--quirk", Quirk.DEAF, "--quirk", Quirk.RELATES_TO_NOTHING)  # as if it knew no WS-Discovery


def here() -> WsDiscovery:
    return WsDiscovery(lambda: [LOOPBACK])


def hosts(candidates: Sequence[Candidate]) -> list[str]:
    return sorted(candidate.address.host for candidate in candidates)


def twins_are_all_found() -> None:
    """50 with one MessageID, ten of them with one EPR as well, and four others: three scans of three."""
    alike = [word for number in range(4, 14) for word in ("--quirk", f"{number}:{Quirk.SAME_EPR}")]
    with TownApart(*TWINS, *alike):
        for _ in range(3):
            began = time.monotonic()
            assert hosts(here().scan()) == sorted(CROWD)
            print(f"54 of 54 in {time.monotonic() - began:.2f} s")


def each_is_found_where_it_is_whatever_it_says() -> None:
    kept = [Quirk.ONLY_NVT, Quirk.ONLY_DEVICE, Quirk.ONLY_TYPELESS, Quirk.SAME_SERIAL, Quirk.INSTANCE_ABC]
    kept += [Quirk.HOST_OTHER, Quirk.HOST_LOOPBACK, Quirk.HOST_PORT_TWICE]
    refused_ones = [Quirk.BOMB_PROBE, Quirk.NESTED_PROBE, Quirk.RELATES_TO_NOTHING]
    quirks = [*kept, *refused_ones]
    specs = [Spec(f"127.0.6.{n}", 8106, n, quirks=frozenset({quirk})) for n, quirk in enumerate(quirks, 1)]
    with SimCameras(specs):
        found = sorted(here().scan(), key=lambda candidate: candidate.address)
    expected = [
        Candidate(Address(spec.host, 8106), spec.epr, name="Rupa RC-2", hardware="RC-2", mac=spec.mac)
        for spec in specs[: len(kept)]
    ]
    assert found == sorted(expected, key=lambda candidate: candidate.address)


def slow_ones_are_waited_for() -> None:
    """A proper device takes its 500 ms; one that wants to be asked for a device, or for anything, is heard late."""
    devices = [Device(f"127.0.7.{number}", only(number), (0.5, 0.5)) for number in range(3)]
    with Answerers(devices):
        assert hosts(here().scan()) == ["127.0.7.0", "127.0.7.1", "127.0.7.2"]
    with Answerers([Device("127.0.7.9", only(2), (0.8, 0.8))]):
        assert hosts(here().scan()) == ["127.0.7.9"]


def only(sought: int) -> Callable[[str, int], list[bytes]]:
    """Says something to one probe: the how manieth, from 0."""
    return lambda asked, number: [matches(asked, match("late", "http://h/onvif/x"))] if number == sought else []


def what_was_dropped_is_asked_for_again() -> None:
    """The kernel counts what it drops; a fourth probe is sent for that, and no fifth without another loss."""
    with Mouth(LOOPBACK) as mouth, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as shouting:
        place = mouth._socket.getsockname()
        for _ in range(3000):
            shouting.sendto(b"x" * 1000, place)
        assert 0 < mouth.lost() < 3000
    counts = iter([7, 7, 7])
    devices = [Device("127.0.7.3", only(3)), Device("127.0.7.4", only(4))]
    with pytest.MonkeyPatch.context() as patch, Answerers(devices):
        patch.setattr(Mouth, "lost", lambda _: next(counts))
        assert hosts(here().scan()) == ["127.0.7.3"]


def no_route_and_no_server_for_addresses() -> None:
    """Two cables, one of them with 169.254/16 beside its network, no default route."""
    near, far = ("10.77.1.1/24", "169.254.9.1/16"), ("10.77.1.2/24", "169.254.200.3/16")
    with Far("v0", near, far), Far("v1", ("192.168.9.1/24",), ("192.168.9.2/24",)):
        assert sorted(each.address for each in ipv4_interfaces()) == ["10.77.1.1", "169.254.9.1", "192.168.9.1"]
        assert hosts(WsDiscovery().scan()) == ["10.77.1.2", "169.254.200.3", "192.168.9.2"]


def one_address_on_two_cables_reaches_both() -> None:
    with Far("v0", ("192.168.1.1/24",), ("192.168.1.2/24",)), Far("v1", ("192.168.1.1/24",), ("192.168.1.3/24",)):
        assert hosts(WsDiscovery().scan()) == ["192.168.1.2", "192.168.1.3"]


def a_cable_pulled_under_way_ends_nothing() -> None:
    with Far("v0", ("10.77.1.1/24",), ("10.77.1.2/24",)), Far("v1", ("10.77.2.1/24",), ("10.77.2.2/24",)):
        both = ipv4_interfaces()
        ip("link", "set", "v0", "down")
        assert [each.name for each in ipv4_interfaces()] == ["v1"]
        assert hosts(WsDiscovery(lambda: both).scan()) == ["10.77.2.2"]
        ip("link", "delete", "v0")
        assert hosts(WsDiscovery(lambda: both).scan()) == ["10.77.2.2"]


def without_a_network_it_says_so() -> None:
    refused(NoNetwork, "no network is up", lambda: WsDiscovery().scan())
    refused(NoNetwork, "no network is up", lambda: WsDiscovery().sweep())
    with Far("v0", ("10.77.1.1/24",), ("10.77.1.2/24",)):
        was = ipv4_interfaces()
        ip("link", "set", "v0", "down")
        refused(NoNetwork, "no probe could be sent", lambda: WsDiscovery(lambda: was).scan())
        ip("link", "delete", "v0")
        refused(NoNetwork, "no network can be used", lambda: WsDiscovery(lambda: was).scan())


def where_multicast_is_dropped_the_sweep_finds_them() -> None:
    told: list[tuple[int, int]] = []
    deaf = Far("v0", ("10.77.1.1/26",), ("10.77.1.2/26", "10.77.1.60/26"), "--quirk", Quirk.DEAF)
    mute = Far("v1", ("10.77.2.1/27",), ("10.77.2.9/27",), *MUTE, "--port", "8899", "--clogged")
    with deaf, mute:
        assert WsDiscovery().scan() == []
        found = WsDiscovery().sweep(progress=lambda done, total: told.append((done, total)))
        assert hosts(found) == ["10.77.1.2", "10.77.1.60", "10.77.2.9"]
        named = {str(each.address) for each in found if each.epr}
        assert named == {"10.77.1.2:8080", "10.77.1.60:8080"}
        assert [str(each.address) for each in found if not each.epr] == ["10.77.2.9:8899"]
        assert hosts(WsDiscovery().sweep(("10.77.1.56/29",))) == ["10.77.1.60"]
    assert told[0] == (0, 90)
    assert told[-1] == (90, 90)
    assert told == sorted(told)


def a_late_answer_to_a_probe_is_no_second_camera() -> None:
    at = "127.0.0.20"
    device = Device(at, lambda asked, _: [matches(asked, match("e", f"http://{at}/onvif/x"))], (0.4, 0.4), groups=False)
    with Answerers([device]), doors.Doors(at, 80, doors.ONVIF):
        found = here().sweep((f"{at}/32",))
    assert [(str(each.address), each.epr) for each in found] == [(f"{at}:80", "e")]


def a_sweep_goes_on_among_traps() -> None:
    """Tarpits on every port of some addresses, an endless answer, a router's page, and one camera behind them."""
    traps = [doors.silent, doors.dripping, doors.endless, doors.WEB, doors.LOCKED, doors.ELSEWHERE]
    places = [(f"127.0.0.{at}", port, trap) for at, trap in enumerate(traps, start=2) for port in PORTS]
    with ExitStack() as stack:
        for door in doors.opened([*places, ("127.0.0.9", 2020, doors.ONVIF)]):
            stack.enter_context(door)
        began = time.monotonic()
        found = here().sweep(("127.0.0.0/28",))
        print(f"six traps with all ports open: {time.monotonic() - began:.1f} s")
        assert [str(each.address) for each in found] == ["127.0.0.9:2020"]


def hostile_ones_hide_nobody() -> None:
    """Each kind of them at its worst beside 54 honest ones; the next scan has nothing left of it."""
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with TownApart(*TWINS, "--quirk", f"9:{Quirk.INSTANCE_ABC}"):
        with apart(lambda: Answerers(hostile())):
            began = time.monotonic()
            found = here().scan()
            print(f"{len(found)} among hostile ones in {time.monotonic() - began:.2f} s")
            assert len(set(CROWD) & set(hosts(found))) >= 50  # what the kernel drops nobody hears
            assert len(found) <= DEVICES_LIMIT
            assert sum(each.address.host == "127.0.9.5" for each in found) <= DEVICES_OF_HOST
            assert {"127.0.9.1", "127.0.9.2", "127.0.9.3", "127.0.9.4"}.isdisjoint(hosts(found))
        assert hosts(here().scan()) == sorted(CROWD)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    print(f"grown by {grown_mb:.1f} MB")
    assert grown_mb < 16


@contextmanager
def apart(played: Callable[[], Answerers]) -> Iterator[None]:
    """In a process of its own, as on a machine of its own: it does not take the scanner's turns."""
    up, ended = socket.socketpair()
    if (pid := os.fork()) == 0:
        up.close()
        with played():
            ended.send(b"1")
            ended.recv(1)
        os._exit(0)
    ended.close()
    with up:
        assert up.recv(1) == b"1"
        yield
    assert os.waitpid(pid, 0)[1] == 0


def hostile() -> list[Device]:
    own = match("forged", "http://192.168.1.1/onvif/device_service")
    bomb = b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 6000 + b'"><!ENTITY c "' + b"&b;" * 6000 + b'">]><a>&c;</a>'
    many = "".join(f"<a{number} b='{number}'/>" for number in range(3500))
    return [
        Device("127.0.9.1", lambda _asked, _n: [matches("urn:uuid:forged", own)] * 20),
        Device("127.0.9.2", lambda _asked, _n: [bomb, bomb.decode().encode("utf-16")] * 10),
        Device("127.0.9.3", lambda _asked, _n: [b"\xff" * 65507, b"<" * 65507, b"<a>" * 20000] * 5),
        Device("127.0.9.4", lambda _asked, n: [bytes([n + each]) * each for each in range(200)]),
        Device(
            "127.0.9.5",
            lambda asked, _n: [matches(asked, match(f"epr-{each}", "http://h/onvif")) for each in range(300)],
        ),
        Device("127.0.9.6", lambda asked, n: [matches(asked, match(f"flood-{n}-{each}", "")) for each in range(3334)]),
        Device("127.0.9.7", lambda asked, _n: [matches(asked, own).replace(b"</d:ProbeMatches>", many.encode())] * 20),
    ]


def a_hello_is_a_hint_and_no_more() -> None:
    heard: list[Hint] = []
    with Hearing(lambda: [LOOPBACK]) as hearing:
        say("127.0.5.1", hello("urn:uuid:new", "http://10.66.66.66/onvif/device_service"))
        say("127.0.5.2", bye("urn:uuid:gone\x1b[31m".replace("\x1b", "&#10;")))
        say("127.0.5.3", b"<!DOCTYPE a><Hello/>", matches("x", match("a", "b")), b"\0Hello" * 9000)
        heard += hearing.hints()
        assert heard[0] == Hint("127.0.5.1", "urn:uuid:new", Kind.HELLO)
        assert heard[1:] == [Hint("127.0.5.2", "urn:uuid:gone [31m", Kind.BYE)]
        say("127.0.5.1", *[hello(f"again-{number}") for number in range(50)])
        assert hearing.hints() == []
        say("127.0.5.1", bye("urn:uuid:new"))
        assert [hint.what for hint in hearing.hints()] == [Kind.BYE]
        assert hearing.passed_over >= 50


def a_flood_of_hellos_is_a_few_hints() -> None:
    with Hearing(lambda: [LOOPBACK]) as hearing:
        total = 0
        for part in range(20):
            for number in range(50):
                say(f"127.1.{part}.{number + 1}", hello("flood"))
            total += len(hearing.hints())
        assert HINTS_AT_ONCE <= total <= HINTS_AT_ONCE + 10
        assert len(hearing._last) <= 256


def hearing_follows_the_interfaces() -> None:
    up = [[LOOPBACK]]
    with Hearing(lambda: up[0]) as hearing:
        up[0] = []
        hearing.join()
        say("127.0.5.1", hello("unheard"))
        assert hearing.hints() == []
        up[0] = [LOOPBACK]
        hearing.join()
        say("127.0.5.1", hello("heard"))
        assert [hint.epr for hint in hearing.hints()] == ["heard"]


def say(source: str, *datagrams: bytes) -> None:
    """On loopback a datagram has arrived when sendto returns."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sock.bind((source, 0))
        for raw in datagrams:
            sock.sendto(raw, (GROUP, PORT))


def a_typed_address_is_looked_at() -> None:
    at = "127.0.3.1"
    spec = Spec(at, 8999, quirks=frozenset({Quirk.DEAF, Quirk.HOST_CLOUD}))
    with SimCameras([spec]) as town:
        found = here().look(at)
        assert (str(found.address), found.epr, found.hardware) == (f"{at}:8999", spec.epr, spec.model)
        assert [visit.proof for visit in town[0].book.visits] == [Proof.NONE] * len(town[0].book.visits)
    with doors.Doors(at, 81, doors.FAULTY):
        assert str(here().look(at, (80, 81)).address) == f"{at}:81"
        refused(NotOnvif, "does not speak ONVIF on 80, 82", lambda: here().look(at, (80, 82)))
    with doors.Doors(at, 80, doors.LOCKED), SimCameras([Spec(at)]):
        assert str(here().look(at).address) == f"{at}:8080"
        assert str(here().look(at, (80,)).address) == f"{at}:8080"  # it was asked, and said so itself
    with doors.Doors(at, 80, doors.LOCKED):
        assert str(here().look(at).address) == f"{at}:80"


def a_typed_address_tells_its_own_way() -> None:
    """Port and path are only in its answer to a probe."""
    at, way = "127.0.3.2", "/own/device"
    device = Device(at, lambda asked, _: [matches(asked, match("e", f"http://10.1.1.1:7777{way}"))], groups=False)
    with Answerers([device]), doors.Doors(at, 7777, doors.only_at(way)):
        found = here().look(at)
        assert (str(found.address), found.path, found.epr) == (f"{at}:7777", way, "e")
    spec = Spec(at, 8080, quirks=frozenset({Quirk.DEAF, Quirk.HOST_CLOUD}))
    with SimCameras([spec]):
        found = here().look(at, (80,))  # which is what it says, and what a scan shows
        assert (str(found.address), found.epr) == (f"{at}:8080", spec.epr)
    with Answerers([device]):
        refused(NotOnvif, "is there, but does not speak ONVIF on 80, 888, 2020, 5000, 7777", lambda: here().look(at))


def traps_at_a_typed_address_cost_little() -> None:
    traps = [Quirk.SILENT, Quirk.SLAM, Quirk.DRIP_HEAD, Quirk.REDIRECT]
    with SimCameras([Spec(f"127.0.4.{at}", quirks=frozenset({trap})) for at, trap in enumerate(traps, 1)]) as town:
        for trapped in town:
            began = time.monotonic()
            with pytest.raises(NotOnvif, match="does not speak ONVIF"):
                here().look(trapped.host)
            assert time.monotonic() - began < DEADLINE_S
    with doors.Doors("127.0.4.9", 80, doors.endless):
        refused(NotOnvif, "does not speak ONVIF", lambda: here().look("127.0.4.9"))
    with Far("v0", ("10.77.1.1/24",), ("10.77.1.2/24",), *MUTE):
        refused(Unreachable, "nobody answers at 10.77.1.77", lambda: WsDiscovery().look("10.77.1.77"))


def refused(kind: type[Exception], words: str, act: Callable[[], object]) -> None:
    with pytest.raises(kind, match=re.escape(words)):
        act()


def die(dead: threading.ExceptHookArgs) -> None:
    """A played device that dies in its thread fails the scene."""
    threading.__excepthook__(dead)
    os._exit(3)


SCENES: Final = {
    scene.__name__: scene
    for scene in (
        twins_are_all_found,
        each_is_found_where_it_is_whatever_it_says,
        slow_ones_are_waited_for,
        what_was_dropped_is_asked_for_again,
        no_route_and_no_server_for_addresses,
        one_address_on_two_cables_reaches_both,
        a_cable_pulled_under_way_ends_nothing,
        without_a_network_it_says_so,
        where_multicast_is_dropped_the_sweep_finds_them,
        a_late_answer_to_a_probe_is_no_second_camera,
        a_sweep_goes_on_among_traps,
        hostile_ones_hide_nobody,
        a_hello_is_a_hint_and_no_more,
        a_flood_of_hellos_is_a_few_hints,
        hearing_follows_the_interfaces,
        a_typed_address_is_looked_at,
        a_typed_address_tells_its_own_way,
        traps_at_a_typed_address_cost_little,
    )
}

if __name__ == "__main__":
    ip("link", "set", "lo", "up")
    threading.excepthook = die
    SCENES[sys.argv[1]]()
