"""What a camera remembers of its callers: the book that tests read."""

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

PAGES: Final = 200_000  # a soak must not eat the machine


class Proof(StrEnum):
    """How a caller showed who it is."""

    NONE = "none"
    WSSE = "wsse"
    WSSE_TEXT = "wsse-text"  # the password in the clear
    DIGEST_MD5 = "digest-md5"
    DIGEST_SHA256 = "digest-sha-256"
    BASIC = "basic"
    OTHER = "other"


class Verdict(StrEnum):
    OK = "ok"  # right, or nothing was asked for
    CHALLENGED = "challenged"  # came without, and was told how
    STALE = "stale"  # a Digest nonce that is over: right or not was not looked at
    WRONG = "wrong"  # user or password
    CLOCK = "clock"  # Created outside of the window, or in a form it does not like
    REPLAY = "replay"  # a nonce it has seen
    UNKNOWN = "unknown"  # a way to log in that it does not know
    LOCKED = "locked"  # nobody is let in for now


REFUSED: Final = frozenset({Verdict.WRONG, Verdict.CLOCK, Verdict.REPLAY, Verdict.LOCKED})


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. at_ns: CLOCK_MONOTONIC; kind: "probe", "soap", "picture", "connect", "elsewhere"."""

    at_ns: int
    kind: str
    what: str  # the operation, the path, or the probed type
    source: tuple[str, int]
    proof: Proof = Proof.NONE
    verdict: Verdict = Verdict.OK
    user: str = ""


@dataclass(slots=True)
class Book:
    visits: deque[Visit] = field(default_factory=lambda: deque(maxlen=PAGES))

    def write(
        self,
        kind: str,
        what: str,
        source: tuple[str, int],
        *,
        proof: Proof = Proof.NONE,
        verdict: Verdict = Verdict.OK,
        user: str = "",
    ) -> None:
        self.visits.append(Visit(time.monotonic_ns(), kind, what, source, proof, verdict, user))

    def of(self, kind: str) -> list[Visit]:
        return [visit for visit in tuple(self.visits) if visit.kind == kind]

    @property
    def logins(self) -> list[Visit]:
        """Every request that carried a proof, whatever became of it."""
        return [visit for visit in tuple(self.visits) if visit.proof is not Proof.NONE]

    @property
    def refused(self) -> list[Visit]:
        """Logins that count against a lock-out."""
        return [visit for visit in self.logins if visit.verdict in REFUSED]

    @property
    def unauthenticated(self) -> list[Visit]:
        """SOAP and pictures asked for without a proof."""
        return [
            visit
            for visit in tuple(self.visits)
            if visit.proof is Proof.NONE and visit.kind in {"soap", "picture", "elsewhere"}
        ]

    def lines(self) -> list[dict[str, object]]:
        """For another process."""
        return [asdict(visit) for visit in tuple(self.visits)]
