"""The trust material: the offline root, the centre's signing keys, the keyset, and who is admitted.

Every private key is random, lies in a file of mode 0600 and is never printed. The root signs three things: keysets,
bindings (for the box) and admissions (for the centre), and whole answers to requests for enrolment. What only these
commands need (OFFLINE) lies apart from the machine; nothing that runs needs it.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from edge.centre.certificates import CertificateAuthority, Issued
from edge.centre.places import CentrePlaces, write_whole
from edge.centre.registry import admission_path, read_admission, sign_admission
from edge.centre.trust import NotAdmissible, RootAway, read_own
from edge.core.seal import KEY_BYTES, Binding, CentreKey, Keyset, Signer, Use, b64, public_of, read_keyset, sign_by_root
from edge.core.words import BoxId, SiteId
from edge.enrol.forms import BOX_ID, SITE_ID, Answer, sign_answer
from edge.enrol.sealed import sealed_for, unsealed

CENTRE_NAME: Final = "centre"  # certificate CN = MQTT user of the centre
SIGNING: Final = (Use.RECEIPT, Use.COMMAND_SILENCE, Use.COMMAND_SOUND, Use.CONFIG)
KEY_LIFE: Final = timedelta(days=2 * 365)
LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost")
OFFLINE: Final = ("root.key", "escrow.key", "ca.key")
"""What belongs on a stick in a drawer: signing for the root, reading copies of site.toml, certifying."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Authority:
    """Makes and keeps everything that says who may say what. `now` gives aware UTC."""

    def __init__(
        self, places: CentrePlaces, root: Signer, certificates: CertificateAuthority, escrow: bytes = b""
    ) -> None:
        """escrow: the seed that opens the boxes' copies of site.toml; b"": this centre has none."""
        self._places = places
        self._escrow = escrow
        self._root = root
        self._certificates = certificates
        self.now: Callable[[], datetime] = utc_now

    @classmethod
    def make(cls, places: CentrePlaces, *, broker_names: tuple[str, ...] = LOOPBACK_NAMES) -> Self:
        """Make everything new. Raises FileExistsError rather than replace a root that boxes have pinned."""
        for made in (places.root_public, places.keys / "root.key"):  # the private half may lie on a stick
            if made.exists():
                raise FileExistsError(f"{made} exists: boxes pin this root, so it is never made twice")
        for folder in (places.keys, places.certificates):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        places.boxes.mkdir(parents=True, exist_ok=True)
        certificates = CertificateAuthority.make("kentongan authority", utc_now())
        authority = cls(places, Signer(_new_seed(places, "root")), certificates, _new_seed(places, "escrow"))
        authority._certify(broker_names)
        authority._publish_keys()
        return authority

    @classmethod
    def open(cls, places: CentrePlaces, keys: Path | None = None) -> Self:
        """keys: the folder that holds OFFLINE; None: they still lie on this machine.

        raises: AuthorityMissing; RootAway if they are not there, or are another centre's
        """
        pinned = read_own(places, "keys/root.pub")
        root = Signer(_offline(places, "root.key", keys))
        if root.public != pinned:
            raise RootAway(f"{keys or places.keys} holds another centre's root")
        pem = Issued(read_own(places, "ca/ca.pem"), _offline(places, "ca.key", keys))
        escrow = b"" if not places.escrow_public.exists() else _offline(places, "escrow.key", keys)
        return cls(places, root, CertificateAuthority.load(pem), escrow)

    @property
    def keyset(self) -> Keyset:
        return read_keyset(self._places.keyset.read_bytes(), self._root.public)

    def admit(self, box: BoxId, site: SiteId, *, public: bytes, request: bytes) -> Answer:
        """Let one box in: its event key, its TLS request (PEM, CN = box id), its site.

        A box already admitted may come again with the same event key (a renewed certificate, another site).
        raises: NotAdmissible; RequestRefused
        """
        self._judge(box, site, public)
        certificate = self._certificates.for_request(request, box, self.now())
        self._note_certificate(box, certificate)
        admission = sign_admission(box, site, public, self._root)
        write_whole(admission_path(self._places.boxes, box), admission, mode=0o644)
        return Answer(
            box=box,
            site=site,
            certificate=certificate,
            binding=sign_by_root(Binding(box, site), self._root),
            keyset=self._places.keyset.read_bytes(),
            root_public=self._root.public,
            broker_authority=self._certificates.pem.certificate,
            escrow=Signer(self._escrow).public if self._escrow else b"",
        )

    def signed(self, answer: Answer) -> bytes:
        """The answer as a box believes it from anybody's hands."""
        return sign_answer(answer, self._root)

    def resealed(self, copy: bytes, public: bytes) -> bytes:
        """A copy of site.toml, sealed for the centre, sealed anew for the box with this event key. Raises Forged."""
        return sealed_for(public, unsealed(self._escrow, copy))

    def revoke(self, box: BoxId) -> Keyset:
        """Name a box as lost: it shows that itself, and a running centre no longer listens to it.

        raises: NotAdmissible for a box that was never admitted: a name misread protects nobody
        """
        if BOX_ID.fullmatch(box) is None or not admission_path(self._places.boxes, box).exists():
            raise NotAdmissible(f"{box}: never admitted here")
        before = self.keyset
        after = self._publish(replace(before, revoked=tuple(sorted({*before.revoked, box}))))
        self._list_revoked(after)
        return after

    def rotate(self, use: Use) -> CentreKey:
        """A fresh key for one use. The one before stays good, for what is on its way, until `withdraw`.

        A death between the two writes leaves the old key signing, which the new keyset still knows.
        """
        return self._issue(use, self._places.keys / f"{use}.key")

    def second(self, path: Path) -> CentreKey:
        """A key for a second person, who signs long sounds; its private half is written to `path` alone.

        raises: FileExistsError
        """
        if path.exists():
            raise FileExistsError(f"{path} exists")
        return self._issue(Use.COMMAND_SOUND, path)

    def _issue(self, use: Use, path: Path) -> CentreKey:
        seed, before = os.urandom(KEY_BYTES), self.keyset
        start, end = int(self.now().timestamp()), int((self.now() + KEY_LIFE).timestamp())
        number = 1 + max((_number(key.kid) for key in before.keys if key.use is use), default=0)
        key = CentreKey(f"{use}-{number}", use, b64(public_of(use, seed)), start, end)
        if use is Use.PICTURE:  # first, and beside the older ones: no box may seal to a key that nobody has
            write_whole(self._places.keys / f"{key.kid}.key", seed, mode=0o600)
        self._publish(replace(before, keys=(*before.keys, key)))
        if use is not Use.PICTURE:
            write_whole(path, seed, mode=0o600)
        return key

    def withdraw(self, kid: str) -> Keyset:
        """Take a key out: from the next keyset on, nothing that it signs is believed anywhere.

        raises: NotAdmissible for an unknown key, or the one that signs now
        """
        before = self.keyset
        key = next((key for key in before.keys if key.kid == kid), None)
        if key is None:
            raise NotAdmissible(f"{kid}: not in the keyset, which has {', '.join(key.kid for key in before.keys)}")
        if self._is_current(key, before):
            raise NotAdmissible(f"{kid}: in use now; `kentongan centre keys rotate {key.use}` first")
        return self._publish(replace(before, keys=tuple(key for key in before.keys if key.kid != kid)))

    def _is_current(self, key: CentreKey, keyset: Keyset) -> bool:
        if key.use is Use.PICTURE:
            return key == [each for each in keyset.keys if each.use is Use.PICTURE][-1]
        return key.public == b64(Signer(read_own(self._places, f"keys/{key.use}.key")).public)

    def _publish(self, keyset: Keyset) -> Keyset:
        """Signed, one version higher, in place whole; a running centre sends it to every box."""
        after = replace(keyset, version=self.keyset.version + 1)
        write_whole(self._places.keyset, sign_by_root(after, self._root), mode=0o644)
        return after

    def _note_certificate(self, box: BoxId, certificate: bytes) -> None:
        """All that was ever issued to a box, so that all of it can be revoked."""
        path = self._places.issued(box)
        before = path.read_bytes() if path.exists() else b""
        write_whole(path, before + certificate, mode=0o644)

    def _list_revoked(self, keyset: Keyset) -> None:
        bundles = [path.read_bytes() for box in keyset.revoked if (path := self._places.issued(box)).exists()]
        write_whole(self._places.revocations, self._certificates.revocations(bundles, self.now()), mode=0o644)

    def _judge(self, box: BoxId, site: SiteId, public: bytes) -> None:
        if BOX_ID.fullmatch(box) is None:
            raise NotAdmissible(f"{box}: a box id is ktg- and 8 lower-case letters or digits")
        if SITE_ID.fullmatch(site) is None:
            raise NotAdmissible(f"{site}: a site id reads 33.74.10.1004-010-005")
        if box in self.keyset.revoked:
            raise NotAdmissible(f"{box}: was revoked; a box that comes back gets new keys and with them a new id")
        if len(public) != KEY_BYTES:
            raise NotAdmissible(f"{box}: an event key has {KEY_BYTES} bytes")
        earlier = admission_path(self._places.boxes, box)
        if earlier.exists() and read_admission(earlier.read_bytes(), self._root.public).key != public:
            raise NotAdmissible(f"{box}: already admitted with another key; a replaced box gets a new id")

    def certify_door(self, names: tuple[str, ...]) -> None:
        """The key and certificate of the door, under these host names and numeric addresses."""
        _keep_pair(self._places, "door", self._certificates.for_server("door", names, self.now()))

    def _certify(self, broker_names: tuple[str, ...]) -> None:
        _keep_pair(self._places, "ca", self._certificates.pem)
        _keep_pair(self._places, "broker", self._certificates.for_server("broker", broker_names, self.now()))
        self.certify_door(broker_names)
        _keep_pair(self._places, "centre", self._certificates.for_client(CENTRE_NAME, self.now()))

    def _publish_keys(self) -> None:
        start, end = int(self.now().timestamp()), int((self.now() + KEY_LIFE).timestamp())
        keys = tuple(
            CentreKey(f"{use}-1", use, b64(Signer(_new_seed(self._places, use)).public), start, end) for use in SIGNING
        )
        picture = f"{Use.PICTURE}-1"
        sealing = public_of(Use.PICTURE, _new_seed(self._places, picture))
        keys = (*keys, CentreKey(picture, Use.PICTURE, b64(sealing), start, end))
        write_whole(self._places.keyset, sign_by_root(Keyset(1, keys), self._root), mode=0o644)
        write_whole(self._places.escrow_public, Signer(self._escrow).public, mode=0o644)
        write_whole(self._places.root_public, self._root.public, mode=0o644)
        self._list_revoked(Keyset(1, keys))


def _number(kid: str) -> int:
    last = kid.rpartition("-")[2]
    return int(last) if last.isdecimal() and len(last) < 10 else 0


def _offline(places: CentrePlaces, name: str, keys: Path | None) -> bytes:
    path = places.offline(name) if keys is None else keys / name
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise RootAway(f"{path} is missing") from error


def _new_seed(places: CentrePlaces, name: str) -> bytes:
    seed = os.urandom(KEY_BYTES)
    write_whole(places.keys / f"{name}.key", seed, mode=0o600)
    return seed


def _keep_pair(places: CentrePlaces, name: str, pair: Issued) -> None:
    write_whole(places.certificates / f"{name}.pem", pair.certificate, mode=0o644)
    write_whole(places.certificates / f"{name}.key", pair.key, mode=0o600)
