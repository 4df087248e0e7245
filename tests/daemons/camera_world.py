"""Real processes around simulated cameras: kentongan-cameras, and alarm beside it where a test wants it."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from drivers.camera import Login
from drivers.sim.camera import SimCamera, SimCameras, Spec
from edge.config.places import Places
from edge.core.inventory import Adopted, Marks, plain_mac
from edge.daemons.cameras.store import Store
from edge.field.children import Child
from edge.link import counter
from edge.link.counter import Answer, Request, Shown, converse

PATIENCE_S: Final = 30.0
LOOK_S: Final = 0.02
STOP_MAX_S: Final = 15.0  # systemd/kentongan-cameras.service


class CameraWorld:
    """One street and the daemon that looks after it. `places` may be those of a box whose alarm runs."""

    def __init__(self, folder: Path, places: Places, specs: Sequence[Spec], *, check_s: float = 0.5) -> None:
        self._folder = folder
        self.places: Final = places
        self.specs: Final = tuple(specs)
        self._check_s = check_s
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.town = self._open.enter_context(SimCameras(self.specs))
        self.daemon = self._child()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _child(self) -> Child:
        prefix = self.specs[0].host.rpartition(".")[0] + "."
        command = [sys.executable, "-m", "tests.daemons.cameras_here", prefix, "--root", str(self.places.root)]
        pace = ["--check-s", str(self._check_s), "--again-s", str(self._check_s / 2)]
        child = Child("cameras", [*command, *pace], self._folder / "cameras.log")
        self._open.callback(child.stop)
        return child

    def start(self) -> None:
        self.daemon.start()
        self.daemon.wait_ready()

    def adopted_before(self, *, consent: bool = True, events: bool = False) -> None:
        """As a former life left them: every camera, with its right login."""
        store = Store(self.places.cameras)
        store.load()
        for spec in self.specs:
            marks = Marks(epr=spec.epr, mac=plain_mac(spec.mac), serial=spec.serial)
            camera = Adopted(
                name=name_of(spec), host=spec.host, port=spec.port, marks=marks, consent=consent, events=events
            )
            store.adopt(camera, Login(spec.user, spec.password))

    def asks(self, request: Request) -> list[Answer]:
        return list(converse(self.places.counter, request, PATIENCE_S))

    def adopts(self, spec: Spec, **wish: bool) -> list[Answer]:
        return self.asks(counter.Adopt(name_of(spec), spec.host, spec.port, spec.epr, spec.user, spec.password, **wish))

    def shown(self) -> dict[str, Shown]:
        lists = (answer for answer in self.asks(counter.List()) if isinstance(answer, counter.Listed))
        return {camera.name: camera for each in lists for camera in each.cameras}

    def health(self) -> set[str]:
        return {camera.health for camera in self.shown().values()}

    def until(self, done: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < deadline, f"not within {within_s} s: {what}; {self.daemon.last_words()}"
            time.sleep(LOOK_S)

    def starts_and_settles(self) -> None:
        """Begin a life, until it has tried every login and the disk knows what became of each."""
        before = [len(camera.logins) for camera in self.town]

        def settled() -> bool:
            store = Store(self.places.cameras)
            store.load()
            tried = all(len(camera.logins) > seen for camera, seen in zip(self.town, before, strict=True))
            return tried and not any(camera.staked for camera in store.kept.cameras)

        self.start()
        self.until(settled, "every login taken, and that written down")

    def named(self, health: str) -> set[str]:
        """Who is so."""
        return {camera.name for camera in self.shown().values() if camera.health == health}

    def stops(self) -> None:
        """As systemd ends it: what it needs to take its subscriptions off is less than its unit allows."""
        os.kill(self.daemon.pid, signal.SIGTERM)
        self.until(lambda: not self.daemon.running, "ended", STOP_MAX_S)

    def all_are(self, health: str, within_s: float = PATIENCE_S) -> None:
        self.until(lambda: self.health() == {health}, f"{health}, but {self.health()}", within_s)

    def looked_on(self, rounds: int = 6) -> None:
        """So many looks at each camera have gone by."""
        time.sleep(self._check_s * rounds)

    def memory_mb(self) -> float:
        """Proportional set size of the daemon."""
        rows = Path(f"/proc/{self.daemon.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return next(int(row.split()[1]) / 1024 for row in rows if row.startswith("Pss:"))


def name_of(spec: Spec) -> str:
    return f"kamera-{spec.number:02}"


def refused(town: Iterator[SimCamera] | SimCameras) -> list[int]:
    """By camera: logins that count against a lock-out."""
    return [len(camera.book.refused) for camera in town]
