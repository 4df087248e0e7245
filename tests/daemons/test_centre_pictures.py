"""The centre's end of a picture's way, in both stores: parts in any order, to two processes, forged, never whole."""

import hashlib
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from nacl.public import PublicKey, SealedBox

from drivers.letters import Letter
from edge.centre import album, reader
from edge.centre.authority import Authority
from edge.centre.boxkeys import enrol_here
from edge.centre.cli import centre as command
from edge.centre.gallery import BOX_PICTURES, UNFINISHED_BYTES
from edge.centre.ingest import EXPIRE_EVERY_NS, Ingest, Pictured
from edge.centre.picture_keys import PictureKeys
from edge.centre.places import CentrePlaces
from edge.centre.receipts import Receipts
from edge.centre.registry import Registry
from edge.centre.settings import CentreSettings, write_settings
from edge.centre.store import Store
from edge.centre.trust import open_keyset, open_signer
from edge.config.places import Places
from edge.core.events import Author, Frozen, freeze
from edge.core.messages import Receipt, decode
from edge.core.pictures import Header, parts_of
from edge.core.seal import Signer, Use, open_jws, unb64
from edge.core.timing import Stamp, TimeQuality
from edge.core.words import BoxId, Epoch, EventClass, EventId, Json, Record, SiteId

SITE = SiteId("33.74.10.1004-010-005")
EPOCH = Epoch("7c1f0b2e")
JPEG = b"\xff\xd8\xff\xe0" + b"kentongan" * 3000
DAY_NS = 24 * 3600 * 10**9


@dataclass
class Sent:
    """One picture as a box publishes it."""

    id: EventId
    header: Letter
    parts: list[Letter]

    @property
    def letters(self) -> list[Letter]:
        return [self.header, *self.parts]


