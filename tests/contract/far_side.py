"""The far end of a cable, with cameras on it: `python -m tests.contract.far_side [--quirk NAME] HOST/PREFIX ...`."""

import argparse
import sys
import threading

from drivers.interfaces import ipv4_interfaces
from drivers.sim.camera import Quirk, SimCameras, Spec
from tests.contract.lan import ip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quirk", action="append", type=Quirk, default=[])
    parser.add_argument("--twins", type=int, default=0, help="how many booted in the same second")
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
    with SimCameras([*twins, *specs[asked.twins :]]):
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
