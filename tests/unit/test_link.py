"""Both ends of the link over real sockets, driven by hand: no thread, no sleep."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.core.delivery import Answer
from edge.core.words import SECOND_NS, Epoch, EventClass
from edge.link.client import LinkClient
from edge.link.frames import (
    MARKED_LIMIT,
    VERSION,
    Ask,
    Bytes,
    File,
    Frame,
    Hello,
    Mark,
    Marks,
    News,
    Picture,
    Pull,
    Role,
    Send,
    pack,
)
from edge.link.server import BACKLOG, Bucket, LinkServer, Peer
from edge.link.sockets import connect


class Clock:
    def __init__(self) -> None:
        self.now_ns = SECOND_NS

    def __call__(self) -> int:
        return self.now_ns


class Alarm:
    """A server with ears."""

    def __init__(self, folder: Path, uid: int) -> None:
        self.clock = Clock()
        self.heard: list[tuple[Role, Frame]] = []
        self.gone: list[Peer] = []
        uids = dict.fromkeys((Role.RELAY, Role.CLI, Role.CAMERAS), uid)
        self.wanted = 0  # descriptors to take of those that come
        self.given: list[int] = []
        self.server = LinkServer(folder, uids, self._hear, self.gone.append, self.clock)
        self.server.open()

    def _hear(self, peer: Peer, frame: Frame) -> None:
        self.heard.append((peer.role, frame))
        if isinstance(frame, File) and len(self.given) < self.wanted:
            self.given.append(peer.take())

    def turn(self, times: int = 4) -> None:
        for _ in range(times):
            self.server.turn(0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Deeper than the 108 bytes of sun_path."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    return deep


@pytest.fixture
def alarm(folder: Path) -> Iterator[Alarm]:
    alarm = Alarm(folder, os.getuid())
    yield alarm
    alarm.server.close()


@pytest.fixture
def relay(folder: Path, alarm: Alarm) -> Iterator[LinkClient]:
    with LinkClient(folder / "relay.sock") as client:
        assert client.open()
        alarm.turn()
        yield client


def test_frames_cross_in_both_directions_and_in_order(alarm: Alarm, relay: LinkClient) -> None:
    pulls = [Pull("mqtt", (EventClass.ALARM,), n) for n in range(1, 6)]
    for pull in pulls:
        relay.send(pull)
    alarm.turn()
    assert alarm.heard == [(Role.RELAY, Hello()), *((Role.RELAY, pull) for pull in pulls)]
    (peer,) = alarm.server.peers(Role.RELAY)
    alarm.server.send(peer, News(EventClass.ALARM))
    alarm.server.send(peer, Send("beat", b"{}"))
    assert relay.frames() == [News(EventClass.ALARM), Send("beat", b"{}")]


def test_a_peer_that_does_not_greet_first_is_dropped(alarm: Alarm, folder: Path) -> None:
    with connect(folder / "relay.sock") as sock:
        sock.send(pack(Pull("mqtt", (), 1)))
        alarm.turn()
    assert alarm.heard == []
    assert alarm.server.dropped["bad frame"] == 1


@pytest.mark.parametrize("raw", [b"\x00", bytes(20_000), b"\x01\x12\x80", pack(Ask("status", {})), b"\xff" * 30])
def test_a_bad_frame_drops_that_peer_and_nothing_else(
    alarm: Alarm, relay: LinkClient, folder: Path, raw: bytes
) -> None:
    with connect(folder / "cli.sock") as cli:
        cli.send(pack(Hello()))
        alarm.turn()
        with connect(folder / "relay.sock") as sock:
            sock.send(pack(Hello()))
            sock.send(raw)
            alarm.turn()
            assert sock.recv(100) == b""
        cli.send(pack(Ask("status", {})))
        alarm.turn()
    assert alarm.heard[-1] == (Role.CLI, Ask("status", {}))
    assert relay.frames() == []
    assert not relay.connected  # one relay at a time: the newcomer replaced it


def test_another_users_process_is_not_let_in(folder: Path) -> None:
    alarm = Alarm(folder, os.getuid() + 1)
    with LinkClient(folder / "relay.sock") as client:
        client.open()
        alarm.turn()
        assert client.frames() == []
        assert not client.connected
    assert alarm.server.dropped["uid"] == 1
    assert alarm.heard == []
    alarm.server.close()


def test_a_flood_is_slowed_and_nothing_of_it_is_lost(alarm: Alarm, relay: LinkClient) -> None:
    for n in range(120):
        relay.send(Bytes("command", str(n).encode()))
    alarm.turn(20)
    heard = len(alarm.heard)
    assert heard < 60
    for _ in range(200):
        alarm.clock.now_ns += SECOND_NS // 50
        relay.flush()
        alarm.turn()
    assert [frame for _, frame in alarm.heard][1:] == [Bytes("command", str(n).encode()) for n in range(120)]


def test_a_flood_on_one_socket_does_not_slow_another(alarm: Alarm, relay: LinkClient, folder: Path) -> None:
    for n in range(200):
        relay.send(Bytes("command", str(n).encode()))
    with LinkClient(folder / "cli.sock") as cli:
        cli.open()
        cli.send(Ask("silence", {"alarm": "x"}))
        alarm.turn()
    assert (Role.CLI, Ask("silence", {"alarm": "x"})) in alarm.heard


def test_rows_may_flow_much_faster_than_words(alarm: Alarm, relay: LinkClient) -> None:
    for seq in range(1000):
        relay.send(Marks((Mark(Epoch("00000001"), seq, Answer.PUBLISHED),)))
        alarm.turn(2)
    assert len(alarm.heard) == 1001


def test_a_peer_that_does_not_read_is_dropped_and_costs_bounded_memory(alarm: Alarm, relay: LinkClient) -> None:
    (peer,) = alarm.server.peers(Role.RELAY)
    for _ in range(5 * BACKLOG):
        if peer in alarm.gone:
            break
        alarm.server.send(peer, Send("beat", bytes(8000)))
    assert alarm.gone == [peer]
    assert alarm.server.dropped["backlog"] == 1


def test_a_client_comes_back_to_a_new_alarm(alarm: Alarm, relay: LinkClient, folder: Path) -> None:
    alarm.server.close()
    assert relay.frames() == []
    assert not relay.connected
    assert not relay.open()
    reborn = Alarm(folder, os.getuid())
    assert relay.open()
    reborn.turn()
    assert reborn.heard == [(Role.RELAY, Hello(VERSION))]
    reborn.server.close()


def test_wake_ends_a_turn(alarm: Alarm) -> None:
    alarm.server.wake()
    alarm.server.turn(30.0)  # would wait half a minute


def test_a_bucket_fills_no_further_than_its_burst() -> None:
    bucket = Bucket(rate_per_s=10, burst=2)
    assert [bucket.wait_ns(1000 * SECOND_NS) for _ in range(2)] == [0, 0]
    wait_ns = bucket.wait_ns(1000 * SECOND_NS)
    assert 0 < wait_ns <= SECOND_NS // 10 + 1
    assert bucket.wait_ns(1000 * SECOND_NS + wait_ns) == 0


def test_a_bucket_gives_many_at_once_or_waits_for_all_of_them() -> None:
    bucket = Bucket(rate_per_s=10, burst=20)
    assert bucket.wait_ns(1000 * SECOND_NS, 15) == 0
    assert SECOND_NS - 2 <= bucket.wait_ns(1000 * SECOND_NS, 15) <= SECOND_NS + 1
    assert bucket.wait_ns(1001 * SECOND_NS, 15) == 0


def test_the_marks_of_a_frame_are_counted_one_by_one(alarm: Alarm, relay: LinkClient) -> None:
    many = Marks((Mark(Epoch("00000001"), 1, Answer.PUBLISHED, count=MARKED_LIMIT),))
    for _ in range(20):
        relay.send(many)
    alarm.turn()
    alarm.turn()
    assert len(alarm.heard) - 1 == 1  # a burst: the next one waits until its rows have their tokens


def file_of(number: int) -> File:
    return File(
        Picture(
            id="",
            alarm="a",
            jti="",
            camera="c",
            taken_ns=1,
            boot="b",
            frame=number,
            frames=9,
            sha256="0",
            size=1,
            kid="k",
        )
    )


def test_a_file_crosses_from_cameras_to_alarm_and_on_to_the_relay(
    alarm: Alarm, relay: LinkClient, folder: Path
) -> None:
    alarm.wanted = 3
    with LinkClient(folder / "cameras.sock") as cameras:
        cameras.open()
        for number in range(3):
            memory = os.memfd_create("picture")
            os.write(memory, b"%d" % number)
            cameras.send(file_of(number), memory)
            os.close(memory)
        alarm.turn()
    assert [frame for _, frame in alarm.heard[2:]] == [file_of(number) for number in range(3)]
    assert [os.pread(given, 9, 0) for given in alarm.given] == [b"0", b"1", b"2"]
    assert not any(os.get_inheritable(given) for given in alarm.given)
    (peer,) = alarm.server.peers(Role.RELAY)
    for number, given in enumerate(alarm.given):
        alarm.server.send(peer, file_of(number), given)
        os.close(given)
    assert relay.frames() == [file_of(number) for number in range(3)]
    first, second = relay.take(), relay.take()
    assert [os.pread(taken, 9, 0) for taken in (first, second)] == [b"0", b"1"]
    assert not os.get_inheritable(first)
    os.close(first)
    os.close(second)
    assert relay.frames() == []
    assert relay.take() == -1  # what nobody took is closed at the next look


def test_what_is_not_taken_is_closed(alarm: Alarm, folder: Path) -> None:
    read, write = os.pipe()
    with LinkClient(folder / "cameras.sock") as cameras:
        cameras.open()
        cameras.send(file_of(1), write)
        os.close(write)
        alarm.turn()
    assert alarm.heard[-1] == (Role.CAMERAS, file_of(1))
    assert os.read(read, 1) == b""
    os.close(read)


def test_descriptors_on_their_way_to_one_that_does_not_read_are_closed_with_it(alarm: Alarm, relay: LinkClient) -> None:
    read, write = os.pipe()
    (peer,) = alarm.server.peers(Role.RELAY)
    while peer not in alarm.gone:
        alarm.server.send(peer, file_of(1), write)
    os.close(write)
    relay.close()
    assert os.read(read, 1) == b""
    os.close(read)


@pytest.mark.parametrize("frames", [[News(EventClass.ALARM)], [file_of(1), Send("beat", b"{}")]])
def test_a_client_leaves_an_alarm_that_gives_what_it_did_not_name(
    alarm: Alarm, relay: LinkClient, frames: list[Frame]
) -> None:
    read, write = os.pipe()
    (peer,) = alarm.server.peers(Role.RELAY)
    for frame in frames:
        alarm.server.send(peer, frame, write)
    os.close(write)
    relay.frames()
    assert not relay.connected
    assert os.read(read, 1) == b""
    os.close(read)
