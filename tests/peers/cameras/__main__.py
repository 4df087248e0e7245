"""`make bench-cameras`: 54 cameras found and 50 asked, by us and by what others use; one run, two tables, and claims.

python -m tests.peers.cameras [--runs N] [NAME ...]     NAME: ours WSDiscovery home-assistant npm onvif-util
                                                              onvif-zeep onvif-zeep-async
50 of the 54 booted in the same second. All in a network namespace of its own; exit 1 when a claim of ours does not
hold, 77 where no such network is allowed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tests.apart import NotInstalled
from tests.bootstrap import CACHE
from tests.namespaces import NOT_HERE, why_not
from tests.peers.cameras.claims import (
    ASKING,
    CAMERAS,
    SEEKING,
    Row,
    Run,
    Runs,
    asking_row,
    broken,
    seeking_row,
    table,
)
from tests.peers.cameras.contenders import ASKED, ASKERS, SEEKERS, Contender, Made

ROOT: Final = Path(__file__).resolve().parents[3]
TWINS: Final = 50
# A LAN as others expect it; and what a switch without a router gives: link-local addresses, no default route
LAN: Final = ("--count", "0", "--second", str(CAMERAS), "--twins", str(TWINS), "--route")
BARE: Final = ("--count", str(CAMERAS), "--second", "0", "--twins", str(TWINS))
LAN_HOSTS: Final = frozenset(f"192.168.77.{11 + place}" for place in range(CAMERAS))


def main(words: Sequence[str]) -> int:
    asked = _parser().parse_args(words)
    if why := why_not():
        print(why, file=sys.stderr)
        return NOT_HERE
    print(f"· load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", file=sys.stderr)
    seekers, lost = _made(SEEKERS, asked.names)
    askers, lost_too = _made(ASKERS, asked.names)
    lan, bare = _ran(seekers, LAN, asked.runs), _ran(seekers, BARE, 1)
    answers = _ran(askers, LAN, 1)
    sought = [Runs(one.title, lan[one.title], bare[one.title]) for one in seekers]
    questioned = [Runs(one.title, asked=answers[one.title]) for one in askers]
    print(table(SEEKING, [seeking_row(runs, LAN_HOSTS) for runs in sought] + lost))
    print()
    ours = next((runs.asked[0] for runs in questioned if runs.title == "ours"), None)
    print(table(ASKING, [asking_row(runs, ours or runs.asked[0], ASKED) for runs in questioned] + lost_too))
    return _judged(sought, questioned)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-cameras")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("names", nargs="*", metavar="NAME")
    return parser


def _made(makers: Sequence[Made], names: Sequence[str]) -> tuple[list[Contender], list[Row]]:
    """A contender that cannot be had says so in its own row."""
    made, lost = [], []
    for name, make in makers:
        if names and name not in names:
            continue
        try:
            made.append(make())
        except NotInstalled as why:
            lost.append((name, f"left out: {why}", *[""] * 5))
    return made, lost


def _ran(contenders: Sequence[Contender], network: Sequence[str], runs: int) -> dict[str, list[Run]]:
    """Each contender's runs, by its title; all of them with the same cameras."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cameras-", dir=CACHE) as folder:
        plan = Path(folder) / "plan.json"
        plan.write_text(json.dumps([{**asdict(one), "runs": runs} for one in contenders]), encoding="utf-8")
        command = [sys.executable, "-m", "tests.namespaces", *network, "--"]
        inside = [sys.executable, "-m", "tests.peers.cameras.inside", str(plan)]
        done = subprocess.run([*command, *inside], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        if line["fault"]:
            print(f"· {line['title']}: {line['fault']}", file=sys.stderr)
    return {one.title: [line for line in lines if line["title"] == one.title] for one in contenders}


def _judged(sought: Sequence[Runs], questioned: Sequence[Runs]) -> int:
    own = {runs.title: runs for runs in sought if runs.title == "ours"}
    asked = next((runs.asked for runs in questioned if runs.title == "ours"), ())
    ours = Runs("ours", own["ours"].lan, own["ours"].bare, asked) if own else Runs("ours", asked=asked)
    others = [runs for runs in (*sought, *questioned) if runs.title != "ours"]
    faults = list(broken(ours, others, LAN_HOSTS, ASKED))
    print("\n".join(f"✗ {fault}" for fault in faults) if faults else "✓ every claim held")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
