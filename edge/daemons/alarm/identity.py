"""Who this box is and whose word it takes: read once at start, never required for the siren."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.config.places import Places
from edge.core import codes
from edge.core.faults import Fault
from edge.core.seal import KEY_BYTES, Forged, Keyset, Signer, read_binding, read_keyset
from edge.core.words import BoxId, SiteId

UNKNOWN_BOX = BoxId("ktg-unknown0")
_FILE_LIMIT = 16 * 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """signer: the box's own key, or a random one nobody knows when that is missing: events are kept, not believed."""

    box: BoxId
    site: SiteId
    signer: Signer
    keyset: Keyset | None
    root_public: bytes | None = None
    faults: tuple[Fault, ...] = ()


def read_identity(places: Places, site: SiteId, random_bytes: Callable[[int], bytes] = os.urandom) -> Identity:
    """Read key, binding and keyset; whatever is missing or forged becomes a fault and a harmless stand-in."""
    faults: list[Fault] = []

    def tried(what: str, read: Callable[[], object]) -> object:
        try:
            return read()
        except (OSError, Forged, ValueError) as error:
            faults.append(codes.IDENTITY_MISSING.fault(what=f"{what}: {error}"))
            return None

    signer = tried("box.key", lambda: read_signer(places))
    root = tried("root.pub", lambda: _content(places.trust / "root.pub"))
    binding = keyset = None
    if isinstance(root, bytes):
        binding = tried("binding.jws", lambda: read_binding(_content(places.trust / "binding.jws"), root))
        keyset = tried("keyset.jws", lambda: _newest_keyset(places, root))
    return Identity(
        box=getattr(binding, "box", UNKNOWN_BOX),
        site=getattr(binding, "site", site),
        signer=signer if isinstance(signer, Signer) else Signer(random_bytes(KEY_BYTES)),
        keyset=keyset if isinstance(keyset, Keyset) else None,
        root_public=root if isinstance(root, bytes) else None,
        faults=tuple(faults),
    )


def read_signer(places: Places) -> Signer:
    """The box's own key. Raises OSError, ValueError."""
    return Signer(_secret(places, "box.key"))


def _newest_keyset(places: Places, root_public: bytes) -> Keyset:
    """What enrolment laid down or what came since, whichever is newer: an old card's file brings no old key back.

    raises: the fault of the first, where neither is one
    """
    newest: Keyset | None = None
    with suppress(OSError, Forged):
        newest = read_keyset(_content(places.keyset), root_public)
    try:
        laid_down = read_keyset(_content(places.trust / "keyset.jws"), root_public)
    except (OSError, Forged):
        if newest is None:
            raise
        return newest
    return newest if newest is not None and newest.version > laid_down.version else laid_down


def _secret(places: Places, name: str) -> bytes:
    """From systemd's credentials, else straight from the secrets folder: a failed credential holds nothing back."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and (Path(folder) / name).exists():
        return _content(Path(folder) / name)
    return _content(places.secrets / name)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_FILE_LIMIT)
