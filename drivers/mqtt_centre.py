"""The other end of the uplink: a command centre's session with the broker, over MQTT 5 with paho 2.2.

One object is one connection. A letter is acknowledged to the broker only when the caller says so, after its commit;
what a dead centre had not acknowledged, the broker delivers again to the next connection of the same session.
"""

import select
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from drivers.dial import Dial, DialFailed, Endpoint, Names
from drivers.letters import Dispatch, Letter
from drivers.mqtt_client import WiredClient
from drivers.mqtt_codes import DISCONNECTS, REFUSALS
from drivers.ports import DriverError
from drivers.wire import Wire

KEEPALIVE_S: Final = 30
PACKET_LIMIT: Final = 80 * 1024  # a batch of history is the largest: 64 KiB and its header
WINDOW: Final = 500  # letters that the broker may have unacknowledged with us: one group commit
CONNECT_MAX_S: Final = 20.0  # names, TCP, TLS, CONNACK and SUBACK
GOODBYE_MAX_S: Final = 2.0


class SessionLost(DriverError, ConnectionError):
    """No session with the broker, or none any more; `cause` is a stable word as in `drivers.ports.Down`."""

    code = "E-BROKER-LOST"

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Membership:
    """Who connects and what it hears. expiry_s: how long the broker keeps letters for us; 0: a passing visitor."""

    client_id: str
    topics: tuple[str, ...]
    expiry_s: int


class CentreSession:
    """One connection, driven by the thread that calls it. Closed by `close` or `with`."""

    def __init__(self, wire: Wire, membership: Membership, wake: int | None) -> None:
        self.faults = 0  # exceptions caught at paho's border
        self._wire = wire
        self._membership = membership
        self._wake = wake
        self._letters: list[Letter] = []
        self._waiting: deque[Dispatch] = deque()
        self._flights: set[int] = set()  # packet ids without a PUBACK
        self._window = 1  # what the broker takes at once: its Receive Maximum, which paho does not read
        self._lost: SessionLost | None = None
        self._subscribed = False
        self._client = WiredClient(membership.client_id, wire, manual_ack=True)

    @classmethod
    def open(cls, endpoint: Endpoint, membership: Membership, *, wake: int | None = None) -> Self:
        """Connect, subscribe, and return when the broker has granted both.

        wake:   a descriptor that ends any waiting when it becomes readable
        raises: SessionLost
        """
        deadline = time.monotonic() + CONNECT_MAX_S
        session = cls(Wire(_dialled(endpoint, wake, deadline), limit=PACKET_LIMIT), membership, wake)
        try:
            session._begin(endpoint)
            session._until(lambda: session._subscribed, deadline)
        except BaseException:
            session._drop()
            raise
        return session

    def receive(self, within_s: float) -> list[Letter]:
        """Everything that has arrived, at once if there is any, else what arrives first within the time.

        raises: SessionLost; letters that came before it are not returned: nobody could acknowledge them
        """
        if not self._letters:
            self._turn(within_s)
        letters, self._letters = self._letters, []
        return letters

    def acknowledge(self, letters: Iterable[Letter]) -> None:
        """Tell the broker that these are safe. Raises SessionLost."""
        for letter in letters:
            if letter.mark:
                self._expect(self._client.ack(letter.mark, 1))

    def send(self, dispatch: Dispatch) -> None:
        """Hand one message over at QoS 1; beyond the broker's window it waits here. Raises SessionLost."""
        self._waiting.append(dispatch)
        self._send_waiting()
        if self._lost is not None:
            raise self._lost

    def settle(self, within_s: float) -> None:
        """Wait until the broker has answered every message sent. Raises SessionLost, also when time is over."""
        self._until(lambda: not (self._flights or self._waiting), time.monotonic() + within_s)

    def close(self) -> None:
        """Say goodbye; the broker keeps the session as long as the membership asks."""
        if self._lost is None:
            self._guarded(self._client.disconnect)
        self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- the loop ---------------------------------------------------------------------------------------------------

    def _begin(self, endpoint: Endpoint) -> None:
        client = self._client
        client.on_connect = self._bordered(self._on_connect)
        client.on_disconnect = self._bordered(self._on_disconnect)
        client.on_subscribe = self._bordered(self._on_subscribe)
        client.on_publish = self._bordered(self._on_publish)
        client.on_message = self._bordered(self._on_message)
        client.max_inflight_messages = 0  # the window is ours
        wanted = _new_properties(PacketTypes.CONNECT)
        wanted.SessionExpiryInterval = self._membership.expiry_s
        wanted.MaximumPacketSize = PACKET_LIMIT
        wanted.ReceiveMaximum = WINDOW
        passing = self._membership.expiry_s == 0
        self._guarded(
            lambda: client.connect(
                endpoint.host, endpoint.port, keepalive=KEEPALIVE_S, clean_start=passing, properties=wanted
            )
        )

    def _until(self, reached: Callable[[], bool], deadline: float) -> None:
        while not reached():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise SessionLost("timeout", "the broker does not answer in time")
            self._turn(left_s)

    def _turn(self, within_s: float) -> None:
        watched = [self._wire.fileno(), *([] if self._wake is None else [self._wake])]
        writing = [self._wire.fileno()] if self._client.want_write() else []
        select.select(watched, writing, [], min(within_s, 1.0))
        self._guarded(self._run_paho)
        if self._lost is None and self._client.socket() is None:
            self._lose(self._wire.cause or "lost", self._wire.text or "the broker closed the connection")
        if self._lost is not None:
            raise self._lost

    def _run_paho(self) -> None:
        self._wire.begin_turn()
        while not self._wire.drained and self._client.socket() is not None:
            self._client.loop_read()
        if self._client.withholds:
            self._lose("protocol", "the broker sends at QoS 2, which nobody asked for")
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()

    def _expect(self, code: MQTTErrorCode) -> None:
        if code is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lose(self._wire.cause or "lost", self._wire.text or "the connection ended while sending")
        if self._lost is not None:
            raise self._lost

    def _send_waiting(self) -> None:
        while self._waiting and len(self._flights) < self._window and self._lost is None:
            self._publish(self._waiting.popleft())

    def _publish(self, dispatch: Dispatch) -> None:
        properties = _properties(dispatch)
        sent = self._client.publish(dispatch.topic, dispatch.raw, qos=1, retain=dispatch.retain, properties=properties)
        if sent.rc is MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._flights.add(sent.mid)
        else:
            self._lose(self._wire.cause or "lost", self._wire.text or "the connection ended while sending")

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001  # the border: a hostile packet can raise anything inside paho
            self.faults += 1
            self._lose("fault", f"{type(error).__name__}: {error}")

    def _bordered(self, callback: Callable[..., None]) -> Callable[..., None]:
        def bordered(*arguments: Any) -> None:  # paho's callbacks differ in form
            self._guarded(lambda: callback(*arguments))

        return bordered

    def _lose(self, cause: str, text: str) -> None:
        if self._lost is None:
            self._lost = SessionLost(cause, text)

    def _drop(self) -> None:
        self._wire.close()
        client = self._client  # and no ring of references keeps client and socket alive
        client.on_connect = client.on_disconnect = client.on_subscribe = client.on_publish = client.on_message = None

    # ---- what paho tells --------------------------------------------------------------------------------------------

    def _on_connect(
        self, client: Client, _user: object, _flags: object, reason: ReasonCode, granted: Properties
    ) -> None:
        if reason.value != 0:
            self._lose(f"refused-0x{reason.value:02X}", REFUSALS.get(reason.value, str(reason)))
            return
        self._window = getattr(granted, "ReceiveMaximum", 65535)
        client.subscribe([(topic, 1) for topic in self._membership.topics])

    def _on_subscribe(self, _client: Client, _user: object, _mid: int, codes: Sequence[ReasonCode], _: object) -> None:
        refused = [code.value for code in codes if code.value > 2]
        if refused:
            self._lose(f"subscribe-0x{refused[0]:02X}", "the broker's access rules do not let the centre listen")
        self._subscribed = True

    def _on_disconnect(self, _client: Client, _user: object, flags: Any, reason: ReasonCode, _: object) -> None:
        if flags.is_disconnect_packet_from_server:
            self._lose(f"closed-0x{reason.value:02X}", DISCONNECTS.get(reason.value, str(reason)))

    def _on_publish(self, _client: Client, _user: object, mid: int, _reason: object, _: object) -> None:
        self._flights.discard(mid)
        self._send_waiting()

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        self._letters.append(_letter(message))


