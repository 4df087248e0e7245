"""The webhook's client and the forwarder's steps against a real HTTP server that misbehaves."""

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from edge.centre.authority import Authority
from edge.centre.forward import PAUSE_MAX_S, Forwarder
from edge.centre.places import CentrePlaces
from edge.centre.postbox import Postbox, backlog
from edge.centre.store import Store
from edge.centre.stored import Feed
from edge.centre.webhook import Answer, NotDelivered, Target, Webhook, WebhookFault, key_of, read_key, retry_after_s
from edge.core.events import Author, Event, freeze, read_event
from edge.core.seal import Signer
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import BoxId, Epoch, EventClass, EventId, Json, Record, SiteId
from tests.daemons.receiver import SECRET, SECRET_FILE, Post, Receiver

SIGNER = Signer(bytes(range(32)))


def event(seq: int, *, box: str = "ktg-k7q2m9xa", at: EventClass = EventClass.ALARM) -> Event:
    author = Author(BoxId(box), SiteId("33.74.10.1004-010-005"), Epoch("7c1f0b2e"), "5f0e2a9c")
    said: dict[str, Json] = {"alarm": f"7c1f0b2e.{seq}", "zone": "pos", "kind": "crime", "status": "actual"}
    name = "audit" if at is EventClass.AUDIT else "alarm"
    content = {**said, "cid": "1120", "what": "start"}
    record = Record(EventId(author.epoch, seq), at, name, "zone/pos", content)
    return read_event(freeze(record, Stamp(10**18, seq, TimeQuality.SYNCED), author, SIGNER).raw, SIGNER.public)


@pytest.fixture
def places(root: Path) -> CentrePlaces:
    return CentrePlaces(root)


def keep(places: CentrePlaces, *events: Event) -> None:
    with Store.open(places.store) as store, store.group(1) as group:
        for one in events:
            group.put(one)


@contextmanager
def webhook(receiver: Receiver, *, silence_s: float = 5.0, deadline_s: float = 15.0) -> Iterator[Webhook]:
    opened_ = Webhook(Target.of(receiver.url), SECRET, silence_s=silence_s, deadline_s=deadline_s)
    try:
        yield opened_
    finally:
        opened_.release()


class Desk:
    """The forwarder, one step at a time, on a clock that we advance."""

    def __init__(self, places: CentrePlaces, hook: Webhook, postbox: Postbox) -> None:
        self.now = 1000.0
        self.postbox = postbox
        self.forwarder = Forwarder(
            places.postbox, Feed(places.store), hook, random01=lambda: 1.0, clock=lambda: self.now
        )

    def turns(self, count: int, *, seconds: float = 0.0) -> None:
        for _ in range(count):
            self.now += seconds
            self.forwarder.turn(self.postbox)


@contextmanager
def desk(places: CentrePlaces, receiver: Receiver) -> Iterator[Desk]:
    with webhook(receiver) as hook:
        postbox = Postbox.open(places.postbox)
        try:
            yield Desk(places, hook, postbox)
        finally:
            postbox.close()


def test_the_frozen_bytes_arrive_unmodified_with_their_signature() -> None:
    raw = event(1).raw
    with Receiver() as receiver, webhook(receiver) as hook:
        assert hook.post("7c1f0b2e.1", raw) == Answer(204)
    (post,) = receiver.posts
    assert (post.body, post.key, post.path) == (raw, key_of("7c1f0b2e.1", raw), "/kentongan?token=abc")
    assert post.headers["content-type"] == "application/cloudevents+json"
    assert post.genuine
    assert not Post(post.path, post.headers, raw.replace(b"alarm", b"alarn", 1)).genuine
    older = str(int(post.headers["webhook-timestamp"]) - 1)
    assert not Post(post.path, post.headers | {"webhook-timestamp": older}, raw).genuine


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with Receiver(lambda _: 307) as receiver, webhook(receiver) as hook:
        assert hook.post("7c1f0b2e.1", b"{}").status == 307
    assert [post.path for post in receiver.posts] == ["/kentongan?token=abc"]


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Receiver() as receiver, webhook(receiver) as hook:
        assert hook.post("7c1f0b2e.1", b"{}").status == 204


