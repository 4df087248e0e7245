"""Forwarding and metrics over several processes of one centre, on both kinds of store."""

import json
from pathlib import Path

from edge.field.broker import find_broker
from tests.daemons.centre_world import World, wait_for
from tests.daemons.receiver import Receiver
from tests.daemons.test_outward import forwarding, free_port, sample, scrape, sent

CACHE = Path(__file__).parents[2] / ".cache"


def test_one_process_forwards_and_another_takes_over_when_it_is_killed(url: str, tmp_path: Path) -> None:
    with World(find_broker(CACHE), tmp_path) as world, Receiver() as receiver, forwarding(world, receiver):
        ports = [free_port(), free_port()]
        words = ("--share", "pusat", "--store", url)
        first, second = (world.centre(words=(*words, "--metrics", f"127.0.0.1:{port}")) for port in ports)
        box = world.box().connect()
        sent(box, 20)
        wait_for(lambda: len(receiver.taken) == 20, "forwarded")
        assert len(receiver.posts) == 20  # by one of them

        first.kill()
        late = [box.event() for _ in range(20)]
        while box.lacks(*late):  # the dead one's share stays with the broker for a while: a box sends again
            for identity in box.lacks(*late):
                box.send(box.made[identity])
            for _ in range(20):
                box.turn(0.05)
        wait_for(lambda: len(receiver.taken) == 40, "forwarded by the other")

        text = scrape(ports[1])[1]
        assert sample(text, "events_total", **{"class": "alarm"}) == 40
        assert sample(text, "forward_backlog", lane="alarm") == 0
        assert second.stop() == 0
    assert sorted(json.loads(post.body)["id"] for post in receiver.taken) == sorted(map(str, box.made))
