"""Which boxes may speak, and with which key: admissions signed by the offline root, one file each."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.core.seal import ROOT_KID, Forged, Signer, b64, open_jws, sign_jws, unb64
from edge.core.words import BoxId, SiteId
from edge.enrol.forms import BOX_ID


@dataclass(frozen=True, slots=True)
class Admission:
    """The root's word to the centre: events of this box carry this signature and come from this site."""

    box: BoxId
    site: SiteId
    public: str  # base64url, Ed25519
    v: int = 1

    @property
    def key(self) -> bytes:
        return unb64(self.public)


def sign_admission(box: BoxId, site: SiteId, public: bytes, root: Signer) -> bytes:
    return sign_jws(msgspec.json.encode(Admission(box, site, b64(public))), ROOT_KID, root)


def read_admission(raw: bytes, root_public: bytes) -> Admission:
    """Raises Forged."""
    payload = open_jws(raw, {ROOT_KID: root_public}.get)
    try:
        return msgspec.json.decode(payload, type=Admission)
    except msgspec.MsgspecError as error:
        raise Forged("signed by the root, but not an admission") from error


def admission_path(folder: Path, box: BoxId) -> Path:
    return folder / f"{box}.jws"


def admitted(folder: Path, root_public: bytes) -> Iterator[Admission]:
    """Every admission that the root has signed, by the name of the box; revoked boxes are among them."""
    for path in sorted(folder.glob("*.jws")):
        with suppress(Forged, OSError):
            yield read_admission(path.read_bytes(), root_public)


class Registry:
    """Finds admitted boxes; a box admitted while we run is found at its first message."""

    def __init__(self, folder: Path, root_public: bytes, *, revoked: frozenset[BoxId] = frozenset()) -> None:
        self._folder = folder
        self._root_public = root_public
        self._revoked = revoked
        self._known: dict[str, Admission] = {}

    def revoke(self, boxes: frozenset[BoxId]) -> None:
        """The root has named these; what it no longer names may speak again."""
        self._revoked = boxes

    def find(self, box: str) -> Admission | None:
        """None for a stranger, a revoked box, or an admission the root did not sign."""
        if box in self._revoked:
            return None
        return self._known.get(box) or self._learn(box)

    def _learn(self, box: str) -> Admission | None:
        if BOX_ID.fullmatch(box) is None:  # before the name becomes part of a path
            return None
        try:
            admission = read_admission(admission_path(self._folder, BoxId(box)).read_bytes(), self._root_public)
        except (FileNotFoundError, Forged):
            return None
        if admission.box != box:
            return None
        self._known[box] = admission
        return admission
