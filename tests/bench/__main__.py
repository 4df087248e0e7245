"""`make bench`: every figure beside a baseline measured in the same run, one table at the end.

    python -m tests.bench [--strict] [NAME ...]      NAME: siren press under-faults drain weight syncs seek
    python -m tests.bench stays-driven               by name alone: it takes ten minutes

Exit codes: 0, also where a figure is over its budget; 7 with --strict then.
"""

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path

from edge.field.broker import BrokerNotFound
from tests.bench import drain, interview, press, seek, siren, stays_driven, syncs, under_faults, weight
from tests.bench.figures import Line, left_out, table
from tests.bootstrap import CACHE

TEST_FAILED = 7  # TECHNICIAN.md: a test was run and failed


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--strict", action="store_true", help="exit 7 when a figure is over its budget")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(BENCHES))
    asked = parser.parse_args(words)
    if unknown := set(asked.names) - set(BENCHES):
        parser.error(f"no such benchmark: {' '.join(sorted(unknown))}; there are {' '.join(BENCHES)}")
    lines: list[Line] = []
    broken = False
    for name in asked.names or [each for each in BENCHES if each not in LONG]:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-", dir=_cache()) as folder:
            try:
                lines += _lines(name, Path(folder))
            except Exception as error:  # noqa: BLE001  the figures of the others are kept
                traceback.print_exc()
                lines.append(left_out(name, f"broke: {error!r}"[:80]))
                broken = True
        print(f"· {name} {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(table(lines))
    over = asked.strict and not all(line.kept for line in lines)
    return TEST_FAILED if broken or over else 0


def _lines(name: str, folder: Path) -> list[Line]:
    try:
        return BENCHES[name](folder)
    except BrokerNotFound as why:
        return [left_out(name, str(why))]


def _cache() -> Path:
    CACHE.mkdir(exist_ok=True)
    return CACHE


BENCHES = {
    "siren": siren.lines,
    "press": press.lines,
    "under-faults": under_faults.lines,
    "drain": drain.lines,
    "weight": weight.lines,
    "syncs": syncs.lines,
    "seek": seek.lines,
    "stays-driven": stays_driven.lines,
    "interview": interview.lines,
}
LONG = frozenset({"stays-driven"})

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
