"""The pure core on the newest Python that the product promises: Debian 13's own, in a Debian 13 machine."""

import pytest

from tests.lab.build import ROOT
from tests.lab.rig import Lab, Setup

pytestmark = [pytest.mark.lab, pytest.mark.timeout(480)]

DEBIAN_13 = Setup(suite="trixie", memory_mb=512)
# A User-Mode Linux forgets mappings of a process that lived through too many tests: a new one for each part.
PARTS = 6
# The two state machines walk for half a minute natively; they run in `make test`.
LEFT_OUT = "not TestLife"
FILES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/unit").rglob("test_*.py"))


def test_the_machine_has_python_313_and_every_package_of_the_product(lab: Lab) -> None:
    modules = "cryptography, gpiod, gpiozero, msgspec, nacl.signing, paho.mqtt.client, pydantic, rich, sqlite_utils"
    ended = lab.run(f"python3 -c 'import sys, {modules}; print(sys.version_info[:2])'", DEBIAN_13)
    assert (ended.code, ended.last_line) == (0, "(3, 13)"), ended.output


@pytest.mark.parametrize("part", range(PARTS))
def test_the_unit_tests_pass_on_python_313(lab: Lab, part: int) -> None:
    files = " ".join(FILES[part::PARTS])
    ended = lab.run(
        f"CI=true python3 -m pytest -q --color=no -p no:cacheprovider -k '{LEFT_OUT}' {files}", DEBIAN_13, timeout_s=400
    )
    assert ended.code == 0, ended.output
    assert " passed" in ended.last_line
