"""Discovery of 54 simulated cameras, 50 of them twins, over a virtual cable; three seekers in turns.

python -m tests.bench.seek PYTHON      inside `unshare --map-root-user --net`; PYTHON has WSDiscovery, or is ""
"""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Final

from tests.apart import NotInstalled, environment
from tests.bench.figures import Budget, Line, left_out
from tests.bootstrap import ROOT
from tests.contract.lan import UNSHARE, Far, ip, why_not

CAMERAS: Final = 54
TWINS: Final = 50
TURNS: Final = 3
NEAR: Final = "10.77.1.200"
PATIENCE_S: Final = 120.0
SCAN_BUDGET: Final = Budget(2.0, unit=" s")  # the slowest of the turns
CPU_BUDGET: Final = Budget(4.0)
WANTED: Final = ("WSDiscovery==2.1.2",)

Took = dict[str, float]


def lines(folder: Path) -> list[Line]:
    del folder
    if refusal := why_not():
        return [left_out("discovery", refusal)]
    try:
        rival = str(environment("wsdiscovery", *WANTED))
    except NotInstalled as why:
        rival = ""
        missing = [left_out("discovery beside WSDiscovery", str(why))]
    else:
        missing = []
    command = [*UNSHARE, sys.executable, "-m", "tests.bench.seek", rival]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    return [*_judged(json.loads(done.stdout.splitlines()[-1])), *missing]


def _judged(took: dict[str, list[Took]]) -> list[Line]:
    own, bare = took["ours"], took["bare"]
    slowest = max(each["s"] for each in own) if _found(own) == CAMERAS else float("inf")
    found = [_scan(own, "bare prober, 45 lines", bare, slowest)]
    if rival := took.get("wsdiscovery"):
        found.append(_scan(own, WANTED[0], rival, slowest))
    cpu, other = _middle(own, "cpu_s"), _middle(bare, "cpu_s")
    found.append(
        Line("one scan, CPU", f"{cpu:.3f} s", "bare prober, 45 lines", f"{other:.3f} s", cpu / other, CPU_BUDGET)
    )
    mine, theirs = _middle(own, "pss_mb"), _middle(bare, "pss_mb")
    found.append(Line("PSS after a scan", f"{mine:.1f} MB", "bare prober, 45 lines", f"{theirs:.1f} MB", mine / theirs))
    return found


def _scan(own: list[Took], beside: str, other: list[Took], slowest: float) -> Line:
    ratio = _middle(own, "s") / _middle(other, "s")
    return Line(f"{CAMERAS} cameras, {TWINS} twins", _said(own), beside, _said(other), ratio, SCAN_BUDGET, slowest)


def _said(took: list[Took]) -> str:
    return f"{_found(took)} in {_middle(took, 's'):.2f} s"


def _found(took: list[Took]) -> int:
    """Of the worst turn."""
    return int(min(each["found"] for each in took))


def _middle(took: list[Took], name: str) -> float:
    return median(each[name] for each in took)


# ---- inside the namespace --------------------------------------------------------------------------------------------


def race(rival: str) -> dict[str, list[Took]]:
    seekers = {"ours": sys.executable, "bare": sys.executable} | ({"wsdiscovery": rival} if rival else {})
    hosts = tuple(f"10.77.1.{number}/24" for number in range(1, CAMERAS + 1))
    with Far("v0", (f"{NEAR}/24",), hosts, "--twins", str(TWINS)):
        ip("route", "add", "default", "dev", "v0")  # others need one
        turns = [{name: _turn(name, python) for name, python in seekers.items()} for _ in range(TURNS)]
    return {name: [turn[name] for turn in turns] for name in seekers}


def _turn(name: str, python: str) -> Took:
    command = [python, "tests/bench/seekers.py", name, NEAR]
    own = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=True, timeout=30)
    took: Took = json.loads(done.stdout.splitlines()[-1])
    return took


if __name__ == "__main__":
    ip("link", "set", "lo", "up")
    print(json.dumps(race(sys.argv[1])))
