"""Who was invited: one folder per token, named by the SHA-256 of its secret, which is written nowhere.

`invitation.json` is there from the beginning; `claim` appears once, for the first box that shows the secret; `request`
is what that box asks, `answer` what the root has said. A death between two files leaves a state from which the box and
the operator go on by doing the same again.
"""

import hmac
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from edge.centre.places import write_whole
from edge.centre.trust import NotAdmissible
from edge.core.seal import sha256
from edge.core.words import SiteId
from edge.enrol.forms import Request, fingerprint, read_request

SECRET_BYTES: Final = 16  # 128 random bits: not to be guessed, and a token still fits one small QR code
KEPT_S: Final = 30 * 86_400  # after its end: a box that was admitted may fetch its answer again
_PRIVATE: Final = 0o600


class TokenUsed(NotAdmissible):
    """Another box has shown this token before, or its time is over."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was promised. expires: seconds since 1970, our clock; replacing: the box at this site goes."""

    site: SiteId
    expires: int
    by: str
    replacing: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """One token's folder."""

    folder: Path
    terms: Terms

    def claim(self, request: Request, now_s: float) -> None:
        """Give the token to this box, for ever; the same box may come again.

        raises: TokenUsed; NotAdmissible for another site, or a request that was made with another token
        """
        if request.token.hex() != self.folder.name:
            raise NotAdmissible("made with another token")
        if request.site != self.terms.site:
            raise NotAdmissible(f"the token is for {self.terms.site}, the request for {request.site}")
        mark, path = f"{request.box} {fingerprint(request.public)}".encode(), self.folder / "claim"
        if not path.exists():
            if now_s > self.terms.expires:
                raise TokenUsed("the token's time is over")
            _put_once(path, mark)
        if not hmac.compare_digest(path.read_bytes(), mark):
            raise TokenUsed("another box has used this token")

    @property
    def request(self) -> Request | None:
        """What the box that claimed the token asks; None until it has."""
        raw = _content(self.folder / "request")
        return None if raw is None else read_request(raw)

    @property
    def answer(self) -> bytes | None:
        return _content(self.folder / "answer")

    def ask(self, raw: bytes) -> bool:
        """Keep a request that was claimed; True the first time. The latest counts until it is answered."""
        first = not (self.folder / "request").exists()
        write_whole(self.folder / "request", raw, mode=_PRIVATE)
        return first

    def put_answer(self, raw: bytes) -> None:
        write_whole(self.folder / "answer", raw, mode=_PRIVATE)


class Invited:
    """All tokens under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def invite(self, terms: Terms) -> bytes:
        """Make a token and return its secret, which only its bearer knows from now on."""
        secret = secrets.token_bytes(SECRET_BYTES)
        folder = self._folder / sha256(secret).hex()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(mode=0o700)
        write_whole(folder / "invitation.json", msgspec.json.encode(terms), mode=_PRIVATE)
        return secret

    def find(self, digest: bytes) -> Slot | None:
        """The token whose secret has this SHA-256. How long it takes says nothing about the names that there are."""
        wanted, found = digest.hex().encode(), None
        for slot in self.all():
            if hmac.compare_digest(slot.folder.name.encode(), wanted):
                found = slot
        return found

    def all(self) -> Iterator[Slot]:
        for folder in sorted(self._folder.glob("*")):
            with suppress(OSError, msgspec.MsgspecError):
                yield Slot(folder, msgspec.json.decode((folder / "invitation.json").read_bytes(), type=Terms))

    def waiting(self) -> list[tuple[Request, Slot]]:
        """Requests that nobody has answered yet."""
        asked = ((slot.request, slot) for slot in self.all() if slot.answer is None)
        return [(request, slot) for request, slot in asked if request is not None]

    def forget(self, now_s: float) -> None:
        """Remove what has ended: at once where no box ever came, else when its answer has been kept long enough."""
        for slot in list(self.all()):
            claimed = (slot.folder / "claim").exists()
            if now_s > slot.terms.expires + (KEPT_S if claimed else 0):
                shutil.rmtree(slot.folder)


def _put_once(path: Path, content: bytes) -> None:
    """Put a file in place whole, unless another one is there already: the first of two at once wins."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    write_whole(unfinished, content, mode=_PRIVATE)
    try:
        with suppress(FileExistsError):
            path.hardlink_to(unfinished)
    finally:
        unfinished.unlink()


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
