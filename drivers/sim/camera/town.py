"""Many cameras on one loop: in a thread of a test, or as the process of `python -m drivers.sim.camera`."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import Final, Self

from drivers.sim.camera.beacon import Ear
from drivers.sim.camera.camera import SimCamera
from drivers.sim.camera.spec import Spec

OPEN_MAX_S: Final = 20.0
JOIN_S: Final = 5.0


class _Ears:
    """One ear for each interface that has cameras."""

    def __init__(self) -> None:
        self._ears: list[Ear] = []

    async def listen(self, camera: SimCamera) -> None:
        ear = next((ear for ear in self._ears if ear.serves(camera.host)), None)
        if ear is None:
            ear = Ear.on(camera.host)
            self._ears.append(ear)
            await ear.open()
        ear.add(camera.heard_group)

    def forget(self, camera: SimCamera) -> None:
        for ear in self._ears:
            ear.remove(camera.heard_group)

    def close(self) -> None:
        for ear in self._ears:
            ear.close()
        self._ears.clear()


class SimCameras:
    """A town of cameras; `with SimCameras(specs) as town` runs them in a thread of their own.

    raises: OSError on entering, when an address or a port cannot be had
    """

    def __init__(self, specs: Sequence[Spec]) -> None:
        self._ears = _Ears()
        self.cameras: Final = tuple(SimCamera(spec, self._ears) for spec in specs)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sim-cameras", daemon=True)

    def __getitem__(self, place: int) -> SimCamera:
        return self.cameras[place]

    def __iter__(self) -> Iterator[SimCamera]:
        return iter(self.cameras)

    def __len__(self) -> int:
        return len(self.cameras)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(OPEN_MAX_S)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(OPEN_MAX_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(JOIN_S)
        self._loop.close()

    async def _open(self) -> None:
        for camera in self.cameras:
            await camera.open()

    async def _close(self) -> None:
        for camera in self.cameras:
            await camera.close()
        self._ears.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0)  # transports close one turn after they were told to
