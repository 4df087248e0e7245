"""What holds for every test: nothing is left behind, chance can be repeated, warnings are errors (setup.cfg)."""

import gc
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

CI = os.environ.get("CI") == "true"
SEED = int(os.environ.get("SEED", "0" if CI else random.SystemRandom().randrange(2**32)))

CACHE = Path(__file__).resolve().parents[1] / ".cache"

GRACE_S = 1.0  # what was told to end may need a moment to be gone

hypothesis.settings.register_profile("here", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.load_profile("ci" if CI else "here")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    CACHE.mkdir(exist_ok=True)
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(CACHE))  # tmp_path lies in the tree; nothing outside of it
    os.environ["SEED"] = str(SEED)  # one seed for all workers
    if not CI and config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(SEED)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each worker begins with its share of the long ones (`slow`): none is left alone with one at the end."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.get_closest_marker("slow")]
    rest = [item for item in items if not item.get_closest_marker("slow")]
    shares = [
        slow[each::workers] + rest[each * len(rest) // workers : (each + 1) * len(rest) // workers]
        for each in range(workers)
    ]
    items[:] = [item for share in shares for item in share]


def pytest_report_header() -> str:
    return f"seed: {SEED} (SEED={SEED} make test repeats it)"


@pytest.fixture
def seed() -> int:
    """For `random.Random(seed)` where chance is part of a test; printed at the top of the run."""
    return SEED


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder to be the `--root` of a box."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail the test that leaves a thread, a child process or an open socket."""
    threads, children, sockets = set(threading.enumerate()), child_processes(), open_sockets()
    yield
    left = [f"thread {thread.name}" for thread in threads_left(threads)]
    left += [f"process {process}" for process in processes_left(children)]
    left += [f"socket {name}" for name in sockets_left(sockets)]
    if left:
        pytest.fail("left behind: " + ", ".join(left), pytrace=False)


@pytest.fixture(autouse=True, scope="session")
def no_process_left_by_the_run() -> Iterator[None]:
    """Fixtures that live longer than a test are held to the same rule at the end."""
    children = child_processes()
    yield
    left = processes_left(children)
    if left:
        pytest.fail("left behind by the run: " + ", ".join(left), pytrace=False)


def threads_left(before: set[threading.Thread]) -> list[threading.Thread]:
    deadline = time.monotonic() + GRACE_S
    new = [thread for thread in threading.enumerate() if thread not in before]
    for thread in new:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in new if thread.is_alive()]


def processes_left(before: set[int]) -> list[str]:
    """Name the new children that were not waited for, and end them so that the next test starts clean."""
    left = sorted(child_processes() - before)
    names = [f"{pid} ({command_of(pid)})" for pid in left]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return names


def child_processes() -> set[int]:
    return {int(pid) for task in Path("/proc/self/task").glob("*/children") for pid in children_of(task).split()}


def children_of(task: Path) -> str:
    try:
        return task.read_text()
    except (FileNotFoundError, ProcessLookupError):  # the thread ended between the look and the read
        return ""


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip() or "ended"


def sockets_left(before: set[str]) -> set[str]:
    if open_sockets() - before:
        gc.collect()
    return open_sockets() - before


def open_sockets() -> set[str]:
    return {target for target in map(target_of, Path("/proc/self/fd").iterdir()) if target.startswith("socket:")}


def target_of(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # the descriptor that lists the folder
        return ""
