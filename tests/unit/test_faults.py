"""The catalogue: every code in both languages, explained, and shown in one shape."""

import re
from importlib import import_module
from pathlib import Path
from string import Formatter

import pytest

from edge.core import codes
from edge.core.faults import FACT_MAX, Exit, Fault, Language, Meaning, Wording

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "edge").rglob("*codes.py"))
ALL = [meaning for module in MODULES for meaning in import_module(module).CATALOGUE.values()]
EXPLAINED = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")

each = pytest.mark.parametrize("meaning", ALL, ids=[meaning.code for meaning in ALL])


def fields(*sentences: str) -> set[str]:
    return {name for sentence in sentences for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_no_code_has_two_meanings() -> None:
    names = [meaning.code for meaning in ALL]
    assert sorted(set(names)) == sorted(names)


@each
def test_a_code_speaks_both_languages_with_the_same_facts(meaning: Meaning) -> None:
    assert re.fullmatch(r"E(-[A-Z0-9]+)+", meaning.code)
    assert all([meaning.id, meaning.en, meaning.fix_id, meaning.fix_en])
    assert meaning.id != meaning.en
    assert fields(meaning.id) == fields(meaning.en)
    assert fields(meaning.fix_id) == fields(meaning.fix_en)


@each
def test_a_code_is_explained_in_both_languages(meaning: Meaning) -> None:
    chapter = EXPLAINED.partition(f"### {meaning.code}\n")[2].partition("\n### ")[0]
    assert len(re.findall(r"\w+", chapter)) > 12, f"docs/troubleshooting.md does not explain {meaning.code}"
    assert "*English:* " in chapter


def test_every_explained_code_exists() -> None:
    assert set(re.findall(r"^### (E-[A-Z0-9-]+)$", EXPLAINED, re.MULTILINE)) <= {meaning.code for meaning in ALL}


@each
def test_a_meaning_without_its_facts_still_speaks(meaning: Meaning) -> None:
    for language in Language:
        assert meaning.code in meaning.fault().say(language)


def test_the_shape_is_mark_code_text_and_one_thing_to_do() -> None:
    fault = Fault("E-X", Wording("rusak", "broken"), Wording("ganti.", "replace."), "site.toml:1")
    assert fault.say(Language.ID) == "✗ E-X  rusak\n  Lakukan: ganti."
    assert fault.say(Language.EN) == "✗ E-X  broken\n  Do: replace."
    assert fault.line() == "E-X broken"


def test_a_warning_looks_different() -> None:
    assert codes.CONFIG_BARE.fault(why="x").say(Language.EN).startswith("! E-CONFIG-BARE")


def test_a_fact_may_itself_be_in_both_languages() -> None:
    fault = codes.DEVICE_MISSING.fault(what=Wording("tombol", "button"))
    assert (fault.text.id, fault.text.en) == ("Perangkat tidak ada: tombol.", "The device is not there: button.")


def test_facts_are_cut_and_cleaned() -> None:
    fault = codes.DEVICE_MISSING.fault(what="\x1b[2J" + "x" * 1000)
    assert "\x1b" not in fault.text.en
    assert len(fault.text.en) < FACT_MAX + 40


def test_a_long_fact_keeps_both_its_ends() -> None:
    said = codes.DEVICE_MISSING.fault(what="/" + "folder/" * 100 + "root.key is away").text.en
    assert ": /folder/" in said
    assert "root.key is away" in said


def test_braces_in_a_fact_are_text() -> None:
    assert "{where}" in codes.DEVICE_MISSING.fault(where="secret", what="{where}").text.en


@pytest.mark.parametrize("code", ["E-DEVICE-MISSING", "E-DEVICE-BUSY", "E-DEVICE-PERMISSION", "E-DEVICE-CONFIG"])
def test_device_codes_leave_with_the_hardware_exit(code: str) -> None:
    assert codes.CATALOGUE[code].exit is Exit.HARDWARE
