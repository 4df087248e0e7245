"""The operator's hand: one signed order to one box, and the box's signed answer."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from drivers.dial import Endpoint
from drivers.letters import Dispatch, Letter
from drivers.mqtt_centre import CentreSession, Membership
from edge.centre.registry import Admission
from edge.centre.topics import topic_of
from edge.centre.trust import CentreSigner
from edge.core.messages import BEAT_LIMIT, Command, Reply, State, decode, encode, read_part, read_reply
from edge.core.seal import Forged, sign_jws, unb64
from edge.core.words import SECOND_NS

LIFE_S: Final = 60  # Message Expiry and exp: an order that comes late is dangerous
STATE_WITHIN_S: Final = 2.0  # a retained state comes right after the subscription
SETTLE_WITHIN_S: Final = 8.0  # the broker's own answer
PARTS_LIMIT: Final = 8  # 64 KiB
NONCE_TRIES: Final = 2  # the box changed its nonce between our look and our order

_log = logging.getLogger("kentongan.centre")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an order. reply None: the box did not answer, or was not there to answer.

    found: what the order asked for, whole, where it asked for more than a reply can hold
    """

    jti: str
    online: bool
    reply: Reply | None
    found: bytes = b""


@dataclass(slots=True)
class _Talk:
    """What has been heard from one box during one order."""

    admission: Admission
    state: State | None = None
    replies: dict[bytes, Reply] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)  # jti -> number -> piece

    def hear(self, letter: Letter) -> None:
        try:
            if letter.topic == topic_of(self.admission.box, "state"):
                self.state = decode(letter.raw, State)
            else:
                self._hear_answer(letter)
        except Forged as error:
            _log.warning("not from the box  topic=%s cause=%s", letter.topic, error)

    def _hear_answer(self, letter: Letter) -> None:
        """A reply, or one of the parts that come before it: no reply is as long as a part."""
        if len(letter.raw) <= BEAT_LIMIT and b'"parts"' not in letter.raw:
            self.replies[letter.correlation] = read_reply(letter.raw, self.admission.key)
            return
        part = read_part(letter.raw, self.admission.key)
        if 1 <= part.part <= part.parts <= PARTS_LIMIT:
            self.parts.setdefault(part.jti, {})[part.part] = unb64(part.content)

    def found(self, jti: str) -> bytes:
        pieces = self.parts.get(jti, {})
        return b"".join(pieces[number] for number in sorted(pieces))


def signed(payload: bytes, *keys: CentreSigner | None) -> bytes:
    """One compact JWS inside the next, in the order of the keys."""
    for key in keys:
        if key is not None:
            payload = sign_jws(payload, key.kid, key.signer)
    return payload


class Desk:
    """Sends orders in an operator's name.

    second: the key of a second operator, who signs over the first
    token:  16 fresh random hex digits at each call
    clock:  ns since 1970
    """

    def __init__(
        self,
        endpoint: Endpoint,
        key: CentreSigner,
        token: Callable[[], str],
        clock: Callable[[], int] = time.time_ns,
        *,
        second: CentreSigner | None = None,
    ) -> None:
        self._second = second
        self._endpoint = endpoint
        self._key = key
        self._token = token
        self._clock = clock

    def order(self, admission: Admission, name: str, args: dict[str, str | int], *, by: str, within_s: float) -> Answer:
        """Send one order with the nonce of the box's retained state and wait for the signed reply.

        An order to a box that is offline is sent all the same: the centre records it, the broker drops it in time.
        raises: SessionLost
        """
        topics = tuple(topic_of(admission.box, leaf) for leaf in ("state", "reply"))
        visitor = Membership(f"kentongan-desk-{self._token()}", topics, 0)
        talk = _Talk(admission)
        with CentreSession.open(self._endpoint, visitor) as session:
            _listen(session, talk, lambda: talk.state is not None, STATE_WITHIN_S)
            for _ in range(NONCE_TRIES):
                answer = self._once(
                    session, talk, Command(admission.box, self._token(), "", 0, name, args, by), within_s
                )
                if answer.reply is None or not _refused_nonce(answer.reply):
                    break
        return answer

    def _once(self, session: CentreSession, talk: _Talk, draft: Command, within_s: float) -> Answer:
        online = talk.state is not None and talk.state.online
        nonce = talk.state.nonce if talk.state else ""
        exp = self._clock() // SECOND_NS + LIFE_S
        command = Command(draft.box, draft.jti, nonce, exp, draft.name, draft.args, draft.by)
        raw = signed(encode(command), self._key, self._second)
        mark = command.jti.encode()
        session.send(Dispatch(topic_of(command.box, "command"), raw, expiry_s=LIFE_S, correlation=mark))
        session.settle(SETTLE_WITHIN_S)
        if online:
            _listen(session, talk, lambda: mark in talk.replies, within_s)
        return Answer(command.jti, online, talk.replies.get(mark), talk.found(command.jti))


def _listen(session: CentreSession, talk: _Talk, enough: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not enough() and (left_s := deadline - time.monotonic()) > 0:
        letters = session.receive(left_s)
        for letter in letters:
            talk.hear(letter)
        session.acknowledge(letters)


def _refused_nonce(reply: Reply) -> bool:
    return reply.result == "refused" and reply.reason.startswith("nonce")
