"""The schemas of `--json`: what is committed is what the types say; tests/field holds real outputs against them."""

import json

import pytest
from jsonschema import Draft202012Validator

from edge.config.resources import CHECKOUT
from edge.field.schemas import schemas

DOCS = CHECKOUT.parent / "docs"
MADE = schemas()
AGAIN = "write them anew: .venv/bin/python -m edge.field.schemas docs/schemas/cli"


def test_the_committed_schemas_are_the_generated_ones() -> None:
    paths = (DOCS / "schemas/cli").glob("*.json")
    written = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    assert written == json.loads(json.dumps(MADE)), AGAIN


@pytest.mark.parametrize("name", MADE)
def test_each_is_a_schema_and_the_contract_leads_to_it(name: str) -> None:
    Draft202012Validator.check_schema(MADE[name])
    assert f"(schemas/cli/{name}.json)" in (DOCS / "contract.md").read_text(encoding="utf-8")
