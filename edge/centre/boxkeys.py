"""A box's own keys, made on the box; only its name, its public key and a signing request ever leave it."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from edge.centre.authority import Admitted, Authority
from edge.centre.certificates import new_key, private_pem, request
from edge.centre.places import write_whole
from edge.config.places import Places
from edge.core.seal import KEY_BYTES, Signer
from edge.core.words import BoxId, SiteId


@dataclass(frozen=True, slots=True)
class Applicant:
    """What a box sends when it asks to be admitted: all of it public. request: PEM."""

    box: BoxId
    public: bytes
    request: bytes


def new_box_id() -> BoxId:
    """40 random bits: ids never come from a serial number."""
    return BoxId("ktg-" + base64.b32encode(os.urandom(5)).decode("ascii").lower())


def make_box_keys(places: Places, box: BoxId | None = None) -> Applicant:
    """Make box.key (32 raw bytes, Ed25519) and tls.key (PEM) under `places.secrets`, both 0600.

    raises: FileExistsError rather than replace the keys of a box that is already somebody
    """
    if (places.secrets / "box.key").exists():
        raise FileExistsError(f"{places.secrets / 'box.key'} exists: this box has keys already")
    places.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    name, seed, tls = box or new_box_id(), os.urandom(KEY_BYTES), new_key()
    write_whole(places.secrets / "tls.key", private_pem(tls), mode=0o600)
    write_whole(places.secrets / "box.key", seed, mode=0o600)
    return Applicant(name, Signer(seed).public, request(tls, name))


def take_home(places: Places, admitted: Admitted) -> None:
    """Lay what the centre gave where the box's daemons look for it."""
    lay_out(admitted, certificates=places.secrets, trust=places.trust)


def lay_out(admitted: Admitted, *, certificates: Path, trust: Path) -> None:
    """Write tls.pem under `certificates`, and root.pub, keyset.jws, binding.jws, broker-ca.pem under `trust`."""
    write_whole(certificates / "tls.pem", admitted.certificate, mode=0o644)
    write_whole(trust / "root.pub", admitted.root_public, mode=0o644)
    write_whole(trust / "keyset.jws", admitted.keyset, mode=0o644)
    write_whole(trust / "binding.jws", admitted.binding, mode=0o644)
    write_whole(trust / "broker-ca.pem", admitted.broker_authority, mode=0o644)


def enrol_here(authority: Authority, places: Places, site: SiteId, box: BoxId | None = None) -> BoxId:
    """Both sides of an enrolment on one machine, as the demo and the tests need it."""
    applicant = make_box_keys(places, box)
    take_home(places, authority.admit(applicant.box, site, public=applicant.public, request=applicant.request))
    return applicant.box
