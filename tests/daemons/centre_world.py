"""A centre as a process, a real broker under our access list, and small boxes that speak to it over TLS."""

import json
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from drivers.dial import Endpoint, TlsFiles
from drivers.mqtt import MqttUplink
from drivers.ports import Arrived, Down, Message, Outcome, Session, Settled, Up
from edge.centre.authority import Authority
from edge.centre.boxkeys import enrol_here
from edge.centre.places import CentrePlaces
from edge.centre.settings import CentreSettings, write_settings
from edge.config.places import Places
from edge.core.events import Author, Frozen, freeze
from edge.core.messages import (
    Beat,
    Command,
    Receipt,
    Reply,
    State,
    decode,
    digest_of,
    encode,
    sign_beat,
    sign_reply,
)
from edge.core.seal import Forged, Signer, Use, open_jws, read_keyset
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import BoxId, Epoch, EventClass, EventId, Json, Record, SiteId
from edge.field.broker import LOOPBACK, Broker, Program, Tls
from tests.daemons.witness import WITNESS
from tests.pages import Said

SITE = SiteId("33.74.10.1004-010-005")
ACL = Path(__file__).parents[2] / "configs/broker/acl"
PATIENCE_S = 20.0  # a loaded machine of two cores
KENTONGAN = (sys.executable, "-c", "from edge.field.cli import main; main()")


def wait_for(reached: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + within_s
    while not reached():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.005)


