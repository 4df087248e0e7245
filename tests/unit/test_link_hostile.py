"""A hostile process on one of alarm's sockets: it costs nothing but itself, and never more than a little."""

import array
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.core.words import SECOND_NS
from edge.link.client import LinkClient
from edge.link.frames import (
    FRAME_LIMIT,
    Ask,
    Bytes,
    Done,
    File,
    Frame,
    Health,
    Hello,
    LinkState,
    Picture,
    Pull,
    Role,
    Send,
    pack,
)
from edge.link.server import BACKLOG, PEERS
from edge.link.sockets import connect
from tests.unit.test_link import Alarm

DESCRIPTORS = Path("/proc/self/fd")
FILE = File(
    Picture(id="", alarm="a", jti="", camera="c", taken_ns=1, boot="b", frame=1, frames=1, sha256="0", size=1, kid="k")
)


@pytest.fixture
def alarm(tmp_path: Path) -> Iterator[Alarm]:
    alarm = Alarm(tmp_path, os.getuid())
    yield alarm
    alarm.server.close()


def is_served(alarm: Alarm, folder: Path) -> bool:
    """Whether an honest person at the box is still heard."""
    alarm.clock.now_ns += 10 * SECOND_NS
    before = len(alarm.heard)
    with LinkClient(folder / "cli.sock") as cli:
        cli.open()
        cli.send(Ask("status", {}))
        alarm.turn(8)
    return (Role.CLI, Ask("status", {})) in alarm.heard[before:]


