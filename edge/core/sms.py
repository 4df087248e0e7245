"""The short signed forms that one text message holds, for when there is no network. Pure: no modem, no clock, no key.

box -> centre   KTG <box> <epoch> <seq> <kind> <zone> <hhmmss> <sig>   an alarm, or its end      at most 156 septets
centre -> box   KTR <box> <nonce> ... <sig>                            1-4 of them are stored    at most 155
centre -> box   KTC <box> <nonce> silence <by> <sig>                   hush that one's alarm     at most 139
centre -> box   KTC <box> <nonce> acknowledge <ticket> <by> <sig>      somebody has taken it     at most 160

One space between words. sig: base64url Ed25519 over DOMAIN and all that stands before the last space. nonce: the first
12 letters of the signature of the KTG that is answered. hhmmss: UTC, "------" where the box's clock is not to be
trusted. Why these and no others: docs/decisions/017.
Sources: 3GPP TS 23.038, 6.2.1 (default alphabet: every letter used here is one septet), TS 23.040, 9.2.3.16 (160).
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from edge.core.messages import Command
from edge.core.orders import USES
from edge.core.seal import CentreKey, Forged, Keyset, Signer, Use, b64, unb64, verify
from edge.core.words import BOX_FORM, SECOND_NS, BoxId, Epoch, EventId, Kind, ZoneId

SEPTETS: Final = 160
DOMAIN: Final = b"kentongan/sms/v1\n"  # no JWS and no canonical JSON begins so: a signature here is good nowhere else
NONCE_LETTERS: Final = 12  # 72 bits that nobody could foresee
RECEIPTED_LIMIT: Final = 4  # nonces that fit one KTR
REMEMBERED: Final = 64  # sent messages that may still be answered; a box sends ten an hour at most
ORDER_LIFE_NS: Final = 600 * SECOND_NS  # an answer may be late by hours; an order that old is nobody's wish any more
ORDERS_LIMIT: Final = 8  # under one nonce; what could not be remembered is refused


class Call(StrEnum):
    """What a KTG says: the kind of a zone that may be heard, or one of three more."""

    CRIME = "crime"
    FIRE = "fire"
    MEDICAL = "medical"
    DISASTER = "disaster"
    SILENT = "silent"  # whatever a silent zone calls for
    RESTORAL = "restoral"  # the end of the alarm that the same name began
    TEST = "test"  # never looks like an alarm


def call_of(kind: Kind, *, silent: bool) -> Call:
    return Call.SILENT if silent else Call(kind.value)


@dataclass(frozen=True, slots=True)
class Telegram:
    """One alarm in a line. alarm: its name for ever, also in the message of its end. at_s: second of the UTC day."""

    box: BoxId
    alarm: EventId
    call: Call
    zone: ZoneId
    at_s: int | None  # None: the box's clock is not to be trusted


_BOX: Final = rf"(?P<box>{BOX_FORM})"
_SIG: Final = r"(?P<sig>[A-Za-z0-9_-]{86})"
_NONCE: Final = rf"[A-Za-z0-9_-]{{{NONCE_LETTERS}}}"
_BY: Final = r"(?P<by>[A-Za-z0-9._-]{1,14})"
_TOLD: Final = re.compile(
    rf"KTG {_BOX} (?P<epoch>[0-9a-f]{{8}}) (?P<seq>[1-9][0-9]{{0,9}}) (?P<call>{'|'.join(Call)}) "
    rf"(?P<zone>[a-z0-9](?:[a-z0-9-]{{0,14}}[a-z0-9])?) "
    rf"(?:(?P<h>[01][0-9]|2[0-3])(?P<m>[0-5][0-9])(?P<s>[0-5][0-9])|------) {_SIG}"
)
_RECEIPT: Final = re.compile(rf"KTR {_BOX} (?P<nonces>{_NONCE}(?: {_NONCE}){{0,{RECEIPTED_LIMIT - 1}}}) {_SIG}")
_ORDER: Final = re.compile(
    rf"KTC {_BOX} (?P<nonce>{_NONCE}) (?:silence|acknowledge (?P<ticket>[A-Za-z0-9._/-]{{1,16}})) {_BY} {_SIG}"
)


# ---- the box's word --------------------------------------------------------------------------------------------------


def tell(telegram: Telegram, signer: Signer) -> str:
    """The KTG of one alarm. signer: the box's. Raises ValueError for what the form does not hold."""
    alarm, at_s = telegram.alarm, telegram.at_s
    at = "------" if at_s is None else f"{at_s // 3600:02}{at_s // 60 % 60:02}{at_s % 60:02}"
    said = ["KTG", telegram.box, alarm.epoch, str(alarm.seq), telegram.call, telegram.zone, at]
    return _signed(_TOLD, said, signer)


def box_of(text: str) -> BoxId:
    """Whose a KTG claims to be, before its key is known. Raises Forged."""
    return BoxId(_parsed(_TOLD, text)["box"])


def read_told(text: str, public: bytes) -> Telegram:
    """Verify a KTG. public: of the box that `box_of` names. Raises Forged, first word size, not or signature."""
    told = _parsed(_TOLD, text)
    verify(public, unb64(told["sig"]), _covered(text))
    at_s = None if told["h"] is None else (int(told["h"]) * 60 + int(told["m"])) * 60 + int(told["s"])
    return Telegram(BoxId(told["box"]), _alarm_in(told), Call(told["call"]), ZoneId(told["zone"]), at_s)


