"""The event service: PullPoint subscriptions that expire, and what they bring."""

import asyncio
import re
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from drivers.sim.camera.soap import NOT_SUPPORTED, Asked, Fault, Refused, escape
from drivers.sim.camera.spec import Quirk
from drivers.sim.camera.standing import SUBSCRIPTION, Standing
from drivers.sim.camera.web import Request

SHORTEST_S: Final = 1.0
OTHERWISE_S: Final = 60.0
LONGEST_S: Final = 3600.0
WAITING_MAX: Final = 200  # messages of one subscription; the oldest go
DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
TOPICS: Final = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
TOO_MANY: Final = Fault(
    ("wsntw:SubscribeCreationFailedFault", "ter:MaxNotifyProducers"), "maximum number of subscriptions", "Receiver", 500
)
GONE: Final = Fault(("wsa:InvalidEndpointReference",), "unknown or expired subscription", "Sender", 400)
EXTENT: Final = Fault(("wsnt:UnacceptableInitialTerminationTimeFault",), "unacceptable termination time")


class Topic(Enum):
    """What may happen: its topic, its source item with a token, and its data item (ONVIF Imaging and Device topics)."""

    MOTION = ("tns1:RuleEngine/CellMotionDetector/Motion", "VideoSourceConfigurationToken", "VSC_1", "IsMotion")
    ALARM = ("tns1:VideoSource/MotionAlarm", "Source", "VideoSource_1", "State")
    TAMPER = ("tns1:RuleEngine/TamperDetector/Tamper", "VideoSourceConfigurationToken", "VSC_1", "IsTamper")
    INPUT = ("tns1:Device/Trigger/DigitalInput", "InputToken", "DI_1", "LogicalState")


@dataclass(slots=True)
class Subscription:
    """until: CLOCK_MONOTONIC seconds."""

    number: int
    until: float
    waiting: deque[str] = field(default_factory=lambda: deque(maxlen=WAITING_MAX))
    arrived: asyncio.Event = field(default_factory=asyncio.Event)


class Events:
    """All of it on the loop's thread. `peak` is the most subscriptions there ever were at once."""

    def __init__(self, standing: Standing) -> None:
        self.peak = 0
        self.made = 0
        self._standing = standing
        self._states: dict[Topic, bool] = {}
        self._live: dict[int, Subscription] = {}

    def live(self) -> list[Subscription]:
        """Subscriptions that have not expired; safe from any thread."""
        now = time.monotonic()
        return [one for one in tuple(self._live.values()) if one.until > now]

    def happen(self, topic: Topic, *, active: bool) -> None:
        self._states[topic] = active
        self._sweep()
        for one in self._live.values():
            one.waiting.append(_message(topic, active, "Changed", self._standing.utc()))
            one.arrived.set()

    def drop_all(self) -> None:
        """As a reboot does."""
        for one in self._live.values():
            one.until = 0.0
            one.arrived.set()
        self._live.clear()

    async def answer(self, asked: Asked, request: Request) -> str:
        """Raises Refused."""
        if self._standing.spec.has(Quirk.NO_EVENTS):
            raise Refused(NOT_SUPPORTED)
        self._sweep()
        if asked.name == "tev:CreatePullPointSubscription":
            return self._create(asked)
        if asked.name == "tev:GetEventProperties":
            return _properties()
        if asked.name == "tev:GetServiceCapabilities":
            return _capabilities(self._limit)
        one = self._live.get(_number(asked, request))
        if one is None:
            raise Refused(GONE)
        return await self._about(one, asked)

    async def _about(self, one: Subscription, asked: Asked) -> str:
        if asked.name == "tev:PullMessages":
            return await self._pull(one, asked)
        if asked.name == "wsnt:Renew":
            one.until = time.monotonic() + self._extent(asked.text("wsnt:TerminationTime"))
            return f"<wsnt:RenewResponse>{self._times(one, 'wsnt', swapped=True)}</wsnt:RenewResponse>"
        if asked.name == "wsnt:Unsubscribe":
            self._end(one)
            return "<wsnt:UnsubscribeResponse/>"
        if asked.name == "tev:SetSynchronizationPoint":
            self._initialise(one)
            return "<tev:SetSynchronizationPointResponse/>"
        raise Refused(NOT_SUPPORTED)

    @property
    def _limit(self) -> int:
        return 1 if self._standing.spec.has(Quirk.ONE_SUBSCRIBER) else self._standing.spec.subscribers

    def _create(self, asked: Asked) -> str:
        if len(self._live) >= self._limit:
            raise Refused(TOO_MANY)
        self.made += 1
        extent = self._extent(asked.text("tev:InitialTerminationTime"))
        one = self._live[self.made] = Subscription(self.made, time.monotonic() + extent)
        self.peak = max(self.peak, len(self._live))
        self._initialise(one)
        reference = f"<wsa:Address>{escape(self._standing.url(f'{SUBSCRIPTION}?Idx={one.number}'))}</wsa:Address>"
        if self._standing.spec.has(Quirk.REFERENCE_PARAMETERS):
            reference = (
                f"<wsa:Address>{escape(self._standing.url(SUBSCRIPTION))}</wsa:Address>"
                f"<wsa:ReferenceParameters><sim:Id>{one.number}</sim:Id></wsa:ReferenceParameters>"
            )
        return (
            f"<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>{reference}"
            f"</tev:SubscriptionReference>{self._times(one, 'wsnt')}</tev:CreatePullPointSubscriptionResponse>"
        )

    async def _pull(self, one: Subscription, asked: Asked) -> str:
        """Wait for a message, `Timeout` or the end of the subscription; each pull keeps it alive (Core, 9.1)."""
        within = min(_duration(asked.text("tev:Timeout")) or OTHERWISE_S, LONGEST_S)
        limit = int(asked.text("tev:MessageLimit", "1") or "1")
        deadline = time.monotonic() + within
        while not one.waiting and (left := deadline - time.monotonic()) > 0:
            one.arrived.clear()
            one.until = max(one.until, deadline)
            await _until(one.arrived, left)
            if one.number not in self._live:
                raise Refused(GONE)
        one.until = max(one.until, time.monotonic() + within)
        messages = "".join(one.waiting.popleft() for _ in range(min(max(limit, 1), len(one.waiting))))
        return f"<tev:PullMessagesResponse>{self._times(one, 'tev')}{messages}</tev:PullMessagesResponse>"

    def _initialise(self, one: Subscription) -> None:
        """A property's state comes once to each new subscriber."""
        now = self._standing.utc()
        one.waiting.extend(_message(topic, active, "Initialized", now) for topic, active in self._states.items())
        one.arrived.set()

    def _extent(self, text: str) -> float:
        """Seconds of a duration or of a moment on the camera's clock."""
        if not text:
            return OTHERWISE_S
        seconds = _duration(text)
        if seconds is None:
            try:
                seconds = (datetime.fromisoformat(text) - self._standing.utc()).total_seconds()
            except (ValueError, TypeError):
                raise Refused(EXTENT) from None
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise Refused(EXTENT)
        return seconds

    def _times(self, one: Subscription, prefix: str, *, swapped: bool = False) -> str:
        now = self._standing.utc()
        until = now + timedelta(seconds=one.until - time.monotonic())
        rows = [
            f"<{prefix}:CurrentTime>{_written(now)}</{prefix}:CurrentTime>",
            f"<{prefix}:TerminationTime>{_written(until)}</{prefix}:TerminationTime>",
        ]
        return "".join(reversed(rows) if swapped else rows)

    def _sweep(self) -> None:
        now = time.monotonic()
        for one in [one for one in self._live.values() if one.until <= now]:
            self._end(one)

    def _end(self, one: Subscription) -> None:
        self._live.pop(one.number, None)
        one.arrived.set()


