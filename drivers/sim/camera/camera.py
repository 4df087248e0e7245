"""One simulated camera: its sockets, and what tests read of it and do to it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from drivers.sim.camera.beacon import GROUP, PORT, Beacon, Probe, own_socket, read
from drivers.sim.camera.desk import Desk
from drivers.sim.camera.events import Topic
from drivers.sim.camera.spec import Quirk, Spec
from drivers.sim.camera.standing import Standing
from drivers.sim.camera.visits import Book, Proof, Visit
from drivers.sim.camera.web import converse

BACKLOG: Final = 64
SOON_S: Final = 10.0
REDIRECTS: Final = frozenset({Quirk.REDIRECT, Quirk.SNAPSHOT_REDIRECT})

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Ears(Protocol):
    """Who hears the group for a camera."""

    async def listen(self, camera: "SimCamera") -> None: ...

    def forget(self, camera: "SimCamera") -> None: ...


class SimCamera:
    """A camera of a town, which opens and closes it; what tests read and do may be called from any thread."""

    def __init__(self, spec: Spec, ears: Ears) -> None:
        self.book = Book()
        self._ears = ears
        self._standing = Standing(spec, spec.host, time.monotonic())
        self._desk = Desk(self._standing, self.book)
        self._beacon = Beacon(self._standing)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._datagrams: asyncio.DatagramTransport | None = None

    # what tests read

    @property
    def spec(self) -> Spec:
        return self._standing.spec

    @property
    def host(self) -> str:
        return self._standing.host

    @property
    def port(self) -> int:
        return self.spec.port

    @property
    def epr(self) -> str:
        return self.spec.epr

    @property
    def clock_off_s(self) -> float:
        """The camera's UTC minus ours at this moment."""
        return (self._standing.utc() - datetime.now(UTC)).total_seconds()

    @property
    def logins(self) -> list[Visit]:
        """Every request that carried a proof, whatever became of it."""
        return self.book.logins

    @property
    def refused(self) -> list[Visit]:
        """Logins that a camera with a lock-out would have counted, or turned away while locked."""
        return self.book.refused

    @property
    def unauthenticated(self) -> list[Visit]:
        return self.book.unauthenticated

    @property
    def basic(self) -> list[Visit]:
        """Passwords that came in the clear."""
        return [visit for visit in self.logins if visit.proof in {Proof.BASIC, Proof.WSSE_TEXT}]

    @property
    def elsewhere(self) -> list[Visit]:
        """What followed a redirect."""
        return self.book.of("elsewhere")

    @property
    def pictures(self) -> int:
        """How many were given."""
        return self._desk.frame

    @property
    def subscriptions(self) -> int:
        """How many live at this moment."""
        return len(self._desk.events.live())

    @property
    def subscriptions_peak(self) -> int:
        return self._desk.events.peak

    @property
    def subscriptions_made(self) -> int:
        return self._desk.events.made

    @property
    def locked(self) -> bool:
        return self._desk.door.locked

    # what tests do

    @property
    def password(self) -> str:
        return self._desk.door.password

    @password.setter
    def password(self, password: str) -> None:
        self._desk.door.password = password

    def unlock(self) -> None:
        self._desk.door.unlock()

    def turn(self, *quirks: Quirk, on: bool = True) -> None:
        """Turn quirks on or off while it runs."""
        kept = self.spec.quirks | set(quirks) if on else self.spec.quirks - set(quirks)
        self._standing.spec = replace(self.spec, quirks=kept)

    def happen(self, topic: Topic, *, active: bool = True) -> None:
        """Something moves (or no longer does) before the lens; has reached every subscription on return."""

        async def told() -> None:
            self._desk.events.happen(topic, active=active)

        self._soon(told())

    def drop_subscriptions(self) -> None:
        """As a reboot does."""

        async def told() -> None:
            self._desk.events.drop_all()

        self._soon(told())

    def move(self, host: str) -> None:
        """Take another address, as after a new lease, and say Hello from there. It listens on return."""
        self._soon(self._move(host))

    def hello(self) -> None:
        self._soon(self._say(self._beacon.hello()))

    def bye(self) -> None:
        self._soon(self._say(self._beacon.bye()))

    def off(self) -> None:
        """Cut its power: connections end, nobody is told."""
        self._soon(self.close())

    def on(self) -> None:
        self._soon(self.open())

    # what the town does

    async def open(self) -> None:
        """Raises OSError when the address or a port cannot be had."""
        self._loop = asyncio.get_running_loop()
        await self._serve(self.spec.port, self._converse)
        stray = await self._serve(0, self._stray)
        self._desk.elsewhere = f"http://{self.host}:{stray.sockets[0].getsockname()[1]}"
        self._datagrams = await own_socket(self.host, self._heard)
        await self._ears.listen(self)
        self._run(self._greet())

    async def close(self) -> None:
        self._ears.forget(self)
        self._desk.events.drop_all()
        for server in self._servers:
            server.close()
        self._servers.clear()
        if self._datagrams is not None:
            self._datagrams.close()
            self._datagrams = None
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def heard_group(self, raw: bytes, source: tuple[str, int]) -> None:
        """A datagram to the group has come."""
        if not self.spec.has(Quirk.DEAF):
            self._heard(raw, source)

    # discovery

    def _heard(self, raw: bytes, source: tuple[str, int]) -> None:
        probe = read(raw)
        if probe is not None and self._beacon.answers(probe):
            self.book.write("probe", probe.wanted, source)
            self._run(self._match(probe, source))

    async def _match(self, probe: Probe, source: tuple[str, int]) -> None:
        await asyncio.sleep(self._beacon.wait_s())
        if self._datagrams is not None:
            self._datagrams.sendto(self._beacon.matches(probe), source)

    async def _greet(self) -> None:
        await asyncio.sleep(self._beacon.wait_s())
        await self._say(self._beacon.hello())

    async def _say(self, raw: bytes) -> None:
        if self._datagrams is not None:
            self._datagrams.sendto(raw, (GROUP, PORT))

    async def _move(self, host: str) -> None:
        await self.close()
        self._standing.host = host
        self._beacon.moved()
        await self.open()

    # connections

    async def _serve(self, port: int, talk: Talk) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._kept(talk, reader, writer)

        server = await asyncio.start_server(connected, self.host, port, backlog=BACKLOG)
        self._servers.append(server)
        return server

    async def _kept(self, talk: Talk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold a conversation that ends with the camera's power."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await talk(reader, writer)
        except (asyncio.CancelledError, OSError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _stray(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await converse(reader, writer, self._desk.stray)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.spec.has(Quirk.SLAM) or self.spec.has(Quirk.SILENT):
            await self._turn_away(reader, writer)
        else:
            await converse(reader, writer, self._desk.answer)

    async def _turn_away(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername") or ("", 0)
        self.book.write("connect", "", (peer[0], peer[1]))
        while self.spec.has(Quirk.SILENT) and await reader.read(4096):
            pass

    # the loop

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=SOON_S)
