"""What a real mosquitto lets whom say and hear is what tests/unit/test_broker_rules.py reads in our access list."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.centre.topics import KEYS_TOPIC
from edge.field.broker import ANONYMOUS, LOOPBACK, Broker, find_broker
from tests.conftest import CACHE
from tests.contract.far import ACL, turn_paho, wait_for
from tests.unit.test_broker_rules import CENTRE, CLIENTS, HEAR, MOSQUITTO, SAY, TOPICS, mosquitto

NOT_AUTHORISED = 0x87
BELOW = tuple(topic for topic in TOPICS if topic.startswith("kentongan/v1/"))  # where the centre may say everything


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("broker")
    with Broker(
        find_broker(CACHE), listeners={"plain": ANONYMOUS}, lines=(f"acl_file {ACL}",), parent=folder
    ) as broker:
        yield broker.ports["plain"]


class Visitor:
    """A client of one user name, turned by `until`."""

    def __init__(self, port: int, user: str) -> None:
        self.answers: dict[int, int] = {}
        self.heard: list[str] = []
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=user, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.username = user
        self._client.max_inflight_messages = 0
        self._client.on_publish = self._answered
        self._client.on_message = self._noted
        self._client.connect(LOOPBACK, port)
        self.until(self._client.is_connected)

    def _answered(self, _client: Client, _user: object, mid: int, reason: Any, _properties: object) -> None:
        self.answers[mid] = reason.value

    def _noted(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        self.heard.append(message.topic)

    def until(self, reached: Callable[[], bool]) -> None:
        wait_for(reached, lambda: turn_paho(self._client, 0.02))

    def say(self, topics: tuple[str, ...]) -> dict[str, int]:
        """Topic -> how the broker answered."""
        mids = {topic: self._client.publish(topic, topic, qos=1).mid for topic in topics}
        self.until(lambda: self.answers.keys() >= set(mids.values()))
        return {topic: self.answers[mid] for topic, mid in mids.items()}

    def listen(self) -> None:
        granted: list[int] = []
        self._client.on_subscribe = lambda _client, _user, mid, _codes, _properties: granted.append(mid)
        self._client.subscribe("kentongan/v1/#", 1)
        self.until(lambda: bool(granted))

    def close(self) -> None:
        self._client.disconnect()


@pytest.mark.parametrize("user", CLIENTS)
def test_who_may_say_what(port: int, user: str) -> None:
    grants, visitor = mosquitto(MOSQUITTO), Visitor(port, user)
    said = visitor.say(TOPICS)
    visitor.close()
    assert {topic: code != NOT_AUTHORISED for topic, code in said.items()} == {
        topic: grants(user, SAY, topic) for topic in TOPICS
    }


@pytest.mark.parametrize("user", [user for user in CLIENTS if user != CENTRE])
def test_who_hears_what(port: int, user: str) -> None:
    grants, visitor, centre = mosquitto(MOSQUITTO), Visitor(port, user), Visitor(port, CENTRE)
    wanted = {topic for topic in BELOW if grants(user, HEAR, topic)}
    visitor.listen()
    centre.say(BELOW)
    centre.say((KEYS_TOPIC,))  # which everybody hears, and nothing that was said before comes after it
    centre.close()
    visitor.until(lambda: visitor.heard.count(KEYS_TOPIC) == 2)
    visitor.close()
    assert sorted(visitor.heard) == sorted([*wanted, KEYS_TOPIC])