def nonce_of(text: str) -> str:
    """What an answer to this KTG echoes. Raises Forged."""
    return _parsed(_TOLD, text)["sig"][:NONCE_LETTERS]


# ---- the centre's word -----------------------------------------------------------------------------------------------


def sign_receipt(box: BoxId, nonces: Iterable[str], signer: Signer) -> str:
    """The KTR for one to four messages of one box. Raises ValueError for what the form does not hold."""
    return _signed(_RECEIPT, ["KTR", box, *nonces], signer)


def sign_order(box: BoxId, nonce: str, name: str, by: str, signer: Signer, *, ticket: str = "") -> str:
    """The KTC for the alarm of one message. name: silence, or acknowledge with a ticket.

    by, ticket: at most 14 and 16 letters, digits, dots, dashes (and, in a ticket, strokes)
    raises:     ValueError for what the form does not hold
    """
    return _signed(_ORDER, ["KTC", box, nonce, name, *([ticket] if ticket else []), by], signer)


@dataclass(slots=True)
class _Sent:
    alarm: EventId
    at_ns: int
    orders: set[str] = field(default_factory=set)


class Answers:
    """What the centre may still say to what this box has sent. Cheapest first: a stranger costs no signature check."""

    def __init__(self, box: BoxId) -> None:
        self._box = box
        self._sent: dict[str, _Sent] = {}  # by nonce
        self._order: deque[str] = deque()

    def sent(self, text: str, now_ns: int) -> None:
        """Remember a KTG of ours as it leaves; the oldest of many can no longer be answered."""
        nonce = nonce_of(text)
        if nonce in self._sent:  # the same message once more: orders that came under it stay used
            self._sent[nonce].at_ns = now_ns
            return
        if len(self._order) == REMEMBERED:
            del self._sent[self._order.popleft()]
        self._order.append(nonce)
        self._sent[nonce] = _Sent(_alarm_in(_parsed(_TOLD, text)), now_ns)

    def receipt(self, text: str, keyset: Keyset) -> tuple[str, ...]:
        """The nonces of ours that the centre has stored. Idempotent; a nonce that we no longer know is passed over.

        raises: Forged with a stable first word: size, not, box, nonce, key
        """
        answer = self._addressed(_RECEIPT, text)
        known = tuple(nonce for nonce in answer["nonces"].split(" ") if nonce in self._sent)
        if not known:
            raise Forged("nonce: of no message that we remember")
        _signer_of(text, answer["sig"], keyset, Use.RECEIPT)
        return known

    def command(self, text: str, now_ns: int, keyset: Keyset) -> tuple[Command, str]:
        """An order as if it had come by the network, for `wish_of`, and the kid that signed it; each one once.

        raises: Forged with a stable first word: size, not, box, nonce, expired, key, repeated, rate
        """
        answer = self._addressed(_ORDER, text)
        nonce, name = answer["nonce"], "silence" if answer["ticket"] is None else "acknowledge"
        sent = self._sent.get(nonce)
        if sent is None:
            raise Forged("nonce: of no message that we remember")
        if now_ns - sent.at_ns > ORDER_LIFE_NS:
            raise Forged("expired: it answers a message of long ago")
        kid = _signer_of(text, answer["sig"], keyset, USES[name])
        _take_once(sent, text.rpartition(" ")[0])
        ticket: dict[str, str | int] = {} if answer["ticket"] is None else {"ticket": answer["ticket"]}
        jti = answer["sig"][:NONCE_LETTERS]  # as for a nonce: no two orders share it
        return Command(self._box, jti, nonce, 0, name, {"alarm": str(sent.alarm), **ticket}, answer["by"]), kid

    def _addressed(self, form: re.Pattern[str], text: str) -> re.Match[str]:
        answer = _parsed(form, text)
        if answer["box"] != self._box:
            raise Forged("box: addressed to another box")
        return answer


def _take_once(sent: _Sent, words: str) -> None:
    if words in sent.orders:
        raise Forged("repeated: seen before")
    if len(sent.orders) >= ORDERS_LIMIT:
        raise Forged("rate: more orders than can be remembered")
    sent.orders.add(words)


def _signer_of(text: str, sig: str, keyset: Keyset, use: Use) -> str:
    """The kid whose key signed it; there is no room to name it, so each key of this use is tried."""
    for key in keyset.keys:
        if key.use is use and _signs(key, text, sig):
            return key.kid
    raise Forged("key: no key for this use has signed it")


def _signs(key: CentreKey, text: str, sig: str) -> bool:
    try:
        verify(unb64(key.public), unb64(sig), _covered(text))
    except Forged:
        return False
    return True


# ---- both ------------------------------------------------------------------------------------------------------------


def _signed(form: re.Pattern[str], words: list[str], signer: Signer) -> str:
    said = " ".join(words)
    text = f"{said} {b64(signer.sign(DOMAIN + said.encode('ascii', 'replace')))}"
    if form.fullmatch(text) is None:  # what has the form is never longer than SEPTETS
        message = f"has no short form: {said!r}"
        raise ValueError(message)
    return text


def _parsed(form: re.Pattern[str], text: str) -> re.Match[str]:
    if len(text) > SEPTETS:
        raise Forged("size")
    found = form.fullmatch(text)
    if found is None:
        raise Forged(f"not a {form.pattern[:3]}")
    return found


def _covered(text: str) -> bytes:
    return DOMAIN + text.rpartition(" ")[0].encode("ascii")


def _alarm_in(told: re.Match[str]) -> EventId:
    return EventId(Epoch(told["epoch"]), int(told["seq"]))
