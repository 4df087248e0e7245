"""What the running centre needs of its trust material: the keyset and the keys that it may sign with. No X.509 here."""

from dataclasses import dataclass
from pathlib import Path

from edge.centre.places import CentrePlaces
from edge.core.seal import Keyset, Signer, Use, b64, read_keyset


class AuthorityMissing(FileNotFoundError):
    """No trust material under this root yet, or not all of it: `kentongan centre init`."""


class RootAway(FileNotFoundError):
    """The offline keys are not where the command looks for them, as it should be: bring them with `--keys`."""


class NotAdmissible(ValueError):
    """A box that cannot be admitted as asked; the text says why."""


class RequestRefused(NotAdmissible):
    """A signing request that does not hold, or names somebody else."""


@dataclass(frozen=True, slots=True)
class CentreSigner:
    """One of the centre's keys with the name that the keyset gives it."""

    kid: str
    signer: Signer


def open_signer(places: CentrePlaces, use: Use, path: Path | None = None) -> CentreSigner:
    """Load the key that the keyset names for `use`, from the centre's own folder or from a second person's `path`.

    raises: AuthorityMissing, also for a file that is no key; Forged for a keyset not of our root
    """
    where = path or places.keys / f"{use}.key"
    try:
        signer = Signer(where.read_bytes())
    except FileNotFoundError as error:
        raise AuthorityMissing(f"{where} is missing") from error
    except ValueError as error:
        raise AuthorityMissing(f"{where}: {error}") from error
    for key in open_keyset(places).keys:
        if key.use is use and key.public == b64(signer.public):
            return CentreSigner(key.kid, signer)
    raise AuthorityMissing(f"{where} is not in the keyset for {use}")


def open_keyset(places: CentrePlaces) -> Keyset:
    """Raises AuthorityMissing, Forged."""
    return read_keyset(read_own(places, "keys/keyset.jws"), read_own(places, "keys/root.pub"))


def read_own(places: CentrePlaces, name: str) -> bytes:
    """A file of the centre's own, by its name under `home`. Raises AuthorityMissing."""
    path = places.home / name
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise AuthorityMissing(f"{path} is missing") from error
