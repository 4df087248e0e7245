"""A fake of the other end is worth something as long as it cannot share a mistake with what it is met by."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CAMERA = ROOT / "drivers/sim/camera"


def test_the_simulated_camera_knows_the_standard_library_and_itself() -> None:
    foreign = [
        (path.name, module)
        for path in sorted(CAMERA.glob("*.py"))
        for module in modules(path)
        if module.partition(".")[0] not in sys.stdlib_module_names and not module.startswith("drivers.sim.camera")
    ]

    assert foreign == []


def test_no_driver_knows_the_simulated_camera() -> None:
    friends = [path.name for path in (ROOT / "drivers").glob("*.py") if "drivers.sim.camera" in set(modules(path))]

    assert friends == []


def modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""
