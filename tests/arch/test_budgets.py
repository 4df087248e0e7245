"""What importing each program may load: the packages of its own work, a number of modules, an amount of memory."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest

from tests.arch.tree import ROOT

NETWORK = {"asyncio", "ftplib", "http", "paho", "requests", "smtplib", "ssl", "_ssl", "urllib.request", "zeep"}
TOOLS = {"click", "cryptography", "jinja2", "pydantic", "pydantic_core", "rich", "sqlite_utils", "starlette"} | {
    "psycopg",
    "sqlalchemy",
}
DEVICES = {"gpiod", "gpiozero", "onvif", "serial", "spidev"}

MEASURE = """
import json, sys
{statement}
sizes = dict(line.split(":") for line in open("/proc/self/smaps_rollup").read().splitlines()[1:])
print(json.dumps({{"modules": sorted(sys.modules), "pss_mb": int(sizes["Pss"].split()[0]) / 1024}}))
"""


@dataclass(frozen=True)
class Budget:
    statement: str
    never: set[str]
    modules: int  # what was counted on Python 3.11-3.13, and a quarter more
    pss_mb: float


@dataclass(frozen=True)
class Load:
    modules: set[str]
    pss_mb: float

    def holds(self, names: set[str]) -> set[str]:
        """Those of `names` that are loaded, as themselves or by one of their parts."""
        return {name for name in names if any(f"{module}.".startswith(f"{name}.") for module in self.modules)}


BUDGETS = {
    "alarm": Budget("import edge.daemons.alarm", NETWORK | TOOLS | DEVICES, 340, 25.0),
    "relay": Budget("import edge.daemons.relay", TOOLS | DEVICES | {"sqlite3", "_sqlite3"}, 270, 24.0),
    # without a camera: what reads their XML is loaded when one is spoken to
    "cameras": Budget(
        "import edge.daemons.cameras",
        TOOLS | DEVICES | {"asyncio", "lxml", "paho", "requests", "sqlite3", "_sqlite3", "zeep"},
        330,
        24.0,
    ),
    "kentongan --help": Budget(
        "import sys; from edge.field.cli import main; sys.argv = ['kentongan', '--help']\n"
        "import contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()",
        (NETWORK | TOOLS | DEVICES | {"sqlite3"}) - {"click"},
        170,
        16.0,
    ),
}


def measured(statement: str) -> Load:
    """What a fresh Python holds after the statement; nothing of the test run leaks into it."""
    command = [sys.executable, "-c", MEASURE.format(statement=statement)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    return Load(set(seen["modules"]), seen["pss_mb"])


@pytest.fixture(scope="module", params=BUDGETS)
def case(request: pytest.FixtureRequest) -> tuple[Budget, Load]:
    budget = BUDGETS[request.param]
    return budget, measured(budget.statement)


def test_nothing_foreign_to_its_work_is_loaded(case: tuple[Budget, Load]) -> None:
    budget, load = case
    assert load.holds(budget.never) == set()


def test_the_number_of_modules_stays_in_its_budget(case: tuple[Budget, Load]) -> None:
    budget, load = case
    assert len(load.modules) <= budget.modules


def test_the_memory_stays_in_its_budget(case: tuple[Budget, Load]) -> None:
    budget, load = case
    assert load.pss_mb <= budget.pss_mb


def test_nothing_but_modules_is_made_by_importing_a_daemon() -> None:
    """No thread, no socket, no open file: a daemon begins in main()."""
    look = "import os, threading; assert threading.active_count() == 1; "
    look += "assert len(os.listdir('/proc/self/fd')) == before, os.listdir('/proc/self/fd')"
    daemons = "import edge.daemons.alarm, edge.daemons.cameras, edge.daemons.relay"
    measured(f"import os; before = len(os.listdir('/proc/self/fd')); {daemons}; {look}")


def test_a_network_library_would_be_noticed() -> None:
    assert measured("import urllib.request").holds(NETWORK) >= {"http", "ssl", "urllib.request"}
