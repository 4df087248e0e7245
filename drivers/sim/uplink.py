"""The other end of an uplink, in memory: a broker with its rules, sessions and moods, and uplinks that speak to it."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from drivers.mqtt_codes import DISCONNECTS, PUBACKS, REFUSALS
from drivers.ports import Arrived, Down, Flawed, Message, Outcome, Session, Settled, Up, UplinkEvent

SECOND_NS: Final = 1_000_000_000
CONNACK_MAX_NS: Final = 10 * SECOND_NS
SILENCE_MAX_NS: Final = 6 * SECOND_NS
KEEPALIVE_S: Final = 30
TOO_LARGE: Final = 0x95
ALLOWED: Final = ("state", "event/", "beat", "picture/", "reply")  # what a box may write: configs/broker/acl
KEYS: Final = "kentongan/v1/keys"


@dataclass(frozen=True, slots=True)
class Seen:
    """One publication as the centre gets it."""

    topic: str
    raw: bytes
    retained: bool = False
    durable: bool = True
    correlation: bytes = b""
    content_type: str = ""


@dataclass(slots=True)
class _Account:
    """What the broker keeps of one box between its connections: its session, its will."""

    queue: deque[Arrived] = field(default_factory=deque)
    will: bytes | None = None  # pending: published by `run_out`, called off by a new connection


class SimBroker:
    """The broker and the centre behind it. Its switches may be turned at any time.

    reachable:  False: nobody answers at its address
    trouble:    the cause that ends every connection on its way, "" for none
    frozen:     accepts, keeps connections, answers nothing
    refusal:    CONNACK code for whoever connects, 0 to accept
    listening:  the centre's subscription stands (else publications end NOBODY)
    answers:    leaf -> PUBACK code, instead of what the rules say
    grants:     kind -> SUBACK code, instead of 1
    window, packet: granted Receive Maximum and Maximum Packet Size
    """

    def __init__(self) -> None:
        self.reachable = True
        self.trouble = ""
        self.frozen = False
        self.refusal = 0
        self.listening = True
        self.answers: dict[str, int] = {}
        self.grants: dict[str, int] = {}
        self.window = 20
        self.packet = 268_435_460
        self.seen: list[Seen] = []
        self.retained: dict[str, bytes] = {}
        self._accounts: dict[str, _Account] = {}
        self._online: dict[str, SimUplink] = {}

    def tell(self, topic: str, raw: bytes, *, correlation: bytes = b"", retain: bool = False) -> None:
        """Publish something towards the boxes at QoS 1; a box that is away gets it when it returns."""
        if retain:
            self.retained[topic] = raw
        for box, account in self._accounts.items():
            kind = kinds(box).get(topic)
            if kind is not None:
                account.queue.append(Arrived(kind, raw, correlation))

    def drop(self, box: str, code: int | None = None) -> None:
        """End a box's connection: with a DISCONNECT of this code, or as if the wire had been cut."""
        uplink = self._online.pop(box, None)
        if uplink is not None and uplink.session is not None:
            self._accounts[box].will = uplink.session.will
            uplink.end("lost" if code is None else f"closed-0x{code:02X}", DISCONNECTS.get(code or 0, ""))

    def stop(self) -> None:
        """The broker goes away; sessions survive, as with persistence."""
        self.reachable = False
        for box in list(self._online):
            self.drop(box)

    def run_out(self, box: str) -> None:
        """The will delay has passed."""
        account = self._accounts[box]
        if account.will is not None:
            self.accept(box, Message("state", account.will, retain=True))
            account.will = None

    def welcome(self, uplink: "SimUplink", session: Session) -> None:
        if session.box in self._online:
            self.drop(session.box, 0x8E)
        self._accounts.setdefault(session.box, _Account()).will = None
        self._online[session.box] = uplink
        keys = self.retained.get(KEYS)
        if keys is not None:
            self._accounts[session.box].queue.append(Arrived("keyset", keys))

    def leave(self, box: str) -> None:
        """DISCONNECT with will."""
        self.drop(box)

    def accept(self, box: str, message: Message) -> int:
        """Take one publication; returns the PUBACK code."""
        code = self.answers.get(message.leaf)
        if code is None:
            code = 0x00 if message.leaf.startswith(ALLOWED) else 0x87
        if code not in {0x00, 0x10}:
            return code
        topic = f"kentongan/v1/{box}/{message.leaf}"
        self.seen.append(
            Seen(topic, message.raw, message.retain, message.durable, message.correlation, message.content_type)
        )
        if message.retain:
            self.retained[topic] = message.raw
        if message.leaf == "state":
            self._accounts[box].queue.append(Arrived("state", message.raw))
            return code  # the box itself subscribes
        return code if self.listening else 0x10

    def arrivals(self, box: str) -> list[Arrived]:
        """Hand over what waits for a box that is connected."""
        queue = self._accounts[box].queue
        arrivals = list(queue)
        queue.clear()
        return arrivals


