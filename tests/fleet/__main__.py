"""`make fleet`: what thousands of boxes do to a broker and a centre, beside its control, one table at the end.

    python -m tests.fleet [--boxes N] [--tls-boxes N] [NAME ...]      NAME: plain tls slow backup memory

Exit codes: 0; 7 where a claim fails. About twelve minutes in full.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from edge.centre.fleet.cli import Part, played, raise_file_limit
from edge.centre.fleet.play import Plan
from edge.centre.fleet.roster import Roster
from edge.centre.fleet.stage import CENTRE, Stage
from edge.centre.places import CentrePlaces
from edge.core.retry import CAP_S, CAP_WITH_ALARM_S
from edge.field.broker import find_broker
from tests.bench.figures import Budget, Line, table
from tests.bootstrap import CACHE
from tests.fleet import memory
from tests.fleet.acts import from_an_old_backup, slow

TEST_FAILED: Final = 7
GRACE_S: Final = 10.0
LATE_S: Final = 10.0
RATE: Final = 200  # boxes switched on in a second: what two cores bear that play all the parts
PEAK: Final = Budget(1 / 20)
NONE: Final = Budget(0, unit="")

Asked = argparse.Namespace
Told = dict[str, Any]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make fleet")
    parser.add_argument("--boxes", type=int, default=10_600, help="on plain TCP: one city's RTs")
    parser.add_argument("--tls-boxes", type=int, default=2_000, help="with certificates, and for a slow centre")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(ACTS))
    asked = parser.parse_args(words)
    if unknown := set(asked.names) - set(ACTS):
        parser.error(f"no such act: {' '.join(sorted(unknown))}; there are {' '.join(ACTS)}")
    CACHE.mkdir(exist_ok=True)
    raise_file_limit(max(asked.boxes, asked.tls_boxes))
    lines: list[Line] = []
    for name in asked.names or ACTS:
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"fleet-{name}-", dir=CACHE) as folder:
            lines += ACTS[name](Path(folder), asked)
        print(f"· {name} {time.monotonic() - began_s:.0f} s", file=sys.stderr, flush=True)
    print(table(lines))
    return 0 if all(line.kept for line in lines) else TEST_FAILED


# ---- the broker restarts ---------------------------------------------------------------------------------------------


def plain(folder: Path, asked: Asked) -> list[Line]:
    return _restart("TCP", folder, asked.boxes)


def tls(folder: Path, asked: Asked) -> list[Line]:
    return _restart("mTLS", folder, asked.tls_boxes, "--tls")


def _restart(name: str, folder: Path, boxes: int, *words: str) -> list[Line]:
    ours = simulated(folder, boxes, *words)
    control = simulated(folder, boxes, *words, "--no-jitter")
    what = f"{boxes} {name}"
    return [
        _beside(f"{what}: due within 1 s after the broker's end", "peak", ours, control, PEAK),
        _beside(f"{what}: dials that began within 1 s", "peak_dialled", ours, control),
        _beside(f"{what}: CONNECTs that left within 1 s", "peak_sent", ours, control),
        _within(f"{what}: all back, no alarm", "back", ours, control, CAP_S + GRACE_S),
        _within(f"{what}: all back, with an alarm", "hurried", ours, control, CAP_WITH_ALARM_S + GRACE_S),
        Line(f"{what}: not back", f"{ours['not_back']}", budget=NONE, judged=ours["not_back"]),
        _alarms(what, ours),
        _alarms(f"{what}, no jitter", control),
        Line(f"{what}: press -> receipt, online, p50 / p99", _latency(ours), "no jitter", _latency(control)),
        Line(f"{what}: simulator behind its clock", f"{ours['late']} s", "no jitter", f"{control['late']} s"),
    ]


def simulated(folder: Path, boxes: int, *words: str) -> Told:
    """One run as an operator would start it; the same boxes each time."""
    command = [*CENTRE, "centre", "simulate", "--boxes", str(boxes), "--alarms", "--restart-broker", "--json"]
    command += ["--rate", str(RATE)]
    done = subprocess.run(
        [*command, "--keys", str(folder / "keys"), *words], capture_output=True, text=True, check=False
    )
    if not done.stdout:
        raise RuntimeError(done.stderr)
    print(f"  {' '.join(words) or 'jitter'}: {done.stdout.strip()}", file=sys.stderr, flush=True)
    told: Told = json.loads(done.stdout)
    return told


def _beside(name: str, what: str, ours: Told, control: Told, budget: Budget | None = None) -> Line:
    ratio = ours[what] / max(1, control[what])
    return Line(name, f"{ours[what]} /s", "no jitter", f"{control[what]} /s", ratio, budget)


def _within(name: str, what: str, ours: Told, control: Told, limit_s: float) -> Line:
    budget = Budget(limit_s, unit=" s")
    return Line(name, f"{ours[what]} s", "no jitter", f"{control[what]} s", budget=budget, judged=ours[what])


def _alarms(what: str, told: Told) -> Line:
    said = f"{told['sent']} / {told['received']} / {told['stored'] - told['doubled']}"
    wrong = abs(told["sent"] - told["received"]) + abs(told["sent"] - told["stored"]) + told["doubled"]
    return Line(f"{what}: alarms pressed / receipted / once", said, budget=NONE, judged=wrong)


def _latency(told: Told) -> str:
    return f"{told['latency'][0]:.3f} / {told['latency'][2]:.3f} s"


# ---- the centre is slow, or was restored -----------------------------------------------------------------------------


def late(folder: Path, asked: Asked) -> list[Line]:
    with _stage(folder, slow(LATE_S)) as (roster, stage):
        part = Part(asked.tls_boxes, tls=False, restart=False, plan=Plan(part=0.1, rate=RATE))
        figures = asyncio.run(played(roster, part, stage.endpoint, stage))
    what, reconnects = f"{asked.tls_boxes}, receipts {LATE_S:.0f} s late", sum(figures.reconnects.values())
    told = {name: getattr(figures, name) or 0 for name in ("sent", "received", "stored", "doubled")}
    return [
        Line(f"{what}: sessions ended", str(reconnects), budget=NONE, judged=reconnects),
        _alarms(what, told),
        Line(f"{what}: press -> receipt, p50 / p99", f"{figures.latency[0]:.1f} / {figures.latency[2]:.1f} s"),
    ]


def backup(folder: Path, asked: Asked) -> list[Line]:
    with _stage(folder) as (roster, stage):
        told = asyncio.run(
            from_an_old_backup(roster, stage, boxes=asked.tls_boxes, plan=Plan(part=0.1, rate=RATE, beat_s=20.0))
        )
    what = f"{asked.tls_boxes}, centre from an old backup"
    return [
        Line(f"{what}: alarms before / restored / after", f"{told.before} / {told.restored} / {told.after}",
             budget=NONE, judged=told.pressed - told.after),
        Line(f"{what}: everything is back, beats of 20 s", f"{told.seconds:.0f} s"),
        Line(f"{what}: sessions ended", str(told.reconnects), budget=NONE, judged=told.reconnects),
    ]  # fmt: skip


@contextmanager
def _stage(folder: Path, centre: tuple[str, ...] = CENTRE) -> Iterator[tuple[Roster, Stage]]:
    roster = Roster.open(CentrePlaces(folder / "keys"))
    with Stage(roster, find_broker(CACHE), folder, tls=False, centre=centre) as stage:
        yield roster, stage


ACTS: Final[dict[str, Callable[[Path, Asked], list[Line]]]] = {
    "plain": plain,
    "tls": tls,
    "slow": late,
    "backup": backup,
    "memory": memory.lines,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
