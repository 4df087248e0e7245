"""A town of simulated cameras as a process that obeys lines, and in a network of its own with switches between."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.sim.camera import SimCameras, street
from drivers.sim.camera.jpeg import picture
from tests.camera_caller import GROUP, Caller
from tests.namespaces import why_not
from tests.sim_cameras import TownApart, own_hosts

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import json, os, socket, sys
sys.path.insert(0, {root!r})
from tests.camera_caller import probe
found = {{}}
for own in ("169.254.1.1", "192.168.77.1"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
        sock.bind((own, 0))
        sock.settimeout(1.0)
        for place in {places}:
            sock.sendto(probe("dn:NetworkVideoTransmitter"), (place, 3702))
        found[own] = set()
        try:
            while True:
                found[own].add(sock.recvfrom(65535)[1][0])
        except TimeoutError:
            pass
told = [camera["host"] for camera in json.loads(os.environ["SIM_CAMERAS"])]
print(json.dumps([{{own: sorted(hosts) for own, hosts in found.items()}}, told]))
"""


def test_a_process_tells_its_cameras_and_obeys() -> None:
    first, moved = own_hosts(2)[0], own_hosts(1)[0]
    with TownApart("--count", "2", "--host", first, "--quirk", "1:silent", "--jpeg", "1000") as town:
        told = town.cameras[0]
        caller = Caller(told.host, told.port, told.user)
        assert caller.call("tds:GetDeviceInformation", security=caller.token()).status == 200

        town.order("password", camera=0, to="baru")
        town.order("event", camera=0, topic="motion")
        assert caller.call("tds:GetDeviceInformation", security=caller.token()).status == 400
        visits = town.order("book", camera=0)["visits"]
        assert [visit["verdict"] for visit in visits if visit["kind"] == "soap"] == ["ok", "wrong"]

        town.order("turn", camera=1, quirks=["silent"], on=False)
        town.order("move", camera=1, to=moved)
        assert Caller(moved).call("tds:GetSystemDateAndTime").status == 200
        with pytest.raises(RuntimeError, match="IndexError"):
            town.order("off", camera=7)


def test_54_cameras_cost_little() -> None:
    """What they cost is taken from what is measured beside them."""
    with TownApart("--count", "54", "--twins", "50", "--host", own_hosts(54)[0]) as town:
        before = town.order("cost")["cpu_s"]
        for told in town.cameras:
            caller = Caller(told.host)
            for _ in range(6):
                caller.call("tds:GetDeviceInformation", security=caller.token())
        after = town.order("cost")

    assert after["cpu_s"] - before < 1.0  # 0.15 s measured for these 324 calls
    assert after["peak_kb"] < 64 * 1024  # 35 MB measured


def test_an_address_that_cannot_be_had_leaves_nothing_behind() -> None:
    with pytest.raises(OSError, match="assign"), SimCameras([replace(street(1)[0], host="192.0.2.1")]):
        pass


def test_a_street_stays_within_its_network() -> None:
    hosts = [spec.host for spec in street(300, first="127.9.1.1")]

    assert (len(set(hosts)), hosts[0], hosts[-1]) == (300, "127.9.1.1", "127.9.2.50")
    with pytest.raises(ValueError, match="/16"):
        street(300, first="127.9.255.1")


@pytest.mark.parametrize("size", [1_000, 40_000, *range(65_980, 65_992), 200_000])
def test_a_picture_is_as_large_as_it_should_be_and_ends_where_its_marks_say(size: int) -> None:
    raw, other = picture(size, 1), picture(size, 2)

    assert (len(raw), raw[:2], raw[-2:], raw == other) == (size, b"\xff\xd8", b"\xff\xd9", False)
    place = 2
    while raw[place + 1] != 0xDA:
        assert raw[place] == 0xFF
        place += 2 + int.from_bytes(raw[place + 2 : place + 4], "big")
    assert raw.find(b"\xff\xd9", place) == size - 2


@pytest.mark.skipif(why_not() != "", reason=why_not() or "-")
@pytest.mark.parametrize(
    ("air", "places", "heard"),
    [(False, "['239.255.255.250']", True), (True, "['239.255.255.250']", False), (True, "['169.254.20.2']", True)],
)
def test_two_wires_without_a_default_route(air: bool, places: str, heard: bool) -> None:
    script = ASK.format(root=str(ROOT), places=places)
    words = ["--air"] if air else []
    command = [sys.executable, "-m", "tests.namespaces", *words, "--count", "3", "--second", "2", "--"]
    done = subprocess.run(
        [*command, sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found, told = json.loads(done.stdout)

    assert told == [f"169.254.20.{end}" for end in (1, 2, 3)] + [f"192.168.77.{end}" for end in (11, 12)]
    everyone = {"169.254.1.1": told[:3], "192.168.77.1": told[3:]}
    if places != f"['{GROUP[0]}']":
        everyone = {own: ["169.254.20.2"] for own in everyone}
    assert found == (everyone if heard else {"169.254.1.1": [], "192.168.77.1": []})
