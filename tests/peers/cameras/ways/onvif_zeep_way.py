"""onvif-zeep as its README uses it, one camera after the other. Cameras come in $SIM_CAMERAS."""

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def main(count: int) -> None:
    onvif: Any = importlib.import_module("onvif")
    wsdl = str(Path(onvif.__file__).parents[1] / "wsdl")
    password = os.environ["SIM_PASSWORD"]
    began = time.monotonic()
    cameras, read = [], {}
    for told in json.loads(os.environ["SIM_CAMERAS"])[:count]:
        camera = onvif.ONVIFCamera(told["host"], told["port"], told["user"], password, wsdl)
        cameras.append(camera)  # whoever watches fifty cameras holds fifty
        try:
            read[told["host"]] = one(camera)
        except onvif.ONVIFError as error:
            read[told["host"]] = {"fault": str(error)}
    print(json.dumps({"read": read, "seconds": time.monotonic() - began}))


def one(camera: Any) -> dict[str, object]:
    about, wires = camera.devicemgmt.GetDeviceInformation(), camera.devicemgmt.GetNetworkInterfaces()
    media = camera.create_media_service()
    profiles = media.GetProfiles()
    return {
        "serial": about.SerialNumber,
        "mac": wires[0].Info.HwAddress,
        "profiles": len(profiles),
        "snapshot": media.GetSnapshotUri({"ProfileToken": profiles[0].token}).Uri,
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
