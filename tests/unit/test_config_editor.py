"""What an editor is told of site.toml: the same as the check, as far as shapes go."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from edge.config.editor import NAME, editor_schema
from edge.config.kits import kit_names, load_kit
from edge.config.resources import CHECKOUT
from edge.config.sample import sample

BROKEN = CHECKOUT / "broken"
VALIDATOR = Draft7Validator(editor_schema())


def parsed(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except ValueError:
        return None


def test_the_committed_schema_is_the_generated_one() -> None:
    Draft7Validator.check_schema(editor_schema())
    assert json.loads((CHECKOUT / NAME).read_text(encoding="utf-8")) == editor_schema()


@pytest.mark.parametrize("kit", kit_names())
def test_the_sample_of_every_kit_is_valid(kit: str) -> None:
    assert list(VALIDATOR.iter_errors(tomllib.loads(sample(load_kit(kit))))) == []


def test_the_good_file_is_valid() -> None:
    assert list(VALIDATOR.iter_errors(parsed(BROKEN / "good.toml"))) == []


def test_an_editor_underlines_most_of_what_the_check_refuses() -> None:
    files = [path for path in sorted(BROKEN.glob("*.toml")) if path.stem != "good" and parsed(path) is not None]
    unseen = [path.stem for path in files if not list(VALIDATOR.iter_errors(parsed(path)))]
    assert len(unseen) <= len(files) // 4, unseen


@pytest.mark.parametrize("pin", ["17", "GPIO28", "GPIO017", "PIN1", "PIN41", "gpio17", ""])
def test_a_pin_that_is_none_is_underlined(pin: str) -> None:
    site = tomllib.loads(sample(load_kit("rt-standard")) + f'[[zone]]\nid = "a"\npin = "{pin}"\n')
    assert list(VALIDATOR.iter_errors(site))
