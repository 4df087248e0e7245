"""Simulated cameras for tests: in this process, or as one of its own whose CPU and memory are not ours.

    with SimCameras([Spec("127.0.4.1", quirks=frozenset({Quirk.LOCKS}))]) as town: ...     in this process
    with TownApart("--count", "54", "--twins", "50") as town: town.order("event", camera=0, topic="motion")

Tests run side by side: `own_hosts` gives addresses of 127/8 that no other worker of this run uses. The group is one for
the whole loopback, though: a probe sent there is answered by the cameras of every test that runs at that moment. Look
only at what comes from your own hosts, or run in a network namespace (tests/namespaces.py).
"""

import itertools
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import pytest

from drivers.sim.camera import Quirk, Spec

ROOT: Final = Path(__file__).resolve().parents[1]
ENDS: Final = 250
LEAVE_S: Final = 10.0
_streets: Final = itertools.count(1)


def own_hosts(count: int) -> list[str]:
    """Loopback addresses for the cameras of one test. The second part is the worker's, so workers never meet."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    street = next(_streets)
    middle, third = 64 + (worker * 7 + os.getpid()) % 180, street % 256
    if count > ENDS:
        raise ValueError(f"{count} cameras on one street of {ENDS}")
    return [f"127.{middle}.{third}.{end}" for end in range(1, count + 1)]


def specs(count: int, *quirks: Quirk, delay_s: float = 0.05) -> list[Spec]:
    """Cameras on addresses of this test's own; quick to answer a probe."""
    return [
        Spec(host, number=number, quirks=frozenset(quirks), delay_s=delay_s)
        for number, host in enumerate(own_hosts(count), 1)
    ]


@dataclass(frozen=True, slots=True)
class Told:
    """What a town's process says of one camera."""

    host: str
    port: int
    epr: str
    user: str


class TownApart:
    """`python -m drivers.sim.camera` with these arguments; `python` may be one inside a namespace's command."""

    def __init__(self, *words: str, before: tuple[str, ...] = ()) -> None:
        """before: what the command starts with, such as ("ip", "netns", "exec", "town")."""
        self._command = [*before, sys.executable, "-m", "drivers.sim.camera", *words]
        self.cameras: list[Told] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for line in self._lines():
            said = json.loads(line)
            if "ready" in said:
                return self
            self.cameras.append(Told(**said))
        self.__exit__()
        raise RuntimeError("the cameras did not start; their words are above")

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(LEAVE_S)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def order(self, do: str, **facts: object) -> Any:
        """See drivers/sim/camera/__main__.py; the answer's `done`. Raises RuntimeError with its `fault`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **facts}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(next(self._lines()))
        if "fault" in answer:
            raise RuntimeError(answer["fault"])
        return answer["done"]

    def _lines(self) -> Iterator[str]:
        assert self._process.stdout is not None
        return iter(self._process.stdout)


def multicast_on(host: str) -> bool:
    """Whether this machine lets a datagram to the group out where `host` is; some sandboxes do not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(host))
            membership = struct.pack("4s4s", socket.inet_aton("239.255.255.250"), socket.inet_aton(host))
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        except OSError:
            return False
    return True


needs_multicast = pytest.mark.skipif(not multicast_on("127.0.0.1"), reason="no multicast on loopback here")
