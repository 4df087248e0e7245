"""Every cause that a daemon can name has words in both languages; no English word stands in an Indonesian sentence."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.dial import VERIFY_CAUSES
from drivers.mqtt_codes import DISCONNECTS, REFUSALS
from edge.core import codes
from edge.core.faults import Language
from edge.field.causes import CAUSES, CODES, in_words
from edge.field.troubles import fault_of

ROOT = Path(__file__).parents[2]
NAMING = {"DialFailed", "Down", "_fail"}  # calls whose first argument is a cause
FILES = ("drivers/dial.py", "drivers/mqtt.py", "drivers/wire.py", "drivers/failover.py", "drivers/mqtt_packets.py")
OF_BOX = ("edge/daemons/alarm/dispatch.py", "edge/daemons/alarm/line.py")


def named() -> Iterator[str]:
    """Causes written in the drivers that the relay uses."""
    for name in FILES:
        for node in ast.walk(ast.parse((ROOT / name).read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[first, *_]) if (
                    called in NAMING
                ):
                    yield from _texts(first)
                case ast.Assign(targets=[ast.Attribute(attr="cause")], value=value):
                    yield from _texts(value)
                case ast.Assign(
                    targets=[ast.Tuple(elts=[ast.Attribute(attr="cause"), *_])], value=ast.Tuple() as value
                ):
                    yield from _texts(value.elts[0])


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as text) if text:
            yield text
        case ast.IfExp():
            yield from (*_texts(node.body), *_texts(node.orelse))
        case ast.BoolOp():
            yield from (text for each in node.values for text in _texts(each))


def test_each_cause_that_the_drivers_name_has_words() -> None:
    found = {cause for cause in named() if not cause.endswith("-0x")} | {cause for cause, _ in VERIFY_CAUSES.values()}
    found |= {"moved"}
    assert len(found) >= 15
    assert found - set(CAUSES) == set()


def test_each_word_is_named_by_somebody() -> None:
    """Nothing is kept that no daemon says any more."""
    text = "".join(path.read_text("utf-8") for path in (*(ROOT / "drivers").glob("*.py"), *map(ROOT.joinpath, OF_BOX)))
    assert {cause for cause in CAUSES if f'"{cause}"' not in text} == set()


def test_each_code_of_a_broker_has_words() -> None:
    assert set(CODES) == set(REFUSALS) | set(DISCONNECTS)


@pytest.mark.parametrize("cause", [*CAUSES, "refused-0x87", "closed-0x9F"])
def test_both_languages_say_something_of_their_own(cause: str) -> None:
    told = in_words(cause)
    assert told.id != told.en
    assert cause == told.en or cause not in told.id.split(": ")


def test_a_trouble_says_its_cause_in_the_reader_s_language() -> None:
    fault = fault_of(codes.BROKER_TLS.code, "tls-not-yet-valid", "10.8.0.1:8883")
    assert "belum berlaku; apakah jam boks benar?" in fault.text[Language.ID]
    assert "tls-not-yet-valid" not in fault.text[Language.ID] + fault.text[Language.EN]
    refused = fault_of(codes.BROKER_REFUSED.code, "refused-0x87")
    assert "broker menolak sambungan: boks tidak berhak" in refused.text[Language.ID]


def test_what_nobody_has_words_for_is_shown_as_it_came() -> None:
    assert in_words("refused-0xEE").en == "refused-0xEE"
    assert in_words("refused-0xnonsense").id == "refused-0xnonsense"
    assert in_words("[Errno 5]\x1b[2J").id == "[Errno 5]?[2J"
