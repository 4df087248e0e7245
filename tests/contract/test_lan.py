"""The transport below every camera, met by peers that are no cameras."""

import socket
import time
from collections.abc import Callable

import pytest

from drivers.camera import SOAP_LIMIT, Address, CameraFault, Hostile, Login, NotOnvif, Slow, Unreachable, WrongPassword
from drivers.lan import Ask, Door, Lan, TooLarge, within
from drivers.places import Place
from drivers.ports import Configuration
from tests.contract.raw_peer import RawPeer, Talk, dripping, page, pouring, saying

LOGIN = Login("admin", "kunci-kamera")
SHORT_S = 0.4
BIG = b"x" * 65536


def lan(peer: RawPeer, login: Login | None = None) -> Lan:
    return Lan(Address("127.0.0.1", peer.port), login)


def get(peer: RawPeer, *, authorised: bool = False) -> Ask:
    return Ask("GET", Place((peer.port,), "/a?b=c"), authorised=authorised)


def challenge(rest: str, *, nonce: str = "n1") -> str:
    return f'WWW-Authenticate: Digest realm="k", nonce="{nonce}", qop="auth"{rest}'


def proofs(peer: RawPeer) -> list[bool]:
    return [b"\r\nAuthorization: " in asked for asked in peer.asked]


