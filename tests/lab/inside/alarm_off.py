"""Run the script that switches off after the daemon's death, on the real device; its facts as one line of JSON.

python3 -m tests.lab.inside.alarm_off
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import gpiod
from gpiod.line import Direction, Value

from drivers.ports import OutputWiring
from drivers.rest import note_rest
from tests.lab.inside.chip import Analyser

SCRIPT = Path(__file__).parents[3] / "systemd/alarm_off.py"
OUTPUTS = (OutputWiring("GPIO24", "high-on"), OutputWiring("GPIO25", "low-on"), OutputWiring("GPIO26", "high-on"))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, Analyser.recording() as analyser, held(26):
        path = Path(folder) / "outputs"
        note_rest(path, OUTPUTS)
        ended = subprocess.run(
            [sys.executable, "-I", "-S", SCRIPT, path], check=False, stderr=subprocess.PIPE, text=True
        )
        print(
            json.dumps(
                {
                    "code": ended.returncode,
                    "stderr": ended.stderr,
                    "driven": {line: analyser.driven(line) for line in (24, 25)},
                }
            )
        )
    return 0


def held(line: int) -> gpiod.LineRequest:
    """Own a line as a daemon that does not die would."""
    off = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value.INACTIVE)
    return gpiod.request_lines("/dev/gpiochip0", consumer="somebody", config={line: off})


if __name__ == "__main__":
    sys.exit(main())
