"""A running centre that forwards and shows its metrics: real broker, real boxes, real kills, real scrapes."""

import json
import re
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edge.centre.settings import read_settings, write_settings
from edge.core.words import EventClass
from edge.field.broker import find_broker
from tests.daemons.centre_world import FakeBox, World, wait_for
from tests.daemons.receiver import SECRET_FILE, Receiver

CACHE = Path(__file__).parents[2] / ".cache"
SCRAPED = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(find_broker(CACHE), tmp_path) as world:
        yield world


@contextmanager
def forwarding(world: World, receiver: Receiver) -> Iterator[None]:
    key = world.places.forward_key
    key.touch(0o600)
    key.write_text(SECRET_FILE)
    set_outward(world, forward=receiver.url)
    yield


def set_outward(world: World, **chosen: str) -> None:
    write_settings(world.places, replace(read_settings(world.places), **chosen))


def sent(box: FakeBox, count: int) -> None:
    events = [box.event() for _ in range(count)]
    for frozen in events:
        box.send(frozen)
    box.until_received(*events)


def ids(receiver: Receiver) -> list[str]:
    return [json.loads(post.body)["id"] for post in receiver.taken]


def test_every_stored_event_is_forwarded_in_order_and_genuine(world: World) -> None:
    with Receiver() as receiver, forwarding(world, receiver):
        centre, box = world.centre(), world.box().connect()
        sent(box, 30)
        wait_for(lambda: len(receiver.taken) == 30, "forwarded")
        assert centre.stop() == 0
    assert ids(receiver) == [f"{box.epoch}.{seq}" for seq in range(1, 31)]
    assert {post.body for post in receiver.posts} == {frozen.raw for frozen in box.made.values()}
    assert all(post.genuine for post in receiver.posts)


def test_kills_in_the_middle_lose_nothing_and_the_key_folds_what_came_twice(world: World) -> None:
    with Receiver() as receiver, forwarding(world, receiver):
        box = world.box()
        for _ in range(3):
            centre = world.centre()
            if not box.head:
                box.connect()
            already = len(receiver.taken)
            sent(box, 20)
            wait_for(lambda so_far=already: len(receiver.taken) > so_far, "under way")  # type: ignore[misc]
            centre.kill()
        world.centre()
        wait_for(lambda: len(receiver.taken) == 60, "all of them")
    assert ids(receiver) == [f"{box.epoch}.{seq}" for seq in range(1, 61)]


def test_a_receiver_that_hangs_delays_no_receipt_and_no_stop(world: World) -> None:
    with Receiver(lambda _: None) as receiver, forwarding(world, receiver):
        centre, box = world.centre(), world.box().connect()
        sent(box, 1)
        wait_for(lambda: receiver.posts, "hanging")
        sent(box, 200)
        assert len(receiver.posts) == 1  # all of that while the first one hung
        assert centre.stop() == 0


def test_a_receiver_that_fails_for_a_while_gets_everything_in_the_end(world: World) -> None:
    with Receiver(lambda _: 500) as receiver, forwarding(world, receiver):
        world.centre()
        box = world.box().connect()
        sent(box, 5)
        wait_for(lambda: len(receiver.posts) >= 2, "tried again")
        receiver.answers = lambda _: 204
        wait_for(lambda: len(receiver.taken) == 5, "delivered", 60)
    assert ids(receiver) == [f"{box.epoch}.{seq}" for seq in range(1, 6)]


def test_an_operator_sees_what_the_receiver_refused(world: World) -> None:
    picky = Receiver(lambda post: 422 if post.key.startswith("7c1f0b2e-2-") else 204)
    with picky as receiver, forwarding(world, receiver):
        world.centre()
        box = world.box().connect()
        sent(box, 3)
        wait_for(lambda: len(receiver.posts) == 3, "delivered or refused")
        refused = {"box": box.name, "id": f"{box.epoch}.2", "status": 422}
        wait_for(lambda: json.loads(world.run("troubles").stdout)["parked"] == [refused], "told")


def test_a_centre_without_a_private_key_file_says_so_and_does_not_start(world: World) -> None:
    done = world.run("run", "--forward", "https://pusat.example/masuk")
    assert (done.returncode, "E-CENTRE-OUTWARD" in done.stderr) == (4, True)
    done = world.run("run", "--metrics", "somewhere:1")
    assert (done.returncode, "E-CENTRE-OUTWARD" in done.stderr) == (4, True)


def scrape(port: int, accept: str = SCRAPED) -> tuple[str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["content-type"], answer.read().decode()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_metrics_tell_what_happened(world: World) -> None:
    port = free_port()
    set_outward(world, metrics=f"127.0.0.1:{port}")
    centre, box = world.centre(), world.box().connect()
    sent(box, 3)
    trouble = box.event(name="trouble", at=EventClass.TROUBLE, code="E-SOUND-CAP", cid="1320")
    box.send(trouble)
    box.until_received(trouble)
    second = box.event(1, zone="masjid")
    box.send(second)
    box.until_received(second)
    box.publish("event/alarm", b"{}", wrong=True)
    box.beat("first", pending=2, head=9)
    box.until(lambda: box.receipts[-1].beat == "first", "beat answered")
    wait_for(lambda: "kentongan_centre_refusals_total{" in scrape(port)[1], "refused")

    kind, text = scrape(port)

    assert kind.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    assert sample(text, "events_total", **{"class": "alarm"}) == 4
    assert sample(text, "events_total", **{"class": "trouble"}) == 1
    assert sample(text, "troubles_open", box=box.name, cid="320") == 1
    assert sample(text, "conflicts_total") == 1
    assert sample(text, "pending", box=box.name) == 2
    assert sample(text, "missing", box=box.name) == 5
    assert sample(text, "online", box=box.name) == 1
    assert 0 <= sample(text, "beat_age_seconds", box=box.name) < 60
    assert 0 <= sample(text, "pending_age_seconds", box=box.name) < 60
    assert sample(text, "receipt_seconds_count") == 5
    assert sample(text, "delay_seconds_count") == 4  # of new events
    assert scrape(port, "text/plain")[0].startswith("text/plain")
    restored = box.event(name="restoral", at=EventClass.RESTORAL, code="E-SOUND-CAP", cid="3320")
    box.send(restored)
    box.until_received(restored)
    wait_for(lambda: "troubles_open{" not in scrape(port)[1], "restored")
    assert centre.stop() == 0


def sample(text: str, name: str, **labels: str) -> float:
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    wanted = f"kentongan_centre_{name}" + (f"{{{inside}}}" if labels else "")
    found = re.search(rf"^{re.escape(wanted)} (\S+)$", text, re.MULTILINE)
    assert found, f"{wanted} is not in\n{text}"
    return float(found[1])
