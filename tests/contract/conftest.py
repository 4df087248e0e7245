"""What several suites stand on: the boards of the board suite, and a broker that does as it is told wrong."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.dial import Endpoint
from drivers.mqtt import MqttUplink
from tests.contract.crooked import Crooked
from tests.contract.far import SESSION, Drive
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


@pytest.fixture
def broker() -> Iterator[Crooked]:
    made = Crooked()
    yield made
    made.close()


@pytest.fixture
def drive(broker: Crooked) -> Iterator[Drive]:
    """An uplink on its way to the crooked broker."""
    uplink = MqttUplink(Endpoint("127.0.0.1", broker.port))
    drive = Drive(uplink, broker)  # type: ignore[arg-type]  # of a far end, only `poll` is asked here
    uplink.connect(SESSION)
    yield drive
    uplink.close()
