"""The cameras daemon without its loop: a street in memory, a clock that is moved, jobs that are done at once."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from nacl.public import PrivateKey

from drivers.sim.street import PLAIN, Lens, Street
from edge.config.model import Cameras as Policy
from edge.core.inventory import Adopted
from edge.core.words import SECOND_NS
from edge.daemons.border import Border
from edge.daemons.cameras.clerk import Clerk, Hands
from edge.daemons.cameras.crew import Crew, Post
from edge.daemons.cameras.desk import Visitor
from edge.daemons.cameras.pictures import Photographer
from edge.daemons.cameras.roll import Roll
from edge.daemons.cameras.rounds import Means, Pace, Rounds
from edge.daemons.cameras.spool import Spool
from edge.daemons.cameras.store import Store
from edge.link import counter
from edge.link.counter import Answer, Request
from edge.link.frames import Done, Frame, Health, Picture, Put, Work

T = TypeVar("T")
log = logging.getLogger("kentongan.cameras")
KEY: Final = PrivateKey(b"\x05" * 32)
BOOT: Final = "5f0e2a9c"


class Prompt(Crew):
    """Does each job where it stands; what comes of it waits in the post."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self.busy = 0

    def start(self, job: Callable[[], T], done: Callable[[T], None], failed: Callable[[], None] | None = None) -> None:
        self.busy += 1
        self._run(job, done, failed)

    def close(self) -> None: ...


class Heard(Visitor):
    """A visitor at the counter, and what was said."""

    def __init__(self) -> None:
        self.uid = 1000
        self.answers: list[Answer] = []

    def say(self, answer: Answer) -> None:
        self.answers.append(answer)


class CameraBox:
    """One life of the daemon; `again` begins the next one on the same folder."""

    def __init__(
        self, folder: Path, *lenses: Lens, street: Street | None = None, now_ns: int = 1000 * SECOND_NS
    ) -> None:
        self.folder = folder
        self.street = street or Street(*lenses)
        self.now_ns = now_ns
        self.policy = Policy()
        self.said: list[Frame] = []
        self.lost: list[tuple[Picture, str]] = []
        self.store = Store(folder)
        self.broken = self.store.load()
        self.spool = Spool(folder / "spool", lambda picture, why: self.lost.append((picture, why)), self.utc_ns)
        self.spool.load()
        self.roll = Roll(self.store, self.said.append, self.spool.count, now_ns)
        self.roll.send_health()  # alarm is there from the start
        self.post = Post(lambda: None, Border(log, "test"))
        crew = Prompt(self.post)
        means = Means(self.street, self.street.scanner, crew, crew, self.boot_ns, lambda: True)
        self.rounds = Rounds(self.roll, means, Pace(), now_ns=now_ns, powered_on=False)
        hands = Hands(
            self.street, self.street.scanner, crew, crew, self.post, self.boot_ns, lambda: True,
            self.rounds.changed, self._forgotten,
        )  # fmt: skip
        self.clerk = Clerk(self.roll, hands)
        self.photographer = Photographer(
            self.roll, self.street, crew, self.spool, self.said.append,
            policy=lambda: self.policy, boot_ns=self.boot_ns, boot=BOOT,
        )  # fmt: skip

    def again(self, *, after_s: float = 5.0) -> "CameraBox":
        """The next life: whatever was not written down is gone."""
        return CameraBox(self.folder, street=self.street, now_ns=self.now_ns + int(after_s * SECOND_NS))

    def boot_ns(self) -> int:
        return self.now_ns

    def utc_ns(self) -> int:
        return 1_790_000_000 * SECOND_NS + self.now_ns

    def _forgotten(self, name: str) -> None:
        self.rounds.changed(name)
        self.spool.forget(name)

    # ---- what happens ----------------------------------------------------------------------------------------------

    def passes(self, seconds: float) -> None:
        until_ns = self.now_ns + int(seconds * SECOND_NS)
        while self.now_ns < until_ns:
            self.now_ns += SECOND_NS
            self.turn()

    def turn(self) -> None:
        self.rounds.turn(self.now_ns)
        self.photographer.turn(self.now_ns)
        self.settle()
        self.roll.turn(self.now_ns)

    def settle(self) -> None:
        for _ in range(8):  # a job may start another
            self.post.take()

    def asks(self, request: Request) -> list[Answer]:
        visitor = Heard()
        self.clerk.ask(visitor, request)
        self.settle()
        return visitor.answers

    def adopts(self, name: str, lens: Lens, *, consent: bool = True, events: bool = False) -> Adopted:
        """With the right login."""
        wish = counter.Adopt(
            name, lens.host, lens.port, lens.epr, PLAIN.user, PLAIN.password, consent=consent, events=events
        )
        assert self.asks(wish)[-1] == counter.Finished(name)
        camera = self.roll.get(name)
        assert camera is not None
        return camera

    def alarms(self, alarm: str = "7c1f0b2e.11", **args: str) -> None:
        """Alarm asks for pictures."""
        self.works({"alarm": alarm, **args})

    def works(self, args: dict[str, str], key: bytes = bytes(KEY.public_key)) -> None:
        self.photographer.begin(Work("snapshot", {"camera": "", "kid": "picture-1", **args}, key), self.now_ns)
        self.settle()

    # ---- what was said ---------------------------------------------------------------------------------------------

    def puts(self, *names: str) -> list[Put]:
        return [frame for frame in self.said if isinstance(frame, Put) and (not names or frame.name in names)]

    def dones(self) -> list[Done]:
        return [frame for frame in self.said if isinstance(frame, Done)]

    def health(self) -> dict[str, str]:
        """As alarm was told last."""
        return next((frame.cameras for frame in reversed(self.said) if isinstance(frame, Health)), {})


def lens(number: int, host: str = "", **members: object) -> Lens:
    """A camera that is like no other."""
    camera = Lens(
        host or f"10.0.0.{number}", epr=f"urn:uuid:{number}", mac=f"00:11:22:33:44:{number:02x}", serial=f"S{number}"
    )
    for name, value in members.items():
        assert hasattr(camera, name)
        setattr(camera, name, value)
    return camera
