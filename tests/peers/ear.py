"""A subscriber in a process of its own that counts numbered events, whoever carries them and however they are packed.

    python -m tests.peers.ear PORT COUNT [ROOT BOX]

It says "." when it listens, lives through an outage of the broker with its session, and says a line of JSON once all
have come and it has been quiet for a moment, or quiet for long. It also answers, as ThingsBoard would, what its
gateway asks before it sends anything. With a BOX it plays the centre that lies at ROOT: receipts, and nothing stored.
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from drivers.clock import boot_ns
from edge.centre.places import CentrePlaces
from edge.core.words import BoxId
from edge.field.broker import LOOPBACK
from tests.bench.centre import PlayedCentre, events_of
from tests.peers.events import LOCAL_TOPIC

NUMBER: Final = re.compile(rb'count\\?": ?(1[0-9]{6})')  # of an event, or of an event as a string within another
TOPICS: Final = ("kentongan/v1/+/event/#", LOCAL_TOPIC, "v1/gateway/telemetry")
ASKED: Final = ("v1/devices/me/rpc/request/+", "v1/devices/me/attributes/request/+", "v1/gateway/attributes/request")
LIMITS: Final = {"maxPayloadSize": 65536, "maxInflightMessages": 100, "rateLimits": {}, "gatewayRateLimits": {}}
RECEIPT_EVERY: Final = 500
RECEIPT_WITHIN_S: Final = 0.3
AGAIN_S: Final = 0.02
ALL_HERE_S: Final = 4.0  # for what comes a second time
QUIET_S: Final = 45.0  # mosquitto's bridge and thingsboard-gateway wait up to 30 s before they try again


class Ear:
    """centre: whose receipts it writes, if any."""

    def __init__(self, port: int, count: int, centre: PlayedCentre | None) -> None:
        self._centre = centre
        self._owed: list[bytes] = []
        self._port, self._count = port, count
        self._seen: set[int] = set()
        self._twice = self._behind = self._highest = 0
        self._first_ns = self._last_ns = 0
        self._connections, self._stirred_ns = 0, 0
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="ear", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_connect = lambda *_: self._connected()
        self._client.on_subscribe = lambda *_: self._listening()
        self._client.on_message = lambda _client, _user, message: self._message(message)

    def listen(self) -> dict[str, int]:
        """Until nothing more is to be expected after the outage."""
        kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
        kept.SessionExpiryInterval = 3600
        self._client.connect(LOOPBACK, self._port, keepalive=600, clean_start=False, properties=kept)
        while not self._over():
            if self._client.loop(0.1) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._again()
            elif len(self._owed) >= RECEIPT_EVERY or self._quiet_s() > RECEIPT_WITHIN_S:
                self._receipt()
        times = {"first_ns": self._first_ns, "last_ns": self._last_ns}
        return {"different": len(self._seen), "twice": self._twice, "behind": self._behind, **times}

    def _over(self) -> bool:
        patience_s = ALL_HERE_S if len(self._seen) == self._count else QUIET_S
        return self._connections > 1 and self._quiet_s() > patience_s

    def _quiet_s(self) -> float:
        return (boot_ns() - self._stirred_ns) / 1e9

    def _again(self) -> None:
        time.sleep(AGAIN_S)
        try:
            self._client.reconnect()
        except OSError:
            return

    def _connected(self) -> None:
        self._connections += 1
        self._stirred_ns = boot_ns()
        self._client.subscribe([(topic, 1) for topic in (*TOPICS, *ASKED)])

    def _listening(self) -> None:
        if self._connections == 1:
            print(".", flush=True)

    def _message(self, message: MQTTMessage) -> None:
        numbers = [int(number) for number in NUMBER.findall(message.payload)]
        for topic, answer in _answers(message):
            self._client.publish(topic, json.dumps(answer), qos=1)
        if numbers:
            self._stirred_ns = boot_ns()
            self._owed += events_of(bytes(message.payload)) if self._centre else ()
        for number in numbers:
            self._count_in(number)

    def _receipt(self) -> None:
        owed, self._owed = self._owed, []
        if self._centre is not None and owed:
            for dispatch in self._centre.answer(owed):
                self._client.publish(dispatch.topic, dispatch.raw, qos=1)

    def _count_in(self, number: int) -> None:
        if number in self._seen:
            self._twice += 1
            return
        self._seen.add(number)
        self._first_ns = self._first_ns or self._stirred_ns
        self._last_ns = self._stirred_ns
        self._behind += number < self._highest
        self._highest = max(self._highest, number)


def _answers(message: MQTTMessage) -> Iterator[tuple[str, dict[str, Any]]]:
    """As a ThingsBoard without rate limits and without attributes."""
    topic = message.topic
    if topic.startswith("v1/devices/me/rpc/request/"):
        yield topic.replace("/request/", "/response/"), LIMITS
    elif topic.startswith("v1/devices/me/attributes/request/"):
        yield topic.replace("/request/", "/response/"), {}
    elif topic == "v1/gateway/attributes/request":
        asked = json.loads(message.payload)
        yield "v1/gateway/attributes/response", {"id": asked["id"], "device": asked["device"], "values": {}}


if __name__ == "__main__":
    port, count, *played = sys.argv[1:]
    played_centre = PlayedCentre(CentrePlaces(Path(played[0])), BoxId(played[1])) if played else None
    print(json.dumps(Ear(int(port), int(count), played_centre).listen()), flush=True)
