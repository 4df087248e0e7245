"""Who the simulated boxes are: names and keys drawn from one secret, admitted in one go under a root of their own."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from drivers.dial import TlsFiles
from edge.centre.authority import Authority, utc_now
from edge.centre.certificates import CertificateAuthority, Issued
from edge.centre.places import CentrePlaces, write_whole
from edge.centre.registry import admission_path, sign_admission
from edge.centre.trust import read_own
from edge.core.seal import KEY_BYTES, Signer, sha256
from edge.core.words import BoxId, SiteId

BOXES_MAX: Final = 100_000
MARK: Final = "SIMULATED"
WARNING: Final = b"""\
Semua boks di bawah akar ini adalah SIMULASI. Jangan pernah mendaftarkan boks sungguhan di sini.
Every box under this root is SIMULATED: their keys all come from one file. Never admit a real box here.
"""


class RealCentre(ValueError):
    """The folder holds a centre's keys that were not made for a simulation."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One simulated box. tls: its certificate, where it has one."""

    box: BoxId
    site: SiteId
    signer: Signer
    tls: TlsFiles | None = None


class Roster:
    """A centre's trust, made for simulated boxes only."""

    def __init__(self, places: CentrePlaces, secret: bytes) -> None:
        self.places: Final = places
        self._secret = secret

    @classmethod
    def open(cls, places: CentrePlaces) -> Self:
        """Open what an earlier call has made, or make it where nothing is.

        raises: RealCentre for the root, or the remains, of any other centre
        """
        mark = places.home / MARK
        if not mark.exists():
            if places.home.exists() and any(places.home.iterdir()):
                raise RealCentre(f"{places.home} is a real centre's: it lacks the file {MARK}")
            write_whole(mark, WARNING, mode=0o644)  # before there is a key that it could be missing beside
        secret = places.keys / "fleet.key"
        if not secret.exists():
            Authority.make(places)
            write_whole(secret, os.urandom(KEY_BYTES), mode=0o600)
        return cls(places, secret.read_bytes())

    def admit(self, count: int, *, tls: bool = False) -> list[Identity]:
        """The first `count` boxes, every one admitted; 0.2 ms each, and with `tls` 2 ms for a certificate."""
        root = Signer(read_own(self.places, "keys/root.key"))
        identities = [self._identity(number, tls=tls) for number in range(count)]
        for one in identities:
            path = admission_path(self.places.boxes, one.box)
            if not path.exists():  # not synced one by one: a loss is made good by the next call
                path.write_bytes(sign_admission(one.box, one.site, one.signer.public, root))
        if tls:
            self._certify(identities)
        return identities

    def _identity(self, number: int, *, tls: bool) -> Identity:
        drawn = sha256(b"box id" + self._secret + number.to_bytes(4))
        box = BoxId("ktg-" + base64.b32encode(drawn[:5]).decode("ascii").lower())
        site = SiteId(f"33.74.10.1004-{number // 999:03d}-{number % 999 + 1:03d}")
        signer = Signer(sha256(b"event key" + self._secret + number.to_bytes(4)))
        return Identity(box, site, signer, self._files(box) if tls else None)

    def _files(self, box: BoxId) -> TlsFiles:
        own = self.places.home / "fleet" / f"{box}.pem"
        return TlsFiles(self.places.certificates / "ca.pem", own, own)

    def _certify(self, identities: list[Identity]) -> None:
        pair = Issued(read_own(self.places, "ca/ca.pem"), read_own(self.places, "ca/ca.key"))
        authority, now = CertificateAuthority.load(pair), utc_now()
        for one in identities:
            path = self._files(one.box).certificate
            if not path.exists():
                issued = authority.for_client(one.box, now)
                _write_secret(path, issued.key + issued.certificate)


def _write_secret(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
