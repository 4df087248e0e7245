"""What cameras can do to the box while somebody presses: a street that works, that lies in wait, and one too large."""

import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final

from drivers.sim.camera import Quirk, Spec
from tests.bench import priority
from tests.bench.rough_faults import HOG, Fault, Rough, again_and_again, beside
from tests.daemons.camera_world import CameraWorld
from tests.sim_cameras import specs

STREET: Final = 24
TRAPS: Final = (
    Quirk.SILENT, Quirk.DRIP_HEAD, Quirk.DRIP_BODY, Quirk.HUGE_SOAP,
    Quirk.BOMB_SOAP, Quirk.SNAPSHOT_DRIP, Quirk.SNAPSHOT_HUGE, Quirk.REDIRECT,
)  # fmt: skip
BUSY_S: Final = 0.01  # between two looks at each
LITTLE_BYTES: Final = 48 * 1024 * 1024  # of address space: what it has when it starts, and nothing for a street


@contextmanager
def cameras_busy(rough: Rough) -> Iterator[None]:
    """A street looked at without a pause, and a parser that never ends on each core, at the unit's priority."""
    with _street(rough, specs(STREET), BUSY_S), ExitStack() as several:
        for _ in range(os.cpu_count() or 1):
            priority.give(several.enter_context(beside("-c", HOG)), priority.CAMERAS)
        yield


@contextmanager
def cameras_tarpitted(rough: Rough) -> Iterator[None]:
    """A street of traps: what never answers, drips, floods, bombs and leads away."""
    street = [replace(spec, quirks=frozenset({TRAPS[spec.number % len(TRAPS)]})) for spec in specs(STREET)]
    with _street(rough, street, 0.2):
        yield


@contextmanager
def cameras_out_of_memory(rough: Rough) -> Iterator[None]:
    """Less memory than it needs: it fails in the middle of whatever it does, and is started again."""
    with _street(rough, specs(STREET), 0.2) as world:
        limit = (LITTLE_BYTES, LITTLE_BYTES)
        resource.prlimit(world.daemon.pid, resource.RLIMIT_AS, limit)

        def revive() -> None:
            if not world.daemon.running:
                world.daemon.start()
                resource.prlimit(world.daemon.pid, resource.RLIMIT_AS, limit)

        with again_and_again(revive, 0.5):
            yield
        if world.daemon.starts == 1 and "MemoryError" not in world.daemon.output():
            raise RuntimeError("memory was enough")


@contextmanager
def _street(rough: Rough, street: Sequence[Spec], check_s: float) -> Iterator[CameraWorld]:
    """The daemon among its cameras, at its unit's priority; every alarm meanwhile asks it for pictures."""
    places = rough.stage.places
    with CameraWorld(places.root.parent / "street", places, street, check_s=check_s) as world:
        world.adopted_before()
        world.start()
        priority.give(world.daemon.pid, priority.CAMERAS)
        yield world


CAMERAS: Final[dict[str, Fault]] = {
    "cameras busy": cameras_busy,
    "cameras that are traps": cameras_tarpitted,
    "cameras out of memory": cameras_out_of_memory,
}
