"""One exception in each callback of each daemon: caught at its border, counted, nobody dies, the next press works."""

import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edge.core.delivery import Answer
from edge.core.words import EventClass
from edge.field.broker import find_broker
from edge.link.frames import Bytes
from tests.bench.centre import events_of
from tests.bootstrap import CACHE
from tests.contract.far import MosquittoFar
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox
from tests.daemons.bearer import Bearer
from tests.daemons.centre_world import World as CentreWorld
from tests.daemons.planted import FAULT, RAISED
from tests.daemons.relay_world import BOX, World, row

HELD_S = 1.5
PLANTED = ("-m", "tests.daemons.planted")


def nothing(_box: AlarmBox, _bearer: Bearer) -> None:
    """It comes by itself."""


def press(box: AlarmBox, bearer: Bearer) -> None:
    """As a finger does: longer than the levels take to be read."""
    pin, until = box.site.zones[0].pin, time.monotonic() + HELD_S
    box.wires.press(pin)
    bearer.until(lambda: time.monotonic() > until, PATIENCE_S)
    bearer.until((box.places.root / RAISED).exists, PATIENCE_S, "the planted fault")
    box.wires.release(pin)


def receipt(box: AlarmBox, bearer: Bearer) -> None:
    bearer.pass_on("receipt", box.receipt(bearer.rows.values()))


def newcomer(box: AlarmBox, bearer: Bearer) -> None:
    """The bearer that was here is replaced, and comes back."""
    other = box.bearer()
    other.until((box.places.root / RAISED).exists, PATIENCE_S, "the planted fault")
    other.close()


def sigterm(box: AlarmBox, _bearer: Bearer) -> None:
    box.alarm.signal(signal.SIGTERM)


OF_ALARM: dict[str, tuple[str, Callable[[AlarmBox, Bearer], None], str]] = {
    # border: (call, what leads there, what the log says of it)
    "edge callback": ("edge.daemons.alarm.compose:Edge", press, "edge fault; going on  count=1"),
    "panel takes a post": ("edge.daemons.alarm.keeper:Keeper._take", nothing, "panel fault; going on  count=1"),
    "panel decides": ("edge.core.panel:Panel.handle", press, "panel fault; going on  count=1"),
    "panel waits": ("edge.daemons.alarm.keeper:Keeper._patience_s", nothing, "panel fault; going on  count=1"),
    "leases": ("edge.daemons.alarm.keeper:Keeper._renew", nothing, "panel fault; going on  count=1"),
    "lamp": ("edge.daemons.alarm.keeper:Keeper._light", nothing, "panel fault; going on  count=1"),
    "view": ("edge.daemons.alarm.keeper:Keeper._view", nothing, "panel fault; going on  count=1"),
    "levels": ("edge.daemons.alarm.lines:Lines.advance", nothing, "panel fault; going on  count=1"),
    "kept in /run": ("edge.daemons.alarm.kept:Kept.keep", press, "panel fault; going on  count=1"),
    "sound": ("edge.daemons.alarm.keeper:Keeper._play", press, "panel fault; going on  count=1"),
    "record": ("edge.daemons.alarm.scribe:Scribe.write", press, "panel fault; going on  count=1"),
    "output": ("edge.daemons.alarm.outputs:OutputWorker._step", press, "output fault; going on  count=1"),
    "commit": ("edge.ledger.ledger:Ledger.append", press, "ledger fault; opening it again  count=1"),
    "ledger idle": ("edge.ledger.upkeep:Upkeep.idle", nothing, "ledger fault; opening it again  count=1"),
    "ledger gathers": ("edge.ledger.recorder:Recorder._gather", press, "ledger fault; going on  count=1"),
    "recorder tells": ("edge.daemons.alarm.dispatch:Dispatch.told", press, "ledger fault; opening it again  count=1"),
    "receipt is marked": ("edge.ledger.ledger:Ledger.receive", receipt, "ledger fault; opening it again  count=1"),
    "dispatch turns": (
        "edge.daemons.alarm.dispatch:Dispatch._patience_s",
        nothing,
        "dispatch fault; going on  count=1",
    ),
    "dispatch takes in": ("edge.daemons.alarm.dispatch:Dispatch._take_in", press, "dispatch fault; going on  count=1"),
    "dispatch hears": ("edge.daemons.alarm.dispatch:Dispatch._hear", press, "dispatch fault; going on  count=1"),
    "receipt": ("edge.daemons.alarm.gate:Gate.receipt", receipt, "dispatch fault; going on  count=1"),
    "rows out": ("edge.daemons.alarm.traffic:Traffic.serve", press, "dispatch fault; going on  count=1"),
    "words out": ("edge.daemons.alarm.voice:Voice.due", nothing, "dispatch fault; going on  count=1"),
    "rounds": ("edge.daemons.alarm.rounds:Rounds.turn", nothing, "dispatch fault; going on  count=1"),
    "link accepts": ("edge.link.server:LinkServer._accept", newcomer, "dispatch fault; going on  count=1"),
    "link reads": ("edge.link.server:LinkServer._read", press, "dispatch fault; going on  count=1"),
    "link writes": ("edge.link.server:LinkServer._flush", press, "dispatch fault; going on  count=1"),
    "signal": ("edge.daemons.alarm.compose:Stop", sigterm, "signal fault; going on  count=1"),
}


