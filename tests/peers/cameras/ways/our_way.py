"""The box's own drivers: "discover", or "ask" so many cameras. Cameras come in $SIM_CAMERAS.

Its seconds hold the loading of zeep and of its documents, which the driver puts off until the first call; with the
others these are loaded before the clock starts.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from drivers.camera import Address, CameraFault, Candidate, Login
from drivers.discovery import WsDiscovery

if TYPE_CHECKING:
    from drivers.onvif import OnvifCameras

AT_ONCE: Final = 4


def discover() -> dict[str, object]:
    return {"found": sorted(candidate.address.host for candidate in WsDiscovery().scan())}


def ask(count: int) -> dict[str, object]:
    from drivers.onvif import OnvifCameras  # whoever scans does not pay for it

    told = json.loads(os.environ["SIM_CAMERAS"])[:count]
    house = OnvifCameras()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda camera: one(house, camera), told))
    return {"read": {camera["host"]: answer for camera, answer in zip(told, answers, strict=True)}}


def one(house: "OnvifCameras", told: dict[str, object]) -> dict[str, object]:
    candidate = Candidate(Address(str(told["host"]), int(str(told["port"]))), str(told["epr"]))
    login = Login(str(told["user"]), os.environ["SIM_PASSWORD"])
    try:
        with house.open(candidate, login) as camera:
            facts = camera.interrogate()
            place = camera._known.shots[facts.profiles[0].token]
    except CameraFault as fault:
        return {"fault": f"{type(fault).__name__}: {fault}"}
    return {
        "serial": facts.identity.serial,
        "mac": facts.identity.mac,
        "profiles": len(facts.profiles),
        "snapshot": place.target if place else "",
    }


def main(words: list[str]) -> None:
    began = time.monotonic()
    said = discover() if words[0] == "discover" else ask(int(words[1]))
    print(json.dumps({**said, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main(sys.argv[1:])
