"""The priority that a unit gives, for a process of a bench that has no unit (sched(7): nice, autogroup)."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

ALARM: Final = -10  # systemd/kentongan-alarm.service: Nice=-10; CPUWeight=1000 is about the weight of another -10
CAMERAS: Final = 10  # systemd/kentongan-cameras.service; its CPUQuota is not given here
HAND: Final = -15  # the kernel stamps a real edge, whatever runs beside


def take(nice: int) -> None:
    """For us, and for our session among all others, where this user may."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        os.setsid()
        _weigh(os.getpid(), nice)


def give(pid: int, nice: int) -> None:
    """For every thread of a process, and for its session, where this user may."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(task.name), nice)
        _weigh(pid, nice)


def _weigh(pid: int, nice: int) -> None:
    Path(f"/proc/{pid}/autogroup").write_text(str(nice), "ascii")
