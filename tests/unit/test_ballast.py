"""Room that is kept for the moment when there is none."""

from pathlib import Path

import pytest

from edge.ledger import ballast
from edge.ledger.ballast import BALLAST_BYTES, Ballast


def test_it_takes_up_its_room_until_it_is_given(tmp_path: Path) -> None:
    kept = Ballast(tmp_path)
    assert not kept.give()
    assert kept.make()
    file = tmp_path / "ballast"
    assert file.stat().st_blocks * 512 >= BALLAST_BYTES
    assert kept.make()
    assert kept.give()
    assert not file.exists()


def test_half_of_one_is_made_whole(tmp_path: Path) -> None:
    (tmp_path / "ballast").write_bytes(b"x")
    assert Ballast(tmp_path).make()
    assert (tmp_path / "ballast").stat().st_size == BALLAST_BYTES


def test_a_disk_with_too_little_room_left_gets_none_for_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballast, "NEED", 2**40)
    assert Ballast(tmp_path).make(), "a disk that is too small for ever"
    assert not (tmp_path / "ballast").exists()


def test_where_nothing_can_be_written_there_is_none(tmp_path: Path) -> None:
    kept = Ballast(tmp_path / "gone")
    assert not kept.make()
    assert not kept.give()
