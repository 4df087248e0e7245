"""The script that switches off after our death: what it reads is what we write, what it asks the kernel is well formed.

That the kernel does as asked is seen on a real character device, in tests/lab.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from drivers.ports import OutputWiring
from drivers.rest import note_rest
from tests.off_script import SCRIPT, load


@pytest.fixture
def alarm_off() -> ModuleType:
    return load()


class Kernel:
    """Stands for the chip: notes what is asked for, refuses what is held."""

    def __init__(self, held: frozenset[int] = frozenset()) -> None:
        self.held = held
        self.driven: list[tuple[int, int]] = []

    def drive(self, _chip: int, offset: int, level: int) -> int:
        if offset in self.held:
            raise OSError(16, "Device or resource busy")
        self.driven.append((offset, level))
        return os.open("/dev/null", os.O_RDONLY)


def test_each_output_is_driven_to_its_own_off_level(
    alarm_off: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernel = Kernel()
    monkeypatch.setattr(alarm_off, "header_chip", lambda: 3)
    monkeypatch.setattr(alarm_off, "drive", kernel.drive)
    note_rest(tmp_path / "outputs", [OutputWiring("GPIO24", "high-on"), OutputWiring("GPIO7", "low-on")])
    assert alarm_off.main([str(tmp_path / "outputs")]) == 0
    assert kernel.driven == [(24, 0), (7, 1)]


def test_a_line_that_is_held_is_named_and_the_others_are_still_driven_off(
    alarm_off: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel = Kernel(held=frozenset({24}))
    monkeypatch.setattr(alarm_off, "header_chip", lambda: 3)
    monkeypatch.setattr(alarm_off, "drive", kernel.drive)
    note_rest(tmp_path / "outputs", [OutputWiring("GPIO24"), OutputWiring("GPIO25")])
    assert alarm_off.main([str(tmp_path / "outputs")]) == 1
    assert kernel.driven == [(25, 0)]
    assert "GPIO24" in capsys.readouterr().err


def test_where_nothing_was_ever_driven_there_is_nothing_to_do(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-I", "-S", SCRIPT, tmp_path / "outputs"], check=False)
    assert ended.returncode == 0


def test_the_request_has_the_kernels_size_and_places(alarm_off: ModuleType) -> None:
    asked = alarm_off.request(24, 1)
    size_in_number = (alarm_off.GET_LINE >> 16) & 0x3FFF
    assert len(asked) == size_in_number == 592
    assert alarm_off.INFO.size == (alarm_off.CHIP_INFO >> 16) & 0x3FFF == 68
    assert asked[256:269] == b"kentongan-off"
    # offsetof() in linux/gpio.h: the offset; flags, count of attributes; the one's id, value and mask; count of lines
    numbers = {at: int.from_bytes(asked[at : at + 4], sys.byteorder) for at in (0, 288, 296, 320, 328, 336, 560)}
    assert numbers == {0: 24, 288: 1 << 3, 296: 1, 320: 2, 328: 1, 336: 1, 560: 1}


def test_the_list_is_replaced_as_a_whole_and_holds_what_can_be_driven(tmp_path: Path) -> None:
    note_rest(tmp_path / "outputs", [OutputWiring("GPIO24")])
    note_rest(tmp_path / "outputs", [OutputWiring("25"), OutputWiring("GPIO26", "low-on")])
    assert (tmp_path / "outputs").read_text() == "GPIO26 1\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "outputs"]
