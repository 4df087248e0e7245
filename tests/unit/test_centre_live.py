"""The root speaks while the centre runs: what it says counts without a restart, and only forwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.centre.authority import Authority
from edge.centre.boxkeys import enrol_here
from edge.centre.ingest import Ingest
from edge.centre.live import LOOK_EVERY_S, LiveKeys
from edge.centre.places import CentrePlaces
from edge.centre.receipts import Receipts, Tally
from edge.centre.registry import Registry
from edge.centre.store import Store
from edge.centre.trust import open_keyset, open_signer
from edge.config.places import Places
from edge.core.messages import Receipt, decode
from edge.core.seal import Use, open_jws
from edge.core.words import BoxId, SiteId

SITE = SiteId("33.74.10.1004-010-005")


class Centre:
    def __init__(self, folder: Path, store: Store) -> None:
        self.places = CentrePlaces(folder / "centre")
        self.authority = Authority.make(self.places)
        self.box = enrol_here(self.authority, Places(folder / "box"), SITE)
        self.now_s = 100.0
        keyset = open_keyset(self.places)
        self.receipts = Receipts(open_signer(self.places, Use.RECEIPT), "pusat")
        self.registry = Registry(self.places.boxes, self.places.root_public.read_bytes())
        ingest = Ingest(store, self.registry, keyset, self.receipts)
        self.live = LiveKeys(self.places, keyset, ingest, self.receipts, lambda: self.now_s)

    def look(self) -> bool:
        self.now_s += LOOK_EVERY_S
        return self.live.news()


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    with Store.open(tmp_path / "centre.db") as store:
        yield Centre(tmp_path, store)


def test_a_box_revoked_while_the_centre_runs_is_not_heard(centre: Centre) -> None:
    assert centre.registry.find(centre.box) is not None
    centre.authority.revoke(centre.box)
    assert centre.look()
    assert centre.registry.find(centre.box) is None
    assert not centre.look()


def test_a_rotated_receipt_key_signs_the_next_receipt(centre: Centre) -> None:
    centre.authority.rotate(Use.RECEIPT)
    assert centre.look()
    (dispatch,) = centre.receipts.write(BoxId(centre.box), Tally(), "2026-11-23T13:05:22.431Z")
    only_new = {"receipt-2": open_signer(centre.places, Use.RECEIPT).signer.public}
    assert decode(open_jws(dispatch.raw, only_new.get), Receipt).box == centre.box


def test_what_the_root_did_not_sign_or_said_before_changes_nothing(centre: Centre) -> None:
    first = centre.places.keyset.read_bytes()
    centre.authority.revoke(centre.box)
    assert centre.look()
    second = centre.places.keyset.read_bytes()
    for wrong in (first, b"", second[:-5]):
        centre.places.keyset.write_bytes(wrong)
        assert not centre.look()
        assert centre.live.raw == second
    assert centre.registry.find(centre.box) is None