class SimUplink:
    """`drivers.ports.Uplink` on a SimBroker; everything happens in `turn`."""

    def __init__(self, broker: SimBroker, name: str = "broker:8883") -> None:
        self.session: Session | None = None
        self._name = name
        self._broker = broker
        self._connecting = False
        self._up = False
        self._since: int | None = None
        self._tickets = 0
        self._pending: deque[tuple[int, Message]] = deque()
        self._events: list[UplinkEvent] = []

    def __str__(self) -> str:
        return self._name

    def connect(self, session: Session) -> None:
        self.close()
        self.session = session
        self._connecting = True
        self._since = None

    def sockets(self) -> list[tuple[int, bool]]:
        return []

    @property
    def unanswered(self) -> list[Message]:
        """What was published and has no PUBACK yet, in its order."""
        return [message for _, message in self._pending]

    def publish(self, message: Message) -> int:
        if not self._up:
            raise ConnectionError("no session with the broker")
        if not self._pending:
            self._since = None
        self._tickets += 1
        self._pending.append((self._tickets, message))
        return self._tickets

    def flush(self) -> None: ...

    def turn(self, now_ns: int) -> list[UplinkEvent]:
        if self._since is None or not (self._connecting or self._pending):
            self._since = now_ns
        if self._connecting:
            self._greet(now_ns)
        elif self._up and self._broker.frozen:
            if now_ns - self._since > SILENCE_MAX_NS:
                self._broker.drop(self._box)
                self._events[-1] = Down("half-open", "no answer and no byte for 6 s with a publication in flight")
        elif self._up:
            self._since = now_ns
            self._settle()
            self._events += self._broker.arrivals(self._box)
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        if self._up:
            self._broker.leave(self._box)
        self._connecting = self._up = False
        self._events.clear()
        self._pending.clear()

    def end(self, cause: str, text: str) -> None:
        """The broker's side of the end of a connection."""
        self._up = self._connecting = False
        self._pending.clear()
        self._events.append(Down(cause, text))

    @property
    def _box(self) -> str:
        assert self.session is not None
        return self.session.box

    def _greet(self, now_ns: int) -> None:
        broker = self._broker
        if not broker.reachable:
            self.end("unreachable", "nobody answers")
        elif broker.trouble:
            self.end(broker.trouble, broker.trouble)
        elif broker.frozen:
            if now_ns - (self._since or now_ns) > CONNACK_MAX_NS:
                self.end("no-connack", "the broker accepts the connection and never answers CONNECT")
        elif broker.refusal:
            self.end(f"refused-0x{broker.refusal:02X}", REFUSALS.get(broker.refusal, ""))
        else:
            self._enter()

    def _enter(self) -> None:
        assert self.session is not None
        self._connecting, self._up = False, True
        self._broker.welcome(self, self.session)
        self._events.append(Up(min(20, self._broker.window), self._broker.packet, KEEPALIVE_S))
        for kind, code in self._broker.grants.items():
            if code != 1:
                self._events.append(Flawed(f"subscribe-{kind}-0x{code:02X}", f"no subscription to {kind}"))
        code = self._broker.accept(self._box, Message("state", self.session.state, retain=True))
        if PUBACKS.get(code) is Outcome.FORBIDDEN:
            self._events.append(Flawed(f"state-0x{code:02X}", "the box may not publish its state"))

    def _settle(self) -> None:
        while self._pending:
            ticket, message = self._pending.popleft()
            too_large = len(message.raw) > self._broker.packet
            code = TOO_LARGE if too_large else self._broker.accept(self._box, message)
            outcome = Outcome.POISON if too_large else PUBACKS.get(code, Outcome.RETRY)
            self._events.append(Settled(ticket, outcome, code))


def kinds(box: str) -> dict[str, str]:
    """Topic -> kind of everything a box listens to."""
    own = {f"kentongan/v1/{box}/{kind}": kind for kind in ("receipt", "command", "state")}
    return {**own, KEYS: "keyset"}
