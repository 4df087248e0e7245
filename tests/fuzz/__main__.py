"""`make fuzz`: every reader of strangers' bytes, one after another, so many seconds each.

    python -m tests.fuzz [--seconds 300] [NAME ...]

A crash is an exception that the reader does not promise, a hang is 10 s on one input, and memory stays flat: between
the second and the last fifth of a run it grows by no more than GROWTH_MB, the fuzzer's collection of inputs included.
What broke it is kept in .cache/fuzz. Exit codes: 0; 3 where atheris cannot be had; 7 for a crash or growth.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from edge.core.faults import Exit
from tests.apart import NotInstalled, beside
from tests.bootstrap import CACHE, ROOT
from tests.fuzz.targets import TARGETS

ATHERIS = "atheris==3.0.0"
LIMITS = ("-timeout=10", "-rss_limit_mb=512", "-max_len=8192", "-print_final_stats=1", "-close_fd_mask=1")
GROWTH_MB = 4.0  # inputs that reach new branches are kept in memory, by the fuzzer and not by us
LOOK_S = 0.5
BEGUN = b"INITED"  # everything is imported and instrumented
RESIDENT = re.compile(r"VmRSS:\s+(\d+) kB")
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
    with (kept / "words").open("wb") as words:
        with subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=subprocess.DEVNULL, stderr=words) as fuzzer:
            while fuzzer.poll() is None and BEGUN not in (kept / "words").read_bytes():
                time.sleep(LOOK_S)
            sizes = list(sizes_of(fuzzer))
        failed = fuzzer.returncode != 0
    said = (kept / "words").read_text("utf-8", "replace")
    stats = dict(FINAL.findall(said))
    early, late = in_fifths(sizes)
    grown = late - early > GROWTH_MB
    figures = f"{stats.get('number_of_executed_units', '?'):>10} runs, {early:.1f} -> {late:.1f} MB"
    print(f"{'✗' if failed or grown else '✓'} {name:<14} {figures}, peak {stats.get('peak_rss_mb', '?')}", flush=True)
    if failed:
        print("\n".join(said.splitlines()[-25:]))
    return int(Exit.TEST) if failed or grown else 0


def sizes_of(process: subprocess.Popen[bytes], every_s: float = LOOK_S) -> Iterator[float]:
    """Its resident memory in MB, again and again until it ends."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        if found := RESIDENT.search(status.read_text("ascii")):  # none of a process that is ending
            yield int(found[1]) / 1024
        time.sleep(every_s)


def in_fifths(sizes: Sequence[float]) -> tuple[float, float]:
    """The middle value of the second fifth, and of the last one; nothing where there are too few."""
    fifth = len(sizes) // 5
    if not fifth:
        return 0.0, 0.0
    return median(sizes[fifth : 2 * fifth]), median(sizes[-fifth:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
