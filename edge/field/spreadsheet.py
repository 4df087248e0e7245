"""Rows as CSV (RFC 4180) that a spreadsheet shows and never runs."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

# What Excel, LibreOffice and Google Sheets take for the beginning of a formula, also where a tab or a line end hides
# it (OWASP, CSV Injection); the last four are the full-width forms.
OPENS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_lines(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """A line of names, then one record for each row as it comes, each with its line end."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for cells in _cells(names, rows):
        writer.writerow(cells)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _cells(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[Sequence[str]]:
    yield names
    for row in rows:
        yield [_harmless(row[name]) for name in names]


def _harmless(value: object) -> str:
    """A cell as text: an apostrophe before what would be a formula."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"'{text}" if text.startswith(OPENS_FORMULA) else text
