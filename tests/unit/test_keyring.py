"""Which keys count: only the root's word, only forwards, at once and over a restart."""

import os
from pathlib import Path

import pytest

from edge.config.places import Places
from edge.core.seal import Binding, CentreKey, Forged, Keyset, Signer, Use, b64, sign_by_root
from edge.core.words import BoxId, SiteId
from edge.daemons.alarm.identity import read_identity
from edge.daemons.alarm.keyring import Keyring

BOX, SITE = BoxId("ktg-k7q2m9xa"), SiteId("33.74.10.1004-010-005")
ROOT, STRANGER = Signer(bytes([1] * 32)), Signer(bytes([2] * 32))
WITHIN_S = 10.0


def keyset(version: int, *revoked: BoxId, kid: str = "receipt-1") -> Keyset:
    return Keyset(version, (CentreKey(kid, Use.RECEIPT, b64(STRANGER.public), 0, 2**40),), revoked)


def signed(version: int, *revoked: BoxId, kid: str = "receipt-1") -> bytes:
    return sign_by_root(keyset(version, *revoked, kid=kid), ROOT)


def ring(version: int = 1, path: Path | None = None) -> Keyring:
    return Keyring(BOX, keyset(version), ROOT.public, path)


def test_a_newer_keyset_counts_at_once() -> None:
    keys = ring()
    assert keys.take(signed(2, kid="receipt-2"))
    assert keys.keyset.key_of(Use.RECEIPT)("receipt-2") == STRANGER.public
    assert keys.keyset.key_of(Use.RECEIPT)("receipt-1") is None


def test_the_same_keyset_again_is_no_news() -> None:
    assert not ring().take(signed(1))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (signed(1), "version: 1 offered, 3 believed"),
        (signed(3, kid="receipt-9"), "version: 3 offered, 3 believed"),
        (sign_by_root(keyset(4), STRANGER), "signature does not match"),
        (sign_by_root(Binding(BOX, SITE), ROOT), "signed by the root, but not of the expected form"),
        (b"", "not a compact JWS"),
        (b"x" * 20_000, "larger than 16384 bytes"),
    ],
    ids=["older", "same-version-other-keys", "stranger", "other-form", "empty", "huge"],
)
def test_what_is_not_newer_or_not_the_roots_changes_nothing(raw: bytes, reason: str) -> None:
    keys = ring(3)
    with pytest.raises(Forged, match=reason):
        keys.take(raw)
    assert keys.keyset == keyset(3)


def test_without_a_pinned_root_nothing_is_believed() -> None:
    with pytest.raises(Forged, match="no root is pinned"):
        Keyring(BOX, None, None, None).take(signed(1))


def test_a_box_learns_that_it_was_revoked() -> None:
    keys = ring()
    assert not keys.is_revoked
    keys.take(signed(2, BoxId("ktg-aaaaaaaa"), BOX))
    assert keys.is_revoked


def laid_down(root: Path, version: int) -> Places:
    places = Places(root)
    places.trust.mkdir(parents=True)
    (places.trust / "root.pub").write_bytes(ROOT.public)
    (places.trust / "keyset.jws").write_bytes(signed(version))
    return places


def believed(places: Places) -> int:
    identity = read_identity(places, SITE)
    assert identity.keyset is not None
    return identity.keyset.version


def test_what_came_from_the_broker_is_believed_after_a_restart(tmp_path: Path) -> None:
    places = laid_down(tmp_path, 1)
    keys = ring(1, places.keyset)
    keys.take(signed(2))
    keys.take(signed(5))
    keys.settle(WITHIN_S)
    assert believed(places) == 5


@pytest.mark.parametrize(("old", "new"), [(5, 2), (2, 5)])
def test_an_older_file_brings_no_old_key_back(tmp_path: Path, old: int, new: int) -> None:
    places = laid_down(tmp_path, old)
    places.keyset.parent.mkdir(parents=True)
    places.keyset.write_bytes(signed(new))
    assert believed(places) == 5


@pytest.mark.parametrize("content", [b"", b"\xff" * 99, signed(9)[:-4], sign_by_root(keyset(9), STRANGER)])
def test_a_kept_keyset_that_is_broken_or_foreign_is_as_if_absent(tmp_path: Path, content: bytes) -> None:
    places = laid_down(tmp_path, 3)
    places.keyset.parent.mkdir(parents=True)
    places.keyset.write_bytes(content)
    assert believed(places) == 3


def test_a_power_cut_after_the_keyset_was_kept_does_not_bring_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename is on the card when its folder is."""
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    keys = ring(1, tmp_path / "keyset.jws")
    keys.take(signed(2))
    keys.settle(WITHIN_S)
    assert [Path(each).parent == tmp_path for each in synced] == [True, False]
    assert synced[-1] == str(tmp_path)


def test_a_keyset_that_cannot_be_kept_counts_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    keys = ring(1, tmp_path / "file" / "keyset.jws")
    assert keys.take(signed(2))
    keys.settle(WITHIN_S)
    assert keys.keyset.version == 2
