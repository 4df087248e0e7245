"""What "off" is on each output, left in /run for the one who switches off after our death (systemd/alarm_off.py)."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from drivers.lines import line_number, on_level
from drivers.ports import Configuration, OutputWiring


def note_rest(path: Path, outputs: Iterable[OutputWiring]) -> None:
    """Write one line per output, "GPIO24 0": its name and the level that is off. Call it before the first is driven.

    path:    /run/kentongan/outputs, on tmpfs; replaced as a whole, so a reader sees the old list or the new one
    outputs: one whose line cannot be is left out: nobody will ever drive it
    raises:  OSError
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text("".join(_rows(outputs)), encoding="ascii")
    fresh.replace(path)


def _rows(outputs: Iterable[OutputWiring]) -> Iterator[str]:
    for output in outputs:
        try:
            yield f"GPIO{line_number(output.line)} {int(not on_level(output))}\n"
        except Configuration:
            continue
