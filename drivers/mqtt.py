"""The uplink over MQTT 5 with paho 2.2.

paho is held on a short lead (docs/decisions): a new Client and a new map of packet ids for every connection, no
thread of its own, callbacks that only note what came, its own queue never used. A refused 3.1.1 fallback, a
silent queue while offline and an endless reconnect are thereby impossible.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from drivers.dial import Dial, DialFailed, Endpoint, Names
from drivers.mqtt_client import WiredClient
from drivers.mqtt_codes import DISCONNECTS, PUBACKS, REFUSALS
from drivers.ports import Arrived, Certificates, Down, Flawed, Message, Outcome, Session, Settled, Up, UplinkEvent
from drivers.wire import Wire

SECOND_NS: Final = 1_000_000_000
KEEPALIVE_S: Final = 30
WILL_DELAY_S: Final = 15
SESSION_EXPIRY_S: Final = 24 * 3600
PACKET_LIMIT: Final = 16 * 1024  # what we accept; also what fits one frame of the link
PACKET_MAX: Final = 268_435_460  # MQTT 5, 2.1.4: what a broker takes that names no limit
GATHER_BYTES: Final = 128 * 1024  # published and not yet written: two batches; beyond it paho's own buffer fills
WINDOW: Final = 20  # publications in flight; one lost answer then costs little, and a row's poison is found quickly
CONNACK_MAX_NS: Final = 10 * SECOND_NS
DIAL_MAX_NS: Final = 15 * SECOND_NS  # more than drivers.dial.DIAL_MAX_S: only a hanging resolver gets here
SILENCE_MAX_NS: Final = 6 * SECOND_NS  # a row in flight, no inbound byte, and none of ours confirmed: half-open
TOO_LARGE: Final = 0x95


class MqttUplink:
    """`drivers.ports.Uplink` over one broker. Everything but names, TCP and TLS runs in the caller's thread.

    faults: exceptions caught at paho's border since the start
    """

    def __init__(self, endpoint: Endpoint, names: Names | None = None) -> None:
        self.faults = 0
        self._endpoint = endpoint
        self._names = names or Names()
        self._session: Session | None = None
        self._dial: Dial | None = None
        self._dial_since: int | None = None
        self._connection: _Connection | None = None
        self._tickets = 0

    def __str__(self) -> str:
        return str(self._endpoint)

    def connect(self, session: Session) -> None:
        self.close()
        self._session = session
        self._dial_since = None
        self._dial = Dial(self._endpoint, self._names)

    def sockets(self) -> list[tuple[int, bool]]:
        if self._dial is not None:
            return [(self._dial.fileno(), False)]
        return self._connection.sockets() if self._connection is not None else []

    def turn(self, now_ns: int) -> list[UplinkEvent]:
        events: list[UplinkEvent] = []
        if self._dial is not None:
            events += self._answer(now_ns)
        if self._connection is not None:
            events += self._connection.turn(now_ns)
            self._drop_if_over()
        return events

    def _answer(self, now_ns: int) -> list[UplinkEvent]:
        assert self._dial is not None
        assert self._session is not None
        if self._dial_since is None:
            self._dial_since = now_ns
        dial = self._dial
        try:
            sock = dial.take()
        except DialFailed as failed:
            self._dial = None
            return [*_shown(dial), Down(failed.cause, str(failed))]
        if sock is not None:
            self._dial = None
            self._connection = _Connection(
                Wire(sock, limit=PACKET_LIMIT, gather=GATHER_BYTES), self._endpoint, self._session
            )
            return _shown(dial)
        if now_ns - self._dial_since > DIAL_MAX_NS:
            step = self._dial.step
            self._dial.abandon()
            self._dial = None
            return [Down("dns" if step == "names" else "timeout", f"{self._endpoint}: no end of step {step}")]
        return []

    def publish(self, message: Message) -> int:
        if self._connection is None or not self._connection.up:
            raise ConnectionError("no session with the broker")
        self._tickets += 1
        self._connection.publish(self._tickets, message)
        return self._tickets

    def flush(self) -> None:
        if self._connection is not None:
            self._connection.flush()

    def close(self) -> None:
        """Say goodbye but leave the will standing: a box whose relay is stopped is a box that is offline."""
        if self._dial is not None:
            self._dial.abandon()
            self._dial = None
        if self._connection is not None:
            self._connection.leave()
            self._drop_if_over()

    def _drop_if_over(self) -> None:
        connection = self._connection
        if connection is not None and connection.over:
            self.faults += connection.faults
            self._connection = None


def _shown(dial: Dial) -> list[UplinkEvent]:
    return [Certificates(dict(dial.ends))] if dial.ends else []


@dataclass(frozen=True, slots=True)
class _Waiting:
    ticket: int
    message: Message


class _Connection:
    """One session on one wire, from CONNECT to its end; then thrown away with its packet ids."""

    def __init__(self, wire: Wire, endpoint: Endpoint, session: Session) -> None:
        self.up = False
        self.over = False
        self.faults = 0
        self._wire = wire
        self._session = session
        self._events: list[UplinkEvent] = []
        self._down: Down | None = None
        self._flights: dict[int, int | None] = {}  # packet id -> ticket; None: our own state
        self._waiting: deque[_Waiting] = deque()  # beyond the window: sent as answers come
        self._window = WINDOW
        self._packet = PACKET_MAX
        self._since: int | None = None  # CONNECT, or the last sign of life while something is in flight
        self._unacknowledged = 0
        self._topics = _Topics(session.box)
        self._subscribed = 0
        self._client = WiredClient(session.box, wire)
        self._open(endpoint)

    def _open(self, endpoint: Endpoint) -> None:
        client = self._client
        client.username = self._session.box
        client.max_inflight_messages = 0  # the window is ours; paho does not know Receive Maximum
        client.on_connect = self._bordered(self._on_connect)
        client.on_disconnect = self._bordered(self._on_disconnect)
        client.on_subscribe = self._bordered(self._on_subscribe)
        client.on_publish = self._bordered(self._on_publish)
        client.on_message = self._bordered(self._on_message)
        will = _new_properties(PacketTypes.WILLMESSAGE)
        will.WillDelayInterval = WILL_DELAY_S
        client.will_set(self._topics.of("state"), self._session.will, qos=1, retain=True, properties=will)
        wanted = _new_properties(PacketTypes.CONNECT)
        wanted.SessionExpiryInterval = SESSION_EXPIRY_S
        wanted.MaximumPacketSize = PACKET_LIMIT
        client.connect(endpoint.host, endpoint.port, keepalive=KEEPALIVE_S, clean_start=False, properties=wanted)

    # ---- the caller's side ------------------------------------------------------------------------------------------

    def sockets(self) -> list[tuple[int, bool]]:
        return [] if self.over else [(self._wire.fileno(), self._client.want_write() or self._wire.wants_write)]

    def turn(self, now_ns: int) -> list[UplinkEvent]:
        self._guarded(self._run_paho)
        if self.up and not self._subscribed and self._down is None:
            self._guarded(self._greet)
        self._wire.flush()
        self._end_if_over(now_ns)
        events, self._events = self._events, []
        return events

    def publish(self, ticket: int, message: Message) -> None:
        if len(self._flights) < self._window and not self._waiting:
            self._send(ticket, message)
        else:
            self._waiting.append(_Waiting(ticket, message))

    def flush(self) -> None:
        self._wire.flush()

    def leave(self) -> None:
        """DISCONNECT with will (0x04), as far as it goes without waiting."""
        self._guarded(lambda: self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, identifier=4)))
        self._close()

    # ---- paho's side ------------------------------------------------------------------------------------------------

    def _run_paho(self) -> None:
        self._wire.begin_turn()
        while not self._wire.drained and self._client.socket() is not None:
            self._client.loop_read()
        if self._client.withholds:
            self._fail("protocol", "the broker sends at QoS 2, which nobody asked for")
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()

    def _guarded(self, step: Callable[[], object]) -> None:
        """Nothing that paho raises goes further than here; it ends this connection."""
        try:
            step()
        except Exception as error:  # noqa: BLE001  # the border: a hostile packet can raise anything inside paho
            self.faults += 1
            self._fail("fault", f"{type(error).__name__}: {error}")

    def _bordered(self, callback: Callable[..., None]) -> Callable[..., None]:
        """The same callback, but an exception ends there: in paho it would leave a half-dead client behind."""

        def bordered(*arguments: Any) -> None:  # paho's callbacks differ in form
            try:
                callback(*arguments)
            except Exception as error:  # noqa: BLE001  # the border
                self.faults += 1
                if callback != self._on_message:  # a message we cannot take is dropped and acknowledged, not sent again
                    self._fail("fault", f"{type(error).__name__}: {error}")

        return bordered

    def _on_connect(
        self, _client: Client, _user: object, _flags: object, reason: ReasonCode, granted: Properties
    ) -> None:
        if reason.value != 0:
            text = REFUSALS.get(reason.value, str(reason))
            self._fail(f"refused-0x{reason.value:02X}", text)
            return
        if getattr(granted, "MaximumQoS", 1) < 1 or not getattr(granted, "RetainAvailable", 1):
            self._fail("refused-features", "the broker offers no QoS 1 or no retained messages; both are needed")
            return
        if self.up:
            self._fail("protocol", "the broker welcomes us twice in one connection")
            return
        self.up = True
        self._since = None
        self._window = min(WINDOW, getattr(granted, "ReceiveMaximum", 65535))
        self._packet = getattr(granted, "MaximumPacketSize", PACKET_MAX)
        keepalive_s = getattr(granted, "ServerKeepAlive", KEEPALIVE_S)  # paho keeps to it by itself
        self._events.append(Up(self._window, self._packet, keepalive_s))

    def _greet(self) -> None:
        """State first, so that the retained state which the subscription brings is already ours."""
        self._send(None, Message("state", self._session.state, retain=True))
        _, mid = self._client.subscribe([(topic, 1) for topic in self._topics.kinds])
        self._subscribed = mid or -1

    def _on_subscribe(self, _client: Client, _user: object, _mid: int, codes: list[ReasonCode], _: Properties) -> None:
        for kind, code in zip(self._topics.kinds.values(), codes, strict=True):
            if code.value != 1:
                text = f"the broker grants no subscription to {kind}: {code}"
                self._events.append(Flawed(f"subscribe-{kind}-0x{code.value:02X}", text))

    def _on_publish(self, _client: Client, _user: object, mid: int, reason: ReasonCode, _: Properties) -> None:
        ticket = self._flights.pop(mid)
        outcome = PUBACKS.get(reason.value, Outcome.RETRY)
        if ticket is not None:
            self._events.append(Settled(ticket, outcome, reason.value))
        elif outcome is Outcome.FORBIDDEN:
            self._events.append(
                Flawed(f"state-0x{reason.value:02X}", "the broker does not let the box publish its state")
            )
        while self._waiting and len(self._flights) < self._window and self._down is None:
            waiting = self._waiting.popleft()
            self._send(waiting.ticket, waiting.message)

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        correlation = getattr(message.properties, "CorrelationData", b"")
        self._events.append(Arrived(self._topics.kinds[message.topic], bytes(message.payload), correlation))

    def _on_disconnect(self, _client: Client, _user: object, flags: Any, reason: ReasonCode, _: Properties) -> None:
        if flags.is_disconnect_packet_from_server:
            self._fail(f"closed-0x{reason.value:02X}", DISCONNECTS.get(reason.value, str(reason)))
        elif reason.value == 0x8D:
            self._fail("keepalive", "the broker answers no ping")
        elif reason.value == 0x82 and not self._wire.cause:
            self._fail("protocol", "the broker sent a packet that is not MQTT 5")

    def _send(self, ticket: int | None, message: Message) -> None:
        properties = _properties(message)
        topic = self._topics.of(message.leaf)
        if _size(topic, message, properties) > self._packet and ticket is not None:
            self._events.append(Settled(ticket, Outcome.POISON, TOO_LARGE))
            return
        sent = self._client.publish(topic, message.raw, qos=1, retain=message.retain, properties=properties)
        if sent.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._fail(self._wire.cause or "lost", self._wire.text or "the connection ended while sending")
            return
        if not self._flights:
            self._since = None  # the silence begins to count now
        self._flights[sent.mid] = ticket

    # ---- the end ----------------------------------------------------------------------------------------------------

    def _end_if_over(self, now_ns: int) -> None:
        if self._down is None and self._client.socket() is None:
            self._fail(self._wire.cause or "lost", self._wire.text or "the broker closed the connection")
        if self._down is None:
            self._check_silence(now_ns)
        if self._down is not None:
            self._close()
            self._events.append(self._down)

    def _close(self) -> None:
        self.up, self.over = False, True
        self._wire.close()
        client = self._client  # and no ring of references is left to keep client and socket alive
        client.on_connect = client.on_disconnect = client.on_subscribe = client.on_publish = client.on_message = None

    def _check_silence(self, now_ns: int) -> None:
        waiting = not self.up or bool(self._flights)
        before, self._unacknowledged = self._unacknowledged, self._wire.unacknowledged() if waiting else 0
        lives = self._wire.heard or self._unacknowledged < before  # a slow line drains before anybody answers
        if self._since is None or not waiting or (self.up and lives):
            self._since = now_ns
            self._wire.heard = False
        elif not self.up and now_ns - self._since > CONNACK_MAX_NS:
            self._fail("no-connack", "the broker accepts the connection and never answers CONNECT")
        elif self.up and now_ns - self._since > SILENCE_MAX_NS:
            self._fail("half-open", "no answer and no byte for 6 s with a publication in flight")

    def _fail(self, cause: str, text: str) -> None:
        if self._down is None:
            self._down = Down(cause, text)


class _Topics:
    def __init__(self, box: str) -> None:
        self._leaves: dict[str, str] = {}
        self._root = f"kentongan/v1/{box}"
        self.kinds: Mapping[str, str] = {
            self.of("receipt"): "receipt",
            self.of("command"): "command",
            self.of("state"): "state",
            "kentongan/v1/keys": "keyset",
        }

    def of(self, leaf: str) -> str:
        return self._leaves.setdefault(leaf, f"{self._root}/{leaf}")


def _new_properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho has no types here


def _properties(message: Message) -> Properties | None:
    if message.durable and not message.correlation and not message.content_type:
        return None
    properties = _new_properties(PacketTypes.PUBLISH)
    if not message.durable:
        properties.UserProperty = ("durable", "false")
    if message.correlation:
        properties.CorrelationData = message.correlation
    if message.content_type:
        properties.ContentType = message.content_type
    return properties


def _size(topic: str, message: Message, properties: Properties | None) -> int:
    """Bytes of the whole PUBLISH packet: its header (at most 5), topic, packet id, properties, payload."""
    packed = 1 if properties is None else len(cast("bytes", properties.pack()))  # type: ignore[no-untyped-call]  # paho has no types here

    return 5 + 2 + len(topic.encode()) + 2 + packed + len(message.raw)
