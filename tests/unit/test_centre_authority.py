"""Who is trusted, with what, and what never leaves its folder."""

import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from edge.centre.authority import (
    CENTRE_NAME,
    Authority,
)
from edge.centre.boxkeys import enrol_here
from edge.centre.places import CentrePlaces
from edge.centre.registry import Registry, sign_admission
from edge.centre.trust import AuthorityMissing, NotAdmissible, RequestRefused, open_keyset, open_signer
from edge.config.places import Places
from edge.core.seal import Signer, Use, read_binding, read_keyset, sign_jws
from edge.core.words import BoxId, SiteId
from edge.enrol.forms import BOX_ID
from edge.enrol.keys import Applicant, make_box_keys, new_box_id

SITE = SiteId("33.74.10.1004-010-005")


@pytest.fixture
def places(root: Path) -> CentrePlaces:
    return CentrePlaces(root)


@pytest.fixture
def authority(places: CentrePlaces) -> Authority:
    return Authority.make(places)


@pytest.fixture
def applicant(tmp_path: Path) -> Applicant:
    return make_box_keys(Places(tmp_path / "box"))


def admit(authority: Authority, applicant: Applicant, site: str = SITE) -> None:
    authority.admit(applicant.box, SiteId(site), public=applicant.public, request=applicant.request)


def test_every_private_key_is_readable_by_its_owner_alone(
    authority: Authority, places: CentrePlaces, tmp_path: Path
) -> None:
    box = Places(tmp_path / "box")
    enrol_here(authority, box, SITE)
    private = [*places.home.rglob("*.key"), *box.secrets.glob("*.key")]
    assert {
        "root.key",
        "escrow.key",
        "receipt.key",
        "command-silence.key",
        "ca.key",
        "broker.key",
        "centre.key",
        "box.key",
    } <= {path.name for path in private}
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_two_authorities_share_no_key(tmp_path: Path) -> None:
    one, two = CentrePlaces(tmp_path / "one"), CentrePlaces(tmp_path / "two")
    Authority.make(one)
    Authority.make(two)
    keys = {path.relative_to(one.home): path.read_bytes() for path in one.home.rglob("*.key")}
    assert len(keys) == 11
    assert all((two.home / name).read_bytes() != key for name, key in keys.items())


def test_a_root_is_never_made_twice(authority: Authority, places: CentrePlaces) -> None:
    before = places.root_public.read_bytes()
    with pytest.raises(FileExistsError):
        Authority.make(places)
    assert places.root_public.read_bytes() == before


def test_the_keyset_is_the_roots_and_names_the_keys_that_sign(authority: Authority, places: CentrePlaces) -> None:
    keyset = read_keyset(places.keyset.read_bytes(), places.root_public.read_bytes())
    receipt, silence = open_signer(places, Use.RECEIPT), open_signer(places, Use.COMMAND_SILENCE)
    assert keyset.key_of(Use.RECEIPT)(receipt.kid) == receipt.signer.public
    assert keyset.key_of(Use.COMMAND_SILENCE)(silence.kid) == silence.signer.public
    assert keyset.key_of(Use.RECEIPT)(silence.kid) is None


def test_a_key_that_the_keyset_does_not_name_is_not_used(authority: Authority, places: CentrePlaces) -> None:
    (places.keys / "receipt.key").write_bytes(bytes(32))
    with pytest.raises(AuthorityMissing, match="not in the keyset"):
        open_signer(places, Use.RECEIPT)


def test_nothing_made_yet_is_said_so(places: CentrePlaces) -> None:
    with pytest.raises(AuthorityMissing, match="missing"):
        Authority.open(places)


