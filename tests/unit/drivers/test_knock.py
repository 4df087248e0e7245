"""A knock never waits, keeps little, and its time runs from the first packet."""

import select
import socket
from collections.abc import Iterator

import pytest

from drivers.camera import Address, Candidate
from drivers.knock import ANSWER_LIMIT, ANSWER_S, CONNECT_S, READ_BYTES, Answer, Knock
from tests.contract.doors import FAULT, PAGE, TIME, reply

PATIENCE_S = 5.0


@pytest.fixture
def door() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def at(door: socket.socket) -> Candidate:
    return Candidate(Address("127.0.0.1", door.getsockname()[1]))


def connected(knock: Knock) -> Knock:
    assert knock.begin() is None
    assert select.select([], [knock], [], PATIENCE_S)[1]
    assert knock.turn() is None
    return knock


def answered(door: socket.socket, raw: bytes) -> Answer | None:
    knock = connected(Knock(at(door), lambda: 0.0))
    talk, _ = door.accept()
    with talk:
        talk.recv(4096)
        talk.sendall(raw)
    answer = None
    while answer is None:
        assert select.select([knock], [], [], PATIENCE_S)[0]
        answer = knock.turn()
    knock.close()
    return answer


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (reply("200 OK", TIME), Answer.ONVIF),
        (reply("400 Bad Request", FAULT), Answer.ONVIF),
        (reply("401 Unauthorized", FAULT), Answer.ONVIF),
        (reply("401 Unauthorized", ""), Answer.LOCKED),
        (reply("403 Forbidden", PAGE), Answer.LOCKED),
        (reply("200 OK", PAGE), Answer.OTHER),
        (reply("500 Odd", "<Fault>"), Answer.OTHER),
        (b"", Answer.OTHER),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Answer.OTHER),
    ],
)
def test_who_is_there_is_told_by_what_it_says(door: socket.socket, raw: bytes, answer: Answer) -> None:
    assert answered(door, raw) is answer


def test_it_asks_for_the_time_and_shows_no_login(door: socket.socket) -> None:
    knock = connected(Knock(at(door), lambda: 0.0))
    talk, _ = door.accept()
    with talk:
        asked = talk.recv(4096).decode()
    knock.close()
    assert asked.startswith("POST /onvif/device_service HTTP/1.1\r\n")
    assert f"\r\nHost: {at(door).address}\r\n" in asked
    assert "GetSystemDateAndTime" in asked
    assert not any(word in asked.lower() for word in ("authorization", "security", "password", "username"))


def test_its_time_does_not_begin_anew_with_every_byte(door: socket.socket) -> None:
    now = [100.0]
    knock = Knock(at(door), lambda: now[0])
    assert knock.deadline == 100.0 + CONNECT_S
    connected(knock)
    talk, _ = door.accept()
    with talk:
        for _ in range(3):
            now[0] += 0.9
            talk.sendall(b"x")
            assert select.select([knock], [], [], PATIENCE_S)[0]
            assert knock.turn() is None
            assert knock.deadline == 100.0 + ANSWER_S
        assert knock.expire() is Answer.OTHER
    knock.close()


def test_an_endless_answer_is_not_read_to_its_end(door: socket.socket) -> None:
    knock = connected(Knock(at(door), lambda: 0.0))
    talk, _ = door.accept()
    answer = None
    with talk:
        while answer is None:
            talk.send(b"x" * 2048)
            assert len(knock._heard) < ANSWER_LIMIT
            assert select.select([knock], [], [], PATIENCE_S)[0]
            answer = knock.turn()
    assert answer is Answer.OTHER
    assert len(knock._heard) < ANSWER_LIMIT + READ_BYTES
    knock.close()


def test_a_closed_port_is_a_sign_of_life_and_silence_is_none(door: socket.socket) -> None:
    target = at(door)
    silent = Knock(target, lambda: 0.0)
    assert silent.begin() is None
    assert silent.expire() is Answer.NOBODY
    silent.close()
    door.close()
    closed = Knock(target, lambda: 0.0)
    answer = closed.begin()
    if answer is None:
        assert select.select([], [closed], [], PATIENCE_S)[1]
        answer = closed.turn()
    assert answer is Answer.CLOSED
    closed.close()