@pytest.mark.parametrize(
    "talk",
    [
        dripping(b"", b"H"),
        dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        dripping(b"", b""),
        dripping(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["status", "header", "body", "chunks", "until closed", "silent", "continue"],
)
def test_a_drip_ends_at_the_deadline(talk: Talk) -> None:
    with RawPeer(talk) as peer:
        began = time.monotonic()
        with pytest.raises(Slow):
            lan(peer).ask(get(peer), within(SHORT_S))
        assert SHORT_S <= time.monotonic() - began < SHORT_S + 0.5


def test_a_peer_that_reads_nothing_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = Place((server.getsockname()[1],), "/")
        ours = Lan(Address("127.0.0.1", place.ports[0]))
        with pytest.raises(Slow):
            ours.ask(Ask("POST", place, body=b"x" * 20_000_000), within(SHORT_S))


@pytest.mark.parametrize(
    ("talk", "fault"),
    [
        (pouring(b"HTTP/1.1 200 OK\r\n\r\n", BIG), TooLarge),
        (pouring(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + BIG + b"\r\n"), TooLarge),
        (pouring(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", BIG), Hostile),
        (pouring(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"T: t\r\n" * 5000), TooLarge),
        (pouring(b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n", BIG), TooLarge),
        (pouring(b"HTTP/1.1 200 OK\r\nX: ", BIG), Hostile),
        (pouring(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n" * 5000), CameraFault),
        (pouring(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000), TooLarge),
    ],
    ids=["body", "chunks", "chunk mark", "trailers", "said", "header", "headers", "continue"],
)
def test_a_flood_is_left_before_it_fills_us(talk: Talk, fault: type[CameraFault]) -> None:
    with RawPeer(talk) as peer, pytest.raises(fault):
        lan(peer).ask(get(peer), within(5.0))
    assert peer.sent < SOAP_LIMIT + 8_000_000  # what the kernel's buffers take, not what it wanted to send


@pytest.mark.parametrize(
    ("talk", "fault"),
    [
        (page(b"", "Location: http://127.0.0.1:1/", status="307 Temporary Redirect"), Hostile),
        (page(b"", status="302 Found"), Hostile),
        (page(b"\x1f\x8b\x08", "Content-Encoding: gzip"), Hostile),
        (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Unreachable),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), Unreachable),
        (saying(b"RTSP/1.0 200 OK\r\n\r\n"), NotOnvif),
        (saying(b"SSH-2.0-dropbear\r\n"), NotOnvif),
        (saying(b""), Unreachable),
    ],
    ids=["307", "302", "gzip", "chunk", "cut", "rtsp", "ssh", "nothing"],
)
def test_what_is_no_plain_answer_has_its_name(talk: Talk, fault: type[CameraFault]) -> None:
    with RawPeer(talk) as peer, pytest.raises(fault) as raised:
        lan(peer, LOGIN).ask(get(peer, authorised=True), within(2.0))
    assert len(peer.asked) == 1
    assert raised.value.__suppress_context__


def test_nothing_of_the_environment_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with RawPeer(page(b"here")) as peer:
        assert lan(peer).ask(get(peer), within(2.0)).body == b"here"


def test_nobody_at_the_address_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable):
        Lan(Address("127.0.0.1", port)).ask(Ask("GET", Place((port,), "/")), within(2.0))


def test_the_next_port_is_tried_and_remembered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    with RawPeer(page(b"here")) as peer:
        ours, place = lan(peer), Place((closed, peer.port), "/")
        assert [ours.ask(Ask("GET", place), within(2.0)).body for _ in range(2)] == [b"here"] * 2


@pytest.mark.parametrize("host", ["kamera.local", "0x7f000001", "127.1", "::1", ""])
def test_a_name_is_no_address(host: str) -> None:
    with pytest.raises(Configuration):
        Lan(Address(host))


@pytest.mark.parametrize(
    "header", ['WWW-Authenticate: Basic realm="k"', "WWW-Authenticate: Negotiate", challenge(", algorithm=SHA-512-256")]
)
def test_only_digest_is_ever_answered(header: str) -> None:
    with RawPeer(page(b"", header, status="401 Unauthorized")) as peer:
        assert lan(peer, LOGIN).ask(get(peer, authorised=True), within(2.0)).status == 401
    assert proofs(peer) == [False]


def test_a_challenge_is_not_answered_where_the_request_does_not_allow_it() -> None:
    with RawPeer(page(b"", challenge(""), status="401 Unauthorized")) as peer:
        assert lan(peer, LOGIN).ask(get(peer), within(2.0)).status == 401
    assert proofs(peer) == [False]


@pytest.mark.parametrize(
    ("headers", "algorithm"),
    [
        ((challenge(", algorithm=MD5"), challenge(", algorithm=SHA-256")), b"algorithm=SHA-256"),
        ((challenge(""),), b"response="),
        (('WWW-Authenticate: Basic realm="k"', challenge(", algorithm=MD5")), b"algorithm=MD5"),
        ((challenge(", algorithm=MD5-sess"),), b"algorithm=MD5-sess"),
    ],
)
def test_the_strongest_challenge_is_answered(headers: tuple[str, ...], algorithm: bytes) -> None:
    with RawPeer(page(b"", *headers, status="401 Unauthorized"), page(b"in")) as peer:
        assert lan(peer, LOGIN).ask(get(peer, authorised=True), within(2.0)).body == b"in"
    assert proofs(peer) == [False, True]
    assert algorithm in peer.asked[1]


def test_a_nonce_serves_again_with_its_count_until_the_camera_wants_another() -> None:
    asks = page(b"", challenge(""), status="401 Unauthorized")
    again = page(b"", challenge("", nonce="n2"), status="401 Unauthorized")
    with RawPeer(asks, page(b"1"), page(b"2"), again, page(b"3")) as peer:
        ours = lan(peer, LOGIN)
        assert [ours.ask(get(peer, authorised=True), within(2.0)).body for _ in range(3)] == [b"1", b"2", b"3"]
    counts = [asked.partition(b"nc=")[2][:8].decode() for asked in peer.asked]
    assert counts == ["", "00000001", "00000002", "00000003", "00000001"]
    assert b'nonce="n2"' in peer.asked[4]


def test_a_stale_nonce_is_no_refusal() -> None:
    asks = page(b"", challenge(""), status="401 Unauthorized")
    stale = page(b"", challenge(", stale=true", nonce="n2"), status="401 Unauthorized")
    with RawPeer(asks, stale, page(b"in")) as peer:
        assert lan(peer, LOGIN).ask(get(peer, authorised=True), within(2.0)).body == b"in"


@pytest.mark.parametrize("again", [challenge(""), challenge("", nonce="n2"), 'WWW-Authenticate: Basic realm="k"'])
def test_a_refused_login_is_not_sent_again(again: str) -> None:
    asks = page(b"", challenge(""), status="401 Unauthorized")
    with RawPeer(asks, page(b"", again, status="401 Unauthorized")) as peer:
        ours = lan(peer, LOGIN)
        for _ in range(3):
            with pytest.raises(WrongPassword):
                ours.ask(get(peer, authorised=True), within(2.0))
    assert proofs(peer) == [False, True]


def test_a_camera_that_is_never_content_gets_two_proofs_and_no_more() -> None:
    stale = page(b"", challenge(", stale=true"), status="401 Unauthorized")
    with RawPeer(stale) as peer, pytest.raises(WrongPassword):
        lan(peer, LOGIN).ask(get(peer, authorised=True), within(2.0))
    assert proofs(peer) == [False, True, True]


def test_a_door_is_closed_for_all_who_share_it() -> None:
    asks = page(b"", challenge(""), status="401 Unauthorized")
    door = Door()
    with RawPeer(asks) as peer:
        first, second = (Lan(Address("127.0.0.1", peer.port), LOGIN, door) for _ in range(2))
        for ours in (first, second):
            with pytest.raises(WrongPassword):
                ours.ask(get(peer, authorised=True), within(2.0))
    assert proofs(peer) == [False, True]


@pytest.mark.parametrize("show", [repr, str])
def test_no_password_stands_in_what_may_be_printed(show: Callable[[object], str]) -> None:
    assert LOGIN.password not in show(Ask("GET", Place((80,), "/"), body=LOGIN.password.encode())) + show(LOGIN)
