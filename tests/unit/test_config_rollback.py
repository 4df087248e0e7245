"""One step back, and where each value comes from."""

from pathlib import Path

import pytest

from edge.config.active import read_active
from edge.config.apply import apply, roll_back
from edge.config.origin import origins
from edge.config.places import Places
from edge.core.faults import Refused
from tests.unit.test_config_load import SITE, USERS


def written(places: Places, name: str, kit: str = "rt-standard") -> int:
    places.site.parent.mkdir(parents=True, exist_ok=True)
    places.site.write_text(f'kit = "{kit}"\n{SITE.replace("RT 005 / RW 010 Tembalang", name)}', encoding="utf-8")
    return apply(places, places.site, USERS).configuration.generation


def active(places: Places) -> tuple[int, str]:
    configuration = read_active(places).configuration
    assert configuration is not None
    return configuration.generation, configuration.site.name


def test_rollback_brings_back_what_ran_before_with_its_text(tmp_path: Path) -> None:
    places = Places(tmp_path)
    written(places, "satu")
    text = places.site.read_bytes()
    written(places, "dua")
    assert roll_back(places).generation == 3
    assert active(places) == (3, "satu")
    assert places.site.read_bytes() == text
    assert roll_back(places).site.name == "dua"  # a step back is a step that can be taken back


def test_rollback_to_a_number(tmp_path: Path) -> None:
    places = Places(tmp_path)
    for name in ("satu", "dua", "tiga"):
        written(places, name)
    assert roll_back(places, 1).site.name == "satu"
    assert active(places) == (4, "satu")


@pytest.mark.parametrize("number", [None, 7, 0])
def test_what_is_not_there_changes_nothing_and_names_what_is(tmp_path: Path, number: int | None) -> None:
    places = Places(tmp_path)
    written(places, "satu")
    with pytest.raises(Refused) as caught:
        roll_back(places, number)
    (fault,) = caught.value.faults
    assert (fault.code, "1" in fault.text.en) == ("E-GENERATION", True)
    assert active(places) == (1, "satu")


def test_a_damaged_generation_is_passed_over_or_refused_by_name(tmp_path: Path) -> None:
    places = Places(tmp_path)
    for name in ("satu", "dua", "tiga"):
        written(places, name)
    (places.generations / "gen-2.json").write_bytes(b"{}")
    with pytest.raises(Refused):
        roll_back(places, 2)
    assert roll_back(places).site.name == "satu"


def test_each_value_names_the_line_that_says_it(tmp_path: Path) -> None:
    places = Places(tmp_path)
    written(places, "satu")
    configuration = read_active(places).configuration
    assert configuration is not None
    found = {each.key: each.where for each in origins(places.site.read_bytes(), "site.toml", configuration)}
    lines = places.site.read_text(encoding="utf-8").splitlines()
    assert found["kit"] == "site.toml:1"
    rt = lines.index('rt = "005"') + 1
    assert found["site.rt"] == f"site.toml:{rt}"
    assert found["zone.pos-ronda.pin"].startswith("kit rt-standard:")
    assert found["panel.sound_s"] == ""
    assert {"version", "generation"}.isdisjoint(found)
