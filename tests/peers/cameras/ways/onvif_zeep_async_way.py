"""onvif-zeep-async as Home Assistant uses it, so many cameras at a time. Cameras come in $SIM_CAMERAS."""

import asyncio
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

# Each reads its documents on the loop's thread: with fifty at once a login is older than the camera's five seconds
# before it leaves, and the camera refuses it.
AT_ONCE = 4


async def main(count: int) -> None:
    onvif: Any = importlib.import_module("onvif")
    wsdl = str(Path(onvif.__file__).parent / "wsdl")
    told = json.loads(os.environ["SIM_CAMERAS"])[:count]
    turns = asyncio.Semaphore(AT_ONCE)
    began = time.monotonic()
    cameras = [
        onvif.ONVIFCamera(one["host"], one["port"], one["user"], os.environ["SIM_PASSWORD"], wsdl) for one in told
    ]
    answers = await asyncio.gather(*(ask(camera, turns) for camera in cameras))
    seconds = time.monotonic() - began
    for camera in cameras:
        await camera.close()
    read = {one["host"]: answer for one, answer in zip(told, answers, strict=True)}
    print(json.dumps({"read": read, "seconds": seconds}))


async def ask(camera: Any, turns: asyncio.Semaphore) -> dict[str, object]:
    async with turns:
        try:
            return await one(camera)
        except Exception as error:  # noqa: BLE001 - whatever it is, the table says so
            return {"fault": f"{type(error).__name__}: {error}"}


async def one(camera: Any) -> dict[str, object]:
    await camera.update_xaddrs()
    device = await camera.create_devicemgmt_service()
    about, wires = await device.GetDeviceInformation(), await device.GetNetworkInterfaces()
    media = await camera.create_media_service()
    profiles = await media.GetProfiles()
    snapshot = await media.GetSnapshotUri({"ProfileToken": profiles[0].token})
    return {
        "serial": about.SerialNumber,
        "mac": wires[0].Info.HwAddress,
        "profiles": len(profiles),
        "snapshot": snapshot.Uri,
    }


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
