"""Between the link and the uplink: when to connect, what to pass on, what to tell alarm. Opens nothing itself."""

import logging
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, Protocol

from drivers.ports import Arrived, Certificates, Down, Flawed, Message, Session, Settled, Up, Uplink
from edge.core import codes
from edge.core.delivery import Answer
from edge.core.retry import FLOOR_S, STOOD_S, Backoff
from edge.core.status import SECONDARY
from edge.core.timing import STEP_NS
from edge.core.words import SECOND_NS, EventClass, EventId
from edge.daemons.relay.uploads import Uploads
from edge.link.carry import Carry, Parcel
from edge.link.causes import meaning_of
from edge.link.frames import BadFrame, Bytes, File, Frame, LinkState, News, Papers, Row, Rows, Send, Speak
from edge.link.held import id_of, is_urgent

log = logging.getLogger("kentongan.relay")

BEARER: Final = "mqtt"
ASK_MAX_NS: Final = 5 * SECOND_NS  # then ask alarm again what to say
ALONE_MAX_NS: Final = 5 * SECOND_NS  # alarm away for longer: the box is offline, and the centre must see it

BATCH_TYPE: Final = "application/cloudevents-batch+json"  # CloudEvents JSON format 1.0.2, section 4
BATCH_LIMIT: Final = 64 * 1024  # what a centre must take in one message
HEADER_ROOM: Final = 256  # topic, properties and lengths of one PUBLISH, within the broker's Maximum Packet Size

FAR_NS: Final = 2**63

EXPLAINED: Final = frozenset({
    "half-open", "keepalive", "moved", "oversize",
    "closed-0x00", "closed-0x87", "closed-0x89", "closed-0x8B", "closed-0x8D", "closed-0x8E", "closed-0x93",
    "closed-0x96", "closed-0x97", "closed-0x98", "closed-0x9C", "closed-0x9D", "closed-0x9F", "closed-0xA0",
})  # fmt: skip
"""Losses of a session that have nothing to do with the bytes of a row (edge.link.carry looks into the others)."""

CLOCKED: Final = frozenset({"tls-not-yet-valid", "tls-expired"})
"""What a wall clock that is wrong makes of a good certificate."""


class Phase(Enum):
    WAITING = "waiting"  # for the time to connect, or for alarm
    ASKING = "asking"  # alarm makes state and will
    CONNECTING = "connecting"
    UP = "up"


class Link(Protocol):
    """What `edge.link.client.LinkClient` offers."""

    @property
    def connected(self) -> bool: ...

    def send(self, frame: Frame) -> None: ...

    def take(self) -> int: ...


