"""Memory that really runs out around alarm and relay, in a control group of their own: the relay dies, and returns.

The kernel chooses by what the units give each of them. What eats the memory is a file in RAM, which nobody can be
killed for.
"""

import configparser
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from edge.config.resources import CHECKOUT
from edge.core.words import SiteId
from edge.field.stage import SITE, Home
from tests.bootstrap import CACHE
from tests.daemons.asked import AskedStage
from tests.daemons.centre_world import wait_for

UNITS = CHECKOUT.parent / "systemd"
LIMIT = 96 * 1024 * 1024  # the two daemons take half of it
LIMITS = ("memory.limit_in_bytes", "memory.max")
ROOTS = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
EATER = """
import os, sys
with os.fdopen(os.memfd_create("eaten"), "wb", buffering=0) as file:
    while all(os.path.exists(f"/proc/{pid}/exe") for pid in sys.argv[1:]):
        file.write(bytes(65536))
"""
JOIN = 'echo $$ > "$0/cgroup.procs" && echo "$1" > /proc/self/oom_score_adj; shift && exec "$@"'


@contextmanager
def control_group() -> Iterator[Path]:
    """A memory group of version 1 or 2 with our limit; skips where the machine lets us make none."""
    for root in ROOTS:
        group = root / f"kentongan-{uuid.uuid4().hex[:8]}"
        try:
            group.mkdir()
        except OSError:
            continue
        limit = next(
            (group / name for name in ("memory.limit_in_bytes", "memory.max") if (group / name).exists()), None
        )
        if limit is not None:
            limit.write_text(str(LIMIT))
            with suppress(OSError):  # no way out over a swap
                (group / "memory.swap.max").write_text("0")
            try:
                yield group
            finally:
                group.rmdir()
            return
        group.rmdir()
    pytest.skip("no memory control group can be made here: it takes root, and the memory controller")


def scores() -> dict[str, int]:
    """OOMScoreAdjust of the units."""
    found = {}
    for name in ("alarm", "relay"):
        unit = configparser.RawConfigParser(strict=False, interpolation=None)
        unit.read(UNITS / f"kentongan-{name}.service", "utf-8")
        found[name] = unit.getint("Service", "OOMScoreAdjust")
    return found


def allowed(score: int) -> int:
    """A negative one takes CAP_SYS_RESOURCE; without it 0 must do, and the order is the same."""
    own = Path("/proc/self/oom_score_adj")
    before = own.read_text()
    try:
        own.write_text(str(score))
    except PermissionError:
        return max(score, int(before))
    finally:
        with suppress(PermissionError):
            own.write_text(before)
    return score


class CrowdedHome(Home):
    """Its daemons are born in the group, each with the score it was given."""

    group: Path
    given: dict[str, int]

    def command(self, name: str) -> list[str]:
        return ["sh", "-c", JOIN, str(self.group), str(self.given[name]), *super().command(name)]


class CrowdedStage(AskedStage):
    def home(self, name: str, *, site: SiteId = SITE, kit: str, beat_s: float) -> Home:
        folder, port = self._folder / name, self.broker.ports["boxes"]
        return self._open.enter_context(CrowdedHome(folder, self.authority, port, site=site, kit=kit, beat_s=beat_s))


def eat(group: Path, *pids: int) -> None:
    """Take the group's memory, a bite at a time, until one of them is gone; then give it all back."""
    command = ["sh", "-c", JOIN, str(group), "0", sys.executable, "-S", "-c", EATER, *map(str, pids)]
    assert subprocess.run(command, timeout=120, check=False).returncode == 0


@contextmanager
def crowded(folder: Path, given: dict[str, int]) -> Iterator[tuple[CrowdedStage, Path]]:
    with control_group() as group:
        CrowdedHome.group, CrowdedHome.given = group, given
        with CrowdedStage(folder, cache=CACHE, beat_s=0.5) as stage:
            stage.start()
            wait_for(lambda: stage.bearer().get("up"), "the session")
            yield stage, group


def test_when_memory_runs_out_the_relay_dies_and_returns_and_the_alarm_lives(tmp_path: Path) -> None:
    given = {name: allowed(score) for name, score in scores().items()}
    assert given["alarm"] < given["relay"]
    with crowded(tmp_path / "stage", given) as (stage, group):
        alarm, relay = stage.alarm.pid, stage.relay.pid
        assert [Path(f"/proc/{pid}/oom_score_adj").read_text() for pid in (alarm, relay)] == [
            f"{given['alarm']}\n", f"{given['relay']}\n",
        ]  # fmt: skip
        eat(group, alarm, relay)
        wait_for(lambda: not stage.relay.running, "the relay's death")
        assert stage.alarm.running
        stage.sounds("pos-ronda")
        assert stage.relay.stop() == -signal.SIGKILL
        stage.relay.start()  # as systemd does
        stage.relay.wait_ready()
        wait_for(lambda: stage.alarms(received=True) == ["zone/pos-ronda"], "the alarm at the centre")
        assert stage.alarm.pid == alarm


def test_control_it_is_the_score_that_saves_the_alarm(tmp_path: Path) -> None:
    with crowded(tmp_path / "stage", {"alarm": 300, "relay": 0}) as (stage, group):
        eat(group, stage.alarm.pid, stage.relay.pid)
        wait_for(lambda: not stage.alarm.running, "the alarm's death")  # the relay may follow before its memory is back
        assert stage.alarm.stop() == -signal.SIGKILL