def test_an_admitted_box_takes_home_what_it_needs(authority: Authority, places: CentrePlaces, tmp_path: Path) -> None:
    home = Places(tmp_path / "box")
    box = enrol_here(Authority.open(places), home, SITE)
    certificate = x509.load_pem_x509_certificate((home.secrets / "tls.pem").read_bytes())
    issuer = x509.load_pem_x509_certificate((home.trust / "broker-ca.pem").read_bytes())
    certificate.verify_directly_issued_by(issuer)
    assert certificate.subject.rfc4514_string() == f"CN={box}"
    binding = read_binding((home.trust / "binding.jws").read_bytes(), (home.trust / "root.pub").read_bytes())
    assert (binding.box, binding.site) == (box, SITE)
    assert (home.trust / "keyset.jws").read_bytes() == places.keyset.read_bytes()


def test_the_centre_finds_the_key_that_the_box_signs_with(
    authority: Authority, places: CentrePlaces, tmp_path: Path
) -> None:
    home = Places(tmp_path / "box")
    box = enrol_here(authority, home, SITE)
    admission = Registry(places.boxes, places.root_public.read_bytes()).find(box)
    assert admission is not None
    assert admission.key == Signer((home.secrets / "box.key").read_bytes()).public


def test_a_box_admitted_later_is_found_without_a_restart(
    authority: Authority, places: CentrePlaces, applicant: Applicant
) -> None:
    registry = Registry(places.boxes, places.root_public.read_bytes())
    assert registry.find(applicant.box) is None
    admit(authority, applicant)
    assert registry.find(applicant.box) is not None


@pytest.mark.parametrize("name", ["../stray", "ktg-", "ktg-aaaaaa.1", "ktg-AAAAAAAA", "", "+"])
def test_a_name_that_is_no_box_id_is_not_looked_for(authority: Authority, places: CentrePlaces, name: str) -> None:
    """Even where a file lies at the end of that path, signed by the root in that very name."""
    root = Signer((places.keys / "root.key").read_bytes())
    path = places.boxes / f"{name}.jws"
    path.write_bytes(sign_admission(BoxId(name), SITE, bytes(32), root))
    assert Registry(places.boxes, root.public).find(name) is None


def test_an_admission_of_another_root_is_worth_nothing(
    authority: Authority, places: CentrePlaces, applicant: Applicant
) -> None:
    admit(authority, applicant)
    payload = b'{"box":"%s","site":"%s","public":"%s","v":1}' % (applicant.box.encode(), SITE.encode(), b"A" * 43)
    (places.boxes / f"{applicant.box}.jws").write_bytes(sign_jws(payload, "root", Signer(bytes(32))))
    assert Registry(places.boxes, places.root_public.read_bytes()).find(applicant.box) is None


def test_an_admission_copied_to_another_name_is_worth_nothing(
    authority: Authority, places: CentrePlaces, applicant: Applicant
) -> None:
    admit(authority, applicant)
    other = new_box_id()
    (places.boxes / f"{other}.jws").write_bytes((places.boxes / f"{applicant.box}.jws").read_bytes())
    assert Registry(places.boxes, places.root_public.read_bytes()).find(other) is None


def test_a_request_for_another_name_is_refused(authority: Authority, applicant: Applicant, tmp_path: Path) -> None:
    other = make_box_keys(Places(tmp_path / "other"))
    with pytest.raises(RequestRefused, match=applicant.box):
        authority.admit(applicant.box, SITE, public=applicant.public, request=other.request)


def test_a_box_cannot_ask_for_the_centres_name(authority: Authority, applicant: Applicant) -> None:
    with pytest.raises(NotAdmissible, match="box id"):
        authority.admit(BoxId(CENTRE_NAME), SITE, public=applicant.public, request=applicant.request)


def test_a_damaged_request_is_refused(authority: Authority, applicant: Applicant) -> None:
    with pytest.raises(RequestRefused):
        authority.admit(applicant.box, SITE, public=applicant.public, request=applicant.request[:-80])


def test_an_admitted_name_is_not_given_to_another_key(authority: Authority, applicant: Applicant) -> None:
    admit(authority, applicant)
    with pytest.raises(NotAdmissible, match="another key"):
        authority.admit(applicant.box, SITE, public=bytes(32), request=applicant.request)