class Courier:
    """One session after another, as long as alarm is there to speak for.

    random01: for the backoff's jitter
    utc_ns:   the wall clock, which somebody may set
    first_ns: wait before the very first connection, unless an alarm waits
    spread_s: as in edge.core.retry.Backoff
    """

    def __init__(
        self, link: Link, uplink: Uplink, random01: Callable[[], float], *,
        utc_ns: Callable[[], int], now_ns: int, first_ns: int, spread_s: float = FLOOR_S,
    ) -> None:  # fmt: skip
        self._link = link
        self._uplink = uplink
        self._carry = Carry(BEARER)
        self._uploads = Uploads(BEARER, self._publish)
        self._tickets: dict[int, EventId] = {}
        self._phase = Phase.WAITING
        self._due_ns = now_ns + first_ns
        self._asked_ns = 0
        self._up_ns = 0
        self._backoff = Backoff(random01, spread_s=spread_s)
        self._clock_is_late = False
        self._utc_ns = utc_ns
        self._tried_ns = 0  # wall time at zero of the boot clock, when the last attempt began
        self._clock_blamed = False  # and a certificate did not fit it
        self._alone_since_ns: int | None = now_ns
        self._told = _Told(uplink)

    @property
    def due_ns(self) -> int:
        """When `turn` wants to be called even if nothing happens."""
        waits = self._link.connected and self._phase in {Phase.WAITING, Phase.ASKING}
        return self._due_ns if waits else FAR_NS

    def sockets(self) -> list[tuple[int, bool]]:
        return self._uplink.sockets()

    def turn(self, now_ns: int) -> None:
        """Everything that can be done now: the uplink's events, rows, timers."""
        if self._link.connected and self._alone_since_ns is not None:
            self._alone_since_ns = None
            self._begin_anew(now_ns)
        for event in self._uplink.turn(now_ns):
            self._on_uplink(event, now_ns)
        self._follow_clock(now_ns)
        self._follow_time(now_ns)
        self._work(now_ns)

    def adrift(self, now_ns: int) -> None:
        """The link is closed; say so before it may be open again. Soon the box counts as offline."""
        if self._alone_since_ns is None:
            self._alone_since_ns = now_ns
            self._carry.adrift()
            self._uploads.forget()
            self._tickets.clear()
        if self._phase is not Phase.WAITING and now_ns - self._alone_since_ns > ALONE_MAX_NS:
            self._uplink.close()
            self._phase = Phase.WAITING

    def hear(self, frame: Frame, now_ns: int) -> None:
        """A frame from alarm; a new alarm is on the wire when this returns, history leaves with the turn."""
        match frame:
            case Rows(rows):
                self._rows(rows)
                if any(map(is_urgent, rows)):
                    self._work(now_ns)
            case File(picture):
                self._uploads.given(picture, self._link.take())
            case News(event_class):
                self._uploads.news(event_class, now_ns)
                self._news(frame, now_ns)
            case Speak(box, state, will):
                if self._phase is Phase.ASKING:
                    self._phase = Phase.CONNECTING
                    self._tried_ns = self._utc_ns() - now_ns
                    self._uplink.connect(Session(box, will, state))
            case Send(kind, raw, correlation):
                self._publish(Message(kind, raw, correlation=correlation, retain=kind == "state"))

    def replace(self, uplink: Uplink, now_ns: int) -> None:
        """Other brokers from now on: the session ends, and a new one begins at once."""
        self._uplink.close()
        if self._phase is Phase.UP:
            self._down("moved", "the configuration names other brokers", now_ns)
        self._uplink, self._told = uplink, _Told(uplink)
        self._backoff.start_over()
        self._phase, self._due_ns = Phase.WAITING, now_ns

    def stop(self) -> None:
        self._uploads.forget()
        self._uplink.close()

    # ---- rows -------------------------------------------------------------------------------------------------------

    def _rows(self, rows: Sequence[Row]) -> None:
        pictures = [row for row in rows if row.event_class is EventClass.PICTURE]
        for row in pictures:
            self._uploads.row(row)
        if len(pictures) < len(rows):
            self._uploads.arrived()
            self._carry.rows(row for row in rows if row.event_class is not EventClass.PICTURE)

    def _work(self, now_ns: int) -> None:
        work = self._carry.work(now_ns)
        for parcel in work.parcels:
            self._send(parcel)
        self._uplink.flush()
        for frame in (*work.frames, *self._uploads.turn(now_ns, quiet=self._carry.is_quiet)):
            self._link.send(frame)

    def _send(self, parcel: Parcel) -> None:
        ticket = self._publish(_message(parcel))
        if ticket is not None:
            self._tickets[ticket] = id_of(parcel[0])

    def _publish(self, message: Message) -> int | None:
        if self._phase is not Phase.UP:
            return None
        try:
            return self._uplink.publish(message)
        except ConnectionError:
            return None  # its Down is on the way, and alarm keeps every row

    # ---- the uplink's events ----------------------------------------------------------------------------------------

    def _on_uplink(self, event: object, now_ns: int) -> None:
        match event:
            case Settled(ticket, outcome, code):
                self._settled(ticket, Answer(outcome.value), f"0x{code:02X}" if code else "", now_ns)
            case Arrived(kind, raw, correlation):
                self._pass_on(Bytes(kind, raw, correlation))
            case Up():
                self._up(event, now_ns)
            case Certificates(ends):
                self._link.send(Papers(dict(ends)))
            case Flawed(cause, text):
                self._told.flawed(cause, text)
            case Down(cause, text):
                self._down(cause, text, now_ns)

    def _settled(self, ticket: int, answer: Answer, reason: str, now_ns: int) -> None:
        identity = self._tickets.pop(ticket, None)
        if identity is not None:
            self._carry.settled(identity, answer, now_ns, reason)
            return
        self._carry.passed()
        self._uploads.settled(ticket, answer, reason)

    def _pass_on(self, frame: Bytes) -> None:
        try:
            self._link.send(frame)
        except BadFrame as error:
            log.warning("dropped  kind=%s cause=%s", frame.kind, error)

    def _up(self, granted: Up, now_ns: int) -> None:
        self._phase = Phase.UP
        self._up_ns = now_ns
        self._told.back(now_ns)
        self._link.send(LinkState(BEARER, up=True, detail=SECONDARY if granted.secondary else ""))
        self._uploads.up()
        self._carry.up(granted.window, now_ns, batch=max(0, min(BATCH_LIMIT, granted.packet - HEADER_ROOM)))

    def _down(self, cause: str, text: str, now_ns: int) -> None:
        was_up = self._phase is Phase.UP
        if was_up:
            self._uploads.down(now_ns, unexplained=cause not in EXPLAINED)
            self._carry.down(now_ns, unexplained=cause not in EXPLAINED)
            self._work(now_ns)
            self._backoff.ended(cause, (now_ns - self._up_ns) / SECOND_NS)
        self._clock_is_late = cause == "tls-not-yet-valid"  # it will be set any moment: do not sit out two minutes
        self._clock_blamed = cause in CLOCKED
        self._told.lost(cause, text, now_ns)
        self._link.send(LinkState(BEARER, up=False, detail=cause))
        self._tickets.clear()
        self._wait(now_ns)

    # ---- when to connect --------------------------------------------------------------------------------------------

    def _wait(self, now_ns: int) -> None:
        self._phase = Phase.WAITING
        self._due_ns = now_ns + int(self._backoff.next_s(alarm_waits=self._hurries) * SECOND_NS)

    @property
    def _hurries(self) -> bool:
        return self._carry.alarm_waits or self._clock_is_late

    def _news(self, news: News, now_ns: int) -> None:
        was_known = self._carry.alarm_waits
        self._carry.news(news)
        if self._carry.alarm_waits and not was_known and self._phase is Phase.WAITING:
            wait_s = 0.0 if self._backoff.fresh else self._backoff.wait_s(alarm_waits=True)
            self._due_ns = min(self._due_ns, now_ns + int(wait_s * SECOND_NS))
        self._work(now_ns)

    def _follow_clock(self, now_ns: int) -> None:
        """Somebody has set the clock that a certificate did not fit: nothing is left to wait for."""
        if not self._clock_blamed or abs(self._utc_ns() - now_ns - self._tried_ns) <= STEP_NS:
            return
        self._clock_blamed = False
        if self._phase is Phase.WAITING:
            log.info("clock set, trying again  bearer=%s", BEARER)
            self._backoff.start_over()
            self._due_ns = now_ns

    def _follow_time(self, now_ns: int) -> None:
        if not self._link.connected or now_ns < self._due_ns:
            return
        if self._phase in {Phase.WAITING, Phase.ASKING}:
            self._phase = Phase.ASKING
            self._due_ns = now_ns + ASK_MAX_NS
            self._link.send(LinkState(BEARER, up=False, detail="connecting"))

    def _begin_anew(self, now_ns: int) -> None:
        """A session speaks for one life of alarm: a new one gets a new session."""
        if self._phase is Phase.WAITING:
            return
        stood_s = (now_ns - self._up_ns) / SECOND_NS
        if self._phase is Phase.UP and stood_s < STOOD_S:  # an alarm that dies again and again
            wait_s = self._backoff.next_s(alarm_waits=self._hurries)
        else:
            self._backoff.start_over()
            wait_s = 0.0
        self._uplink.close()
        self._phase = Phase.WAITING
        self._due_ns = now_ns + int(wait_s * SECOND_NS)


