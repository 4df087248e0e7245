"""HTTP Digest (RFC 7616) as a client: which challenge is answered, and how. Basic is never answered."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.request import parse_http_list

from drivers.camera import Login

CHALLENGE_LIMIT: Final = 2048  # characters of one header; honest ones have a fifth of it

# strongest first; MD5 is what nine cameras of ten know
ALGORITHMS: Final = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}


@dataclass(slots=True)
class Challenge:
    """What a 401 asked for; `count` grows with each answer to it.

    session: the algorithm ends in "-sess"; authenticated: qop=auth was offered; otherwise the older form (RFC 2069)
    stale:   the login was right, only the nonce is too old
    """

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str
    named: bool
    session: bool
    authenticated: bool
    stale: bool
    count: int = 0

    def answer(self, login: Login, method: str, target: str, *, cnonce: str = "") -> str:
        """The Authorization header's value for one request.

        target: path and query as they stand in the request line
        cnonce: of a test vector; chosen by chance where empty
        """
        self.count += 1
        cnonce = cnonce or secrets.token_hex(16)
        return "Digest " + ", ".join(self._fields(login, method, target, cnonce))

    def _fields(self, login: Login, method: str, target: str, cnonce: str) -> list[str]:
        name = f"{self.algorithm}-sess" if self.session else self.algorithm
        fields = [f"username={_quoted(login.user)}", f"realm={_quoted(self.realm)}", f"nonce={_quoted(self.nonce)}"]
        fields += [f"uri={_quoted(target)}", f'response="{self._proof(login, method, target, cnonce)}"']
        fields += [f"algorithm={name}"] if self.named else []
        fields += [f"opaque={_quoted(self.opaque)}"] if self.opaque is not None else []
        if self.authenticated:
            fields += ["qop=auth", f"nc={self.count:08x}"]
        return [*fields, f'cnonce="{cnonce}"'] if self.authenticated or self.session else fields

    def _proof(self, login: Login, method: str, target: str, cnonce: str) -> str:
        first = self._hash(f"{login.user}:{self.realm}:{login.password}")
        if self.session:
            first = self._hash(f"{first}:{self.nonce}:{cnonce}")
        second = self._hash(f"{method}:{target}")
        if not self.authenticated:
            return self._hash(f"{first}:{self.nonce}:{second}")
        return self._hash(f"{first}:{self.nonce}:{self.count:08x}:{cnonce}:auth:{second}")

    def _hash(self, text: str) -> str:
        return ALGORITHMS[self.algorithm](text.encode()).hexdigest()


def choose(headers: Sequence[str]) -> Challenge | None:
    """The strongest Digest challenge among the WWW-Authenticate headers, None where there is none that we answer.

    headers: one value each; several challenges within one value count as the first of them
    """
    found = [challenge for header in headers if (challenge := _read(header)) is not None]
    return min(found, key=lambda challenge: list(ALGORITHMS).index(challenge.algorithm), default=None)


def _read(header: str) -> Challenge | None:
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "digest" or len(header) > CHALLENGE_LIMIT or not rest.isascii() or not rest.isprintable():
        return None
    fields = _parameters(rest)
    algorithm = fields.get("algorithm", "")
    name = (algorithm or "MD5").upper().removesuffix("-SESS")
    offered = {word.strip().lower() for word in fields.get("qop", "").split(",")} - {""}
    if name not in ALGORITHMS or "nonce" not in fields or (offered and "auth" not in offered):
        return None
    return Challenge(
        fields.get("realm", ""),
        fields["nonce"],
        fields.get("opaque"),
        name,
        named=bool(algorithm),
        session=algorithm.upper().endswith("-SESS"),
        authenticated=bool(offered),
        stale=fields.get("stale", "").lower() == "true",
    )


def _parameters(text: str) -> dict[str, str]:
    """Names in lower case; ends where a second challenge begins in the same header."""
    fields: dict[str, str] = {}
    for part in parse_http_list(text):
        name, _, value = part.partition("=")
        name = name.strip().lower()
        if "=" not in part or " " in name or name in fields:
            break
        fields[name] = value.strip().removeprefix('"').removesuffix('"')
    return fields


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