@pytest.mark.parametrize(("answer", "silence_s", "deadline_s"), [(None, 0.2, 30.0), (-1, 10.0, 0.4)])
def test_a_receiver_that_hangs_or_drips_costs_a_bounded_time(
    answer: int | None, silence_s: float, deadline_s: float
) -> None:
    with Receiver(lambda _: answer) as receiver, webhook(receiver, silence_s=silence_s, deadline_s=deadline_s) as hook:
        began = time.monotonic()
        with pytest.raises(NotDelivered):
            hook.post("7c1f0b2e.1", b"{}")
        assert time.monotonic() - began < 5


@contextmanager
def dripping_handshake() -> Iterator[int]:
    """Answers a TLS hello with a record that never ends, one byte after another."""
    ending = threading.Event()

    def drip() -> None:
        peer, _ = listener.accept()
        with peer, suppress(OSError):
            peer.sendall(b"\x16\x03\x03\x40\x00")
            while not ending.wait(0.05):
                peer.sendall(b"\x02")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            ending.set()
            thread.join()


def test_a_handshake_that_drips_costs_a_bounded_time() -> None:
    with dripping_handshake() as port:
        hook = Webhook(Target(True, "127.0.0.1", port, "/"), SECRET, silence_s=10, deadline_s=0.4)
        began = time.monotonic()
        with pytest.raises(NotDelivered, match="in time"):
            hook.post("7c1f0b2e.1", b"{}")
        hook.release()
        assert time.monotonic() - began < 5


def test_over_https_only_a_receiver_with_a_certificate_we_trust_gets_anything(
    places: CentrePlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    Authority.make(places)
    files = places.certificates
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "broker.pem", files / "broker.key")
    with Receiver(tls=context) as receiver:
        target = Target.of(receiver.url)
        assert target.tls
        stranger = Webhook(target, SECRET)
        with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED"):
            stranger.post("7c1f0b2e.1", b"{}")
        stranger.release()
        assert receiver.posts == []
        monkeypatch.setenv("SSL_CERT_FILE", str(files / "ca.pem"))
        hook = Webhook(target, SECRET)
        assert hook.post("7c1f0b2e.1", b"{}").status == 204
        hook.release()


def test_closing_ends_what_hangs() -> None:
    with Receiver(lambda _: None) as receiver, webhook(receiver, silence_s=60, deadline_s=60) as hook:
        closer = threading.Thread(target=close_when_reached, args=(receiver, hook))
        closer.start()
        began = time.monotonic()
        with pytest.raises(NotDelivered):
            hook.post("7c1f0b2e.1", b"{}")
        closer.join()
        assert time.monotonic() - began < 10


def close_when_reached(receiver: Receiver, hook: Webhook) -> None:
    while not receiver.posts:
        time.sleep(0.005)
    hook.close()


def test_order_per_box_alarms_first(places: CentrePlaces) -> None:
    audits = [event(seq, at=EventClass.AUDIT) for seq in (1, 2)]
    keep(places, *audits, event(3), event(1, box="ktg-aaaaaaaa"), event(4))
    with Receiver() as receiver, desk(places, receiver) as at:
        at.turns(6)
    order = [(json.loads(post.body)["source"][-8:], json.loads(post.body)["id"]) for post in receiver.posts]
    assert order == [
        *(("k7q2m9xa", "7c1f0b2e.3"), ("aaaaaaaa", "7c1f0b2e.1"), ("k7q2m9xa", "7c1f0b2e.4")),
        *(("k7q2m9xa", "7c1f0b2e.1"), ("k7q2m9xa", "7c1f0b2e.2")),
    ]
    assert all(post.genuine for post in receiver.posts)


def test_an_event_that_the_receiver_chokes_on_holds_up_its_own_box_only(places: CentrePlaces) -> None:
    keep(places, event(1), event(2), event(1, box="ktg-aaaaaaaa"))

    def answer(post: Post) -> int:
        return 500 if b"k7q2m9xa" in post.body else 204

    with Receiver(answer) as receiver, desk(places, receiver) as at:
        at.turns(2)
        assert len(receiver.posts) == 1  # it waits its second
        at.turns(12, seconds=1.0)
        assert [json.loads(post.body)["source"][-8:] for post in receiver.taken] == ["aaaaaaaa"]
        receiver.answers = lambda _: 204
        at.turns(4, seconds=PAUSE_MAX_S)
        bodies = [json.loads(post.body)["id"] for post in receiver.posts if b"k7q2m9xa" in post.body]
        assert bodies[-2:] == ["7c1f0b2e.1", "7c1f0b2e.2"]
        assert at.postbox.next() is None


