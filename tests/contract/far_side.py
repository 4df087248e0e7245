"""The far end of a cable, with cameras on it: `python -m tests.contract.far_side [--quirk NAME] HOST/PREFIX ...`."""

import argparse
import socket
import sys
import threading
from contextlib import ExitStack

from drivers.interfaces import ipv4_interfaces
from drivers.sim.camera import Quirk, SimCameras, Spec
from tests.contract.lan import ip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quirk", action="append", type=Quirk, default=[])
    parser.add_argument("--twins", type=int, default=0, help="how many booted in the same second")
    parser.add_argument("--clogged", action="store_true", help="port 80 is there and answers nobody, not even TCP")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("hosts", nargs="+")
    asked = parser.parse_args()
    print("here", flush=True)
    sys.stdin.readline()
    for host in asked.hosts:
        ip("address", "add", host, "dev", "up0")
    for link in ("lo", "up0"):
        ip("link", "set", link, "up")
    while "up0" not in {interface.name for interface in ipv4_interfaces()}:
        threading.Event().wait(0.01)
    addresses = [host.partition("/")[0] for host in asked.hosts]
    quirks = frozenset(asked.quirk)
    specs = [Spec(host, asked.port, number, quirks=quirks) for number, host in enumerate(addresses, 1)]
    twins = [spec.with_quirks(Quirk.SAME_MESSAGE_IDS) for spec in specs[: asked.twins]]
    with ExitStack() as stack:
        for address in addresses if asked.clogged else ():
            clog(address, stack)
        stack.enter_context(SimCameras([*twins, *specs[asked.twins :]]))
        print("ready", flush=True)
        sys.stdin.read()


def clog(address: str, stack: ExitStack) -> None:
    """listen(2): with the queue of connections full, the kernel drops whoever else comes."""
    door = stack.enter_context(socket.create_server((address, 80), backlog=0))
    stack.enter_context(socket.create_connection(door.getsockname()))


if __name__ == "__main__":
    main()
