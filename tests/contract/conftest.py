"""Which boards the board suite runs on: the virtual one, gpiozero's mock, and a real character device in the lab."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.rigs import KernelRig, MockRig, Rig, SimRig

IN_LAB = os.environ.get("KENTONGAN_LAB") == "1"
NEEDS_LAB = pytest.mark.skipif(not IN_LAB, reason="needs a GPIO character device: make lab")


@pytest.fixture(params=["sim", "mock", pytest.param("gpiod", marks=[pytest.mark.lab, NEEDS_LAB])])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig = _rig(request.param, tmp_path)
    yield rig
    rig.close()


def _rig(name: str, folder: Path) -> Rig:
    if name == "sim":
        return SimRig(folder / "sim")
    return MockRig() if name == "mock" else KernelRig()