def with_descriptors(sock: socket.socket, raw: bytes, given: list[int]) -> None:
    sock.sendmsg([raw], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", given))])


@pytest.mark.parametrize("number", [1, 2, 100])
def test_a_role_that_has_no_files_is_dropped_with_its_descriptors(alarm: Alarm, tmp_path: Path, number: int) -> None:
    read, write = os.pipe()
    with connect(tmp_path / "cli.sock") as sock:
        sock.send(pack(Hello()))
        alarm.turn()
        before = len(list(DESCRIPTORS.iterdir()))
        with_descriptors(sock, pack(Ask("status", {})), [write] * number)
        alarm.turn()
        assert alarm.heard == [(Role.CLI, Hello())]
        assert alarm.server.dropped["bad frame"] == 1
        assert len(list(DESCRIPTORS.iterdir())) == before - 1  # the connection's own
    assert is_served(alarm, tmp_path)
    os.close(write)
    assert os.read(read, 1) == b""  # nobody else holds the other end
    os.close(read)


@pytest.mark.parametrize(
    ("frame", "number"),
    [(FILE, 0), (FILE, 2), (FILE, 3), (FILE, 100), (Hello(), 1), (Health({}), 1), (Done("j", ""), 1)],
)
def test_cameras_attach_one_descriptor_to_a_file_and_none_to_anything_else(
    alarm: Alarm, tmp_path: Path, frame: Frame, number: int
) -> None:
    read, write = os.pipe()
    with connect(tmp_path / "cameras.sock") as sock:
        sock.send(pack(Hello()))
        alarm.turn()
        before = len(list(DESCRIPTORS.iterdir()))
        with_descriptors(sock, pack(frame), [write] * number) if number else sock.send(pack(frame))
        alarm.turn()
        assert alarm.heard == [(Role.CAMERAS, Hello())]
        assert len(list(DESCRIPTORS.iterdir())) == before - 1
    os.close(write)
    assert os.read(read, 1) == b""
    os.close(read)


def test_a_file_before_the_greeting_is_refused_and_closed(alarm: Alarm, tmp_path: Path) -> None:
    read, write = os.pipe()
    with connect(tmp_path / "cameras.sock") as sock:
        with_descriptors(sock, pack(FILE), [write])
        alarm.turn()
    os.close(write)
    assert os.read(read, 1) == b""
    os.close(read)


def test_a_file_that_waits_for_its_turn_is_closed_with_its_peer(alarm: Alarm, tmp_path: Path) -> None:
    read, write = os.pipe()
    with connect(tmp_path / "cameras.sock") as sock:
        sock.send(pack(Hello()))
        for _ in range(12):  # more than a burst of 8
            with_descriptors(sock, pack(FILE), [write])
        alarm.turn()
        assert len(alarm.heard) == 1 + 8
    alarm.clock.now_ns += SECOND_NS // 2
    alarm.turn(12)
    os.close(write)
    alarm.server.close()
    assert os.read(read, 1) == b""
    os.close(read)


def test_descriptors_in_a_backlog_are_gone_with_their_peer(alarm: Alarm, tmp_path: Path) -> None:
    read, write = os.pipe()
    with connect(tmp_path / "cli.sock") as sock:
        with_descriptors(sock, b"no frame", [write])
        with suppress(OSError):
            with_descriptors(sock, pack(Hello()), [write])
    alarm.turn()
    os.close(write)
    assert os.read(read, 1) == b""
    os.close(read)


@pytest.mark.parametrize("role", ["cli", "relay"])
def test_a_thousand_connections_leave_no_more_than_the_role_may_have(alarm: Alarm, tmp_path: Path, role: str) -> None:
    before = len(list(DESCRIPTORS.iterdir()))
    held = []
    for number in range(1000):
        held.append(connect(tmp_path / f"{role}.sock"))
        if number % 3:
            held[-1].send(pack(Hello()))
        alarm.turn(1)
        if number % 50 == 49:
            alarm.turn()
            assert len(list(DESCRIPTORS.iterdir())) - before - len(held) <= PEERS.get(Role(role), 1)
            while len(held) > 5:
                held.pop(0).close()
    for sock in held:
        sock.close()
    alarm.turn(8)
    assert len(list(DESCRIPTORS.iterdir())) == before
    assert is_served(alarm, tmp_path)


def test_one_that_never_reads_is_dropped_and_its_words_with_it(alarm: Alarm, tmp_path: Path) -> None:
    with connect(tmp_path / "relay.sock") as sock:
        sock.send(pack(Hello()))
        alarm.turn()
        (peer,) = alarm.server.peers(Role.RELAY)
        while peer not in alarm.gone:
            assert len(peer.waiting) <= BACKLOG
            alarm.server.send(peer, Send("beat", bytes(FRAME_LIMIT - 64)))
    assert is_served(alarm, tmp_path)


Step = Callable[[Alarm, list[socket.socket]], None]


def say(raw: bytes) -> Step:
    def step(_alarm: Alarm, held: list[socket.socket]) -> None:
        if held:
            with suppress(OSError):
                held[-1].send(raw)

    return step


def give(number: int) -> Step:
    """A File with so many descriptors."""

    def step(_alarm: Alarm, held: list[socket.socket]) -> None:
        if held:
            with suppress(OSError):
                with_descriptors(held[-1], pack(FILE), [0] * number)

    return step


def hang_up(_alarm: Alarm, held: list[socket.socket]) -> None:
    if held:
        held.pop().close()


def shut_down(_alarm: Alarm, held: list[socket.socket]) -> None:
    if held:
        with suppress(OSError):
            held[-1].shutdown(socket.SHUT_WR)


def turn(alarm: Alarm, _held: list[socket.socket]) -> None:
    alarm.turn(1)


def time_passes(alarm: Alarm, _held: list[socket.socket]) -> None:
    alarm.clock.now_ns += SECOND_NS // 10


def answer(alarm: Alarm, _held: list[socket.socket]) -> None:
    for role in (Role.RELAY, Role.CLI, Role.CAMERAS):
        for peer in alarm.server.peers(role):
            alarm.server.send(peer, Send("beat", bytes(9000)))


FRAMES: list[Frame] = [
    Hello(),
    Pull("mqtt", (), 2**63),
    LinkState("mqtt", up=True),
    Bytes("receipt", b"x"),
    Ask("status", {}),
    FILE,
    Health({"gerbang": "up"}),
]
SAY = st.one_of(
    st.sampled_from([pack(frame) for frame in FRAMES]),
    st.binary(max_size=40),
    st.sampled_from([b"", bytes(FRAME_LIMIT), bytes(FRAME_LIMIT + 1), b"\x01\x06" + b"\x91" * 9000]),
    st.sampled_from([pack(frame)[:-1] for frame in FRAMES]),
).map(say)
GIVE = st.sampled_from([give(number) for number in (1, 1, 2, 5)])
STEPS = st.lists(st.one_of(SAY, SAY, GIVE, st.sampled_from(["cli", "relay", "cameras", "cameras"]), st.sampled_from(
    [hang_up, shut_down, turn, turn, time_passes, answer]
)), max_size=60)  # fmt: skip


@given(STEPS)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_said_and_wherever_it_ends_the_next_is_served(
    alarm: Alarm, tmp_path: Path, steps: list[Step | str]
) -> None:
    before = len(list(DESCRIPTORS.iterdir()))
    held: list[socket.socket] = []
    for step in steps:
        if isinstance(step, str):
            with suppress(BlockingIOError):
                held.append(connect(tmp_path / f"{step}.sock"))
            alarm.turn(1)
        else:
            step(alarm, held)
    for sock in held:
        sock.close()
    alarm.turn(8)
    assert is_served(alarm, tmp_path)
    alarm.turn(8)
    alarm.clock.now_ns += SECOND_NS
    alarm.turn(8)
    assert len(list(DESCRIPTORS.iterdir())) == before
