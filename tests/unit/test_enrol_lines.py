"""Texts that people carry: whole, or told what is wrong with them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.faults import Language
from edge.enrol.lines import CONTENT_MAX, LINE_MAX, Kind, Unreadable, content_of, lines_of

LONG = bytes(range(256)) * 64 + b"".join(number.to_bytes(4, "big") for number in range(1500))
QR_ALPHANUMERIC = re.compile(r"[0-9A-Z $%*+./:-]*")  # ISO/IEC 18004, table 5


def why(text: str, kind: Kind = Kind.ANSWER) -> str:
    with pytest.raises(Unreadable) as caught:
        content_of(kind, text)
    assert caught.value.said[Language.ID] != caught.value.said[Language.EN]
    return str(caught.value)


@given(st.binary(max_size=6000), st.sampled_from(Kind))
def test_what_was_written_is_read(content: bytes, kind: Kind) -> None:
    assert content_of(kind, lines_of(kind, content)) == content


def test_every_line_fits_a_qr_code_and_needs_its_small_alphabet_only() -> None:
    lines = lines_of(Kind.ANSWER, LONG).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= LINE_MAX
    assert all(QR_ALPHANUMERIC.fullmatch(line) for line in lines)


def test_order_case_blanks_and_what_stands_around_do_not_matter() -> None:
    first, *others = lines_of(Kind.ANSWER, LONG).splitlines()
    wrapped = "\r\n > ".join(others[::-1]).lower() + "\nSalam, pusat\n" + "\n".join(re.findall(".{1,60}", first))
    assert content_of(Kind.ANSWER, wrapped.replace("> ", " ")) == LONG


@pytest.mark.parametrize("place", [30, 400, 1700, -1])
def test_one_wrong_letter_is_told_with_its_line(place: int) -> None:
    first, second, *rest = lines_of(Kind.ANSWER, LONG).splitlines()
    wrong = "B" if second[place] != "B" else "C"
    damaged = second[:place] + wrong + second[place + 1 or len(second) :]
    assert why("\n".join([first, damaged, *rest])) == "line 2 was not copied whole"


def test_a_missing_line_is_named() -> None:
    lines = lines_of(Kind.ANSWER, LONG).splitlines()
    assert why("\n".join(lines[:1] + lines[2:])).startswith(f"line 2 of {len(lines)} ")


def test_lines_of_two_texts_are_not_mixed() -> None:
    one, other = lines_of(Kind.ANSWER, LONG).splitlines(), lines_of(Kind.ANSWER, LONG[::-1]).splitlines()
    assert "mixed" in why("\n".join([one[0], *other[1:]]))


def test_a_request_is_not_read_as_an_answer() -> None:
    assert why(lines_of(Kind.REQUEST, b"x")) == "this is a request, not an answer"


@pytest.mark.parametrize("text", ["", "KTG1:", "hello", "KTG1:A:1/1:AAAAAAAA:AAAA", "\N{SNOWMAN}" * 3000])
def test_what_is_no_such_text_is_told(text: str) -> None:
    assert "KTG1:" in why(text)


def test_a_small_text_does_not_unpack_to_a_large_one() -> None:
    assert "too large" in why(lines_of(Kind.ANSWER, bytes(CONTENT_MAX + 1)))
    assert content_of(Kind.ANSWER, lines_of(Kind.ANSWER, bytes(CONTENT_MAX))) == bytes(CONTENT_MAX)
