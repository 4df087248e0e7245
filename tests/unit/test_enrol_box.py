"""A box enrols: it makes its keys once, through any power cut, and believes no answer that is not its own."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.centre.approval import approve
from edge.centre.authority import Authority
from edge.centre.places import CentrePlaces
from edge.config.places import Places
from edge.core.faults import Refused
from edge.core.seal import Binding, Keyset, Signer, sign_by_root
from edge.core.words import BoxId, SiteId
from edge.daemons.alarm.identity import read_identity
from edge.enrol.box import accept, ask, give_up, standing
from edge.enrol.forms import Answer, Invitation, fingerprint, read_answer, read_request, same_print, sign_answer
from edge.enrol.keys import box_id
from edge.enrol.sealed import sealed_for, unsealed
from edge.enrol.tls_key import authority_print

SITE = SiteId("33.74.10.1004-010-005")
SITE_TOML = f'kit = "rt-standard"\n\n[site]\nid = "{SITE}"\nname = "RT 005"\nrt = "005"\nrw = "010"\n'.encode()


@pytest.fixture
def centre(tmp_path: Path) -> CentrePlaces:
    return CentrePlaces(tmp_path / "centre")


@pytest.fixture
def authority(centre: CentrePlaces) -> Authority:
    return Authority.make(centre)


@pytest.fixture
def box(tmp_path: Path) -> Places:
    return placed(tmp_path / "box")


@pytest.fixture
def token(centre: CentrePlaces, authority: Authority) -> Invitation:
    return invited(centre)


def invited(centre: CentrePlaces) -> Invitation:
    root, escrow = centre.root_public.read_bytes(), centre.escrow_public.read_bytes()
    pin = authority_print((centre.certificates / "ca.pem").read_bytes())
    return Invitation(SITE, root, pin, escrow, "", bytes(16), 0)


def placed(root: Path) -> Places:
    places = Places(root)
    places.site.parent.mkdir(parents=True)
    places.site.write_bytes(SITE_TOML)
    return places


def vouched(_: bytes) -> bool:
    return True


def answered(authority: Authority, centre: CentrePlaces, raw: bytes) -> bytes:
    return approve(authority, centre, read_request(raw))


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        action()
    return caught.value.faults[0].code


# ---- the way that works ----------------------------------------------------------------------------------------------


def test_a_box_that_was_let_in_is_who_the_root_says(authority: Authority, centre: CentrePlaces, box: Places) -> None:
    request, raw = ask(box, None)
    enrolled = accept(box, answered(authority, centre, raw), None, vouched)
    identity = read_identity(box, SITE)
    assert (enrolled.box, enrolled.site) == (identity.box, identity.site) == (request.box, SITE)
    assert identity.faults == ()
    assert identity.signer.public == request.public


def test_private_keys_stay_on_the_box(box: Places) -> None:
    _, raw = ask(box, None)
    assert (box.secrets / "box.key").read_bytes() not in raw
    assert b"PRIVATE" not in raw
    assert {stat.S_IMODE((box.secrets / f"{name}.key").stat().st_mode) for name in ("box", "tls")} == {0o600}


def test_a_token_says_the_site_of_a_box_that_has_no_site_toml(tmp_path: Path, token: Invitation) -> None:
    assert ask(Places(tmp_path / "new"), token)[0].site == SITE
    assert code_of(lambda: ask(Places(tmp_path / "new"), None)) == "E-ENROL-SITE"


def test_a_token_for_another_site_is_refused(box: Places, token: Invitation) -> None:
    other = msgspec.structs.replace(token, site=SiteId("33.74.10.1004-010-006"))
    assert code_of(lambda: ask(box, other)) == "E-ENROL-SITE"
    assert not box.secrets.exists()


def test_the_copy_of_site_toml_is_for_the_centre_alone(
    authority: Authority, centre: CentrePlaces, box: Places, token: Invitation
) -> None:
    _, raw = ask(box, token)
    assert b"rt-standard" not in raw
    answered(authority, centre, raw)
    reader = Signer(bytes(range(32)))
    copy = centre.copy(str(box_id(box))).read_bytes()
    assert read_request(raw).config == copy
    assert authority.resealed(copy, reader.public) != copy


def test_a_renewal_hands_over_the_site_toml_of_today_without_a_token(
    authority: Authority, centre: CentrePlaces, box: Places
) -> None:
    request, raw = ask(box, None)
    assert request.config == b""  # it knows no key to seal it for
    accept(box, answered(authority, centre, raw), None, vouched)
    box.site.write_bytes(SITE_TOML + b"\n# changed\n")
    answered(authority, centre, ask(box, None, renew=True)[1])
    reader = bytes(range(32))
    copy = authority.resealed(centre.copy(request.box).read_bytes(), Signer(reader).public)
    assert unsealed(reader, copy) == box.site.read_bytes()


# ---- power cuts ------------------------------------------------------------------------------------------------------


class Cut(BaseException):
    """The power is gone."""


@contextmanager
def power_cut(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[list[str]]:
    """The `at`-th change of a folder (odd: just before it, even: just after it) is the last thing that happens."""
    steps: list[str] = []

    def cutting(name: str, real: Any) -> Callable[..., object]:
        def step(path: Path, *words: object, **more: object) -> object:
            if path.name.startswith("."):  # a temporary file's, but for the rename that puts it in place
                if name == "unlink":
                    return real(path, *words, **more)
            elif name == "unlink" and not path.exists():
                return real(path, *words, **more)
            for done in (False, True):
                if done:
                    result = real(path, *words, **more)
                steps.append(f"{name} {path.name} {done}")
                if len(steps) == at:
                    raise Cut
            return result

        return step

    with monkeypatch.context() as patch:
        for name in ("replace", "rename", "unlink"):
            patch.setattr(Path, name, cutting(name, getattr(Path, name)))
        yield steps


def cut_everywhere(monkeypatch: pytest.MonkeyPatch, action: Callable[[int], Callable[[], object]]) -> int:
    """Run `action(n)()` with a cut at step n, for every n that there is; it is then run again, whole."""
    at = 0
    while True:
        at += 1
        run = action(at)
        with power_cut(monkeypatch, at) as steps:
            try:
                run()
            except Cut:
                pass
            else:
                assert len(steps) == at - 1
                return at - 1
        run()


def test_keys_made_through_a_power_cut_are_the_same_box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[int, set[bytes]] = {}

    def action(at: int) -> Callable[[], object]:
        box = placed(tmp_path / str(at))

        def run() -> None:
            try:
                ask(box, None)
            finally:
                for name in ("box.id", "box.key", "tls.key"):
                    if (box.secrets / name).exists():
                        seen.setdefault(at, set()).add((box.secrets / name).read_bytes())

        return run

    assert cut_everywhere(monkeypatch, action) == 6  # three files, before and after each
    assert {len(files) for files in seen.values()} == {3}


def test_an_answer_taken_home_through_a_power_cut_is_whole(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, centre: CentrePlaces, tmp_path: Path
) -> None:
    def action(at: int) -> Callable[[], object]:
        box = placed(tmp_path / str(at))
        answer = answered(authority, centre, ask(box, None)[1])

        def run() -> None:
            try:
                accept(box, answer, None, vouched)
            finally:
                if standing(box) is not None:
                    assert (read_identity(box, SITE).faults, (box.secrets / "tls.pem").exists()) == ((), True)

        return run

    assert cut_everywhere(monkeypatch, action) == 12  # six files


def test_a_new_identity_through_a_power_cut_never_mixes_the_two(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, centre: CentrePlaces, tmp_path: Path
) -> None:
    def action(at: int) -> Callable[[], object]:
        box = placed(tmp_path / str(at))
        old, raw = ask(box, None)
        accept(box, answered(authority, centre, raw), None, vouched)

        def run() -> None:
            if box_id(box) == old.box:
                give_up(box, old.box)
            new, again = ask(box, None)
            assert (new.box != old.box, new.public != old.public) == (True, True)
            answered(authority, centre, again)

        return run

    assert cut_everywhere(monkeypatch, action) >= 16


# ---- what a box does not believe -------------------------------------------------------------------------------------


def altered(authority: Authority, answer: bytes, **members: object) -> bytes:
    return authority.signed(msgspec.structs.replace(read_answer(answer), **members))


def test_an_answer_that_somebody_changed_is_refused(authority: Authority, centre: CentrePlaces, box: Places) -> None:
    answer = answered(authority, centre, ask(box, None)[1])
    for place in range(0, len(answer), 97):
        wrong = answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :]
        assert code_of(lambda raw=wrong: accept(box, raw, None, vouched)) == "E-ENROL-ANSWER"  # type: ignore[misc]
    assert standing(box) is None


def test_an_answer_for_another_box_is_refused(
    authority: Authority, centre: CentrePlaces, box: Places, tmp_path: Path
) -> None:
    other = placed(tmp_path / "other")
    answer = answered(authority, centre, ask(other, None)[1])
    assert code_of(lambda: accept(box, answer, None, vouched)) == "E-ENROL-NOT-ASKED"
    ask(box, None)
    assert code_of(lambda: accept(box, answer, None, vouched)) == "E-ENROL-ANSWER"


@pytest.mark.parametrize("what", ["certificate", "site", "keyset", "revoked", "authority", "older"])
def test_each_part_of_an_answer_is_looked_at(
    authority: Authority, centre: CentrePlaces, box: Places, what: str
) -> None:
    """Even where the root has signed the whole: a mistake at the centre must not make a box that cannot work."""
    token, folder = invited(centre), centre.root.parent
    request, raw = ask(box, token)
    other = placed(folder / "other")
    good, others = answered(authority, centre, raw), read_answer(answered(authority, centre, ask(other, None)[1]))
    root = Signer((centre.keys / "root.key").read_bytes())
    keyset = authority.keyset
    stranger = Authority.make(CentrePlaces(folder / "stranger"))
    elsewhere = Binding(request.box, SiteId("33.74.10.1004-010-006"))
    revoked = Keyset(9, keyset.keys, (BoxId(request.box),))
    foreign = stranger.admit(request.box, SITE, public=request.public, request=request.request)
    members: dict[str, dict[str, object]] = {
        "certificate": {"certificate": others.certificate},
        "site": {"binding": sign_by_root(elsewhere, root)},
        "keyset": {"keyset": foreign.keyset},
        "revoked": {"keyset": sign_by_root(revoked, root)},
        "authority": {"certificate": foreign.certificate, "broker_authority": foreign.broker_authority},
        "older": {},
    }
    if what == "older":
        (box.trust).mkdir(parents=True, exist_ok=True)
        (box.trust / "keyset.jws").write_bytes(sign_by_root(Keyset(9, keyset.keys), root))
    before = tree(box)
    bad = altered(authority, good, **members[what])
    assert code_of(lambda: accept(box, bad, token, vouched)) == "E-ENROL-ANSWER"
    assert tree(box) == before
    (box.trust / "keyset.jws").unlink(missing_ok=True)
    assert accept(box, good, token, vouched).box == request.box


def tree(places: Places) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in places.root.rglob("*") if path.is_file()}


def test_a_root_that_nobody_vouches_for_is_not_pinned(
    authority: Authority, centre: CentrePlaces, box: Places, token: Invitation, tmp_path: Path
) -> None:
    answer = answered(authority, centre, ask(box, None)[1])
    assert code_of(lambda: accept(box, answer, None, lambda _: False)) == "E-ENROL-ROOT"
    wrong = msgspec.structs.replace(token, root=bytes(32))
    assert code_of(lambda: accept(box, answer, wrong, vouched)) == "E-ENROL-ROOT"
    assert not (box.trust / "root.pub").exists()
    accept(box, answer, token, lambda _: False)  # the token has it: nobody is asked
    foreign_places = CentrePlaces(tmp_path / "foreign")
    foreign = Authority.make(foreign_places)
    other = answered(foreign, foreign_places, ask(box, None, renew=True)[1])
    assert code_of(lambda: accept(box, other, None, vouched)) == "E-ENROL-ROOT"  # once pinned, nobody is asked either


def test_a_fingerprint_is_compared_as_people_say_it(authority: Authority, centre: CentrePlaces) -> None:
    root = centre.root_public.read_bytes()
    said = fingerprint(root)
    assert same_print(root, said.replace("-", " ").lower())
    assert not same_print(root, said[:-1] + ("A" if said[-1] != "A" else "B"))
    assert not same_print(root, said[:14])


# ---- keys are for life -----------------------------------------------------------------------------------------------


def test_an_enrolled_box_keeps_its_keys_unless_it_is_named(
    authority: Authority, centre: CentrePlaces, box: Places
) -> None:
    first, raw = ask(box, None)
    accept(box, answered(authority, centre, raw), None, vouched)
    assert code_of(lambda: ask(box, None)) == "E-ENROL-ALREADY"
    renewed = ask(box, None, renew=True)[0]
    assert (renewed.box, renewed.public) == (first.box, first.public)
    before = tree(box)
    assert code_of(lambda: give_up(box, "ktg-aaaaaaaa")) == "E-ENROL-AGAIN"
    assert tree(box) == before
    site = box.site.read_bytes()
    box.site.write_bytes(b"not a site.toml")
    with pytest.raises(Refused):
        ask(box, None, again=first.box)
    box.site.write_bytes(site)
    assert tree(box) == before  # what cannot be asked for throws nothing away
    give_up(box, first.box)
    again = ask(box, None)[0]
    assert (again.box != first.box, again.public != first.public) == (True, True)


def test_keys_without_a_name_are_told_and_left_alone(box: Places) -> None:
    box.secrets.mkdir()
    (box.secrets / "box.key").write_bytes(os.urandom(32))
    before = tree(box)
    assert code_of(lambda: ask(box, None)) == "E-ENROL-KEYS"
    assert tree(box) == before


# ---- the site.toml of the box before ---------------------------------------------------------------------------------


def test_another_site_toml_is_never_overwritten(authority: Authority, centre: CentrePlaces, box: Places) -> None:
    request, raw = ask(box, None)
    answer = altered(authority, answered(authority, centre, raw), config=sealed_for(request.public, b"x = 1\n"))
    assert [fault.code for fault in accept(box, answer, None, vouched).faults] == ["E-ENROL-CONFIG"]
    assert box.site.read_bytes() == SITE_TOML


def test_a_forged_answer_type(authority: Authority, centre: CentrePlaces, box: Places) -> None:
    """A root's signature over something else is not one over an answer."""
    _, raw = ask(box, None)
    answer = read_answer(answered(authority, centre, raw))
    root = Signer((centre.keys / "root.key").read_bytes())
    body = msgspec.msgpack.encode(answer)
    assert code_of(lambda: accept(box, msgspec.msgpack.encode([body, root.sign(body)]), None, vouched)) == (
        "E-ENROL-ANSWER"
    )
    assert isinstance(read_answer(sign_answer(answer, root)), Answer)
