"""What runs inside the network namespace: one contender after the other, each measured from outside of it.

python -m tests.peers.cameras.inside PLAN     PLAN: JSON, a list of {title, command, settings, lines, runs}
Prints a JSON line for each run: {title, wall_s, cpu_s, peak_mb, said}.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from drivers.sim.camera import Spec

ADDRESS: Final = re.compile(r"(?m)^(\d+\.\d+\.\d+\.\d+) ")
SETTLE_S: Final = 1.5  # 54 cameras have booted and said Hello: nobody is measured beside that
LOOK_S: Final = 0.02
RUN_MAX_S: Final = 300.0


class Watch:
    """The most memory that a process had resident; `ru_maxrss` would count whoever started it."""

    def __init__(self, pid: int) -> None:
        self.peak_kb = 0
        self._status = Path(f"/proc/{pid}/status")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._over.set()
        self._thread.join()
        return self.peak_kb

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            with contextlib.suppress(OSError):
                peak = re.search(r"VmHWM:\s+(\d+)", self._status.read_text())
                self.peak_kb = max(self.peak_kb, int(peak[1]) if peak else 0)


def measured(command: list[str], settings: dict[str, str]) -> dict[str, Any]:
    began = time.monotonic()
    with subprocess.Popen(
        command, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        watch = Watch(child.pid)
        killer = threading.Timer(RUN_MAX_S, child.kill)
        killer.start()
        assert child.stdout is not None
        assert child.stderr is not None
        complaints: list[str] = []
        reader = threading.Thread(target=lambda: complaints.append(child.stderr.read()))  # type: ignore[union-attr]
        reader.start()
        out = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        killer.cancel()
        reader.join()
    return {
        "wall_s": time.monotonic() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": watch.stop() / 1024,
        "out": out,
        "fault": "" if child.returncode == 0 else "".join(complaints).strip()[-200:] or f"exit {child.returncode}",
    }


def said(out: str, wall_s: float, *, lines: bool) -> dict[str, Any]:
    if lines:
        return {"found": sorted(ADDRESS.findall(out)), "seconds": wall_s}
    answer: dict[str, Any] = json.loads(out.strip().splitlines()[-1]) if out.strip() else {}
    return answer


def main(plan: str) -> None:
    time.sleep(SETTLE_S)
    secret = {"SIM_PASSWORD": Spec("").password}
    for contender in json.loads(Path(plan).read_text(encoding="utf-8")):
        for _ in range(contender["runs"]):
            run = measured(contender["command"], {**secret, **contender["settings"]})
            run["said"] = said(run.pop("out"), run["wall_s"], lines=contender["lines"])
            print(json.dumps({"title": contender["title"], **run}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