class Centre:
    """Two ingest processes over one store, without a broker, and a box that signs."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.places = CentrePlaces(folder / "centre")
        self.authority = Authority.make(self.places)
        write_settings(self.places, CentreSettings(store=url))
        home = Places(folder / "box")
        self.box: BoxId = enrol_here(self.authority, home, SITE)
        self._signer = Signer((home.secrets / "box.key").read_bytes())
        self.now_ns = 1_795_525_522 * 10**9
        self._stores = [Store.open(url), Store.open(url)]
        self.keys = PictureKeys.read(self.places)
        self.ingests = [self._ingest(store) for store in self._stores]
        self._seq = 0

    def _ingest(self, store: Store) -> Ingest:
        registry = Registry(self.places.boxes, self.places.root_public.read_bytes())
        receipts = Receipts(open_signer(self.places, Use.RECEIPT), "Pusat Uji")
        keyset = open_keyset(self.places)
        return Ingest(
            store, registry, keyset, receipts, lambda: self.now_ns, pictures=self.keys, pictures_for=30 * DAY_NS
        )

    def close(self) -> None:
        for store in self._stores:
            store.close()

    def picture(self, content: bytes = JPEG, *, sealed: bytes = b"", alarm: str = "7c1f0b2e.1", **said: Json) -> Sent:
        self._seq += 1
        key = open_keyset(self.places).keys[-1]
        sealed = sealed or SealedBox(PublicKey(unb64(key.public))).encrypt(content)
        header = Header(
            camera="gerbang", frame=1, frames=1, taken="1", bootid="5f0e2a9c",
            sha256=hashlib.sha256(sealed).hexdigest(), size=len(sealed), parts=parts_of(len(sealed)), part_bytes=4096,
            kid=key.kid, alarm=alarm,
        )  # fmt: skip
        identity = EventId(EPOCH, self._seq)
        event = self._frozen(identity, {**header.content, **said})
        topic = f"kentongan/v1/{self.box}"
        pieces = [sealed[at : at + 4096] for at in range(0, len(sealed), 4096)]
        parts = [Letter(f"{topic}/picture/{identity}/{at}", piece) for at, piece in enumerate(pieces, start=1)]
        return Sent(identity, Letter(f"{topic}/event/picture", event.raw), parts)

    def _frozen(self, identity: EventId, content: dict[str, Json]) -> Frozen:
        record = Record(identity, EventClass.PICTURE, "picture", "camera/gerbang", content)
        author = Author(self.box, SITE, EPOCH, "5f0e2a9c")
        return freeze(record, Stamp(self.now_ns, 1, TimeQuality.SYNCED), author, self._signer)

    def take(self, *letters: Letter, by: int = 0) -> list[EventId]:
        """What is receipted after these."""
        harvest = self.ingests[by].take(letters)
        public = {"receipt-1": open_signer(self.places, Use.RECEIPT).signer.public}.get
        said = [decode(open_jws(dispatch.raw, public), Receipt) for dispatch in harvest.dispatches]
        self.pictured = [fact for fact in harvest.facts if isinstance(fact, Pictured)]
        return [
            EventId(have.epoch, seq)
            for receipt in said
            for have in receipt.have
            for first, last in have.ranges
            for seq in range(first, last + 1)
        ]

    def here(self) -> list[album.Shot]:
        return [shot for shot in album.shots(self.url) if shot.state == "here"]

    def refusals(self) -> dict[object, object]:
        return {row["reason"]: row["count"] for row in reader.troubles(self.url)["refusals"]}


@pytest.fixture
def centre(tmp_path: Path, url: str) -> Iterator[Centre]:
    centre = Centre(tmp_path, url)
    yield centre
    centre.close()


def test_a_picture_is_receipted_when_all_of_it_is_here_and_not_before(centre: Centre) -> None:
    sent = centre.picture()
    for letter in sent.letters[:-1]:
        assert centre.take(letter) == []
    assert centre.here() == []

    assert centre.take(sent.letters[-1]) == [sent.id]

    ((shot, jpeg),) = album.opened_shots(centre.url, centre.keys)
    assert jpeg == JPEG
    assert (shot.id, shot.alarm, shot.camera) == (str(sent.id), "7c1f0b2e.1", "gerbang")
    assert [fact.whole.camera for fact in centre.pictured] == ["gerbang"]


@pytest.mark.parametrize("seed", range(4))
def test_parts_come_in_any_order_twice_and_to_two_processes(centre: Centre, seed: int) -> None:
    sent = centre.picture()
    letters = sent.letters + sent.letters[2:5]
    random.Random(seed).shuffle(letters)
    receipted = [identity for number, letter in enumerate(letters) for identity in centre.take(letter, by=number % 2)]
    assert set(receipted) == {sent.id}
    assert [jpeg for _, jpeg in album.opened_shots(centre.url, centre.keys)] == [JPEG]


def test_a_lost_receipt_is_written_again_when_the_picture_comes_again(centre: Centre) -> None:
    sent = centre.picture()
    centre.take(*sent.letters)
    assert centre.take(sent.header) == [sent.id]
    assert centre.take(*sent.parts) == []
    assert centre.pictured == []  # nothing new
    assert len(centre.here()) == 1


def test_a_missing_part_is_waited_for_and_a_forged_one_costs_a_new_beginning(centre: Centre) -> None:
    sent = centre.picture()
    forged = Letter(sent.parts[1].topic, bytes(4096))
    assert centre.take(sent.header, sent.parts[0], forged, *sent.parts[3:]) == []
    assert centre.take(sent.parts[2]) == []
    assert centre.refusals() == {"picture: its bytes are not what the header says": 1}
    assert centre.take(*sent.parts) == [sent.id]


@pytest.mark.parametrize("content", [b"<html>", b"GIF89a", b""])
def test_what_is_no_jpeg_is_neither_kept_nor_receipted_and_somebody_hears_of_it(centre: Centre, content: bytes) -> None:
    assert centre.take(*centre.picture(content).letters) == []
    assert centre.here() == []
    assert [notice["code"] for notice in reader.troubles(centre.url)["notices"]] == ["picture"]


def test_what_is_sealed_to_nobody_is_not_receipted(centre: Centre) -> None:
    assert centre.take(*centre.picture(sealed=os.urandom(9000)).letters) == []
    assert centre.take(*centre.picture(kid="picture-9").letters) == []
    assert centre.here() == []
    assert set(centre.refusals()) == {
        "picture: not sealed for its key, or damaged", "picture: sealed to a key that is not here",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"parts": 3}, {"size": 300_000}, {"part_bytes": 100_000}, {"camera": "../x"}, {"frame": 0}, {"sha256": "x"},
        {"taken": "soon"}, {"frame": 2},
    ],
)  # fmt: skip
def test_a_header_whose_numbers_do_not_agree_is_refused(centre: Centre, wrong: dict[str, Json]) -> None:
    sent = centre.picture(JPEG, **wrong)  # type: ignore[arg-type]  # members of the event
    assert centre.take(sent.header) == []
    assert centre.refusals() == {"picture: its event is no header": 1}


@pytest.mark.parametrize(
    ("leaf", "size"),
    [
        ("7c1f0b2e.1/0", 10), ("7c1f0b2e.1/257", 10), ("7c1f0b2e.1/1", 0), ("7c1f0b2e.1/1", 8193), ("x/1", 10),
        ("7c1f0b2e.1", 10), ("7c1f0b2e.1/1/1", 10), ("7c1f0b2e.0/1", 10), ("7c1f0b2e.1/01", 10),
    ],
)  # fmt: skip
def test_a_part_that_none_can_be_is_refused(centre: Centre, leaf: str, size: int) -> None:
    assert centre.take(Letter(f"kentongan/v1/{centre.box}/picture/{leaf}", bytes(size))) == []
    assert list(centre.refusals().values()) == [1]


def test_a_part_beyond_its_header_is_refused(centre: Centre) -> None:
    sent = centre.picture()
    beyond = Letter(sent.parts[0].topic.replace("/1", "/99"), bytes(10))
    centre.take(sent.header, Letter(sent.parts[0].topic, bytes(10)), beyond)
    assert centre.refusals() == {"picture: a part that its header does not know": 2}


def test_parts_that_never_end_push_out_each_other_and_no_picture(centre: Centre) -> None:
    honest = centre.picture()
    topic = f"kentongan/v1/{centre.box}/picture"
    for seq in range(100, 100 + 2 * UNFINISHED_BYTES // 8192):
        centre.take(Letter(f"{topic}/7c1f0b2e.{seq}/1", bytes(8192)))
        centre.now_ns += 1
    assert centre.take(*honest.letters) == [honest.id]


def test_pictures_are_deleted_after_their_days_and_their_events_stay(centre: Centre) -> None:
    sent = centre.picture()
    centre.take(*sent.letters)
    centre.now_ns += 29 * DAY_NS
    centre.take(centre.picture().header)
    assert len(centre.here()) == 1
    centre.now_ns += DAY_NS + EXPIRE_EVERY_NS
    centre.take(centre.picture().header)
    assert centre.here() == []
    assert [entry["about"] for entry in reader.audit_entries(centre.url)] == [
        {"deleted": 1, "why": "older than pictures_days"}
    ]
    assert str(sent.id) in {f"{row['epoch']}.{row['seq']}" for row in reader.export(centre.url)}
    assert BOX_PICTURES > 0


def test_an_old_key_opens_old_pictures_and_the_new_one_new_ones(centre: Centre) -> None:
    before = centre.picture()
    assert centre.authority.rotate(Use.PICTURE).kid == "picture-2"
    centre.keys = PictureKeys.read(centre.places)
    for ingest in centre.ingests:
        ingest.pictures = centre.keys
    after = centre.picture()
    centre.authority.withdraw("picture-1")
    assert centre.take(*before.letters, *after.letters) == [before.id, after.id]
    assert sorted(shot.kid for shot in centre.here()) == ["picture-1", "picture-2"]


def operator(centre: Centre, *words: str) -> str:
    done = CliRunner().invoke(command, ["pictures", *words, "--root", str(centre.places.root), "--lang", "en"])
    assert done.exit_code == 0, done.output
    return done.output


def test_an_operator_lists_saves_and_deletes_and_it_is_written_down(centre: Centre, tmp_path: Path) -> None:
    centre.take(*centre.picture().letters, *centre.picture(alarm="7c1f0b2e.2").letters)
    assert [line.count("gerbang 1/1") for line in operator(centre).splitlines()] == [1, 1]
    folder = tmp_path / "seen"
    operator(centre, "7c1f0b2e.1", "--save", str(folder), "--by", "Sari")
    (saved,) = folder.iterdir()
    assert saved.read_bytes() == JPEG
    assert saved.stat().st_mode & 0o777 == 0o600
    operator(centre, "7c1f0b2e.1", "--box", centre.box, "--delete", "--by", "Budi")
    assert [(entry["operator"], entry["kind"]) for entry in reader.audit_entries(centre.url)] == [
        ("Sari", "picture"), ("Budi", "picture"),
    ]  # fmt: skip
    assert [shot.alarm for shot in centre.here()] == ["7c1f0b2e.2"]
    assert reader.audit_state(centre.url).broken == ""
