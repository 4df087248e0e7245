"""What the box says of itself: state (which is also its will), beat and replies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from edge.core.events import Author
from edge.core.faults import printable
from edge.core.messages import PART_BYTES, Beat, Part, Reply, State, decode, encode, sign_beat, sign_part, sign_reply
from edge.core.outbox import Outbox, Waiting
from edge.core.seal import Forged, Signer, b64
from edge.core.status import PRIMARY, Bearer, BoxStatus, Journey, Oldest
from edge.core.timing import Clock, rfc3339
from edge.core.words import SECOND_NS, Epoch
from edge.link.frames import Speak

RESTATE_EVERY_NS: Final = 5 * SECOND_NS
CAUSE_MAX: Final = 200  # letters of one trouble's cause, and of all of them, in a status
CAUSES_MAX: Final = 4000
SILENT_BEATS: Final = 2.5  # 150 s of 60 s beats


@dataclass(frozen=True, slots=True)
class View:
    """What the panel shows of itself, put in place whole by the panel's thread."""

    zones: dict[str, str] = field(default_factory=dict)
    sounders: dict[str, str] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()
    lamp: str = ""
    silent: frozenset[str] = frozenset()  # zones that only the centre may hear of
    causes: dict[str, str] = field(default_factory=dict)  # of the troubles, for who stands at the box


