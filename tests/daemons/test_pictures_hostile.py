"""A hostile cameras' part before a real alarm: it fills its own quota at most, and the siren sounds as ever."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edge.core.words import EventClass
from edge.field.status import ask_status
from edge.link.frames import Done, File, Health, Hello, Picture, Put, Work, pack, unpack
from edge.link.sockets import connect
from tests.daemons.alarm_box import AlarmBox
from tests.daemons.spool import SEALS, memory, picture_of
from tests.unit.test_link_hostile import with_descriptors

WITHIN_S = 15.0
STEADY = 300  # looks without a change, a millisecond apart
CONTENT = bytes(range(256)) * 80


class Peer:
    """A socket that says whatever the test wants."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.works: list[Work] = []
        self.connect()

    def connect(self) -> None:
        self.sock = connect(self._path)
        self.sock.send(pack(Hello()))

    def offer(self, picture: Picture, *descriptors: int) -> None:
        raw = pack(File(picture))
        with_descriptors(self.sock, raw, list(descriptors)) if descriptors else self.sock.send(raw)

    def listen(self) -> list[Work]:
        """Everything that alarm has said."""
        with suppress(BlockingIOError, OSError):
            while raw := self.sock.recv(20_000):
                frame = unpack(raw)
                if isinstance(frame, Work):
                    self.works.append(frame)
        return self.works

    def refusals(self) -> list[str]:
        return [work.args["reason"] for work in self.listen() if work.what == "refused"]

    @property
    def is_dropped(self) -> bool:
        try:
            while self.sock.recv(20_000):
                pass
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path) as box:
        box.start()
        yield box


@pytest.fixture
def peer(box: AlarmBox) -> Iterator[Peer]:
    peer = Peer(box.places.link / "cameras.sock")
    assert box.wires.watch(lambda _bench: bool(peer.listen()), WITHIN_S)  # greeted, and told the key
    yield peer
    peer.sock.close()


def descriptors(box: AlarmBox) -> int:
    return len(list(Path(f"/proc/{box.alarm.pid}/fd").iterdir()))


def at_rest(box: AlarmBox) -> int:
    """How many there are once the ledger is open and nothing else opens or closes one."""
    assert box.wires.watch(lambda _bench: bool(ask_status(box.places)["ordinal"]), WITHIN_S)
    seen: list[int] = []

    def same(_bench: object) -> bool:
        seen.append(descriptors(box))
        return len(seen) >= STEADY and len(set(seen[-STEADY:])) == 1

    assert box.wires.watch(same, WITHIN_S)
    return seen[-1]


def a_pipe(stack: ExitStack) -> int:
    read, write = os.pipe()
    stack.callback(os.close, read)
    stack.callback(os.close, write)
    return read


def opened(stack: ExitStack, path: str, flags: int = os.O_RDONLY) -> int:
    descriptor = os.open(path, flags)
    stack.callback(os.close, descriptor)
    return descriptor


def a_file(stack: ExitStack) -> int:
    descriptor = opened(stack, "/tmp", os.O_TMPFILE | os.O_RDWR)  # it has no name
    os.write(descriptor, CONTENT)
    return descriptor


def sealed(stack: ExitStack, content: bytes = CONTENT, seals: int = SEALS) -> int:
    descriptor = memory(content, seals)
    stack.callback(os.close, descriptor)
    return descriptor


def a_socket(stack: ExitStack) -> int:
    return stack.enter_context(socket.socket()).fileno()


