"""One MQTT 5 session of a simulated box over an asyncio transport: packets, the window, keepalive, and the silence."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol, cast

from drivers.mqtt import CONNACK_MAX_NS, KEEPALIVE_S, PACKET_LIMIT, SILENCE_MAX_NS, WILL_DELAY_S, WINDOW
from drivers.mqtt_codes import PUBACKS
from drivers.mqtt_fields import Malformed, Properties, Property
from drivers.mqtt_packets import (
    Connack,
    Connect,
    Disconnect,
    Heard,
    Ping,
    Puback,
    Publish,
    Said,
    Stream,
    Subscribe,
    Will,
    encode,
)
from drivers.ports import Outcome
from edge.core.events import Frozen
from edge.core.words import SECOND_NS, EventId

SESSION_EXPIRY_S: Final = 600  # a broker of somebody else's shall not keep ten thousand queues for a day
PING_S: Final = KEEPALIVE_S * 0.8
DEAD_S: Final = KEEPALIVE_S * 1.5
SILENCE_S: Final = SILENCE_MAX_NS / SECOND_NS
CONNACK_S: Final = CONNACK_MAX_NS / SECOND_NS
LEAVES: Final = ("receipt", "command", "state")
KEYS: Final = "kentongan/v1/keys"


class Owner(Protocol):
    """Who lives at this end of the wire."""

    def connecting(self) -> None:
        """CONNECT is on its way."""

    def up(self) -> None: ...

    def rows(self, limit: int) -> Sequence[Frozen]:
        """What to send now."""

    def settled(self, identity: EventId, outcome: Outcome) -> None: ...

    def arrived(self, leaf: str, raw: bytes) -> None: ...

    def down(self, cause: str) -> None:
        """Once, after which nothing else is told. cause: as in `drivers.ports.Down`."""


class Wire(asyncio.Protocol):
    """From CONNECT to its end; then thrown away with its packet ids. `tick` wants to be called by `due_s`."""

    def __init__(self, box: str, state: bytes, will: bytes, owner: Owner, clock: Callable[[], float]) -> None:
        self._root = f"kentongan/v1/{box}/"
        self._box = box
        self._state = state
        self._will = will
        self._owner = owner
        self._clock = clock
        self._stream = Stream(PACKET_LIMIT)
        self._transport: asyncio.Transport | None = None
        self._flights: dict[int, EventId | None] = {}  # packet id -> row; None: state or beat
        self._ids = 0
        self._window = WINDOW
        self._cause = ""
        self._granted = False
        self._over = False
        self._heard_s = self._said_s = self._silent_s = clock()

    # ---- asyncio's side ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._heard_s = self._clock()
        if self._over:
            self._transport.abort()
            return
        self._owner.connecting()
        wanted: Properties = {Property.SESSION_EXPIRY_S: SESSION_EXPIRY_S, Property.PACKET_LIMIT: PACKET_LIMIT}
        will = Will(f"{self._root}state", self._will, WILL_DELAY_S)
        self._say(Connect(self._box, self._box, will, KEEPALIVE_S, wanted))

    def data_received(self, chunk: bytes) -> None:
        self._heard_s = self._silent_s = self._clock()
        try:
            for packet in self._stream.feed(chunk):
                self._hear(packet)
        except Malformed:
            self._end("protocol")

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  # asyncio's call
        self._end("lost")

    # ---- the owner's side --------------------------------------------------------------------------------------------

    @property
    def due_s(self) -> float:
        """When to look at the time again, on the loop's clock."""
        if not self._granted:
            return self._heard_s + CONNACK_S
        due_s = min(self._said_s + PING_S, self._heard_s + DEAD_S)
        return min(due_s, self._silent_s + SILENCE_S) if self._flights else due_s

    def tick(self) -> None:
        now_s = self._clock()
        if not self._granted and now_s - self._heard_s >= CONNACK_S:
            self._end("no-connack")
        elif self._flights and now_s - self._silent_s >= SILENCE_S:
            self._end("half-open")
        elif now_s - self._heard_s >= DEAD_S:
            self._end("keepalive")
        elif self._granted and now_s - self._said_s >= PING_S:
            self._say(Ping())

    def publish(self, leaf: str, raw: bytes, *, retain: bool = False, row: EventId | None = None) -> None:
        if self._over:
            return
        self._ids = self._ids % 65535 + 1
        if not self._flights:
            self._silent_s = self._clock()  # the silence begins to count now
        self._flights[self._ids] = row
        self._say(Publish(self._root + leaf, raw, self._ids, retain))

    def pump(self) -> None:
        """Send what waits, as far as the window goes."""
        if not self._granted or self._over:
            return
        for event in self._owner.rows(self._window - len(self._flights)):
            self.publish(f"event/{event.event_class}", event.raw, row=event.id)

    def leave(self) -> None:
        """Say goodbye, without a will: nobody shall mourn ten thousand simulated boxes."""
        self._say(Disconnect())
        self._over = True
        if self._transport is not None:
            self._transport.close()

    # ---- packets -----------------------------------------------------------------------------------------------------

    def _hear(self, packet: Heard) -> None:
        match packet:
            case Puback(packet_id, code):
                self._settle(packet_id, code)
            case Publish(topic, raw, packet_id):
                if packet_id:
                    self._say(Puback(packet_id))
                self._owner.arrived("keyset" if topic == KEYS else topic.removeprefix(self._root), raw)
            case Connack(code, _, properties):
                self._welcome(code, properties.get(Property.RECEIVE_MAXIMUM))
            case Disconnect(code):
                self._end(f"closed-0x{code:02X}")
            case _:
                return

    def _welcome(self, code: int, window: object) -> None:
        if code:
            self._end(f"refused-0x{code:02X}")
            return
        self._granted = True
        self._window = min(WINDOW, window) if isinstance(window, int) else WINDOW
        self.publish("state", self._state, retain=True)  # before the subscription that brings it back
        self._ids += 1
        self._say(Subscribe(self._ids, (*(self._root + leaf for leaf in LEAVES), KEYS)))
        self._owner.up()

    def _settle(self, packet_id: int, code: int) -> None:
        row = self._flights.pop(packet_id, None)
        if row is not None:
            self._owner.settled(row, PUBACKS.get(code, Outcome.RETRY))
        self.pump()

    def _say(self, packet: Said) -> None:
        if self._transport is not None and not self._over:
            self._said_s = self._clock()
            self._transport.write(encode(packet))

    def _end(self, cause: str) -> None:
        if self._over:
            return
        self._over = True
        if self._transport is not None:
            self._transport.abort()
        self._owner.down(cause)