async def _until(event: asyncio.Event, within_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), within_s)
    except TimeoutError:
        return


def _number(asked: Asked, request: Request) -> int:
    """Which subscription is meant: from the address or, as reference parameter, from a header."""
    text = asked.heading("sim:Id") or request.query.partition("Idx=")[2]
    return int(text) if text.isdecimal() else 0


def _duration(text: str) -> float | None:
    match = DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _written(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _message(topic: Topic, active: bool, operation: str, when: datetime) -> str:  # noqa: FBT001 - a state is a value
    name, source, token, item = topic.value
    return (
        f'<wsnt:NotificationMessage><wsnt:Topic Dialect="{TOPICS}">{name}</wsnt:Topic><wsnt:Message>'
        f'<tt:Message UtcTime="{_written(when)}" PropertyOperation="{operation}">'
        f'<tt:Source><tt:SimpleItem Name="{source}" Value="{token}"/></tt:Source>'
        f'<tt:Data><tt:SimpleItem Name="{item}" Value="{str(active).lower()}"/></tt:Data>'
        "</tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )


def _capabilities(limit: int) -> str:
    return (
        '<tev:GetServiceCapabilitiesResponse><tev:Capabilities WSPullPointSupport="true" '
        f'MaxPullPoints="{limit}"/></tev:GetServiceCapabilitiesResponse>'
    )


def _properties() -> str:
    return (
        "<tev:GetEventPropertiesResponse>"
        "<tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>"
        f"<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet>{_topic_set()}</wstop:TopicSet>"
        f"<wsnt:TopicExpressionDialect>{TOPICS}</wsnt:TopicExpressionDialect>"
        "<wsnt:TopicExpressionDialect>http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
        "</wsnt:TopicExpressionDialect>"
        "<tev:MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
        "</tev:MessageContentFilterDialect>"
        "<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd"
        "</tev:MessageContentSchemaLocation></tev:GetEventPropertiesResponse>"
    )


def _topic_set() -> str:
    """A tree in which each topic of the first level stands once."""
    roots: dict[str, str] = {}
    for topic in Topic:
        root, inner = _branch(topic)
        roots[root] = roots.get(root, "") + inner
    return "".join(f"<{root}>{inner}</{root}>" for root, inner in roots.items())


def _branch(topic: Topic) -> tuple[str, str]:
    """The first step of a topic, and the rest of it as XML."""
    name, source, _, item = topic.value
    first, *inner = name.split("/")
    described = (
        '<tt:MessageDescription IsProperty="true">'
        f'<tt:Source><tt:SimpleItemDescription Name="{source}" Type="tt:ReferenceToken"/></tt:Source>'
        f'<tt:Data><tt:SimpleItemDescription Name="{item}" Type="xs:boolean"/></tt:Data></tt:MessageDescription>'
    )
    opened = "".join(f"<{step}>" for step in inner[:-1]) + f'<{inner[-1]} wstop:topic="true">'
    closed = "".join(f"</{step}>" for step in reversed(inner))
    return first, f"{opened}{described}{closed}"
