"""Press -> sounder on gpiozero's mock pins: the whole alarm daemon beside a bare gpiozero callback in its process."""

import json
import sys
from pathlib import Path
from typing import Final

from edge.field.children import Child
from tests.bench.box import AT_ONCE, rewrite, volatile
from tests.bench.figures import Line, compare
from tests.daemons.alarm_box import AlarmBox

PRESSES: Final = 240
MEASURE_MAX_S: Final = 90.0


def lines(folder: Path) -> list[Line]:
    result = folder / "result.json"
    with volatile(folder / "box"), AlarmBox(folder, kit="lab") as box:
        text = box.places.site.read_text("utf-8").replace('kit = "lab"', 'kit = "lab"\ndriver = "mock"')
        box.site = rewrite(box.places, text + AT_ONCE)
        words = ["-m", "tests.bench.mocked", str(box.places.root), str(result), str(PRESSES)]
        secrets = {"CREDENTIALS_DIRECTORY": str(box.places.secrets)}
        with Child("alarm", [sys.executable, *words], folder / "mocked.log", secrets) as child:
            child.wait_ready()
            if not box.wires.watch(lambda _: result.exists() or not child.running, MEASURE_MAX_S) or not child.running:
                raise TimeoutError(f"the alarm did not finish its presses: {child.last_words()}")
        measured = json.loads(result.read_text())
    return [compare("press -> siren, mock pins", measured["ours"], "bare gpiozero callback", measured["bare"])]
