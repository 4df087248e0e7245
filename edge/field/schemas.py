"""What `--json` writes, as JSON Schemas generated from the types that it is written from.

`python -m edge.field.schemas docs/schemas/cli` writes them; a test compares what is committed with what is generated.
Members may be added later; what is listed keeps its form.
"""

import sys
from pathlib import Path
from typing import Any, Final

from edge.centre.schemas import inlined, titled, write
from edge.field.cameras import Trial
from edge.field.config_commands import Checked, Installed, Rewritten, Shown, Stands
from edge.field.ledger_commands import Proved
from edge.field.status import ExplainedStatus
from edge.field.watch import Away, Seen
from edge.ledger.reader import Entry
from edge.link.counter import Found
from edge.link.counter import Shown as Camera

FORMS: Final[dict[str, tuple[Any, ...]]] = {
    "status": (ExplainedStatus,),
    "watch": (Seen, Away),
    "ledger-ls": (list[Entry],),
    "ledger-show": (Proved,),
    "ledger-export": (Entry,),
    "config-check": (Checked,),
    "config-apply": (Installed,),
    "config-rollback": (Installed,),
    "config-migrate": (Rewritten,),
    "config-show": (Shown,),
    "config-show-origin": (dict[str, Stands],),
    "cameras-scan": (list[Found],),
    "cameras-list": (list[Camera],),
    "cameras-test": (list[Trial],),
}
"""Command -> what it writes, or one of several; watch and ledger-export write one on each line."""


def schemas() -> dict[str, dict[str, Any]]:
    """One for each command, by its name with dashes."""
    return titled({name: _one_of([inlined(form) for form in forms]) for name, forms in FORMS.items()})


def _one_of(made: list[dict[str, Any]]) -> dict[str, Any]:
    for schema in made:
        schema.pop("title", None)
    return made[0] if len(made) == 1 else {"anyOf": made}


if __name__ == "__main__":
    write(Path(sys.argv[1]), schemas())
