"""The far end of a cable: `python -m tests.contract.far_side [--deaf] [--mute] [--door PORT] HOST/PREFIX ...`.

deaf: hears no multicast, as behind a Wi-Fi that drops it. mute: does not answer probes at all.
"""

import argparse
import sys
import threading
from contextlib import ExitStack

from drivers.interfaces import ipv4_interfaces
from tests.contract.answerers import Answerers, camera
from tests.contract.doors import ONVIF, Doors
from tests.contract.lan import ip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--deaf", action="store_true")
    parser.add_argument("--mute", action="store_true")
    parser.add_argument("--door", type=int, default=0)
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
    with ExitStack() as stack:
        if not asked.mute:
            devices = [camera(address, groups=not asked.deaf) for address in addresses]
            stack.enter_context(Answerers(devices, addresses[0]))
        for address in addresses if asked.door else ():
            stack.enter_context(Doors(address, asked.door, ONVIF))
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
