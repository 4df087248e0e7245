"""Everything that reads what a stranger may have written: each must refuse or take it, and do nothing else.

Where a signature stands before the rest, `signed` also signs what the fuzzer made, so that it gets behind it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from drivers.claims import EPR_LIMIT, SCOPE
from drivers.probing import GROUP, Gathering
from edge.config.active import Unreadable, decode
from edge.config.load import load
from edge.core import messages
from edge.core.events import canonical, read_event
from edge.core.orders import ARGUMENTS, Policy, wish_of
from edge.core.seal import CentreKey, Forged, Keyset, Signer, Use, b64, read_binding, read_keyset, sign_jws
from edge.core.sms import Answers, read_told, sign_receipt
from edge.core.words import BoxId
from edge.daemons.alarm.gate import Gate
from edge.daemons.alarm.keyring import Keyring
from edge.enrol import forms, lines
from edge.link.frames import BadFrame, Role, unpack
from tests.contract.answerers import match, matches
from tests.fuzz import cameras

BOX: Final = BoxId("ktg-k7q2m7xa")
KEYS: Final = {use: Signer(bytes([number]) * 32) for number, use in enumerate(Use, start=1)}
KEYSET: Final = Keyset(1, tuple(CentreKey(f"{use}-1", use, b64(key.public), 0, 2**40) for use, key in KEYS.items()))
BOXKEY: Final = Signer(b"\x77" * 32)
SECOND_NS: Final = 1_000_000_000


class Nobody:
    """A machine without our users."""

    def own(self) -> int:
        return 1000

    def named(self, _name: str) -> int | None:
        return None


def _gate() -> Gate:
    tokens = iter(f"n-{number}" for number in range(10_000))
    gate = Gate(BOX, Keyring(BOX, KEYSET, KEYS[Use.RECEIPT].public, None), tokens.__next__)
    gate.renew(0)
    return gate


def frames(raw: bytes) -> None:
    for role in (None, *Role):
        with suppress(BadFrame):
            unpack(raw, role=role)


def keyset(raw: bytes) -> None:
    root = KEYS[Use.UPDATE]
    for each in (raw, sign_jws(raw, "root", root)):
        for read in (read_keyset, read_binding):
            with suppress(Forged):
                read(each, root.public)


def receipt(raw: bytes) -> None:
    for each in (raw, sign_jws(raw, "receipt-1", KEYS[Use.RECEIPT])):
        with suppress(Forged):
            _gate().receipt(each)


def command(raw: bytes) -> None:
    for use in (Use.COMMAND_SILENCE, Use.COMMAND_SOUND, Use.CONFIG):
        once = sign_jws(raw, f"{use}-1", KEYS[use])
        for each in (raw, once, sign_jws(once, f"{use}-1", KEYS[use])):
            with suppress(Forged):
                believed = _gate().command(each, SECOND_NS, 0)
                wish_of(believed.command, Policy(), keys=believed.keys)


def arguments(raw: bytes) -> None:
    """Behind every check: whatever a key holder may put into an order."""
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Forged):
        order = msgspec.json.decode(raw, type=messages.Command)
        if order.name in ARGUMENTS:
            wish_of(order, Policy(), keys=("a",))


def bodies(raw: bytes) -> None:
    for read in (messages.read_beat, messages.read_reply, messages.read_part):
        with suppress(Forged):
            read(raw, BOXKEY.public)
    with suppress(Forged):
        messages.decode(raw, messages.State)


def event(raw: bytes) -> None:
    """Also with a true signature, which a stolen box may make."""
    with suppress(Forged):
        read_event(raw, BOXKEY.public)
    with suppress(msgspec.MsgspecError, ValueError, RecursionError, Forged, TypeError):
        members = msgspec.json.decode(raw, type=dict[str, object])
        members.pop("sig", None)
        signed = {**members, "sig": b64(BOXKEY.sign(canonical(members)))}  # type: ignore[arg-type]
        with suppress(Forged):
            read_event(canonical(signed), BOXKEY.public)  # type: ignore[arg-type]


def configuration(raw: bytes) -> None:
    """The site's file, an overlay, and a generation."""
    load(raw, name="site.toml", users=Nobody())
    load(b'kit = "rt-standard"\n', name="site.toml", users=Nobody(), overlay=raw)
    with suppress(Unreadable):
        decode(raw)


def sms(raw: bytes) -> None:
    text = raw.decode("latin-1")
    answers = Answers(BOX)
    with suppress(Forged):
        read_told(text, BOXKEY.public)
    with suppress(Forged):
        answers.receipt(text, KEYSET)
    with suppress(Forged):
        answers.command(text, 0, KEYSET)
    with suppress(Forged, ValueError):
        answers.receipt(sign_receipt(BOX, [text], KEYS[Use.RECEIPT]), KEYSET)


def enrolment(raw: bytes) -> None:
    for read in (forms.read_request, forms.read_answer, forms.read_invitation):
        with suppress(Forged):
            read(raw)
    for kind in lines.Kind:
        with suppress(lines.Unreadable):
            lines.content_of(kind, raw.decode("latin-1"))


PROBED: Final = "urn:uuid:00000000-0000-4000-8000-000000000001"
PROBE_MATCH: Final = matches(PROBED, match("E", "http://A/onvif/device_service", f"{SCOPE}name/S {SCOPE}mac/M"))
CAMERA_HOST: Final = "192.168.1.64"


def probe_answers(raw: bytes) -> None:
    """Whole datagrams, and every part of an honest one replaced; what is taken of it must be harmless."""
    parts = (b"<d:ProbeMatches>", b">E<", b"//A/", b"/S ", b"/M<", b"NetworkVideoTransmitter", b"d:ProbeMatch>")
    gathering = Gathering(lambda _: True)
    for each in (raw, *(PROBE_MATCH.replace(part, raw) for part in parts)):
        gathering.take(each, CAMERA_HOST, {PROBED: GROUP})
    for candidate in gathering.candidates.values():
        said = (candidate.epr, candidate.name, candidate.hardware, candidate.mac)
        assert candidate.address.host == CAMERA_HOST
        assert 0 < candidate.address.port < 65536
        assert candidate.path[0] == "/"
        assert all("!" <= letter <= "~" for letter in candidate.path)
        assert all(not text or (text.isprintable() and len(text) <= EPR_LIMIT) for text in said)


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "frames": frames,
    "keyset": keyset,
    "receipt": receipt,
    "command": command,
    "arguments": arguments,
    "bodies": bodies,
    "event": event,
    "configuration": configuration,
    "sms": sms,
    "enrolment": enrolment,
    "probe-answers": probe_answers,
    "camera-answers": cameras.answers,
    "camera-messages": cameras.messages,
    "camera-streams": cameras.streams,
    "camera-words": cameras.words,
}
