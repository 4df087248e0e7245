"""A box in a network of its own: two interfaces, no default route, cameras behind switches; needs no root.

    python -m tests.namespaces [--air] [--count 54] [--second 4] [--twins 50] -- COMMAND...

COMMAND runs where eth0 is 169.254.1.1/16 and eth1 is 192.168.77.1/24. Cameras stand on 169.254.20.x and 192.168.77.x;
it finds them as JSON in $SIM_CAMERAS, a list of {host, port, epr, user}. --air: the switches forward no multicast, as
many an access point. --route: with a default route. Its exit code is COMMAND's; 77 where the kernel or this sandbox
allows no such network.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.sim_cameras import Told, TownApart

ROOT: Final = Path(__file__).resolve().parents[1]
CAMERAS: Final = "SIM_CAMERAS"
NOT_HERE: Final = 77
TOOLS: Final = ("ip", "unshare", "nsenter")
DOORS: Final = (("unshare", "-Urn"), ("unshare", "-n"))
APPEAR_S: Final = 5.0
TRY: Final = "ip link add br0 type bridge mcast_snooping 0 && ip link add dev wire0 type veth peer name wire1"


@dataclass(frozen=True, slots=True)
class Network:
    """One wire of the box. own: its address with prefix; first: the first camera's address."""

    number: int
    own: str
    first: str
    count: int
    twins: int = 0

    @property
    def hosts(self) -> list[str]:
        left, _, last = self.first.rpartition(".")
        return [f"{left}.{int(last) + step}" for step in range(self.count)]

    @property
    def prefix(self) -> str:
        return self.own.partition("/")[2]


def main(words: Sequence[str]) -> int:
    asked = _parser().parse_args(words)
    if os.environ.get("SIM_INSIDE") == "1":
        return _inside(asked)
    if why := why_not():
        print(why, file=sys.stderr)
        return NOT_HERE
    command = [*_door(), sys.executable, "-m", "tests.namespaces", *words]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "SIM_INSIDE": "1"}, check=False).returncode


def why_not() -> str:
    """Why no such network can be made here; "" where it can."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"not installed: {' '.join(missing)}"
    return "" if _door() else "no network namespace, bridge or veth is allowed here"


@cache
def _door() -> tuple[str, ...]:
    return next((door for door in DOORS if _quiet([*door, "sh", "-c", TRY])), ())


def _quiet(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.namespaces")
    parser.add_argument("--air", action="store_true")
    parser.add_argument("--route", action="store_true")
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--second", type=int, default=4)
    parser.add_argument("--twins", type=int, default=0)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser


def _inside(asked: argparse.Namespace) -> int:
    networks = (
        Network(0, "169.254.1.1/16", "169.254.20.1", asked.count, asked.twins),
        Network(1, "192.168.77.1/24", "192.168.77.11", asked.second, asked.twins),
    )
    _run("ip", "link", "set", "lo", "up")
    with ExitStack() as stack:
        street = stack.enter_context(_street())
        cameras = []
        for network in networks:
            _wire(network, street, air=asked.air)
            _wait_up(network.number, street)
            cameras += stack.enter_context(_town(network, street)).cameras
        if asked.route:
            _run("ip", "route", "add", "default", "via", "192.168.77.254", "dev", "eth1")
        return _command(asked.command, cameras)


def _command(words: Sequence[str], cameras: Sequence[Told]) -> int:
    own = {name: value for name, value in os.environ.items() if name != "SIM_INSIDE"}
    surroundings = {**own, CAMERAS: json.dumps([asdict(camera) for camera in cameras])}
    return subprocess.run([word for word in words if word != "--"], env=surroundings, check=False).returncode


@contextmanager
def _street() -> Iterator[int]:
    """The namespace of the cameras, held open by somebody who sleeps in it; his pid."""
    own = Path("/proc/self/ns/net").readlink()
    with subprocess.Popen(["unshare", "-n", "sleep", "infinity"]) as sleeper:
        try:
            deadline = time.monotonic() + APPEAR_S
            while Path(f"/proc/{sleeper.pid}/ns/net").readlink() == own and time.monotonic() < deadline:
                time.sleep(0.01)
            yield sleeper.pid
        finally:
            sleeper.kill()


def _wire(network: Network, street: int, *, air: bool) -> None:
    """eth0 (the box) - port0 [switch0] lens0 - cam0 (every camera's address)."""
    number = network.number
    _run("ip", "link", "add", f"eth{number}", "type", "veth", "peer", "name", f"port{number}", "netns", str(street))
    _run("ip", "address", "add", network.own, "dev", f"eth{number}")
    _run("ip", "link", "set", f"eth{number}", "up")
    lines = [
        "link set lo up",
        f"link add switch{number} type bridge mcast_snooping 0",
        f"link add cam{number} type veth peer name lens{number}",
        *(f"link set {port}{number} master switch{number} up" for port in ("port", "lens")),
        f"link set switch{number} up",
        f"link set cam{number} up",
        *(f"address add {host}/{network.prefix} dev cam{number}" for host in network.hosts),
    ]
    if air:
        lines += [f"link set {port}{number} type bridge_slave mcast_flood off" for port in ("port", "lens")]
    _run("nsenter", "-t", str(street), "-n", "ip", "-batch", "-", said="\n".join(lines))


def _wait_up(number: int, street: int) -> None:
    """The kernel tells a link that it carries up to a second late, and sends nothing on it before."""
    there = ("nsenter", "-t", str(street), "-n")
    ends = (((), "eth", b"state UP"), (there, "cam", b"state UP"))
    ports = ((there, name, b"state forwarding") for name in ("port", "lens"))
    for door, name, word in (*ends, *ports):
        device, deadline = f"{name}{number}", time.monotonic() + APPEAR_S
        while word not in subprocess.check_output([*door, "ip", "-d", "-o", "link", "show", device]):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{device} does not carry")
            time.sleep(0.02)


def _town(network: Network, street: int) -> TownApart:
    words = ("--count", str(network.count), "--twins", str(min(network.twins, network.count)), "--host", network.first)
    return TownApart(*words, before=("nsenter", "-t", str(street), "-n"))


def _run(*command: str, said: str = "") -> None:
    subprocess.run(command, input=said, text=True, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