def test_a_box_may_renew_its_certificate(authority: Authority, applicant: Applicant) -> None:
    admit(authority, applicant)
    admit(authority, applicant, "33.74.10.1004-010-006")


@pytest.mark.parametrize("site", ["33.74.10.1004-10-5", "../../etc", "33.74.10.1004-010-005\n", ""])
def test_a_site_must_have_the_form_of_a_site(authority: Authority, applicant: Applicant, site: str) -> None:
    with pytest.raises(NotAdmissible):
        admit(authority, applicant, site)


def test_a_revoked_box_is_named_in_a_newer_keyset_and_not_heard(
    authority: Authority, places: CentrePlaces, applicant: Applicant
) -> None:
    admit(authority, applicant)
    authority.revoke(applicant.box)
    keyset = open_keyset(places)
    assert (keyset.version, keyset.revoked) == (2, (applicant.box,))
    registry = Registry(places.boxes, places.root_public.read_bytes(), revoked=frozenset(keyset.revoked))
    assert registry.find(applicant.box) is None


def test_a_revoked_box_is_not_admitted_again(authority: Authority, places: CentrePlaces, applicant: Applicant) -> None:
    admit(authority, applicant)
    authority.revoke(applicant.box)
    issued = places.issued(applicant.box).read_bytes()
    with pytest.raises(NotAdmissible, match="was revoked"):
        admit(authority, applicant)
    assert places.issued(applicant.box).read_bytes() == issued


def test_a_box_that_was_never_admitted_cannot_be_revoked(authority: Authority, places: CentrePlaces) -> None:
    for name in ("ktg-aaaaaaaa", "../../keys/root"):
        with pytest.raises(NotAdmissible, match="never admitted"):
            authority.revoke(BoxId(name))
    assert open_keyset(places).version == 1


def test_a_rotated_key_signs_and_the_one_before_is_still_known(authority: Authority, places: CentrePlaces) -> None:
    before = open_signer(places, Use.RECEIPT)
    authority.rotate(Use.RECEIPT)
    after, keyset = open_signer(places, Use.RECEIPT), open_keyset(places)
    assert (before.kid, after.kid, keyset.version) == ("receipt-1", "receipt-2", 2)
    known = keyset.key_of(Use.RECEIPT)
    assert (known(before.kid), known(after.kid)) == (before.signer.public, after.signer.public)


def test_a_withdrawn_key_is_known_no_more_but_the_one_that_signs_stays(
    authority: Authority, places: CentrePlaces
) -> None:
    with pytest.raises(NotAdmissible, match="rotate receipt` first"):
        authority.withdraw("receipt-1")
    authority.rotate(Use.RECEIPT)
    authority.withdraw("receipt-1")
    assert [key.kid for key in open_keyset(places).keys if key.use is Use.RECEIPT] == ["receipt-2"]
    with pytest.raises(NotAdmissible, match="not in the keyset"):
        authority.withdraw("receipt-1")


def test_a_number_is_never_used_twice_while_the_key_before_it_is_known(authority: Authority) -> None:
    assert [authority.rotate(Use.COMMAND_SOUND).kid for _ in range(3)] == [f"command-sound-{n}" for n in (2, 3, 4)]


def test_box_ids_are_random_and_well_formed() -> None:
    made = {new_box_id() for _ in range(200)}
    assert len(made) == 200
    assert all(BOX_ID.fullmatch(box) for box in made)


def test_the_broker_certificate_is_for_loopback_only_when_nothing_else_is_asked(
    authority: Authority, places: CentrePlaces
) -> None:
    certificate = x509.load_pem_x509_certificate((places.certificates / "broker.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)


def test_certificates_end(authority: Authority, places: CentrePlaces) -> None:
    certificate = x509.load_pem_x509_certificate((places.certificates / "centre.pem").read_bytes())
    now: datetime = authority.now()
    assert certificate.not_valid_before_utc < now < certificate.not_valid_after_utc < now + timedelta(days=5 * 366)
