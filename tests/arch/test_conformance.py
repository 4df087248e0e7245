"""docs/conformance.md against the tree: what it names exists, and a row shows something or says what it cannot."""

import re

import pytest

from tests.arch.tree import ROOT

PAGE = (ROOT / "docs/conformance.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")][
    1:
]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_there_is_a_row_for_each_fault() -> None:
    assert len(ROWS) == 31
    assert all(len(row) == 4 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_shows_something_or_says_why_not(row: list[str]) -> None:
    _, _, shown, missing = row
    assert "::" in shown or missing


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED)))
def test_what_it_names_exists(path: str, name: str) -> None:
    assert (ROOT / path).is_file()
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_no_name_is_hidden_by_its_form() -> None:
    assert PAGE.count("::") == len(NAMED)
