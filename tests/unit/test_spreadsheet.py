"""CSV that a spreadsheet shows and never runs."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.field.spreadsheet import csv_lines


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("opening", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_what_would_be_a_formula_is_text(opening: str) -> None:
    attack = f"{opening}HYPERLINK(A1)"
    ((_name,), (cell,)) = read("".join(csv_lines(["a"], [{"a": attack}])))
    assert cell == f"'{attack}"


def test_other_values_stay_as_they_are() -> None:
    row = {"n": 7, "yes": True, "raw": '{"a":"b, c"}', "two": "1\n2"}
    names, cells = read("".join(csv_lines(list(row), [row])))
    assert names == ["n", "yes", "raw", "two"]
    assert cells == ["7", "true", '{"a":"b, c"}', "1\n2"]


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2)))
def test_every_text_can_be_read_back(rows: list[list[str]]) -> None:
    told = "".join(csv_lines(["a", "b"], ({"a": a, "b": b} for a, b in rows)))
    harmless = [[cell.removeprefix("'") if cell[:1] == "'" else cell for cell in row] for row in rows]
    assert [[cell.removeprefix("'") for cell in row] for row in read(told)[1:]] == harmless


def test_a_line_is_made_when_it_is_asked_for() -> None:
    asked = []

    def rows() -> Iterator[dict[str, object]]:
        for number in range(3):
            asked.append(number)
            yield {"a": number}

    lines = csv_lines(["a"], rows())
    assert (next(lines), next(lines), asked) == ("a\r\n", "0\r\n", [0])
