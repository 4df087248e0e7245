"""systemd/alarm_off.py, which systemd runs after alarm's death, for those who stand in for systemd or the kernel."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Final

from drivers.sim.lines import Copper

SCRIPT: Final = Path(__file__).parents[1] / "systemd/alarm_off.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("alarm_off", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def switch_off(outputs: Path, board: Path, at_ns: int) -> int:
    """ExecStopPost= on a virtual board: the script itself, with the board in the place of the kernel's chip.

    outputs: the list that alarm left in /run; board: the folder of the virtual lines
    returns: the script's exit code
    """
    script = load()
    with Copper(board) as copper:

        def drive(_chip: int, offset: int, level: int) -> int:
            held = copper.claim(f"GPIO{offset}", "alarm_off")
            copper.drive(f"GPIO{offset}", at_ns, level=bool(level))
            return held

        script.header_chip, script.drive = (lambda: -1), drive  # type: ignore[attr-defined]  # the kernel's part
        return int(script.main([str(outputs)]))
