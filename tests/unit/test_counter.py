"""The frames between a person and the cameras daemon: what survives, what is refused; no answer holds a login."""

import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.link import counter
from edge.link.counter import ANSWERS, REQUESTS, Answer, Request, converse, pack, unpack_answer, unpack_request
from edge.link.frames import FRAME_LIMIT, BadFrame

ASKED: list[Request] = [
    counter.Scan(sweep=True, networks=("192.168.1.0/24",)),
    counter.Look("192.168.1.64", 8000),
    counter.List(),
    counter.Adopt("gerbang", "192.168.1.64", 80, "urn:uuid:1", "admin", "rahasia", consent=True, events=True),
    counter.Forget("gerbang"),
    counter.Test("gerbang"),
]
TOLD: list[Answer] = [
    counter.Progress(12, 254),
    counter.Found("192.168.1.64", 80, "urn:uuid:1", twins=3),
    counter.Listed((counter.Shown("gerbang", "192.168.1.64", 80, "up", conflicts=("pos: serial",)),)),
    counter.Tested("login", 340, "E-CAMERA-PASSWORD", {"name": "gerbang"}),
    counter.Finished("gerbang"),
    counter.Refused("E-CAMERA-UNKNOWN", {"name": "gerbang"}),
]


@pytest.mark.parametrize("frame", ASKED, ids=lambda frame: type(frame).__name__)
def test_a_request_survives_its_bytes(frame: Request) -> None:
    assert unpack_request(pack(frame)) == frame


@pytest.mark.parametrize("frame", TOLD, ids=lambda frame: type(frame).__name__)
def test_an_answer_survives_its_bytes(frame: Answer) -> None:
    assert unpack_answer(pack(frame)) == frame


def test_every_type_has_an_example() -> None:
    assert {type(frame) for frame in ASKED} == set(REQUESTS.values())
    assert {type(frame) for frame in TOLD} == set(ANSWERS.values())
    assert not REQUESTS.keys() & ANSWERS.keys()


@pytest.mark.parametrize("frame", TOLD, ids=lambda frame: type(frame).__name__)
def test_nobody_may_ask_what_the_daemon_answers(frame: Answer) -> None:
    with pytest.raises(BadFrame, match="type"):
        unpack_request(pack(frame))


@pytest.mark.parametrize("name", ["", "Gerbang", "../spool", "a" * 17, "-a", "a b"])
def test_a_name_that_is_none_is_refused_before_anybody_believes_it(name: str) -> None:
    with pytest.raises(BadFrame, match="body"):
        unpack_request(pack(counter.Forget(name)))


@pytest.mark.parametrize("host", ["", "kamera.example", "::1", "192.168.1.64:80", "192.168.1.64/24", "1.2.3"])
def test_a_host_that_is_no_ipv4_address_is_refused(host: str) -> None:
    with pytest.raises(BadFrame, match="body"):
        unpack_request(pack(counter.Look(host)))


def test_a_secret_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadFrame, match="body"):
        unpack_request(pack(counter.Adopt("gerbang", "10.0.0.1", user="a", password="x" * 129)))


def test_a_login_is_in_no_text_of_its_frame_and_in_no_answer() -> None:
    said = str(counter.Adopt("gerbang", "10.0.0.1", user="pemilik", password="rahasia"))
    assert "rahasia" not in said
    assert "pemilik" not in said
    members = {field.name for form in (*ANSWERS.values(), counter.Shown) for field in dataclasses.fields(form)}
    assert not {"user", "password"} & members


@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_or_refused(raw: bytes) -> None:
    with suppress(BadFrame):
        unpack_request(raw)


@given(
    st.sampled_from(sorted(REQUESTS)), st.recursive(st.text() | st.integers(-(2**63), 2**63), st.lists, max_leaves=6)
)
def test_any_body_is_a_request_or_refused(number: int, body: object) -> None:
    with suppress(BadFrame):
        unpack_request(bytes((1, number)) + msgspec.msgpack.encode(body))


def test_too_long_a_frame_is_refused_unread() -> None:
    with pytest.raises(BadFrame, match="length"):
        unpack_request(bytes((1, 2)) + b"\x90" * FRAME_LIMIT)


# ---- a conversation --------------------------------------------------------------------------------------------------


@contextmanager
def daemon(path: Path, *answers: bytes) -> Iterator[list[bytes]]:
    """Something at `path` that hears one request, says these and goes away."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(path.relative_to(Path.cwd())))
        listening.listen(1)

        def serve() -> None:
            peer, _ = listening.accept()
            with peer:
                heard.append(peer.recv(FRAME_LIMIT))
                for answer in answers:
                    peer.send(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield heard
        thread.join()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "counter.sock"


def test_a_conversation_ends_with_its_last_word(path: Path) -> None:
    with daemon(path, *(pack(frame) for frame in (*TOLD[:3], counter.Finished("x"), counter.Progress(1, 1)))) as heard:
        assert list(converse(path, ASKED[0], 5.0)) == [*TOLD[:3], counter.Finished("x")]
    assert [unpack_request(raw) for raw in heard] == ASKED[:1]


def test_a_daemon_that_goes_away_is_told_as_that(path: Path) -> None:
    with daemon(path, pack(TOLD[0])), pytest.raises(ConnectionError):
        list(converse(path, ASKED[0], 5.0))


def test_a_daemon_that_talks_nonsense_is_not_believed(path: Path) -> None:
    with daemon(path, b"\x01\x07nonsense"), pytest.raises(ConnectionError):
        list(converse(path, ASKED[0], 5.0))


def test_where_no_daemon_is_that_is_said(path: Path) -> None:
    with pytest.raises(ConnectionError):
        list(converse(path, ASKED[0], 5.0))


def test_a_silent_daemon_is_waited_for_no_longer_than_told() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, pytest.raises(TimeoutError):
        counter._answer(ours, 0.0)
