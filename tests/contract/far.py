"""The two far ends of the uplink suite, behind one face: the broker in memory, and a real mosquitto with a centre."""

import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from drivers.dial import Dial, Endpoint, Names
from drivers.failover import Failover
from drivers.mqtt import MqttUplink
from drivers.ports import Session, Settled, Uplink, UplinkEvent
from drivers.sim.uplink import Seen, SimBroker, SimUplink
from edge.field.broker import ANONYMOUS, LOOPBACK, Broker, Program

BOX = "ktg-k7q2m9xa"
SESSION = Session(BOX, will=b'{"online":false}', state=b'{"online":true}')
ACL = Path(__file__).parents[2] / "configs/broker/acl"
PATIENCE_S = 8.0  # of the real clock, for a broker on a loaded machine
SECOND_NS = 1_000_000_000

Event = TypeVar("Event", bound=UplinkEvent)


class Far(Protocol):
    """What a test may do to the other end."""

    seen: list[Seen]

    def uplink(self) -> Uplink: ...

    def listen(self) -> None:
        """From now on the centre subscribes, and `seen` grows."""

    def tell(self, topic: str, raw: bytes, *, correlation: bytes = b"", retain: bool = False) -> None: ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    def stop(self) -> None: ...

    def start(self) -> None: ...

    def poll(self) -> None:
        """Let the other end live a moment."""

    def close(self) -> None: ...


class SimFar:
    def __init__(self) -> None:
        self.broker = SimBroker()
        self.broker.listening = False
        self.seen = self.broker.seen

    def uplink(self) -> Uplink:
        return SimUplink(self.broker)

    def listen(self) -> None:
        self.broker.listening = True
        self.broker.seen[:] = [Seen(topic, raw, retained=True) for topic, raw in self.broker.retained.items()]

    def tell(self, topic: str, raw: bytes, *, correlation: bytes = b"", retain: bool = False) -> None:
        self.broker.tell(topic, raw, correlation=correlation, retain=retain)

    def freeze(self) -> None:
        self.broker.frozen = True

    def thaw(self) -> None:
        self.broker.frozen = False

    def stop(self) -> None:
        self.broker.stop()

    def start(self) -> None:
        self.broker.reachable = True

    def poll(self) -> None: ...

    def close(self) -> None: ...


class PairFar(SimFar):
    """The first of two brokers; the second one answers nobody."""

    def uplink(self) -> Uplink:
        away = SimBroker()
        away.reachable = False
        return Failover(super().uplink(), SimUplink(away), lambda: Dial(Endpoint(LOOPBACK, 1), Names()))


