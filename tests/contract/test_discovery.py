"""Discovery on networks of its own (tests/contract/discovery_scenes.py), one scene each."""

import errno
import subprocess
import sys

import pytest

from drivers.camera import Scanner
from drivers.discovery import NoNetwork, WsDiscovery
from drivers.interfaces import Interface
from drivers.ports import Configuration
from tests.arch.tree import ROOT
from tests.contract.discovery_scenes import SCENES
from tests.contract.lan import LOOPBACK, UNSHARE, why_not

ALONE = why_not()


@pytest.mark.skipif(bool(ALONE), reason=ALONE)
@pytest.mark.parametrize("scene", SCENES)
def test_on_a_network_of_its_own(scene: str) -> None:
    command = [*UNSHARE, sys.executable, "-m", "tests.contract.discovery_scenes", scene]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("typed", ["camera.local", "", "192.168.1", "::1", "224.0.0.1", "0.0.0.0", "255.255.255.255"])
def test_what_is_no_address_of_a_machine_is_said_so(typed: str) -> None:
    with pytest.raises(Configuration, match="address"):
        WsDiscovery(list).look(typed)


def test_a_machine_without_descriptors_is_told_as_one_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_of: object) -> list[Interface]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("drivers.probing.socket.socket", refuse)
    for act in (
        WsDiscovery(refuse).scan,
        WsDiscovery(lambda: [LOOPBACK]).scan,
        lambda: WsDiscovery().look("127.0.0.1"),
    ):
        with pytest.raises(NoNetwork, match="Too many open files"):
            act()


def test_it_is_a_scanner() -> None:
    scanner: Scanner = WsDiscovery()
    assert scanner
