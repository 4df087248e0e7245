"""`make fuzz`: every reader of strangers' bytes, one after another, so many seconds each.

    python -m tests.fuzz [--seconds 300] [NAME ...]

A crash is an exception that the reader does not promise, a hang is 10 s on one input, and the memory of a run may not
grow beyond 512 MB. What broke it is kept in .cache/fuzz. Exit codes: 0; 3 where atheris cannot be had; 7 for a crash.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from edge.core.faults import Exit
from tests.apart import NotInstalled, beside
from tests.bootstrap import CACHE, ROOT
from tests.fuzz.targets import TARGETS

ATHERIS = "atheris==3.0.0"
LIMITS = ("-timeout=10", "-rss_limit_mb=512", "-max_len=8192", "-print_final_stats=1", "-close_fd_mask=1")
FINAL = re.compile(r"stat::(\w+):\s+(\d+)")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(TARGETS))
    asked = parser.parse_args(words)
    if unknown := set(asked.names) - set(TARGETS):
        parser.error(f"no such target: {' '.join(sorted(unknown))}; there are {' '.join(TARGETS)}")
    try:
        library = beside("atheris", ATHERIS)
    except NotInstalled as why:
        print(f"{ATHERIS}: {why}", file=sys.stderr)
        return Exit.PREREQUISITE
    return max(_hunt(name, asked.seconds, library) for name in asked.names or TARGETS)


def _hunt(name: str, seconds: int, library: Path) -> int:
    kept = CACHE / "fuzz" / name
    (kept / "corpus").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.one", name, *LIMITS, f"-max_total_time={seconds}"]
    command += [f"-artifact_prefix={kept}/", str(kept / "corpus")]
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join([str(library), str(ROOT)])}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
    stats = dict(FINAL.findall(done.stderr))
    figures = f"{stats.get('number_of_executed_units', '?'):>10} runs, peak {stats.get('peak_rss_mb', '?')} MB"
    print(f"{'✗' if done.returncode else '✓'} {name:<14} {figures}", flush=True)
    if done.returncode:
        print("\n".join(done.stderr.splitlines()[-25:]))
    return int(Exit.TEST) if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