def _letter(message: MQTTMessage) -> Letter:
    properties = message.properties
    said = dict(cast("list[tuple[str, str]]", getattr(properties, "UserProperty", [])))
    return Letter(
        topic=_topic(message),
        raw=bytes(message.payload),
        retained=bool(message.retain),
        durable=said.get("durable") != "false",
        correlation=getattr(properties, "CorrelationData", b""),
        mark=message.mid if message.qos else 0,
    )


def _topic(message: MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:  # refused by name further up, and acknowledged: else it would come back for ever
        return ""


def _properties(dispatch: Dispatch) -> Properties | None:
    if dispatch.expiry_s is None and not dispatch.correlation:
        return None
    properties = _new_properties(PacketTypes.PUBLISH)
    if dispatch.expiry_s is not None:
        properties.MessageExpiryInterval = dispatch.expiry_s
    if dispatch.correlation:
        properties.CorrelationData = dispatch.correlation
    return properties


def _new_properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho has no types here


def _dialled(endpoint: Endpoint, wake: int | None, deadline: float) -> Any:  # a socket, plain or TLS
    dial = Dial(endpoint, Names())
    try:
        while time.monotonic() < deadline:
            watched = [dial.fileno(), *([] if wake is None else [wake])]
            ready, _, _ = select.select(watched, [], [], max(0.0, deadline - time.monotonic()))
            sock = dial.take()
            if sock is not None:
                return sock
            if wake is not None and wake in ready:
                raise SessionLost("stopped", "asked to stop while connecting")
    except DialFailed as failed:
        raise SessionLost(failed.cause, str(failed)) from failed
    finally:
        dial.abandon()
    raise SessionLost("timeout", f"{endpoint}: no connection in time")
