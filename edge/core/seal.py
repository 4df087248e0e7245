"""Who said it: Ed25519 signatures, compact JWS and the centre's keyset.

The only file of core that loads a cryptographic library.
Sources: RFC 8032 (Ed25519), RFC 7515 (JWS), RFC 8037 (EdDSA in JOSE).
PyJWT and joserfc would load ssl and http, or cost 28 MB, in the process that must open no network socket.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

import msgspec
from nacl.bindings import crypto_hash_sha256, crypto_scalarmult_base
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from edge.core.words import BoxId, SiteId

SIGNATURE_BYTES: Final = 64
KEY_BYTES: Final = 32
JWS_LIMIT: Final = 16 * 1024  # one frame of the link; nothing signed is larger
_ALGORITHM: Final = "EdDSA"


class Forged(ValueError):
    """The bytes do not carry a signature that we accept; `str()` says which check refused them."""


class Use(StrEnum):
    """What a key of the centre may sign; or, a picture key (X25519), that pictures are sealed to it."""

    RECEIPT = "receipt"
    COMMAND_SILENCE = "command-silence"
    COMMAND_SOUND = "command-sound"
    CONFIG = "config"
    UPDATE = "update"
    PICTURE = "picture"


class Signer:
    """One private key. The seed stays inside and has no readable form."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        """seed: 32 random bytes. Raises ValueError for any other length."""
        if len(seed) != KEY_BYTES:
            message = f"an Ed25519 seed has {KEY_BYTES} bytes, this one {len(seed)}"
            raise ValueError(message)
        self._key = SigningKey(seed)
        self.public: Final = bytes(self._key.verify_key)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message).signature

    def __repr__(self) -> str:
        return f"Signer(public={b64(self.public)})"


def public_of(use: Use, seed: bytes) -> bytes:
    """The public half that a keyset names for this use, of 32 random bytes."""
    return crypto_scalarmult_base(seed) if use is Use.PICTURE else Signer(seed).public


def verify(public: bytes, signature: bytes, message: bytes) -> None:
    """Return quietly or raise Forged."""
    if len(signature) != SIGNATURE_BYTES or len(public) != KEY_BYTES:
        raise Forged("signature or key has the wrong length")
    try:
        VerifyKey(public).verify(message, signature)
    except BadSignatureError as error:
        raise Forged("signature does not match") from error


def sha256(raw: bytes) -> bytes:
    """32 bytes (FIPS 180-4); libsodium's, because hashlib would load OpenSSL into the alarm."""
    return crypto_hash_sha256(raw)


def b64(raw: bytes) -> str:
    """base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def unb64(text: str | bytes) -> bytes:
    """Strict inverse of `b64`: raises Forged for padding, foreign letters or a second spelling of the same bytes."""
    raw = text.encode("ascii", "replace") if isinstance(text, str) else text
    try:
        decoded = base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise Forged("not base64url") from error
    if b64(decoded).encode("ascii") != raw:
        raise Forged("not canonical base64url")
    return decoded


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """`crit` and everything else we do not know is refused by being unknown."""

    alg: str
    kid: str
    typ: str = ""


def sign_jws(payload: bytes, kid: str, signer: Signer) -> bytes:
    """Wrap `payload` in a compact JWS that names its key."""
    header = msgspec.json.encode({"alg": _ALGORITHM, "kid": kid})
    signed = f"{b64(header)}.{b64(payload)}".encode("ascii")
    return signed + b"." + b64(signer.sign(signed)).encode("ascii")


def open_jws(raw: bytes, key_of: Callable[[str], bytes | None], *, limit: int = JWS_LIMIT) -> bytes:
    """Return the payload of a JWS whose key `key_of(kid)` knows and whose signature holds.

    Refuses in order of cheapness: size, shape, header, key, signature.
    raises: Forged
    """
    if len(raw) > limit:
        raise Forged(f"larger than {limit} bytes")
    parts = raw.split(b".")
    if len(parts) != 3:
        raise Forged("not a compact JWS")
    try:
        header = msgspec.json.decode(unb64(parts[0]), type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Forged("header not understood") from error
    if header.alg != _ALGORITHM:
        raise Forged("algorithm is not EdDSA")
    public = key_of(header.kid)
    if public is None:
        raise Forged("unknown key, or not for this use")
    verify(public, unb64(parts[2]), parts[0] + b"." + parts[1])
    return unb64(parts[1])


@dataclass(frozen=True, slots=True)
class CentreKey:
    """One public key of the centre; validity in whole seconds since 1970."""

    kid: str
    use: Use
    public: str  # base64url
    not_before: int
    not_after: int


@dataclass(frozen=True, slots=True)
class Keyset:
    """Everything the offline root says: the version only rises."""

    version: int
    keys: tuple[CentreKey, ...]
    revoked: tuple[BoxId, ...] = ()
    v: int = 1

    def key_of(self, *uses: Use) -> Callable[[str], bytes | None]:
        """Look up public keys for these uses; validity is judged by the centre's clock at signing, not by ours."""
        allowed = {key.kid: unb64(key.public) for key in self.keys if key.use in uses}
        return allowed.get


@dataclass(frozen=True, slots=True)
class Binding:
    """The root's word that this box stands at this site."""

    box: BoxId
    site: SiteId
    v: int = 1


ROOT_KID: Final = "root"
_Form = TypeVar("_Form", Keyset, Binding)


def sign_by_root(value: Keyset | Binding, root: Signer) -> bytes:
    return sign_jws(msgspec.json.encode(value), ROOT_KID, root)


def read_keyset(raw: bytes, root_public: bytes) -> Keyset:
    """Open the centre's keyset. Raises Forged."""
    return _by_root(raw, root_public, Keyset)


def read_binding(raw: bytes, root_public: bytes) -> Binding:
    """Open the binding of box to site. Raises Forged."""
    return _by_root(raw, root_public, Binding)


def _by_root(raw: bytes, root_public: bytes, form: type[_Form]) -> _Form:
    payload = open_jws(raw, {ROOT_KID: root_public}.get)
    try:
        return msgspec.json.decode(payload, type=form)
    except msgspec.MsgspecError as error:
        raise Forged("signed by the root, but not of the expected form") from error
