"""The lab's machines, or the reason why there are none."""

import pytest

from tests.lab.build import parts
from tests.lab.rig import Lab


@pytest.fixture(scope="session")
def lab() -> Lab:
    built = parts()
    if built.missing:
        pytest.skip(f"the lab is not built ({built.missing[0].parent.name} is missing): `make lab` builds it, as root")
    tried = Lab(built).run("test -e /dev/gpiochip0")
    if tried.code != 0:
        pytest.skip(f"a User-Mode Linux does not run on this machine (code {tried.code}): {tried.output[-300:]}")
    return Lab(built)