def _message(parcel: Parcel) -> Message:
    """One event as it was frozen, or several of them joined: not a byte of any is touched."""
    first = parcel[0]
    leaf = f"event/{first.event_class}"
    if len(parcel) == 1:
        return Message(leaf, first.raw, durable=first.durable)
    return Message(leaf, b"[" + b",".join(row.raw for row in parcel) + b"]", content_type=BATCH_TYPE)


class _Told:
    """The log's memory: one WARNING a transition, one INFO when it is over."""

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink
        self._code = ""
        self._since_ns: int | None = None
        self._flaws: set[str] = set()

    def lost(self, cause: str, text: str, now_ns: int) -> None:
        meaning = meaning_of(cause)
        if self._since_ns is None:
            self._since_ns = now_ns
        if meaning.code == self._code:
            log.debug("uplink still lost  bearer=%s cause=%s", BEARER, cause)
            return
        self._code = meaning.code
        log.warning(
            "%s uplink lost  bearer=%s endpoint=%s cause=%s text=%s", meaning.code, BEARER, self._uplink, cause, text
        )

    def back(self, now_ns: int) -> None:
        self._code = ""
        self._flaws.clear()
        if self._since_ns is None:
            log.info("uplink up  bearer=%s endpoint=%s", BEARER, self._uplink)
            return
        seconds = (now_ns - self._since_ns) // SECOND_NS
        log.info("uplink back  bearer=%s endpoint=%s after_s=%d", BEARER, self._uplink, seconds)
        self._since_ns = None

    def flawed(self, cause: str, text: str) -> None:
        if cause not in self._flaws:
            self._flaws.add(cause)
            code = codes.BROKER_REFUSED.code
            log.warning(
                "%s part refused  bearer=%s endpoint=%s cause=%s text=%s", code, BEARER, self._uplink, cause, text
            )
