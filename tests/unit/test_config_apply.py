"""Applying: what is wrong, cut or poorer never replaces what runs."""

import os
import stat
from pathlib import Path

import pytest

from edge.config.active import numbered, read_active, read_bare
from edge.config.apply import apply
from edge.config.generations import KEPT
from edge.config.kits import load_kit
from edge.config.places import Places
from edge.config.sample import sample
from edge.core.faults import Refused

GOOD = Path(__file__).resolve().parents[2] / "configs/broken/good.toml"


class Household:
    def own(self) -> int:
        return 1000

    def named(self, _name: str) -> int | None:
        return 900


USERS = Household()


@pytest.fixture
def places(root: Path) -> Places:
    return Places(root)


def written(folder: Path, text: bytes | str) -> Path:
    path = folder / "new.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(places: Places, path: Path) -> list[str]:
    with pytest.raises(Refused) as caught:
        apply(places, path, USERS)
    return [fault.code for fault in caught.value.faults]


def state(places: Places) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in places.root.rglob("*") if path.is_file()}


def test_a_good_file_becomes_generation_active_pins_and_site(places: Places) -> None:
    applied = apply(places, GOOD, USERS)
    assert applied.changed
    assert read_active(places).configuration == applied.configuration
    assert read_bare(places).configuration is not None
    assert sorted(str(path.relative_to(places.root)) for path in places.root.rglob("*") if path.is_file()) == [
        "boot/firmware/kentongan/bare.json",
        "etc/kentongan/site.toml",
        "var/lib/kentongan/config/active.json",
        "var/lib/kentongan/config/gen-1.json",
        "var/lib/kentongan/config/gen-1.toml",
    ]
    assert places.site.read_bytes() == GOOD.read_bytes()


def test_every_daemon_may_read_it_and_only_its_owner_may_write_it(places: Places) -> None:
    before = os.umask(0o077)
    try:
        apply(places, GOOD, USERS)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in places.generations.iterdir()}
    assert set(modes.values()) == {0o644}


def test_the_same_file_again_changes_nothing(places: Places) -> None:
    apply(places, GOOD, USERS)
    before = state(places)
    again = apply(places, places.site, USERS)
    assert (again.changed, again.configuration.generation) == (False, 1)
    assert state(places) == before


def test_a_lost_copy_is_made_again(places: Places) -> None:
    apply(places, GOOD, USERS)
    before = state(places)
    places.bare.unlink()
    apply(places, GOOD, USERS)
    assert state(places) == before


def test_a_spoilt_active_is_replaced_by_applying_the_same_file(places: Places) -> None:
    apply(places, GOOD, USERS)
    (places.generations / "active.json").write_bytes(b"{}")
    assert apply(places, GOOD, USERS).configuration.generation == 2
    assert read_active(places).faults == ()


@pytest.mark.parametrize("broken", sorted(path for path in GOOD.parent.glob("*.toml") if path != GOOD))
def test_a_broken_file_replaces_nothing(places: Places, broken: Path) -> None:
    apply(places, GOOD, USERS)
    before = state(places)
    assert refusal(places, broken) != []
    assert state(places) == before


def test_a_good_file_cut_at_any_byte_never_replaces_the_last_good(places: Places, tmp_path: Path) -> None:
    whole = GOOD.read_bytes()
    good = apply(places, GOOD, USERS).configuration
    for length in range(len(whole)):
        path = written(tmp_path, whole[:length])
        if length < len(whole) - 1:
            assert refusal(places, path) != []
        else:  # only the last line end is gone
            assert apply(places, path, USERS).configuration == good
        assert read_active(places).configuration == good


def test_a_shorter_file_is_taken_when_that_is_meant(places: Places, tmp_path: Path) -> None:
    apply(places, GOOD, USERS)
    path = written(tmp_path, GOOD.read_text().partition("[[sounder]]")[0])
    assert refusal(places, path) == ["E-SHORTER", "E-LOST"]
    applied = apply(places, path, USERS, accept_loss=True)
    assert [sounder.id for sounder in applied.configuration.sounders] == ["sirene"]


def test_an_edited_file_that_lost_a_button_is_asked_about(places: Places, tmp_path: Path) -> None:
    apply(places, GOOD, USERS)
    path = written(tmp_path, GOOD.read_text().replace('"warung"', '"toko"'))
    with pytest.raises(Refused) as caught:
        apply(places, path, USERS)
    assert [(fault.code, 'zone "warung"' in fault.text.en) for fault in caught.value.faults] == [("E-LOST", True)]


def test_an_edited_file_that_lost_nothing_is_taken(places: Places, tmp_path: Path) -> None:
    apply(places, GOOD, USERS)
    path = written(tmp_path, GOOD.read_text().replace("hold_s = 1.0", "hold_s = 0.5"))
    assert apply(places, path, USERS).configuration.generation == 2


def test_texts_are_kept_as_long_as_their_generations(places: Places, tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        apply(places, written(tmp_path, GOOD.read_text().replace("Bu Sri", f"Bu {number}")), USERS)
    kept = sorted(int(path.stem.removeprefix("gen-")) for path in places.generations.glob("gen-*.toml"))
    assert kept == sorted(number for number, _ in numbered(places)) == [3, 4, 5, 6, 7]


def test_an_unwritable_state_folder_is_named_and_nothing_changes(places: Places) -> None:
    apply(places, GOOD, USERS)
    (places.state / "config").rename(places.state / "kept")
    (places.state / "config").write_bytes(b"a file where the folder should be")
    with pytest.raises(Refused) as caught:
        apply(places, GOOD, USERS)
    assert [fault.code for fault in caught.value.faults] == ["E-STATE-READONLY"]


def test_a_missing_boot_partition_only_warns(places: Places) -> None:
    (places.root / "boot").write_bytes(b"not a folder")
    applied = apply(places, GOOD, USERS)
    assert [fault.code for fault in applied.faults] == ["E-BARE-UNWRITTEN"]
    assert read_active(places).configuration == applied.configuration


def test_a_sample_of_one_kit_over_another_is_asked_about(places: Places, tmp_path: Path) -> None:
    apply(places, written(tmp_path, sample(load_kit("demo"))), USERS)
    assert refusal(places, written(tmp_path, sample(load_kit("rt-standard")))) == ["E-LOST"]
