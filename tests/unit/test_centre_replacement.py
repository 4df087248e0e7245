"""One box follows another: nobody waits for what is gone, everybody waits for the walk test."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from edge.centre import reader
from edge.centre.places import CentrePlaces
from edge.centre.replacement import replaced
from edge.centre.snapshot import Measured, Scraper, Snapshot
from edge.centre.store import EPOCHS_LIMIT, Store
from edge.centre.stored import opened
from edge.core.faults import Exit
from edge.core.messages import Beat
from edge.core.words import BoxId, Epoch, SiteId
from edge.enrol.box import standing
from edge.enrol.lines import Kind, content_of
from tests.field.desk import SITE, Desk

OLD, NEW = BoxId("ktg-oldoldol"), BoxId("ktg-newnewne")

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def path(root: Path) -> Path:
    return CentrePlaces(root).store


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as store:
        yield store


def beaten(store: Store, box: BoxId, epoch: str, head: int, *, ordinal: int = 1) -> None:
    with store.group(1) as group:
        group.beat(Beat(box, "n", Epoch(epoch), ordinal, head, "2026-11-23T13:05:22.417Z", "synced", head))


def follow(path: Path) -> None:
    replaced(path, [OLD], NEW, site=SiteId(SITE), operator="Budi")


def seen(path: Path, folder: Path) -> Snapshot:
    return Scraper(partial(opened, path), Measured(), folder / "forward.db", lambda: 10**18).look()


def test_nothing_is_missing_of_a_box_that_is_gone_however_many_epochs(store: Store, path: Path) -> None:
    for number in range(EPOCHS_LIMIT + 3):
        beaten(store, OLD, f"{number:08x}", 5, ordinal=number + 1)
    beaten(store, NEW, "ffffffff", 5)
    follow(path)
    assert {each.box for each in reader.behind(path)} == {NEW}
    entry = next(entry for entry in reader.audit_entries(path) if entry["kind"] == "replacement")
    assert (entry["box"], entry["operator"]) == (OLD, "Budi")
    assert entry["about"] == {"by": NEW, "site": SITE, "lost": 5 * (EPOCHS_LIMIT + 3)}


def test_metrics_wait_for_the_new_box_only(store: Store, path: Path, tmp_path: Path) -> None:
    for box in (OLD, NEW):
        beaten(store, box, "7c1f0b2e", 5)
    assert seen(path, tmp_path).boxes.keys() == {OLD, NEW}
    follow(path)
    after = seen(path, tmp_path)
    assert after.boxes.keys() == {NEW}
    assert after.notices == {("replaced", OLD): 1, ("walk", NEW): 1}


def test_doing_it_again_changes_nothing(store: Store, path: Path) -> None:
    beaten(store, OLD, "7c1f0b2e", 5)
    follow(path)
    follow(path)
    assert len(reader.troubles(path)["notices"]) == 2
    assert [entry["kind"] for entry in reader.audit_entries(path)].count("replacement") == 1
    assert reader.behind(path) == []


# ---- from the command line -------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A centre with one commissioned box."""
    desk = Desk(tmp_path / "desk")
    desk.box("old")
    desk.at_centre("token", SITE, "--out", desk.file("token"))
    assert desk.at_box("old", "--token", desk.file("token"), "--request", desk.file("request")) == Exit.OK
    assert desk.at_centre("approve", desk.file("request"), "--yes", "--out", desk.file("answer")) == Exit.OK
    assert desk.at_box("old", "--accept", desk.file("answer")) == Exit.OK
    desk.at_centre("replace", SITE, "--out", desk.file("token"))
    assert desk.at_box("new", "--token", desk.file("token"), "--request", desk.file("request")) == Exit.OK
    return desk


def test_a_new_box_by_files_gets_the_old_site_toml_byte_for_byte(desk: Desk, capsys: Captured) -> None:
    old = standing(desk.place("old"))
    assert old is not None
    assert not desk.place("new").site.exists()
    assert desk.at_centre("approve", desk.file("request"), "--yes", "--out", desk.file("answer")) == Exit.OK
    assert f"{old.box} revoked" in capsys.readouterr().err
    assert b"rt-standard" not in content_of(Kind.ANSWER, Path(desk.file("answer")).read_text())
    assert desk.at_box("new", "--accept", desk.file("answer")) == Exit.OK
    assert desk.place("new").site.read_bytes() == desk.place("old").site.read_bytes()
    assert (desk.place("new").generations / "active.json").exists()


def test_a_cut_after_the_revocation_is_made_good_by_doing_it_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object, **__: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr("edge.centre.replacement.replaced", cut)
        assert desk.at_centre("approve", desk.file("request"), "--yes", "--out", desk.file("answer")) != Exit.OK
    assert desk.at_centre("approve", desk.file("request"), "--yes", "--out", desk.file("answer")) == Exit.OK
    assert desk.at_box("new", "--accept", desk.file("answer")) == Exit.OK
    assert desk.place("new").site.read_bytes() == desk.place("old").site.read_bytes()
    assert [each["code"] for each in reader.troubles(desk.centre.store)["notices"]] == ["replaced", "walk"]


def test_a_copy_is_read_by_nobody_without_the_offline_key(desk: Desk) -> None:
    copies = list(desk.centre.boxes.glob("*.site"))
    assert len(copies) == 1
    (desk.folder / "stick").mkdir()
    assert desk.at_centre("root", "export", desk.file("stick")) == Exit.OK
    plain = desk.place("old").site.read_bytes()
    assert [path for path in desk.centre.home.rglob("*") if path.is_file() and plain[:40] in path.read_bytes()] == []


def test_a_site_without_a_box_is_not_replaced(desk: Desk, capsys: Captured) -> None:
    assert desk.at_centre("replace", "33.74.10.1004-010-099") == Exit.USAGE
    assert "✗ E-BOX-NONE-THERE" in capsys.readouterr().err


def test_an_acknowledgement_looks_into_the_store_that_is_named(desk: Desk, capsys: Captured) -> None:
    words = ("ack", "7c1f0b2e.1", "--ticket", "T-1", "--by", "Sari")
    assert desk.at_centre(*words) == Exit.USAGE
    assert desk.at_centre(*words, "--store", f"sqlite:///{desk.folder}/elsewhere.db") == Exit.PREREQUISITE
    assert "elsewhere.db" in capsys.readouterr().err
