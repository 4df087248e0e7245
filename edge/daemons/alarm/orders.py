"""Commands on their way: limited, believed, handed to who follows them, answered with what these made of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from edge.config.drafts import Draft
from edge.core.orders import LONG_SOUND_S, Diagnose, Overlay, Policy, Snapshot, wish_of
from edge.core.seal import Forged
from edge.core.status import BoxStatus
from edge.core.words import SECOND_NS, Purpose, SoundFor, Stimulus
from edge.daemons.alarm.beside import Beside, Done
from edge.daemons.alarm.gate import Gate
from edge.daemons.alarm.posts import Ordered
from edge.daemons.alarm.voice import Voice
from edge.link.frames import Send

COMMANDS_PER_S: Final = 5
HOUR_NS: Final = 3600 * SECOND_NS
CORRELATION_LIMIT: Final = 1024  # goes back with the reply, and both must fit one frame


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one order. reason: why it was refused, "" where it was followed; found: what it asked for."""

    jti: str
    name: str
    correlation: bytes
    reason: str = ""
    found: bytes = b""


class Orders:
    """Lives in the thread of dispatch.

    post:     to the panel
    beside:   for what is not the panel's
    picture:  what the box says of itself, for a diagnosis
    snapshot: follows an order for a picture, by its jti
    answered: how their word comes back to this thread, for `reply`; called by theirs
    tell:     to the relay
    """

    def __init__(
        self,
        gate: Gate,
        voice: Voice,
        policy: Policy,
        *,
        post: Callable[[Ordered], None],
        beside: Beside,
        picture: Callable[[], BoxStatus],
        snapshot: Callable[[Snapshot, str, Done], None],
        answered: Callable[[Outcome], None],
        tell: Callable[[Send], None],
    ) -> None:
        self._gate = gate
        self._voice = voice
        self._policy = policy
        self._post = post
        self._beside = beside
        self._picture = picture
        self._snapshot = snapshot
        self._answered = answered
        self._tell = tell
        self._taken: list[int] = []
        self._alone: list[tuple[int, int]] = []  # (when, ns of sound) asked with one signature, of the last hour

    def take(self, raw: bytes, correlation: bytes, now_ns: int, utc_s: int | None) -> None:
        """Ask the panel. A refusal is answered here, but for what is too much or fits no frame.

        raises: Forged for every refusal, so that it is audited
        """
        if len(correlation) > CORRELATION_LIMIT:
            raise Forged("size: correlation")
        self._count(correlation, now_ns)
        try:
            believed = self._gate.command(raw, now_ns, utc_s)
        except Forged as error:
            self._answer("", "refused", str(error), correlation)
            raise
        command = believed.command
        try:
            wish = wish_of(command, self._policy, keys=believed.keys)
            if len(believed.keys) < 2 and isinstance(wish, SoundFor) and wish.purpose is Purpose.REMOTE:
                self._spend(wish.duration_ns, now_ns)
        except Forged as error:
            self._answer(command.jti, "refused", str(error), correlation)
            raise
        self._hand_on(wish, Outcome(command.jti, command.name, correlation))

    def _hand_on(self, wish: Stimulus | Overlay | Diagnose | Snapshot, outcome: Outcome) -> None:
        def done(reason: str, found: bytes = b"") -> None:
            self._answered(replace(outcome, reason=reason, found=found))

        match wish:
            case Overlay(text, by):
                self._beside.lay(Draft(outcome.jti, by.name, text), done)
            case Snapshot():
                self._snapshot(wish, outcome.jti, done)
            case Diagnose():
                self._beside.diagnose(self._picture(), done)
            case _:
                self._post(Ordered(wish, lambda reason: done(f"panel: {reason}" if reason else "")))

    def _count(self, correlation: bytes, now_ns: int) -> None:
        """What is too much is told so, unread; the link lets 50 frames a second through and no more."""
        self._taken = [at for at in self._taken if now_ns - at < SECOND_NS]
        if len(self._taken) >= COMMANDS_PER_S:
            reason = f"rate: more than {COMMANDS_PER_S} commands in one second"
            self._answer("", "refused", reason, correlation)
            raise Forged(reason)
        self._taken.append(now_ns)

    def _spend(self, duration_ns: int, now_ns: int) -> None:
        """One person alone asks for 30 s in an hour, at once or in pieces: pieces must not add up to what needs two."""
        self._alone = [(at, spent) for at, spent in self._alone if now_ns - at < HOUR_NS]
        if duration_ns + sum(spent for _, spent in self._alone) > LONG_SOUND_S * SECOND_NS and duration_ns:
            raise Forged(f"signatures: more than {LONG_SOUND_S} s in an hour needs a second operator's key")
        self._alone.append((now_ns, duration_ns))

    def reply(self, outcome: Outcome) -> None:
        """What was made of it; the panel audits its own refusal itself."""
        for raw in self._voice.parts(outcome.jti, outcome.found):
            self._tell(Send("reply", raw, outcome.correlation))
        result, word = ("refused", outcome.reason) if outcome.reason else ("done", outcome.name)
        self._answer(outcome.jti, result, word, outcome.correlation)

    def _answer(self, jti: str, result: str, reason: str, correlation: bytes) -> None:
        self._tell(Send("reply", self._voice.reply(jti, result, reason), correlation))