class World:
    """One root, one authority, one broker; processes and boxes end with it."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.places = CentrePlaces(folder / "centre")
        self.authority = Authority.make(self.places)
        self._folder = folder
        self._open: list[RunningCentre | FakeBox] = []
        files = self.places.certificates
        listener = Tls(authority=files / "ca.pem", certificate=files / "broker.pem", key=files / "broker.key").lines()
        lines = (f"acl_file {ACL}", "set_tcp_nodelay true", "max_queued_messages 100000", "max_packet_size 70000")
        self.broker = Broker(program, listeners={"tls": listener}, lines=lines, parent=folder)

    def __enter__(self) -> Self:
        self.broker.__enter__()
        port = self.broker.ports["tls"]
        write_settings(self.places, CentreSettings(f"mqtts://{LOOPBACK}:{port}", "Pusat Uji"))
        return self

    def __exit__(self, *_: object) -> None:
        for opened in reversed(self._open):
            opened.close()
        self.broker.__exit__(None, None, None)

    def start(self, *, program: Sequence[str] = KENTONGAN, words: Sequence[str] = ()) -> "RunningCentre":
        """Start a centre and do not wait. words: options of `centre run`."""
        process = RunningCentre(program, self.places, self._folder / f"centre-{len(self._open)}.log", words)
        self._open.append(process)
        return process

    def centre(self, *, program: Sequence[str] = KENTONGAN, words: Sequence[str] = ()) -> "RunningCentre":
        """Start a centre and wait until it listens."""
        process = self.start(program=program, words=words)
        wait_for(lambda: process.lines("connected") or not process.alive, "connected")
        assert process.lines("connected"), process.words()
        return process

    def box(self, *, epoch: str = "7c1f0b2e") -> "FakeBox":
        home = Places(self._folder / f"box-{len(self._open)}")
        name = enrol_here(self.authority, home, SITE)
        return self.twin(home, name, epoch=epoch)

    def twin(self, home: Places, name: BoxId, *, epoch: str) -> "FakeBox":
        box = FakeBox(home, name, Epoch(epoch), self.broker.ports["tls"])
        self._open.append(box)
        return box

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `kentongan centre ...` as an operator does."""
        command = [*KENTONGAN, "centre", *arguments, "--root", str(self.places.root), "--lang", "en"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def stored(self) -> list[dict[str, Any]]:
        done = self.run("export", "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


class RunningCentre:
    def __init__(self, program: Sequence[str], places: CentrePlaces, log: Path, words: Sequence[str] = ()) -> None:
        self._log = log
        command = [*program, "centre", "run", "--json", "--root", str(places.root), *words]
        with log.open("wb") as out:
            self._child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def words(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def lines(self, what: str) -> list[dict[str, Any]]:
        """Its JSON lines of one kind so far."""
        whole = (
            line for line in self.words().splitlines(keepends=True) if line.startswith("{") and line.endswith("}\n")
        )
        return [line for line in map(json.loads, whole) if line["what"] == what]

    def kill(self) -> None:
        """SIGKILL, and see that this is what ended it."""
        assert self.alive
        self._child.kill()
        assert self._child.wait(10) == -signal.SIGKILL

    def limit_files(self, size: int | None) -> None:
        """From now on none of its files may grow beyond `size` bytes (EFBIG); None: as large as they like."""
        _, hard = resource.prlimit(self._child.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._child.pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))

    def wait_killed(self, within_s: float = PATIENCE_S) -> None:
        """It was to kill itself: see that it did."""
        assert self._child.wait(within_s) == -signal.SIGKILL, self.words()

    def stop(self) -> int:
        self._child.terminate()
        return self._child.wait(10)

    def close(self) -> None:
        if self.alive:
            self._child.kill()
        self._child.wait(10)


class FakeBox:
    """The other end of the centre: the real uplink and real signatures, nothing else of a box."""

    def __init__(self, home: Places, name: BoxId, epoch: Epoch, port: int) -> None:
        self.home, self.name, self.epoch, self.nonce = home, name, epoch, "nonce-1"
        self.signer = Signer((home.secrets / "box.key").read_bytes())
        self.receipts: list[Receipt] = []
        self.commands: list[tuple[Command, bytes]] = []
        self.settled: dict[int, Outcome] = {}
        self.made: dict[EventId, Frozen] = {}
        self.answers: Callable[[Command], Reply | None] = self.obey
        self.head = 0
        self._judged, self._proven = 0, set[EventId]()  # receipts looked at, and what they prove
        self._keyset = read_keyset((home.trust / "keyset.jws").read_bytes(), (home.trust / "root.pub").read_bytes())
        self._site: SiteId = SITE
        self._up = False
        tls = TlsFiles(home.trust / "broker-ca.pem", home.secrets / "tls.pem", home.secrets / "tls.key")
        self._uplink = MqttUplink(Endpoint(LOOPBACK, port, tls))

    # ---- what it says -----------------------------------------------------------------------------------------------

    def event(
        self, seq: int | None = None, *, name: str = "alarm", at: EventClass = EventClass.ALARM, **content: Json
    ) -> Frozen:
        self.head = max(self.head, seq or self.head + 1)
        identity = EventId(self.epoch, seq or self.head)
        author = Author(self.name, self._site, self.epoch, "5f0e2a9c")
        said: dict[str, Json] = {
            "alarm": str(identity),
            "zone": "pos-ronda",
            "kind": "crime",
            "status": "actual",
            "cid": "1120",
            **({"what": "start"} if name in {"audit", "start"} else {}),
            **({"code": "E-TEST", "text": ""} if name == "trouble" else {}),
            **content,
        }
        record = Record(identity, at, name, f"zone/{said['zone']}", said)
        frozen = freeze(record, Stamp(time.time_ns(), time.monotonic_ns(), TimeQuality.SYNCED), author, self.signer)
        self.made[identity] = frozen
        self._judged, self._proven = 0, set()  # other bytes may stand under the same name now
        return frozen

    def send(self, frozen: Frozen, *, durable: bool = True) -> int:
        return self.publish(f"event/{frozen.event_class}", frozen.raw, durable=durable)

    def publish(
        self, leaf: str, raw: bytes, *, durable: bool = True, correlation: bytes = b"", wrong: bool = False
    ) -> int:
        """wrong: no box says so; everything else is held against the contract, as what a real one says."""
        if not wrong:
            self._witnessed(leaf, raw)
        ticket = self._uplink.publish(Message(leaf, raw, durable=durable, correlation=correlation))
        self.turn()  # what is published leaves with the turn, and a test may only listen from here on
        return ticket

    def _witnessed(self, leaf: str, raw: bytes) -> None:
        WITNESS.hear(Said(f"kentongan/v1/{self.name}/{leaf}", raw, qos=1, retain=leaf == "state"))

    def beat(self, nonce: str, *, ordinal: int = 1, pending: int = 0, head: int | None = None) -> None:
        head = self.head if head is None else head
        said = Beat(self.name, nonce, self.epoch, ordinal, head, "2026-11-23T13:05:22.417Z", "synced", pending)
        self.publish("beat", sign_beat(said, self.signer))

    def state(self, *, online: bool = True) -> State:
        return State(
            box=self.name, site=self._site, session="s1", online=online, version="0.1.0", config=1, bootid="5f0e2a9c",
            epoch=self.epoch, ordinal=1, head=self.head, nonce=self.nonce, timequality="synced",
            zones={"pos-ronda": "normal"}, sounders={"siren": "quiet"},
        )  # fmt: skip

    def obey(self, command: Command) -> Reply | None:
        """What the gate of a real box checks of freshness: the nonce of its state."""
        if command.nonce != self.nonce:
            return Reply(self.name, "", "refused", "nonce: not the one in our state")
        return Reply(self.name, command.jti, "done", command.name)

    # ---- how it lives -----------------------------------------------------------------------------------------------

    def connect(self) -> "FakeBox":
        state, will = encode(self.state()), encode(self.state(online=False))
        for raw in (state, will):
            self._witnessed("state", raw)
        self._uplink.connect(Session(self.name, will=will, state=state))
        self.until(lambda: self._up, "connected")
        return self

    def turn(self, within_s: float = 0.0) -> None:
        watched = self._uplink.sockets()
        reading, writing = [fd for fd, _ in watched], [fd for fd, wants in watched if wants]
        select.select(reading, writing, [], within_s)
        for event in self._uplink.turn(time.monotonic_ns()):
            match event:
                case Up():
                    self._up = True
                case Down(cause, text):
                    self._up = False
                    raise ConnectionError(f"{cause}: {text}")
                case Settled(ticket, outcome, _):
                    self.settled[ticket] = outcome
                case Arrived(kind, raw, correlation):
                    self._hear(kind, raw, correlation)

    def until(self, reached: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + within_s
        while not reached():
            assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
            self.turn(0.05)

    def received(self) -> set[EventId]:
        """What verified receipts prove: signature, addressee, and the digest over our own bytes."""
        for receipt in self.receipts[self._judged :]:
            self._proven |= self._proved(receipt)
        self._judged = len(self.receipts)
        return self._proven

    def forget_receipts(self) -> None:
        self.receipts.clear()
        self._judged, self._proven = 0, set()

    def lacks(self, *events: Frozen) -> set[EventId]:
        return {frozen.id for frozen in events} - self.received()

    def until_received(self, *events: Frozen, within_s: float = PATIENCE_S) -> None:
        self.until(lambda: not self.lacks(*events), f"receipts for {len(events)} events", within_s)

    def until_receipts(self, count: int) -> None:
        self.until(lambda: len(self.receipts) >= count, f"{count} receipts")

    def close(self) -> None:
        self._uplink.close()

    def _hear(self, kind: str, raw: bytes, correlation: bytes) -> None:
        if kind == "receipt":
            self._witnessed("receipt", raw)
            receipt = decode(open_jws(raw, self._keyset.key_of(Use.RECEIPT)), Receipt)
            assert receipt.box == self.name
            self.receipts.append(receipt)
        elif kind == "command":
            self._witnessed("command", raw)
            self._order(raw, correlation)

    def _order(self, raw: bytes, correlation: bytes) -> None:
        try:
            command = decode(open_jws(raw, self._keyset.key_of(Use.COMMAND_SILENCE)), Command)
        except Forged as error:
            reply: Reply | None = Reply(self.name, "", "refused", str(error))
        else:
            self.commands.append((command, correlation))
            reply = self.answers(command)
        if reply is not None:
            self.publish("reply", sign_reply(reply, self.signer), correlation=correlation)

    def _proved(self, receipt: Receipt) -> set[EventId]:
        proved: set[EventId] = set()
        for have in receipt.have:
            ids = [EventId(have.epoch, seq) for first, last in have.ranges for seq in range(first, last + 1)]
            ours = [self.made[identity].digest for identity in ids if identity in self.made]
            if digest_of(ours) == have.digest:
                proved |= set(ids)
        return proved


DIES_BEFORE_COMMIT = """
import os, signal
from contextlib import contextmanager
from edge.centre.store import Store
from edge.field.cli import main
whole = Store.group
@contextmanager
def group(self, now_ns):
    with whole(self, now_ns) as group:
        yield group
        if group._connection.exec_driver_sql("SELECT 1 FROM event").fetchone():
            os.kill(os.getpid(), signal.SIGKILL)
Store.group = group
main()
"""
"""A centre that dies as a power cut would have it: an event is read, judged and written, and not yet committed."""


def dying_centre() -> Sequence[str]:
    return (sys.executable, "-c", DIES_BEFORE_COMMIT)