class MosquittoFar:
    """A real broker under our access list, and a centre that has its loop turned by `poll`."""

    def __init__(self, program: Program, parent: Path, *lines: str, persistent: bool = True) -> None:
        """lines: more of mosquitto.conf. persistent: what it knows outlives its death."""
        kept = (f"persistence_location {parent}/", "autosave_interval 1", "autosave_on_changes true")
        self.seen: list[Seen] = []
        self.broker = Broker(
            program,
            listeners={"plain": ANONYMOUS},
            lines=(f"acl_file {ACL}", *lines, *(("persistence true", *kept) if persistent else ())),
            parent=parent,
        )
        self.broker.__enter__()
        self._uplinks: list[MqttUplink] = []
        self._listening = False
        self._centre = self._connected()

    def _connected(self) -> Client:
        centre = Client(CallbackAPIVersion.VERSION2, client_id="centre", protocol=MQTTProtocolVersion.MQTTv5)
        centre.username = "centre"
        centre.on_message = self._note
        centre.connect(LOOPBACK, self.broker.ports["plain"])
        wait_for(centre.is_connected, lambda: turn_paho(centre, 0.02))
        return centre

    def _note(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        properties: Any = message.properties
        durable = ("durable", "false") not in getattr(properties, "UserProperty", [])
        correlation = getattr(properties, "CorrelationData", b"")
        content_type = getattr(properties, "ContentType", "")
        self.seen.append(
            Seen(message.topic, bytes(message.payload), message.retain, durable, correlation, content_type)
        )

    def uplink(self) -> MqttUplink:
        uplink = MqttUplink(Endpoint(LOOPBACK, self.broker.ports["plain"]))
        self._uplinks.append(uplink)
        return uplink

    def listen(self) -> None:
        granted: list[int | None] = []
        self._centre.on_subscribe = lambda _client, _user, mid, _codes, _properties: granted.append(mid)
        _, mid = self._centre.subscribe("kentongan/v1/#", 1)
        wait_for(lambda: mid in granted, lambda: turn_paho(self._centre, 0.02))

    def tell(self, topic: str, raw: bytes, *, correlation: bytes = b"", retain: bool = False) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has no types here
        if correlation:
            properties.CorrelationData = correlation
        sent = self._centre.publish(topic, raw, qos=1, retain=retain, properties=properties)
        wait_for(sent.is_published, lambda: turn_paho(self._centre, 0.02))

    def freeze(self) -> None:
        self.broker.freeze()

    def thaw(self) -> None:
        self.broker.thaw()

    def stop(self) -> None:
        self.broker.kill()
        turn_paho(self._centre, 0.05)

    def start(self) -> None:
        self.broker.start()
        self._centre = self._connected()

    def poll(self) -> None:
        turn_paho(self._centre, 0)

    def close(self) -> None:
        for uplink in self._uplinks:
            uplink.close()
        self._centre.disconnect()
        turn_paho(self._centre, 0)
        self.broker.__exit__(None, None, None)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_for(done: Callable[[], bool], step: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, "nothing came"
        step()


def turn_paho(client: Client, wait_s: float) -> None:
    """Its own `loop` would open a pair of sockets that only the garbage collector closes."""
    sock = client.socket()
    if sock is None:
        return
    for _ in range(200):  # paho reads one packet a time
        readable, _, _ = select.select([sock.fileno()], [], [], wait_s)
        if not readable or client.loop_read():
            break
        wait_s = 0
    if client.want_write():
        client.loop_write()
    client.loop_misc()


class Drive:
    """A caller's loop around one uplink, with a clock that a test can push."""

    def __init__(self, uplink: Uplink, far: Far | None = None) -> None:
        self.uplink = uplink
        self.events: list[UplinkEvent] = []
        self._far = far
        self._pushed_ns = 0

    def push(self, seconds: float) -> None:
        self._pushed_ns += int(seconds * SECOND_NS)

    def turn(self, wait_s: float = 0.01) -> None:
        sockets = self.uplink.sockets()
        select.select([fd for fd, _ in sockets], [fd for fd, write in sockets if write], [], wait_s if sockets else 0)
        self.events += self.uplink.turn(time.monotonic_ns() + self._pushed_ns)
        if self._far is not None:
            self._far.poll()

    def until(self, kind: type[Event], *, count: int = 1) -> list[Event]:
        """Turn until so many events of this kind have come in all."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.all(kind)) < count:
            assert time.monotonic() < deadline, f"no {kind.__name__}; came: {self.events}"
            self.turn()
        return self.all(kind)

    def all(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def seen(self, topic: str, *, count: int = 1) -> list[Seen]:
        """Turn until the centre has seen so many publications on a topic."""
        assert self._far is not None
        deadline = time.monotonic() + PATIENCE_S
        while len(found := [seen for seen in self._far.seen if seen.topic == topic]) < count:
            assert time.monotonic() < deadline, f"nothing on {topic}; seen: {self._far.seen}"
            self.turn()
        return found

    def settled(self, ticket: int) -> Settled:
        deadline = time.monotonic() + PATIENCE_S
        while not (found := [event for event in self.all(Settled) if event.ticket == ticket]):
            assert time.monotonic() < deadline, f"ticket {ticket} did not settle; came: {self.events}"
            self.turn()
        return found[0]
