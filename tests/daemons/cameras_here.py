"""kentongan-cameras as it is, but for where it looks: on the loopback, and at the cameras of one test alone.

python -m tests.daemons.cameras_here 127.64.1. --root DIR --check-s 0.5 --again-s 0.2
"""

import sys
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Final

from drivers.camera import Candidate
from drivers.discovery import WsDiscovery
from drivers.interfaces import Interface
from drivers.onvif import OnvifCameras
from edge.config.places import Places
from edge.daemons.cameras.compose import Devices, main

LOOPBACK: Final = Interface("lo", 1, "127.0.0.1", IPv4Network("127.0.0.0/8"))


class Own(WsDiscovery):
    """Sees the cameras of this test only: the group is one for the whole loopback."""

    def __init__(self, prefix: str) -> None:
        super().__init__(lambda: [LOOPBACK])
        self._prefix = prefix

    def scan(self, found: Callable[[Candidate], None] | None = None) -> list[Candidate]:
        return [candidate for candidate in super().scan() if candidate.address.host.startswith(self._prefix)]


def devices(prefix: str) -> Callable[[Places], Devices]:
    return lambda places: Devices(OnvifCameras(places.subscriptions), lambda: Own(prefix))


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], devices=devices(sys.argv[1])))
