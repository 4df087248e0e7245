"""A box's name and keys, made on the box and never twice; only the name and public halves ever leave it.

A power cut may come between any two lines here; running it again goes on where it was. The name lies in a file of its
own that is written first, so that no second run takes another name. Whoever gives the box a new identity puts box.key
aside first: as long as `box.key.former` is there, that has begun and is finished before anything else.
"""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.config.generations import write_atomically
from edge.config.places import Places
from edge.core.seal import KEY_BYTES, Signer
from edge.core.words import BoxId
from edge.enrol.forms import BOX_ID, Answer
from edge.enrol.tls_key import new_key, private_pem, read_key, request

_FORMER = "box.key.former"
_OF_THE_FORMER = ("tls.key", "tls.pem", "box.id")


@dataclass(frozen=True, slots=True)
class Applicant:
    """What a box sends when it asks to be admitted: all of it public. public: 32 bytes, Ed25519; request: PEM."""

    box: BoxId
    public: bytes
    request: bytes


class KeysDamaged(ValueError):
    """The files of a box's identity do not fit together; the text says which."""


def new_box_id() -> BoxId:
    """40 random bits: ids never come from a serial number."""
    return BoxId("ktg-" + base64.b32encode(os.urandom(5)).decode("ascii").lower())


def make_box_keys(places: Places, box: BoxId | None = None) -> Applicant:
    """Make what is missing of box.id, box.key (32 raw bytes, Ed25519) and tls.key (PEM) under `places.secrets`.

    Whole files, 0600, in this order; what is there is used again.
    box:    the name of a box that has none yet; None: a random one
    raises: KeysDamaged for files that are none of these; OSError
    """
    places.secrets.mkdir(parents=True, exist_ok=True, mode=0o711)
    _forget_former(places)
    name = box_id(places)
    if name is None:
        if (places.secrets / "box.key").exists():
            raise KeysDamaged(f"{places.secrets / 'box.key'} is there, but box.id, which names its owner, is not")
        name = box or new_box_id()
        write_atomically(places.secrets / "box.id", f"{name}\n".encode(), mode=0o644)
    seed = _kept(places.secrets / "box.key", lambda: os.urandom(KEY_BYTES))
    pem = _kept(places.secrets / "tls.key", lambda: private_pem(new_key()))
    try:
        return Applicant(name, Signer(seed).public, request(read_key(pem), name))
    except ValueError as error:
        raise KeysDamaged(f"{places.secrets}: {error}") from error


def box_id(places: Places) -> BoxId | None:
    """The name this box has given itself; None before its keys were first made. Raises KeysDamaged."""
    try:
        said = (places.secrets / "box.id").read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    if BOX_ID.fullmatch(said) is None:
        raise KeysDamaged(f"{places.secrets / 'box.id'} holds no box id")
    return BoxId(said)


def discard_box_keys(places: Places) -> None:
    """Give this box's name and keys up for ever, so that `make_box_keys` makes others."""
    key = places.secrets / "box.key"
    if key.exists():
        key.rename(key.with_name(_FORMER))
    _forget_former(places)


def _forget_former(places: Places) -> None:
    former = places.secrets / _FORMER
    if not former.exists():
        return
    (places.trust / "binding.jws").unlink(missing_ok=True)
    for name in _OF_THE_FORMER:
        (places.secrets / name).unlink(missing_ok=True)
    former.unlink()


def lay_out(answer: Answer, *, certificates: Path, trust: Path) -> None:
    """Write tls.pem under `certificates`; root.pub, keyset.jws, broker-ca.pem, escrow.pub and, last, binding.jws under
    `trust`.

    A box counts as enrolled when its binding is there: all else is there then.
    """
    write_atomically(trust / "root.pub", answer.root_public)
    write_atomically(trust / "keyset.jws", answer.keyset)
    write_atomically(trust / "broker-ca.pem", answer.broker_authority)
    write_atomically(trust / "escrow.pub", answer.escrow)
    write_atomically(certificates / "tls.pem", answer.certificate)
    write_atomically(trust / "binding.jws", answer.binding)


def _kept(path: Path, made: Callable[[], bytes]) -> bytes:
    if not path.exists():
        write_atomically(path, made(), mode=0o600)
    return path.read_bytes()
