"""SIGKILL at a chosen system call of a process that runs: strace counts the calls of a thread, and kills at the nth."""

import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.power.strace import Strace, read_calls

CALLS: Final = (
    "write", "writev", "pwrite64", "fdatasync", "fsync", "ftruncate", "fallocate", "rename", "renameat", "renameat2",
    "unlink", "unlinkat", "open", "openat", "mkdir", "socket", "connect", "sendto", "sendmsg", "recvfrom", "recvmsg",
)  # fmt: skip
"""What touches a disk or a socket."""
SAMPLE: Final = 6
OWN: Final = 12  # calls of one kind by one thread; later ones answer the test, which asks for the lamp again and again
ATTACH_MAX_S: Final = 20.0


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """The nth call of this name by one thread, counted from when strace was there. thread: by age, 0 is the oldest."""

    thread: int
    name: str
    nth: int


def threads(pid: int) -> list[int]:
    """Oldest first."""
    return sorted(int(each.name) for each in Path(f"/proc/{pid}/task").iterdir())


@contextmanager
def traced(command: Sequence[str], thread: int) -> Iterator[subprocess.Popen[bytes]]:
    """strace runs while this lasts, and is there when it begins."""
    status = Path(f"/proc/{thread}/status")
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as strace:
        deadline = time.monotonic() + ATTACH_MAX_S
        with suppress(FileNotFoundError, ProcessLookupError):  # it has come to that call already
            while b"TracerPid:\t0\n" in status.read_bytes():
                assert time.monotonic() < deadline, "strace never came"
                assert strace.poll() is None, "strace could not attach"
                time.sleep(0.01)
        try:
            yield strace
        finally:
            strace.terminate()


@contextmanager
def recorded(strace: Strace, pid: int, record: Path, into: list[Point]) -> Iterator[None]:
    """Fills `into` with every call of CALLS that the process makes while this lasts, in their order."""
    known = threads(pid)
    with traced(strace.attached(pid, record, "-f", f"-etrace={','.join(CALLS)}"), pid):
        yield
    counted = Counter[tuple[int, str]]()
    for call in read_calls(record):
        counted[call.thread, call.name] += 1
        thread = known.index(call.thread) if call.thread in known else len(known)
        into.append(Point(thread, call.name, counted[call.thread, call.name]))


@contextmanager
def killed_at(strace: Strace, pid: int, point: Point, record: Path) -> Iterator[None]:
    """The process dies at this call, if it comes to it while this lasts."""
    known = threads(pid)
    fault = (f"-etrace={point.name}", f"-einject={point.name}:signal=SIGKILL:when={point.nth}")
    younger = point.thread >= len(known)  # it is not there yet: whoever comes first is meant
    thread = pid if younger else known[point.thread]
    with traced(strace.attached(thread, record, *(("-f",) if younger else ()), *fault), thread):
        yield


def chosen(points: Sequence[Point], seed: int) -> list[Point]:
    """All of them where WALK=all, else as many as a test may take, by chance: the seed is at the top of the run."""
    distinct = [point for point in dict.fromkeys(points) if point.nth <= OWN]
    if os.environ.get("WALK") == "all":
        return distinct
    return random.Random(seed).sample(distinct, min(SAMPLE, len(distinct)))