class Voice:
    """Makes bytes; sends nothing. Lives in the dispatch thread, but for `show`."""

    def __init__(
        self, author: Author, signer: Signer, clock: Clock, token: Callable[[], str], *,
        version: str, generation: int, beat_s: float, gauges: Callable[[], Mapping[str, int]] = dict,
    ) -> None:  # fmt: skip
        self._author = author
        self._signer = signer
        self._clock = clock
        self._token = token
        self._version = version
        self._generation = generation
        self._beat_ns = int(beat_s * SECOND_NS)
        self._gauges = gauges
        self._session = token()
        self._nonce = ""
        self._ordinal = 0
        self._head = 0
        self._view = View()
        self._stated = View()
        self._state_due_ns: int | None = None
        self._beat_due_ns = 0
        self._beats: dict[str, int] = {}
        self._answered_ns = 0
        self._heard_ns: int | None = None
        self._bearer = Bearer()
        self._cameras: dict[str, str] = {}
        self._born_ns = clock.boot_ns()
        self.receiver = ""

    @property
    def epoch(self) -> Epoch:
        return self._author.epoch

    @property
    def boot_id(self) -> str:
        return self._author.boot_id

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def due_ns(self) -> int:
        return min(self._beat_due_ns, self._state_due_ns or self._beat_due_ns)

    def show(self, view: View) -> None:
        """The panel's newest view; callable from its thread."""
        self._view = view

    def show_cameras(self, cameras: dict[str, str], now_ns: int) -> None:
        """How each adopted camera is; {}: nobody says."""
        if cameras != self._cameras:
            self._cameras = cameras
            self._state_due_ns = self._state_due_ns or now_ns + RESTATE_EVERY_NS

    def made(self, head: int) -> None:
        """The last sequence made."""
        self._head = head

    def opened(self, ordinal: int) -> None:
        self._ordinal = ordinal

    def speak(self, nonce: str) -> Speak:
        """State and will for the next CONNECT; a new session id each time, so that a late will shows as late."""
        self._session, self._nonce = self._token(), nonce
        self._stated = self._view
        return Speak(self._author.box, self._state(online=True), self._state(online=False), nonce)

    def connected(self, now_ns: int, broker: str = PRIMARY) -> None:
        self._beat_due_ns = now_ns
        self._answered_ns = now_ns
        self._state_due_ns = None
        self._bearer = Bearer(up=True, since_ms=_ms(now_ns), broker=broker)

    def disconnected(self, now_ns: int) -> None:
        self._bearer = Bearer(since_ms=_ms(now_ns))

    def renonce(self, nonce: str, now_ns: int) -> None:
        self._nonce = nonce
        self._state_due_ns = now_ns

    def restate(self, now_ns: int) -> None:
        self._state_due_ns = now_ns

    def is_ours(self, raw: bytes) -> bool:
        """True for a state that this session said."""
        try:
            return decode(raw, State).session == self._session
        except Forged:
            return False

    def answered(self, nonce: str, receiver: str, now_ns: int) -> bool:
        """The centre answered one of our beats."""
        if nonce not in self._beats:
            return False
        self._beats.clear()
        self._answered_ns = self._heard_ns = now_ns
        self.receiver = receiver
        return True

    def unanswered(self, now_ns: int) -> bool:
        return now_ns - self._answered_ns > SILENT_BEATS * self._beat_ns

    def due(self, now_ns: int, outbox: Outbox) -> list[tuple[str, bytes]]:
        """(kind, bytes) to send now."""
        said: list[tuple[str, bytes]] = []
        if now_ns >= self._beat_due_ns:
            self._beat_due_ns = now_ns + self._beat_ns
            said.append(("beat", self._beat(now_ns, outbox)))
        if self._view != self._stated and self._state_due_ns is None:
            self._state_due_ns = now_ns + RESTATE_EVERY_NS
        if self._state_due_ns is not None and now_ns >= self._state_due_ns:
            self._state_due_ns = None
            self._stated = self._view
            said.append(("state", self._state(online=True)))
        return said

    def reply(self, jti: str, result: str, reason: str) -> bytes:
        return sign_reply(Reply(self._author.box, jti, result, reason), self._signer)

    def parts(self, jti: str, content: bytes) -> list[bytes]:
        """A long answer in pieces, in their order."""
        pieces = [content[at : at + PART_BYTES] for at in range(0, len(content), PART_BYTES)]
        return [
            sign_part(Part(self._author.box, jti, number, len(pieces), b64(piece)), self._signer)
            for number, piece in enumerate(pieces, start=1)
        ]

    def status(self, outbox: Outbox, journey: Journey | None, *, up: bool, detail: str) -> BoxStatus:
        """For people at the box: nothing of a silent zone. detail: why the bearer is down."""
        view, state = self._view, msgspec.to_builtins(self._body(online=up))
        del state["head"]  # it counts silent alarms too
        state |= {"zones": {zone: said for zone, said in view.zones.items() if zone not in view.silent}}
        return BoxStatus(
            **state, lamp=view.lamp, waiting=outbox.shown, oldest=self._oldest(outbox.oldest),
            receiver=self.receiver, answered_ms=None if self._heard_ns is None else _ms(self._heard_ns),
            bearers={"mqtt": self._bearer if up else replace(self._bearer, detail=detail)}, journey=journey,
            boot_ms=_ms(self._clock.boot_ns()),
            causes=_short(view.causes),
        )  # fmt: skip

    def _oldest(self, row: Waiting | None) -> Oldest | None:
        """Rows that the ledger still had at the start say nothing of their age."""
        if row is None:
            return None
        return Oldest(str(row.id), _ms(row.made_ns or self._born_ns), earlier=not row.made_ns)

    def _beat(self, now_ns: int, outbox: Outbox) -> bytes:
        nonce = self._token()
        self._beats = {**dict(list(self._beats.items())[-3:]), nonce: now_ns}
        beat = Beat(
            self._author.box, nonce, self._author.epoch, self._ordinal, self._head,
            rfc3339(self._clock.utc_ns()), self._clock.quality().value, len(outbox),
            gauges={"oldest_s": outbox.oldest_age_ns(now_ns, self._born_ns) // SECOND_NS, **self._gauges()},
        )  # fmt: skip
        return sign_beat(beat, self._signer)

    def _state(self, *, online: bool) -> bytes:
        return encode(self._body(online=online))

    def _body(self, *, online: bool) -> State:
        view = self._view
        return State(
            box=self._author.box, site=self._author.site, session=self._session, online=online, version=self._version,
            config=self._generation, bootid=self._author.boot_id, epoch=self._author.epoch, ordinal=self._ordinal,
            head=self._head, nonce=self._nonce, timequality=self._clock.quality().value, zones=view.zones,
            sounders=view.sounders, troubles=view.troubles, cameras=self._cameras,
        )  # fmt: skip


def _short(causes: Mapping[str, str]) -> dict[str, str]:
    """As much of each as one frame has room for; a letter is a byte."""
    limit = min(CAUSE_MAX, CAUSES_MAX // max(1, len(causes)))
    return {trouble: printable(text.encode("ascii", "replace").decode(), limit) for trouble, text in causes.items()}


def _ms(at_ns: int) -> int:
    return at_ns // 1_000_000
