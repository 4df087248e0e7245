"""Orders beside the panel: a disk that hangs holds up one of them; a diagnosis is small, whole and tells no secret."""

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from edge.config.drafts import Draft, read_draft
from edge.config.load import load
from edge.config.model import Configuration
from edge.config.places import Places
from edge.core.status import BoxStatus
from edge.daemons.alarm import beside, diagnosis
from edge.daemons.alarm.beside import BUSY, Beside
from tests.unit.test_config_load import SITE, USERS

PATIENCE_S = 20.0
PHONE = "081234567890"
DRAFT = Draft("j1", "Sari", '[calls]\nfire = "theft"\n')


@pytest.fixture
def site() -> Configuration:
    loaded = load(f'kit = "rt-standard"\n{SITE}'.encode(), name="site.toml", users=USERS).configuration
    assert loaded is not None
    return replace(loaded, site=replace(loaded.site, phone=PHONE))


class Told:
    """What a follower answered, once."""

    def __init__(self) -> None:
        self._there = threading.Event()
        self.reason, self.found = "nothing", b""

    def __call__(self, reason: str, found: bytes) -> None:
        self.reason, self.found = reason, found
        self._there.set()

    def wait(self) -> "Told":
        assert self._there.wait(PATIENCE_S)
        return self


def test_a_draft_lies_in_the_inbox_before_it_is_answered(tmp_path: Path, site: Configuration) -> None:
    told = Told()
    Beside(Places(tmp_path), site, list).lay(DRAFT, told)
    assert told.wait().reason == ""
    assert read_draft(Places(tmp_path)) == DRAFT


def test_while_one_hangs_the_next_is_refused_and_not_queued(
    tmp_path: Path, site: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, going_on = threading.Event(), threading.Event()

    def hang(_places: Places, _draft: Draft) -> None:
        hangs.set()
        assert going_on.wait(PATIENCE_S)

    monkeypatch.setattr(beside, "put_draft", hang)
    follower, first, second = Beside(Places(tmp_path), site, list), Told(), Told()
    follower.lay(DRAFT, first)
    assert hangs.wait(PATIENCE_S)
    follower.diagnose(cast("BoxStatus", None), second)
    assert second.wait().reason == BUSY
    going_on.set()
    assert first.wait().reason == ""


def test_a_disk_that_fails_is_told_and_not_more_than_that(tmp_path: Path, site: Configuration) -> None:
    (tmp_path / "var").write_bytes(b"no folder")
    told = Told()
    Beside(Places(tmp_path), site, list).lay(DRAFT, told)
    assert told.wait().reason.startswith("disk: ")
    assert str(tmp_path) not in told.reason


def test_a_diagnosis_names_what_there_is_and_no_telephone(tmp_path: Path, site: Configuration) -> None:
    places = Places(tmp_path)
    places.ledger.parent.mkdir(parents=True)
    places.ledger.write_bytes(bytes(100))
    found = json.loads(diagnosis.diagnosis(places, site, {"lamp": "siaga"}, ["armed"]))
    assert (found["state"], found["log"]) == ({"lamp": "siaga"}, ["armed"])
    assert {"name": "ledger/ledger.db", "bytes": 100} in found["files"]
    assert found["configuration"]["site"]["phone"] == "***"
    assert PHONE not in json.dumps(found)
    assert found["machine"]["VmRSS"].endswith("kB")


def test_a_part_that_cannot_be_read_leaves_the_others(tmp_path: Path, site: Configuration) -> None:
    found = json.loads(diagnosis.diagnosis(Places(tmp_path / "gone"), site, {}, []))
    assert "unreadable" in found["disk"]
    assert found["configuration"]["site"]["id"] == site.site.id


def test_the_oldest_lines_go_where_there_is_no_room(tmp_path: Path, site: Configuration) -> None:
    lines = [f"{number} " + "ü" * 390 for number in range(200)]
    raw = diagnosis.diagnosis(Places(tmp_path), site, {}, lines)
    kept = json.loads(raw)["log"]
    assert diagnosis.LIMIT // 2 < len(raw) <= diagnosis.LIMIT
    assert kept == lines[-len(kept) :]


def test_a_state_that_leaves_no_room_at_all_still_fits(tmp_path: Path, site: Configuration) -> None:
    raw = diagnosis.diagnosis(Places(tmp_path), site, {"zones": "x" * 40_000}, ["y" * 60_000])
    assert len(raw) <= diagnosis.LIMIT
    assert json.loads(raw)["log"] == []
