"""docs/configuration.md against the model: its examples load, its table has every key and no other."""

import re
from pathlib import Path

from edge.config.layers import PARTS
from edge.config.load import load
from edge.config.model import Calls, Cameras, Lamp, Panel, Site, Sounder, Uplink, Zone
from edge.config.schema import choices_of, keys_of

PAGE = (Path(__file__).resolve().parents[2] / "docs/configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
SECTIONS = {
    "[site]": Site, "[panel]": Panel, "[calls]": Calls, "[cameras]": Cameras, "[uplink]": Uplink,
    "[[zone]]": Zone, "[[sounder]]": Sounder, "[[lamp]]": Lamp,
}  # fmt: skip


class Household:
    def own(self) -> int:
        return 1000

    def named(self, _name: str) -> int | None:
        return 900


def documented() -> dict[str, dict[str, str]]:
    """section -> key -> what the table says about it."""
    table: dict[str, dict[str, str]] = {}
    section = ""
    rows = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("|")]
    for first, keys, told in rows[2:]:
        section = first.strip(" `") or section
        for key in re.findall(r"`(\w+)`", keys):
            table.setdefault(section, {})[key] = told
    return table


def test_the_ten_lines_are_ten_and_load() -> None:
    assert EXAMPLES[0].count("\n") == 10
    result = load(EXAMPLES[0].encode(), name="site.toml", users=Household())
    assert (result.faults, result.configuration is not None) == ((), True)


def test_the_changes_load_behind_the_ten_lines() -> None:
    result = load((EXAMPLES[0] + EXAMPLES[1]).encode(), name="site.toml", users=Household())
    assert result.faults == ()
    assert result.configuration is not None
    assert [zone.id for zone in result.configuration.zones] == ["pos-ronda", "rumah-rt", "masjid"]
    assert result.configuration.lamps == ()


def test_the_table_has_every_key_and_no_other() -> None:
    told = documented()
    for section, values in SECTIONS.items():
        assert told[section].keys() == set(keys_of(values)) - {"lab"}, section


def test_the_table_names_every_choice() -> None:
    told = documented()
    for section, values in SECTIONS.items():
        for key in set(keys_of(values)) - {"lab"}:
            missing = [word for word in choices_of(values, key) if f"`{word}`" not in told[section][key]]
            assert missing == [] or (section, key) == ("[[lamp]]", "relay"), (section, key)  # told at the sounder


def test_parts_and_sections_are_the_documented_ones() -> None:
    assert {f"[[{kind}]]" for kind in PARTS} <= documented().keys()