def test_retry_after_is_honoured_and_bounded(places: CentrePlaces) -> None:
    keep(places, event(1))
    with Receiver(lambda _: 503, retry_after="120") as receiver, desk(places, receiver) as at:
        at.turns(1)
        at.turns(119, seconds=1.0)
        assert len(receiver.posts) == 1
        at.turns(1, seconds=2.5)
        assert len(receiver.posts) == 2
    assert retry_after_s("999999999", 0.0) == retry_after_s("Fri, 27 Nov 2099 20:00:00 GMT", 0.0) == 300.0
    assert retry_after_s("Fri, 27 Nov 2026 20:00:30 GMT", 1795809600.0) == 30.0
    assert retry_after_s("soon", 0.0) == 0.0


@pytest.mark.parametrize("status", [408, 429, 500, 503, 302])
def test_what_may_pass_is_tried_again(places: CentrePlaces, status: int) -> None:
    keep(places, event(1))
    with Receiver(lambda _: status) as receiver, desk(places, receiver) as at:
        at.turns(1)
        receiver.answers = lambda _: 204
        at.turns(2, seconds=PAUSE_MAX_S)
    first, second = receiver.posts
    assert (first.key, first.body) == (second.key, second.body)


def test_what_is_refused_is_parked_told_and_tried_once_more_at_the_next_start(
    places: CentrePlaces, caplog: pytest.LogCaptureFixture
) -> None:
    keep(places, event(1), event(2))
    with Receiver(lambda post: 422 if post.key.startswith("7c1f0b2e-1-") else 204) as receiver:
        with desk(places, receiver) as at:
            at.turns(3)
        assert [post.key[:10] for post in receiver.taken] == ["7c1f0b2e-2"]
        told = backlog(places.postbox)
        assert told is not None
        assert (told.parked, told.waiting) == (1, {True: 0, False: 0})
        assert "it is parked until the next start  box=ktg-k7q2m9xa id=7c1f0b2e.1 status=422" in caplog.text
        receiver.answers = lambda _: 204
        with desk(places, receiver) as at:
            at.turns(1)
        assert receiver.posts[-1].key.startswith("7c1f0b2e-1-")


def test_a_store_restored_from_a_backup_is_forwarded_from_its_beginning(places: CentrePlaces) -> None:
    keep(places, event(1), event(2))
    with Receiver() as receiver:
        with desk(places, receiver) as at:
            at.turns(3)
        places.store.unlink()
        for left in places.home.glob("centre.db-*"):
            left.unlink()
        keep(places, event(1), event(7))  # other events under the same arrivals
        with desk(places, receiver) as at:
            at.turns(3)
    assert [post.key[:10] for post in receiver.taken] == ["7c1f0b2e-1", "7c1f0b2e-2", "7c1f0b2e-7"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://pusat.example/x", "needs https"),
        ("https://user:word@pusat.example/", "without a user"),
        ("https://pusat.example/#part", "without a user"),
        ("ftp://pusat.example/", "write https"),
        ("https://", "write https"),
        ("https://pusat.example:99999/", "not an address"),
        ("https://pusat.example/a\r\nb", "without a user"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str, said: str) -> None:
    with pytest.raises(WebhookFault, match=said):
        Target.of(url)


def test_an_address_is_https_or_loopback() -> None:
    assert Target.of("https://pusat.example/masuk?a=1") == Target(True, "pusat.example", 443, "/masuk?a=1")
    assert Target.of("http://127.0.0.1:8080") == Target(False, "127.0.0.1", 8080, "/")
    assert Target.of("http://[::1]/") == Target(False, "::1", 80, "/")


def test_a_key_file_is_private_and_whole(root: Path) -> None:
    path = root / "forward.key"
    path.touch(0o600)
    path.write_text(SECRET_FILE)
    assert read_key(path) == SECRET
    path.chmod(0o640)
    with pytest.raises(WebhookFault, match="chmod 600"):
        read_key(path)
    path.chmod(0o600)
    for wrong in ("", "secret", "whsec_%%%", "whsec_" + base64.b64encode(b"short").decode()):
        path.write_text(wrong)
        with pytest.raises(WebhookFault, match="24-64"):
            read_key(path)
    with pytest.raises(WebhookFault, match="No such file"):
        read_key(root / "none")