@pytest.mark.parametrize("border", OF_ALARM)
def test_alarm_lives_through_one_exception_at(border: str, tmp_path: Path) -> None:
    call, lead_there, words = OF_ALARM[border]
    with AlarmBox(tmp_path / "kotak", entry=(*PLANTED, "edge.daemons.alarm", call)) as box:
        box.start()
        bearer, pid = box.bearer(), box.alarm.pid
        bearer.until(lambda: bearer.rows, PATIENCE_S, "the first event")
        (box.places.root / FAULT).touch()
        lead_there(box, bearer)
        bearer.until((box.places.root / RAISED).exists, PATIENCE_S, "the planted fault")

        zone = box.site.zones[1].id
        assert box.sounds(zone)
        bearer.until(lambda: bearer.alarms(zone), PATIENCE_S, "the next press")
        bearer.until(lambda: bearer.alarms(zone)[0].durable, PATIENCE_S, "and its commit")
        assert box.said(words)
        if lead_there is press:
            first = box.site.zones[0].id
            bearer.until(lambda: bearer.alarms(first), PATIENCE_S, "the press that met the fault")
        assert box.said("Planted") or border == "edge callback"  # whose exception the driver keeps
        bearer.pass_on("receipt", box.receipt(bearer.rows.values()))
        assert box.shows("diterima")
        assert (box.alarm.pid, box.alarm.running) == (pid, True)
        assert box.alarm.stop() == 0


OF_RELAY = {
    "hears alarm": "edge.daemons.relay.courier:Courier.hear",
    "uplink's events": "edge.daemons.relay.courier:Courier._on_uplink",
    "its turn": "edge.daemons.relay.courier:Courier.turn",
    "rows": "edge.link.carry:Carry.rows",
    "marks": "edge.link.carry:Carry.settled",
    "link": "edge.link.client:LinkClient.frames",
    "reload": "edge.daemons.relay.compose:Renewal.__call__",
    "signal": "edge.daemons.relay.compose:Loop.reload",
    "paho connects": "drivers.mqtt:_Connection._on_connect",
    "paho publishes": "drivers.mqtt:_Connection._on_publish",
    "paho receives": "drivers.mqtt:_Connection._on_message",
}


@pytest.mark.parametrize("border", OF_RELAY)
def test_relay_lives_through_one_exception_at(border: str, tmp_path: Path, root: Path) -> None:
    far = MosquittoFar(find_broker(CACHE), tmp_path)
    entry = (*PLANTED, "edge.daemons.relay", OF_RELAY[border])
    world = World(root, far.broker.ports["plain"], far.poll, entry=entry)
    try:
        far.listen()
        if border == "paho connects":
            (root / FAULT).touch()
        world.start()
        if border != "paho connects":
            world.until(lambda: world.alarm.up)
            (root / FAULT).touch()
        pid = world.relay.pid
        if border in {"reload", "signal"}:
            world.relay.signal(signal.SIGHUP)
        world.alarm.add(row(1, EventClass.ALARM))
        far.tell(f"kentongan/v1/{BOX}/receipt", b"one")
        world.until((root / RAISED).exists)

        def stored() -> set[bytes]:
            return {raw for seen in far.seen if "/event/" in seen.topic for raw in events_of(seen.raw)}

        world.until(lambda: row(1, EventClass.ALARM).raw in stored() and world.alarm.idle and world.alarm.up, 30.0)
        world.alarm.add(row(2, EventClass.ALARM))
        world.until(lambda: 2 in world.alarm.marked(Answer.PUBLISHED), 30.0)
        assert row(2, EventClass.ALARM).raw in stored()
        far.tell(f"kentongan/v1/{BOX}/receipt", b"two")
        world.until(lambda: any(frame.raw == b"two" for frame in world.alarm.all(Bytes)))
        assert (world.relay.pid, world.relay.running) == (pid, True)
        if not border.startswith("paho"):  # the uplink counts for itself: tests/contract/test_mqtt_hostile.py
            assert "fault; going on  count=1" in world.relay.output()
    finally:
        world.close()
        far.close()


def planted_again(root: Path) -> bool:
    (root / FAULT).touch()
    return True


def test_a_relay_whose_fault_stays_ends_and_leaves_it_to_systemd(tmp_path: Path, root: Path) -> None:
    far = MosquittoFar(find_broker(CACHE), tmp_path)
    entry = (*PLANTED, "edge.daemons.relay", "edge.daemons.relay.courier:Courier.turn")
    world = World(root, far.broker.ports["plain"], far.poll, entry=entry)
    try:
        world.start()
        world.until(lambda: planted_again(root) and not world.relay.running, 30.0)
        assert "Exhausted" in world.relay.output()
    finally:
        world.close()
        far.close()


OF_CENTRE = {
    "takes letters in": "edge.centre.ingest:Ingest.take",
    "tells": "edge.centre.console:Console.tell",
    "shows": "edge.centre.console:LineView.show",
    "keys": "edge.centre.live:LiveKeys.news",
    "paho receives": "drivers.mqtt_centre:CentreSession._on_message",
    "paho publishes": "drivers.mqtt_centre:CentreSession._on_publish",
}


@pytest.mark.parametrize("border", OF_CENTRE)
def test_the_centre_lives_through_one_exception_at(border: str, tmp_path: Path) -> None:
    program: Sequence[str] = (sys.executable, *PLANTED, "kentongan", OF_CENTRE[border])
    with CentreWorld(find_broker(CACHE), tmp_path) as world:
        centre, box = world.centre(program=program), world.box().connect()
        (world.places.root / FAULT).touch()
        first = box.event()
        box.send(first)
        box.until((world.places.root / RAISED).exists, "the planted fault")
        box.until_received(first)
        second = box.event()
        box.send(second)
        box.until_received(second)
        assert centre.alive
        again = [] if border == "shows" else ["fault"]
        assert [disconnected["cause"] for disconnected in centre.lines("disconnected")] == again
