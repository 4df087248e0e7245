"""A daemon in which one call raises, once, as soon as the file `fault` lies in its root: `planted PROGRAM CALL ...`.

PROGRAM: a module with `main`, "kentongan" for the command line. CALL: "module:Class.method", or "module:name".
"""

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

FAULT, RAISED = "fault", "raised"


class Planted(RuntimeError):
    """What no code foresees."""


def plant(call: str, root: Path) -> None:
    module, _, path = call.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    setattr(owner, name, _faulty(getattr(owner, name), root))


def _faulty(original: Callable[..., object], root: Path) -> Callable[..., object]:
    @wraps(original, updated=())
    def faulty(*args: object, **kwargs: object) -> object:
        try:
            (root / FAULT).rename(root / RAISED)
        except FileNotFoundError:
            return original(*args, **kwargs)
        raise Planted(original.__name__)

    return faulty


def main(program: str, call: str) -> None:
    del sys.argv[1:3]
    plant(call, Path(sys.argv[sys.argv.index("--root") + 1]))
    if program == "kentongan":
        import_module("edge.field.cli").main()
    else:
        sys.exit(import_module(program).main())


if __name__ == "__main__":
    main(*sys.argv[1:3])
