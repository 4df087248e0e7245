"""What "off" is on each output, left in /run for the one who switches off after our death (systemd/alarm_off.py)."""

from collections.abc import Iterable
from pathlib import Path

from drivers.lines import line_number, on_level
from drivers.ports import OutputWiring


def note_rest(path: Path, outputs: Iterable[OutputWiring]) -> None:
    """Write one line per output, "GPIO24 0": its name and the level that is off. Call it before the first is driven.

    path:   /run/kentongan/outputs, on tmpfs; replaced as a whole, so a reader sees the old list or the new one
    raises: OSError, Configuration
    """
    rows = [f"GPIO{line_number(output.line)} {int(not on_level(output))}\n" for output in outputs]
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text("".join(rows), encoding="ascii")
    fresh.replace(path)
