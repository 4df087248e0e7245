"""What box and centre send each other at an enrolment. Request and answer are signed whole; a token is a secret.

Bytes: MessagePack of [body, signature]; signed is a name for the purpose and then the body, so that no signature of
one kind can be taken for one of another kind.
"""

import base64
import re
from typing import Final, TypeVar

import msgspec

from edge.core.seal import KEY_BYTES, Forged, Signer, sha256, verify
from edge.core.words import BOX_FORM, BoxId, SiteId

BOX_ID: Final = re.compile(BOX_FORM)
SITE_ID: Final = re.compile(r"[0-9]{2}(\.[0-9]{2}){2}\.[0-9]{4}-[0-9]{3}-[0-9]{3}")
_REQUEST: Final = b"kentongan enrolment request 1\0"
_ANSWER: Final = b"kentongan enrolment answer 1\0"


class Request(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A box asks to be admitted. All of it is public, but for `config`, which is encrypted.

    public:  the event key, 32 bytes, Ed25519; it signs the request: that is the proof that the box holds it
    request: TLS signing request, PEM, CN = box
    config:  site.toml sealed for the centre's escrow key; b"": the box has none, or knows no such key
    token:   SHA-256 of the token's secret; b"": none
    """

    box: BoxId
    site: SiteId
    public: bytes
    request: bytes
    config: bytes = b""
    token: bytes = b""


class Answer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What an admitted box takes home, signed by the root.

    certificate, broker_authority: PEM; binding, keyset: JWS by the root; root_public: 32 bytes
    escrow: public key for later copies of site.toml, 32 bytes, or b""
    config: site.toml sealed for the box's event key; b"": the box keeps the one that it has
    """

    box: BoxId
    site: SiteId
    certificate: bytes
    binding: bytes
    keyset: bytes
    root_public: bytes
    broker_authority: bytes
    escrow: bytes = b""
    config: bytes = b""


class Invitation(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A token: what a technician is given before the box has ever spoken with the centre.

    root:      the root's public key, 32 bytes: whom to believe
    authority: SHA-256 of the certificate authority's certificate: who must have certified the door and the broker
    escrow:    public key for the copy of site.toml, 32 bytes, or b""
    door:      https://host:port, or "": requests are carried by hand
    secret:    >= 16 random bytes, good once
    expires:   seconds since 1970; judged by the centre's clock alone
    """

    site: SiteId
    root: bytes
    authority: bytes
    escrow: bytes
    door: str
    secret: bytes
    expires: int


class _Signed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    body: bytes
    signature: bytes


_Form = TypeVar("_Form", Request, Answer, Invitation, _Signed)


def sign_request(request: Request, box: Signer) -> bytes:
    return _signed(_REQUEST, msgspec.msgpack.encode(request), box)


def read_request(raw: bytes) -> Request:
    """Open a request that the key it names has signed. Raises Forged."""
    signed = _decoded(raw, _Signed)
    request = _decoded(signed.body, Request)
    verify(request.public, signed.signature, _REQUEST + signed.body)
    if BOX_ID.fullmatch(request.box) is None or SITE_ID.fullmatch(request.site) is None:
        raise Forged("its box or site has no such form")
    return request


def sign_answer(answer: Answer, root: Signer) -> bytes:
    return _signed(_ANSWER, msgspec.msgpack.encode(answer), root)


def read_answer(raw: bytes) -> Answer:
    """Open an answer that the root it names has signed; whether that is the right root, the caller must judge.

    raises: Forged
    """
    signed = _decoded(raw, _Signed)
    answer = _decoded(signed.body, Answer)
    verify(answer.root_public, signed.signature, _ANSWER + signed.body)
    return answer


def write_invitation(invitation: Invitation) -> bytes:
    return msgspec.msgpack.encode(invitation)


def read_invitation(raw: bytes) -> Invitation:
    """Raises Forged for what has no such form."""
    invitation = _decoded(raw, Invitation)
    sizes = (len(invitation.root), len(invitation.authority))
    if sizes != (KEY_BYTES, KEY_BYTES) or len(invitation.escrow) not in {0, KEY_BYTES}:
        raise Forged("its keys have no such length")
    return invitation


def fingerprint(public: bytes) -> str:
    """A public key for the eye and the telephone: 100 bits of SHA-256 as `ABCD-EFGH-IJKL-MNOP-QRST`."""
    letters = base64.b32encode(sha256(public)).decode("ascii")[:20]
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def same_print(public: bytes, said: str) -> bool:
    """Whether a person has read out this key's fingerprint: case, blanks and hyphens do not count."""
    return re.sub(r"[\s-]", "", said).upper() == fingerprint(public).replace("-", "")


def _signed(purpose: bytes, body: bytes, signer: Signer) -> bytes:
    return msgspec.msgpack.encode(_Signed(body, signer.sign(purpose + body)))


def _decoded(raw: bytes, form: type[_Form]) -> _Form:
    try:
        return msgspec.msgpack.decode(raw, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Forged("not of the expected form") from error
