"""One simulated box without wires: its events, what waits for the centre, and what the centre's receipts prove."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge.centre.fleet.roster import Identity
from edge.core.delivery import Answer
from edge.core.events import Author, Frozen, freeze
from edge.core.messages import Beat, Receipt, State, decode, encode, sign_beat
from edge.core.outbox import Outbox, Waiting
from edge.core.receipts import AGAIN_LIMIT, Claim, Disproved, Proved, Receipts, wanted
from edge.core.seal import Forged, open_jws
from edge.core.timing import Clock, rfc3339, stamp
from edge.core.words import BoxId, Epoch, EventClass, EventId, Json, Kind, Record, Status

EVERY: Final = tuple(EventClass)
ZONE: Final = "pos-ronda"
VERSION: Final = "simulated"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a receipt did. received: rows that no longer wait; refused: why a part of it was not believed."""

    received: tuple[EventId, ...] = ()
    refused: tuple[str, ...] = ()
    answers_beat: bool = False
    asked: int = 0


@dataclass(slots=True)
class _Verdicts:
    proved: list[EventId] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def take(self, verdict: Proved | Disproved | None) -> None:
        match verdict:
            case Proved(_, ids):
                self.proved += ids
            case Disproved(reason):
                self.refused.append(reason)


class SimulatedBox:
    """Everything it made stays in memory: that is its ledger.

    key_of:  finds the centre's keys for receipts
    token:   a fresh random word
    ordinal: of its one epoch
    """

    def __init__(
        self, identity: Identity, epoch: Epoch, ordinal: int, clock: Clock, *,
        key_of: Callable[[str], bytes | None], random01: Callable[[], float], token: Callable[[], str],
    ) -> None:  # fmt: skip
        self.name: Final[BoxId] = identity.box
        self._identity = identity
        self._ordinal = ordinal
        self._clock = clock
        self._key_of = key_of
        self._token = token
        self.epoch: Final = epoch
        self._author = Author(identity.box, identity.site, epoch, epoch)
        self._made: dict[EventId, Frozen] = {}
        self._outbox = Outbox(random01)
        self._receipts = Receipts(epoch, lambda: self._head, self._outbox, self._look_up)
        self._verdicts = _Verdicts()
        self._head = 0
        self._session = ""
        self._beat = ""
        self._alarms = 0
        self._write(EventClass.AUDIT, "start", "box", {"what": "start", "ordinal": ordinal})

    # ---- what happens to it ------------------------------------------------------------------------------------------

    def press(self) -> EventId:
        """Somebody holds the button; returns the alarm's name."""
        identity = EventId(self._author.epoch, self._head + 1)
        self._write(EventClass.ALARM, "alarm", f"zone/{ZONE}", {
            "alarm": str(identity), "zone": ZONE, "kind": Kind.CRIME.value, "status": Status.EXERCISE.value,
            "cid": "1120", "held_ms": 1000, "confirmed": False,
        })  # fmt: skip
        self._alarms += 1
        return identity

    def _write(self, event_class: EventClass, name: str, subject: str, content: dict[str, Json]) -> None:
        self._head += 1
        record = Record(EventId(self._author.epoch, self._head), event_class, name, subject, content)
        event = freeze(record, stamp(self._clock, self._clock.boot_ns()), self._author, self._identity.signer)
        self._made[event.id] = event
        self._wait(event)

    def _wait(self, event: Frozen) -> None:
        self._outbox.add(Waiting(event.id, self._ordinal, event.event_class, event.digest))

    # ---- what it says ------------------------------------------------------------------------------------------------

    def speak(self) -> tuple[bytes, bytes]:
        """(state, will) for the next CONNECT, under a new session's name."""
        self._session = self._token()
        return self.state(online=True), self.state(online=False)

    def state(self, *, online: bool) -> bytes:
        said = State(
            box=self.name, site=self._identity.site, session=self._session, online=online, version=VERSION, config=1,
            bootid=self._author.boot_id, epoch=self._author.epoch, ordinal=self._ordinal, head=self._head,
            nonce=self._session, timequality=self._clock.quality().value, zones={ZONE: "normal"},
            sounders={"siren": "quiet"},
        )  # fmt: skip
        return encode(said)

    def is_ours(self, raw: bytes) -> bool:
        """True for a state that this session said."""
        try:
            return decode(raw, State).session == self._session
        except Forged:
            return False

    def beat(self) -> bytes:
        self._beat = self._token()
        said = Beat(
            self.name, self._beat, self._author.epoch, self._ordinal, self._head, rfc3339(self._clock.utc_ns()),
            self._clock.quality().value, len(self._outbox),
        )  # fmt: skip
        return sign_beat(said, self._identity.signer)

    # ---- what waits --------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        return len(self._outbox)

    @property
    def alarm_waits(self) -> bool:
        return self._alarms > 0

    @property
    def due_ns(self) -> int | None:
        """When a row wants to be sent again."""
        return self._outbox.due_ns

    def take(self, limit: int, now_ns: int) -> Sequence[Frozen]:
        return [self._made[row.id] for row in self._outbox.take(EVERY, limit, now_ns)]

    def answered(self, identity: EventId, answer: Answer, now_ns: int) -> None:
        self._outbox.answered(identity, answer, now_ns)

    def disconnected(self) -> None:
        self._outbox.disconnected()

    # ---- what it hears -----------------------------------------------------------------------------------------------

    def hear(self, raw: bytes) -> Heard:
        """One receipt as it came; believed by signature and digest, as at the gate of a real box. Raises Forged."""
        receipt = decode(open_jws(raw, self._key_of), Receipt)
        if receipt.box != self.name:
            raise Forged("box: for another one")
        answers = receipt.beat is not None and receipt.beat == self._beat
        if answers:
            self._outbox.beat_answered()
        self._verdicts = verdicts = _Verdicts()
        for verdict in self._receipts.judge(receipt):
            verdicts.take(verdict)
        gone = self._outbox.received(verdicts.proved)
        self._alarms -= sum(row.event_class is EventClass.ALARM for row in gone)
        asked = self._again(receipt)
        return Heard(tuple(row.id for row in gone), tuple(verdicts.refused), answers, asked)

    def _look_up(self, epoch: Epoch, first: int, last: int, claim: object) -> None:
        """The ledger's part in `Receipts`: rows that an earlier receipt has covered."""
        assert isinstance(claim, Claim)
        named = (EventId(epoch, seq) for seq in range(first, last + 1))
        found = {each: self._made[each].digest for each in named if each in self._made}
        self._verdicts.take(self._receipts.answered(claim, found))

    def _again(self, receipt: Receipt) -> int:
        """What the centre asks for waits anew."""
        asked = [
            EventId(e, seq) for e, first, last in wanted(receipt.ask, AGAIN_LIMIT) for seq in range(first, last + 1)
        ]
        again = [self._made[each] for each in asked if each in self._made and each not in self._outbox]
        for event in again:
            self._wait(event)
            self._alarms += event.event_class is EventClass.ALARM
        return len(again)
