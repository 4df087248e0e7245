"""The camera's door: WS-Security UsernameToken, HTTP Digest and Basic, with clock window, replay check and lock-out."""

import base64
import hashlib
import secrets
import time
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.request import parse_http_list, parse_keqv_list

from drivers.sim.camera.soap import NS, Asked
from drivers.sim.camera.spec import Quirk, Spec
from drivers.sim.camera.standing import Standing
from drivers.sim.camera.visits import Proof, Verdict
from drivers.sim.camera.web import Request

TOKEN: Final = "wsse:Security/wsse:UsernameToken/"  # noqa: S105 - a path
NONCE_S: Final = 60.0  # a Digest nonce lives this long, then it is stale
REMEMBERED: Final = 10_000
ALGORITHMS: Final[dict[str, Callable[[bytes], "hashlib._Hash"]]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
PROOFS: Final = {"MD5": Proof.DIGEST_MD5, "SHA-256": Proof.DIGEST_SHA256}
REALM: Final = "kamera"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request showed at the door, and what the door made of it."""

    proof: Proof
    verdict: Verdict
    user: str = ""

    @property
    def admitted(self) -> bool:
        return self.proof is not Proof.NONE and self.verdict is Verdict.OK


STRANGER: Final = Shown(Proof.NONE, Verdict.OK)


@dataclass(slots=True)
class _Issued:
    """One Digest nonce of ours."""

    at: float
    counts: set[int] = field(default_factory=set)


class Door:
    """Who may come in. `password` may be changed at any time; `wrong` counts since the last right login."""

    def __init__(self, standing: Standing, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: monotonic seconds, for the lock-out and the age of nonces."""
        self.password = standing.spec.password
        self.wrong = 0
        self._standing, self._clock = standing, clock
        self._locked_until = 0.0
        self._seen: dict[str, None] = {}
        self._issued: dict[str, _Issued] = {}

    @property
    def _spec(self) -> Spec:
        return self._standing.spec

    @property
    def locked(self) -> bool:
        return self._clock() < self._locked_until

    def unlock(self) -> None:
        self.wrong, self._locked_until = 0, 0.0

    def look_soap(self, asked: Asked, request: Request) -> Shown:
        """Judge whatever proof a SOAP request carries."""
        if asked.heading(f"{TOKEN}wsse:Username"):
            return self._settle(self._token(asked))
        if self._spec.has(Quirk.WSSE_ONLY) and "authorization" in request.headers:
            return self._settle(Shown(Proof.OTHER, Verdict.UNKNOWN))
        return self.look_http(request)

    def look_http(self, request: Request) -> Shown:
        """Judge the Authorization header."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return STRANGER
        if scheme.lower() == "basic":
            return self._settle(self._basic(rest))
        if scheme.lower() == "digest":
            return self._settle(self._digest(rest, request))
        return self._settle(Shown(Proof.OTHER, Verdict.UNKNOWN))

    def challenges(self, *, stale: bool = False) -> tuple[tuple[str, str], ...]:
        """WWW-Authenticate headers for a 401."""
        if self._spec.has(Quirk.BASIC_CHALLENGE):
            return (("WWW-Authenticate", f'Basic realm="{REALM}"'),)
        nonce = self._new_nonce()
        flag = ", stale=true" if stale else ""
        return tuple(
            ("WWW-Authenticate", f'Digest realm="{REALM}", qop="auth", algorithm={name}, nonce="{nonce}"{flag}')
            for name in self._spec.digest.split(", ")
        )

    def _settle(self, shown: Shown) -> Shown:
        """Count a refusal, forget the count after a right login; behind a lock nothing is right."""
        if self._spec.has(Quirk.WRONG_PASSWORD) and shown.verdict is Verdict.OK:
            shown = Shown(shown.proof, Verdict.WRONG, shown.user)
        if self.locked:
            return Shown(shown.proof, Verdict.LOCKED, shown.user)
        if shown.verdict is Verdict.OK:
            self.wrong = 0
        elif shown.verdict is Verdict.WRONG:
            self.wrong += 1
            if self._spec.has(Quirk.LOCKS) and self.wrong >= self._spec.lock_after:
                self._locked_until = self._clock() + self._spec.lock_s
        return shown

    def _token(self, asked: Asked) -> Shown:
        """WS-Security UsernameToken Profile 1.0: Base64(SHA-1(nonce + created + password))."""
        user = asked.heading(f"{TOKEN}wsse:Username")
        assert asked.header is not None
        password = asked.header.find(f"{TOKEN}wsse:Password", NS)
        if password is None or not (password.get("Type") or "").endswith("#PasswordDigest"):
            return Shown(Proof.WSSE_TEXT, Verdict.UNKNOWN, user)
        if self._spec.has(Quirk.DIGEST_ONLY):
            return Shown(Proof.WSSE, Verdict.UNKNOWN, user)
        created, nonce = asked.heading(f"{TOKEN}wsu:Created"), asked.heading(f"{TOKEN}wsse:Nonce")
        return Shown(Proof.WSSE, self._judge(user, nonce, created, (password.text or "").strip()), user)

    def _judge(self, user: str, nonce: str, created: str, digest: str) -> Verdict:
        if not self._in_time(created):
            return Verdict.CLOCK
        if nonce in self._seen:
            return Verdict.REPLAY
        self._seen[nonce] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        try:
            raw = base64.b64decode(nonce, validate=True)
        except Base64Error:
            return Verdict.WRONG
        due = hashlib.sha1(raw + created.encode() + self.password.encode()).digest()  # noqa: S324 - the profile's
        return Verdict.OK if (user, digest) == (self._spec.user, base64.b64encode(due).decode()) else Verdict.WRONG

    def _in_time(self, created: str) -> bool:
        if self._spec.has(Quirk.ZULU_ONLY) and not created.endswith("Z"):
            return False
        try:
            when = datetime.fromisoformat(created)
        except ValueError:
            return False
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return abs((when - self._standing.utc()).total_seconds()) <= self._spec.window_s

    def _basic(self, rest: str) -> Shown:
        try:
            user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except (Base64Error, UnicodeDecodeError):
            return Shown(Proof.BASIC, Verdict.WRONG)
        right = (user, password) == (self._spec.user, self.password)
        return Shown(Proof.BASIC, Verdict.OK if right else Verdict.WRONG, user)

    def _digest(self, rest: str, request: Request) -> Shown:
        """RFC 7616, 3.4, with qop=auth alone."""
        fields = parse_keqv_list(parse_http_list(rest))
        user, algorithm = fields.get("username", ""), fields.get("algorithm", "MD5").upper()
        if algorithm not in self._spec.digest.split(", "):
            return Shown(Proof.OTHER, Verdict.UNKNOWN, user)
        proof, issued = PROOFS[algorithm], self._issued.get(fields.get("nonce", ""))
        count = int(fields.get("nc", "0"), 16)
        if issued is None or self._clock() - issued.at > NONCE_S or count in issued.counts:
            return Shown(proof, Verdict.STALE, user)
        issued.counts.add(count)
        same = fields.get("uri") == request.target and fields.get("qop") == "auth" and fields.get("realm") == REALM
        due = _response(fields, algorithm, self.password, request.method)
        right = same and user == self._spec.user and secrets.compare_digest(due, fields.get("response", ""))
        return Shown(proof, Verdict.OK if right else Verdict.WRONG, user)

    def _new_nonce(self) -> str:
        nonce = secrets.token_hex(16)
        self._issued[nonce] = _Issued(self._clock())
        if len(self._issued) > REMEMBERED:
            del self._issued[next(iter(self._issued))]
        return nonce


def _response(fields: dict[str, str], algorithm: str, password: str, method: str) -> str:
    def hashed(text: str) -> str:
        return ALGORITHMS[algorithm](text.encode()).hexdigest()

    first = hashed(f"{fields.get('username')}:{fields.get('realm')}:{password}")
    second = hashed(f"{method}:{fields.get('uri')}")
    middle = (fields.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
    return hashed(":".join((first, *middle, second)))