SEAL_WRITE, SEAL_GROW = 8, 4
CASES: dict[str, tuple[str, Callable[[ExitStack], int], dict[str, object]]] = {
    "unsealed": ("seals", lambda stack: sealed(stack, seals=0), {}),
    "still writable": ("seals", lambda stack: sealed(stack, seals=SEALS & ~SEAL_WRITE), {}),
    "may grow": ("seals", lambda stack: sealed(stack, seals=SEALS & ~SEAL_GROW), {}),
    "a pipe": ("seals", a_pipe, {}),
    "a folder": ("seals", lambda stack: opened(stack, "/"), {}),
    "a device": ("seals", lambda stack: opened(stack, "/dev/zero"), {}),
    "a file": ("seals", a_file, {}),
    "a path": ("seals", lambda stack: opened(stack, "/etc/hostname", os.O_PATH), {}),
    "a socket": ("seals", a_socket, {}),
    "shorter": ("size", sealed, {"size": len(CONTENT) + 1}),
    "longer": ("size", sealed, {"size": len(CONTENT) - 1}),
    "empty": ("words", lambda stack: sealed(stack, b""), {"size": 0}),
    "too large": ("words", lambda stack: sealed(stack, bytes(262_145)), {"size": 262_145}),
    "other bytes": ("sha256", sealed, {"sha256": "ab" * 32}),
    "no digest": ("words", sealed, {"sha256": "x"}),
    "no alarm": ("words", sealed, {"alarm": "../../etc"}),
    "no camera": ("words", sealed, {"camera": "Gerbang Utama"}),
    "no frame": ("words", sealed, {"frame": 3, "frames": 2}),
    "a strange id": ("words", sealed, {"id": "x"}),
    "somebody's id": ("sha256", sealed, {"id": "alarm"}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_could_change_or_is_not_what_it_says_is_refused_and_closed(box: AlarmBox, peer: Peer, case: str) -> None:
    word, made, said = CASES[case]
    assert box.sounds()
    before = at_rest(box)
    picture = replace(picture_of(CONTENT), **said)  # type: ignore[arg-type]
    if picture.id == "alarm":
        picture = replace(picture, id=str(ask_status(box.places)["journey"]["id"]))
    with ExitStack() as stack:
        peer.offer(picture, made(stack))
        assert box.wires.watch(lambda _bench: bool(peer.refusals()), WITHIN_S)
    assert peer.refusals()[0].startswith(word)
    assert box.wires.watch(lambda _bench: descriptors(box) == before, WITHIN_S)  # who asked for the status has gone
    assert not any(work.what == "kept" for work in peer.works)


@pytest.mark.parametrize("number", [0, 2, 3, 200])
def test_a_file_without_its_descriptor_or_with_others_drops_the_peer(box: AlarmBox, peer: Peer, number: int) -> None:
    before = at_rest(box)
    with ExitStack() as stack:
        peer.offer(picture_of(CONTENT), *[sealed(stack)] * number)
    assert box.wires.watch(lambda _bench: peer.is_dropped, WITHIN_S)
    assert box.wires.watch(lambda _bench: descriptors(box) == before - 1, WITHIN_S)  # the connection's own
    assert box.sounds()


def test_a_thousand_files_a_flood_of_words_and_the_siren_sounds(box: AlarmBox, peer: Peer) -> None:
    before = at_rest(box)
    sent = 0
    for number in range(1000):
        content = b"%d" % number
        descriptor = memory(content)
        with suppress(BlockingIOError):
            peer.offer(picture_of(content), descriptor)
            sent += 1
        with suppress(BlockingIOError):
            peer.sock.send(pack(Put("camera-event", "camera/gerbang", {"what": "motion", "n": number})))
            peer.sock.send(pack(Health({f"c{number % 70}": "up"})))
            peer.sock.send(pack(Done(f"{number:08x}.1", "expired")))
        os.close(descriptor)
        peer.listen()
    assert sent > 8
    assert box.sounds()
    assert box.wires.watch(lambda _bench: any(work.what == "kept" for work in peer.listen()), WITHIN_S)
    assert descriptors(box) - before <= 8 + 8  # what it holds, and what is being numbered
    bearer = box.bearer()
    bearer.until(lambda: len(bearer.rows) > 20, WITHIN_S, "rows")
    classes = [row.event_class for row in bearer.rows.values()]
    assert 0 < classes.count(EventClass.INVENTORY) <= 40  # 20 at once, and one in five seconds
    assert classes.count(EventClass.AUDIT) <= 20  # a flood of one kind is told once in ten seconds
    assert classes.count(EventClass.PICTURE) == 0  # a bearer that asks for no picture gets none


def test_what_is_no_observation_is_refused_and_audited(box: AlarmBox, peer: Peer) -> None:
    for wrong in (
        Put("alarm", "camera/gerbang", {}),
        Put("camera-event", "zone/pos-ronda", {}),
        Put("camera-event", "camera/../x", {}),
        Put("camera-event", "camera/gerbang", {"text": "x" * 3000}),
        Put("camera-event", "camera/gerbang", {"n": 2**60}),
        Put("camera-event", "camera/gerbang", {"é": 1}),
    ):
        peer.sock.send(pack(wrong))
    peer.sock.send(pack(Health({"Pintu Depan": "up"})))
    peer.sock.send(pack(Put("camera", "camera/gerbang", {"what": "adopted"})))
    assert box.said("observation refused")
    bearer = box.bearer()

    def observed() -> list[bytes]:
        return [row.raw for row in bearer.rows.values() if row.event_class is EventClass.INVENTORY]

    bearer.until(observed, WITHIN_S, "the one that is an observation")
    assert [b'"what":"adopted"' in raw for raw in observed()] == [True]
    assert ask_status(box.places)["cameras"] == {}
