"""The box's side of an enrolment: what it asks, and what it makes sure of before it believes an answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edge.config.apply import apply
from edge.config.generations import write_atomically
from edge.config.load import SystemUsers, load_path
from edge.config.places import Places
from edge.core.faults import Fault, Refused, Wording
from edge.core.seal import Binding, Forged, Signer, read_binding, read_keyset, sha256
from edge.core.words import BoxId, SiteId
from edge.enrol import codes
from edge.enrol.forms import Answer, Invitation, Request, fingerprint, read_answer, sign_request
from edge.enrol.keys import Applicant, KeysDamaged, box_id, discard_box_keys, lay_out, make_box_keys
from edge.enrol.sealed import sealed_for, unsealed
from edge.enrol.tls_key import authority_print, read_key, why_not_ours


@dataclass(frozen=True, slots=True)
class Enrolled:
    """box and site as the root has bound them; faults: warnings for the person."""

    box: BoxId
    site: SiteId
    faults: tuple[Fault, ...] = ()


def standing(places: Places) -> Binding | None:
    """Who this box is by the root's word; None while it is not enrolled."""
    try:
        return read_binding((places.trust / "binding.jws").read_bytes(), (places.trust / "root.pub").read_bytes())
    except (OSError, Forged):
        return None


def give_up(places: Places, named: str) -> None:
    """Forget the box's name and keys, when the person has named the box whose keys these are. Raises Refused."""
    with _damage_told():
        box = box_id(places)
    if box is None:
        return
    if named != box:
        raise Refused(codes.AGAIN.fault(asked=named, box=box))
    discard_box_keys(places)


def ask(
    places: Places, invitation: Invitation | None, *, renew: bool = False, again: str | None = None
) -> tuple[Request, bytes]:
    """Make what keys are missing, and the signed request.

    renew:  an enrolled box may ask, with the keys that it has
    again:  the box's name, said by a person who wants its keys thrown away
    raises: Refused; nothing was made or removed then that a second run would not make or remove
    """
    now = standing(places)
    if now is not None and not renew and again is None:
        raise Refused(codes.ALREADY.fault(box=now.box, site=now.site))
    site, text = _site(places, invitation)
    if again is not None:
        give_up(places, again)
    with _damage_told():
        applicant = make_box_keys(places)
    escrow = invitation.escrow if invitation else _escrow_known(places) if now is not None else b""
    request = Request(
        applicant.box,
        site,
        applicant.public,
        applicant.request,
        config=sealed_for(escrow, text) if escrow and text else b"",
        token=sha256(invitation.secret) if invitation else b"",
    )
    return request, sign_request(request, Signer((places.secrets / "box.key").read_bytes()))


def accept(places: Places, raw: bytes, invitation: Invitation | None, pinned: Callable[[bytes], bool]) -> Enrolled:
    """Verify an answer and lay out what it brings; a second run with the same answer does no harm.

    pinned: whether a person vouches for this root (32 bytes); asked only where neither the box nor a token knows it
    raises: Refused; the box is as before then
    """
    with _damage_told():
        if box_id(places) is None or not (places.secrets / "tls.key").exists():
            raise Refused(codes.NOT_ASKED.fault())
        applicant = make_box_keys(places)
    try:
        answer = read_answer(raw)
        _judge_root(places, answer, invitation, pinned)
        _judge(places, answer, applicant, invitation)
        faults = _configure(places, answer)
    except Forged as error:
        raise Refused(codes.ANSWER.fault(what=str(error))) from error
    lay_out(answer, certificates=places.secrets, trust=places.trust)
    return Enrolled(answer.box, answer.site, faults)


def _escrow_known(places: Places) -> bytes:
    """What the root's last answer has named; b"": nothing."""
    try:
        return (places.trust / "escrow.pub").read_bytes()
    except FileNotFoundError:
        return b""


def _site(places: Places, invitation: Invitation | None) -> tuple[SiteId, bytes]:
    """Where this box stands, and its site.toml where there is one."""
    asked = invitation.site if invitation else None
    if not places.site.exists():
        if asked is None:
            raise Refused(codes.SITE.fault(what=Wording(f"{places.site} belum ada", f"there is no {places.site}")))
        return asked, b""
    loaded = load_path(places.site, SystemUsers())
    if loaded.configuration is None:
        raise Refused(*loaded.faults)
    site = SiteId(loaded.configuration.site.id)
    if asked not in {None, site}:
        what = Wording(f"site.toml menyebut {site}, token {asked}", f"site.toml says {site}, the token {asked}")
        raise Refused(codes.SITE.fault(what=what))
    return site, places.site.read_bytes()


def _judge_root(places: Places, answer: Answer, invitation: Invitation | None, pinned: Callable[[bytes], bool]) -> None:
    root = answer.root_public
    if standing(places) is not None:
        believed = (places.trust / "root.pub").read_bytes() == root
    elif invitation is not None:
        believed = invitation.root == root
    else:
        believed = pinned(root)
    if not believed:
        raise Refused(codes.ROOT.fault(shown=fingerprint(root)))


def _judge(places: Places, answer: Answer, applicant: Applicant, invitation: Invitation | None) -> None:
    """Everything that the root's own signature does not already say. Raises Forged, Refused."""
    asked = invitation is not None or places.site.exists()  # else the site.toml that was asked with is gone
    site = _site(places, invitation)[0] if asked else answer.site
    binding = read_binding(answer.binding, answer.root_public)
    if (binding.box, binding.site) != (applicant.box, site):
        raise Forged(f"it binds {binding.box} to {binding.site}, this is {applicant.box} at {site}")
    keyset = read_keyset(answer.keyset, answer.root_public)
    if applicant.box in keyset.revoked:
        raise Forged(f"{applicant.box} is revoked")
    if keyset.version < _version_known(places, answer.root_public):
        raise Forged("it is older than what the box knows")
    key = read_key((places.secrets / "tls.key").read_bytes())
    why = why_not_ours(answer.certificate, answer.broker_authority, key, applicant.box)
    if why:
        raise Forged(why)
    if invitation is not None and authority_print(answer.broker_authority) != invitation.authority:
        raise Forged("its certificate authority is not the token's")


def _version_known(places: Places, root_public: bytes) -> int:
    try:
        return read_keyset((places.trust / "keyset.jws").read_bytes(), root_public).version
    except (OSError, Forged):
        return 0


def _configure(places: Places, answer: Answer) -> tuple[Fault, ...]:
    """Put the site.toml that a replaced box left where the daemons find it. Raises Forged, Refused."""
    if not answer.config:
        return ()
    text = unsealed((places.secrets / "box.key").read_bytes(), answer.config)
    if places.site.exists() and places.site.read_bytes() != text:
        return (codes.CONFIG_KEPT.fault(),)
    write_atomically(places.site, text)
    return apply(places, places.site, SystemUsers()).faults


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except KeysDamaged as error:
        raise Refused(codes.KEYS.fault(what=str(error))) from error
