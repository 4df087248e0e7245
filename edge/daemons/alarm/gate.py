"""Where the centre's words are believed or refused; the cheapest check first, nothing parsed before its size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.core.messages import COMMAND_LIMIT, Command, Receipt, decode
from edge.core.orders import USES
from edge.core.seal import JWS_LIMIT, CentreKey, Forged, Use, open_jws, sha256, unb64
from edge.core.words import SECOND_NS, BoxId
from edge.daemons.alarm.keyring import Keyring

PREVIOUS_NONCE_NS: Final = 60 * SECOND_NS
NONCE_LIFE_NS: Final = 300 * SECOND_NS  # renewed this often while our clock is not to be trusted
JTIS_LIMIT: Final = (
    1024  # remembered at most; at the 5 a second that pass, what a nonce's last minute can add fits twice
)
RENEW_JTIS: Final = JTIS_LIMIT // 2  # under one nonce: then a new one, so that these can be forgotten with the old one

AHEAD_S: Final = 120  # an order lives 60 s; as much again for two clocks that disagree
JWS_BEGINS: Final = b"ey"  # base64url of `{"`
ORDERING: Final = frozenset(USES.values())


@dataclass(frozen=True, slots=True)
class Believed:
    """keys: the kids in the order of signing; two when a second operator signed over the first one's order."""

    command: Command
    keys: tuple[str, ...]


class Gate:
    """Verifies receipts and commands for one box. Holds no socket and no clock."""

    def __init__(self, box: BoxId, keyring: Keyring, token: Callable[[], str]) -> None:
        self._box = box
        self._keyring = keyring
        self._token = token
        self._nonces: dict[str, int | None] = {}  # nonce -> last moment it is good, None for the current one
        self._seen: dict[
            bytes, str
        ] = {}  # SHA-256 of the jti, which the centre may make long -> the nonce it came with
        self._under_nonce = 0  # how many came with the current one
        self.nonce = ""
        self._renewed_ns = 0

    def renew(self, now_ns: int) -> str:
        """A new nonce for a new connection; the previous one stays good for a minute."""
        if self.nonce:
            self._nonces[self.nonce] = now_ns + PREVIOUS_NONCE_NS
        self.nonce = self._token()
        self._nonces[self.nonce] = None
        self._under_nonce = 0
        self._renewed_ns = now_ns
        self._forget(now_ns)
        return self.nonce

    def stale(self, now_ns: int, *, clocked: bool) -> bool:
        """Whether a new nonce is due: many orders came under this one or, without a trusted clock, it is old."""
        return self._under_nonce >= RENEW_JTIS or (not clocked and now_ns - self._renewed_ns > NONCE_LIFE_NS)

    def keyset(self, raw: bytes) -> bool:
        """Whether these are other keys than before; they count from now on. Raises Forged."""
        return self._keyring.take(raw)

    @property
    def keys_version(self) -> int:
        return self._keyring.keyset.version

    @property
    def picture_key(self) -> CentreKey | None:
        """The newest key that pictures are sealed to: the last one; validity is judged by the centre's clock."""
        keys = [key for key in self._keyring.keyset.keys if key.use is Use.PICTURE]
        return keys[-1] if keys else None

    @property
    def is_revoked(self) -> bool:
        return self._keyring.is_revoked

    def receipt(self, raw: bytes) -> Receipt:
        """raises: Forged, stable first word: larger, not, header, algorithm, unknown (key), signature, box, range"""
        receipt = decode(open_jws(raw, self._keyring.keyset.key_of(Use.RECEIPT), limit=JWS_LIMIT), Receipt)
        if receipt.box != self._box:
            raise Forged("box: names another one")
        return receipt

    def command(self, raw: bytes, now_ns: int, utc_s: int | None) -> Believed:
        """Accept one command once. utc_s: None while our clock is not to be trusted; then the nonce alone is its life.

        raises: Forged with a stable first word: size, key, not, name, box, nonce, repeated, expired, rate
        """
        if len(raw) > COMMAND_LIMIT:
            raise Forged("size")
        payload, signers = self._opened(raw)
        command = self._judge(decode(payload, Command), signers[-1].use, now_ns, utc_s)
        return Believed(command, tuple(signer.kid for signer in reversed(signers)))

    def _opened(self, raw: bytes) -> tuple[bytes, list[CentreKey]]:
        """One order, or one that a second operator has signed over whole: a JWS whose payload is a JWS."""
        payload, outer = self._signed(raw)
        if not payload.startswith(JWS_BEGINS):
            return payload, [outer]
        payload, inner = self._signed(payload)
        if outer.use is not inner.use or outer.public == inner.public:
            raise Forged("key: the second signature is of another use, or by the same key")
        return payload, [outer, inner]

    def _signed(self, raw: bytes) -> tuple[bytes, CentreKey]:
        known = {key.kid: key for key in self._keyring.keyset.keys if key.use in ORDERING}
        by: list[CentreKey] = []

        def key_of(kid: str) -> bytes | None:
            by.extend([known[kid]] if kid in known else [])
            return unb64(by[0].public) if by else None

        try:
            payload = open_jws(raw, key_of, limit=COMMAND_LIMIT)
        except Forged as error:
            raise Forged(f"key: {error}") from error
        return payload, by[0]

    def _judge(self, command: Command, use: Use, now_ns: int, utc_s: int | None) -> Command:
        self._forget(now_ns)
        if USES.get(command.name) is not use:
            raise Forged("name: this key may not order that")
        if command.box != self._box:
            raise Forged("box: addressed to another box")
        if command.nonce not in self._nonces:
            raise Forged("nonce: not the one in our state")
        jti = sha256(command.jti.encode())
        if jti in self._seen:
            raise Forged("repeated: seen before")
        if utc_s is not None and command.exp < utc_s:
            raise Forged("expired")
        if utc_s is not None and command.exp > utc_s + AHEAD_S:
            raise Forged("expired: its end lies too far ahead for an order of a minute")
        if len(self._seen) >= JTIS_LIMIT:  # to forget one would let it in again
            raise Forged("rate: more orders than can be remembered")
        self._seen[jti] = command.nonce
        self._under_nonce += command.nonce == self.nonce
        return command

    def _forget(self, now_ns: int) -> None:
        gone = {nonce for nonce, until in self._nonces.items() if until is not None and until < now_ns}
        for nonce in gone:
            del self._nonces[nonce]
        self._seen = {jti: nonce for jti, nonce in self._seen.items() if nonce not in gone}
