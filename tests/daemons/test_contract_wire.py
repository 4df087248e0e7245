"""What a broker is really given, by a box and by the centre, is what docs/asyncapi.yaml and docs/schemas say."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.field.broker import LOOPBACK, find_broker
from edge.field.stage import Stage
from tests.conftest import CACHE
from tests.contract.far import MosquittoFar
from tests.daemons import relay_world
from tests.daemons.centre_world import KENTONGAN, wait_for
from tests.daemons.relay_world import row
from tests.daemons.spool import PlayedCameras
from tests.daemons.witness import WITNESS, Followed, Witness, unfit
from tests.pages import Said, flaws, operation_of, operations


@dataclass(frozen=True, slots=True)
class Delivered:
    """As the broker passes it on; QoS and retain as they were published."""

    said: Said
    expiry_s: int | None
    correlation: bytes


@contextmanager
def listening(stage: Stage) -> Iterator[list[Delivered]]:
    """A subscriber with the centre's rights that asks for QoS 2 and retain as published: neither is hidden."""
    heard: list[Delivered] = []
    granted: list[object] = []

    def on_message(_client: Client, _user: object, message: MQTTMessage) -> None:
        properties: Any = message.properties
        said = Said(message.topic, bytes(message.payload), message.qos, bool(message.retain))
        expiry_s = getattr(properties, "MessageExpiryInterval", None)
        heard.append(Delivered(said, expiry_s, getattr(properties, "CorrelationData", b"")))

    def on_connect(client: Client, *_: object) -> None:
        client.subscribe("kentongan/v1/#", options=SubscribeOptions(qos=2, retainAsPublished=True))

    client = Client(CallbackAPIVersion.VERSION2, client_id="listener", protocol=MQTTProtocolVersion.MQTTv5)
    keys = stage.centre_places.certificates
    client.tls_set(str(keys / "ca.pem"), str(keys / "centre.pem"), str(keys / "centre.key"))
    client.on_message = on_message
    client.on_subscribe = lambda *told: granted.append(told)
    client.on_connect = on_connect
    client.connect(LOOPBACK, stage.broker.ports["boxes"])
    client.loop_start()
    try:
        wait_for(lambda: granted, "the listener is subscribed")
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


def test_every_operation_of_the_page_is_as_the_broker_passes_it_on(tmp_path: Path) -> None:
    """Topic, QoS, retain, expiry and body of all of them, from a story in which each happens."""
    with Stage(tmp_path / "stage", cache=CACHE, beat_s=0.5) as stage, listening(stage) as heard:
        stage.start()
        by: dict[str, list[Delivered]] = {}

        def sorted_out() -> dict[str, list[Delivered]]:
            by.clear()
            for each in list(heard):
                operation = operation_of(each.said.topic)
                assert operation is not None, each.said.topic
                by.setdefault(operation.channel, []).append(each)
            return by

        wait_for(lambda: {"beat", "receipt"} <= set(sorted_out()), "the box is heard")
        order = [*KENTONGAN, "centre", "order", stage.box, "self-test", "--by", "Sari"]
        done = subprocess.run(
            [*order, "--root", str(stage.centre_places.root)], capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        with PlayedCameras(stage.places.link / "cameras.sock") as cameras:
            stage.wires.press(stage.line_of(stage.site.zones[0].id))
            wait_for(lambda: cameras.turn() and set(sorted_out()) == set(operations()), "every operation happens")

    for channel, delivered in by.items():
        page = operations()[channel]
        expiries = {each.expiry_s for each in delivered}
        if page.expiry_s is None:
            assert expiries == {None}, channel
        else:
            assert all(expiry_s is not None and 0 < expiry_s <= page.expiry_s for expiry_s in expiries), channel
        assert unfit([each.said for each in delivered]) == []
    assert {each.correlation for each in by["reply"]} == {each.correlation for each in by["command"]}
    assert b"" not in {each.correlation for each in by["reply"]}
    followed = WITNESS.take()
    assert unfit(followed) == []
    assert {_channel(each) for each in followed} == {name for name, page in operations().items() if not page.sent}


def _channel(said: Said) -> str:
    operation = operation_of(said.topic)
    return operation.channel if operation else said.topic


# ---- the witness of every other test here ----------------------------------------------------------------------------


BOX = "kentongan/v1/ktg-k7q2m9xa"
BEAT: dict[str, Any] = {
    "box": "ktg-k7q2m9xa", "epoch": "7c1f0b2e", "head": 1, "nonce": "b", "ordinal": 1, "pending": 0, "sig": "A" * 86,
    "time": "2026-11-23T13:05:30.000Z", "timequality": "synced", "v": 1,
}  # fmt: skip
GOOD = Said(f"{BOX}/beat", json.dumps(BEAT).encode(), qos=1, retain=False)


def beat(**change: Any) -> Said:
    return replace(GOOD, raw=json.dumps({**BEAT, **change}).encode())


def test_the_witness_has_nothing_to_say_of_what_fits() -> None:
    assert list(flaws(GOOD)) == []


@pytest.mark.parametrize(
    "said",
    [
        replace(GOOD, qos=0),
        replace(GOOD, retain=True),
        replace(GOOD, topic="kentongan/v1/somebody/beat"),
        replace(GOOD, topic=f"{BOX}/later"),
        replace(GOOD, topic=f"{BOX}/receipt"),
        replace(GOOD, topic=f"{BOX}/receipt", raw=b"e30.e30.AA"),
        replace(GOOD, topic=f"{BOX}/command", raw=b"e30.ZXkuZTMwLkFB.AA"),
        replace(GOOD, topic=f"{BOX}/event/alarm"),
        replace(GOOD, topic=f"{BOX}/event/music"),
        replace(GOOD, topic=f"{BOX}/state", retain=True),
        replace(GOOD, topic=f"{BOX}/event/alarm", raw=b"[]"),
        replace(GOOD, topic=f"{BOX}/event/alarm", raw=b"[{}]"),
        replace(GOOD, raw=b"\xff"),
        beat(head="1"),
        beat(sig="short"),
        beat(time="2026-11-23 13:05"),
    ],
)
def test_the_witness_bites(said: Said) -> None:
    assert unfit([said]) != []


class Control(Followed):
    """With a witness of its own: what it hears is meant to be wrong."""

    witness = Witness()


def test_what_a_real_relay_publishes_reaches_the_witness_and_is_refused_by_it(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: an alarm that hands out no events, a relay that carries them unread."""
    monkeypatch.setattr(relay_world, "Child", Control)
    far = MosquittoFar(find_broker(CACHE), tmp_path)
    world = relay_world.World(root, far.broker.ports["plain"], far.poll)
    try:
        far.listen()
        world.start_up()
        world.alarm.add(row(1))
        world.until(lambda: world.alarm.idle)
    finally:
        world.close()
        far.close()
    said = Control.witness.take()
    assert {each.topic.removeprefix(f"{BOX}/") for each in said} == {"state", "event/audit"}
    assert [each.raw for each in said if each.topic.endswith("/audit")] == [row(1).raw]
    assert {flaw.partition(":")[0].removeprefix(f"{BOX}/") for flaw in unfit(said)} == {"state", "event/audit"}
    assert Control.witness.take() == []
