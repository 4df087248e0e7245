"""Machines of the lab: a real kernel as an ordinary process, without root, gone when it ends.

with lab.boot("python3 -m tests.lab.inside.first_level high-on") as machine:
    ended = machine.wait(60)
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.build import LAB, ROOT, Parts

DIED = 125  # the machine ended without an exit code of its command
NOISE = ("sysrq: Power Off", "reboot: Power down", "reboot: System halted")
# The repository is read-only inside: what Python and pytest would leave in it goes nowhere and to /tmp.
ALWAYS = "cd /repo; export PYTHONPATH=/repo PYTHONDONTWRITEBYTECODE=1 PYTEST_DEBUG_TEMPROOT=/tmp\n"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a machine's command ended, and what it and the kernel said."""

    code: int
    output: str

    @property
    def last_line(self) -> str:
        return self.output.rstrip().rpartition("\n")[2]


@dataclass(frozen=True, slots=True)
class Setup:
    """init: "" runs the command as process 1's only child, "systemd" boots systemd first.
    disk:   an image that becomes /dev/ubdb
    fast:   sleeping costs no time (UML's time travel)
    """

    suite: str = "bookworm"
    init: str = ""
    memory_mb: int = 256
    disk: Path | None = None
    fast: bool = False


PLAIN = Setup()


class Machine:
    """One running machine; `folder` is /host inside it."""

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes]") -> None:
        self.folder = folder
        self._process = process

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, timeout_s: float) -> Ended:
        """Wait for the command's end. Raises subprocess.TimeoutExpired with what was said so far."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as late:
            raise subprocess.TimeoutExpired(late.cmd, timeout_s, self._said()) from late
        code = self.folder / "code"
        return Ended(int(code.read_text()) if code.exists() else DIED, self._said())

    def cut(self) -> None:
        """Cut the power: what the kernel has not written is gone. Asserts that there was power to cut."""
        assert self.running
        self.end()
        assert not (self.folder / "code").exists(), "the machine had ended by itself"

    def end(self) -> None:
        if self.running:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _said(self) -> str:
        said = (self.folder / "console").read_text(errors="replace").splitlines()
        return "\n".join(line for line in said if not any(noise in line for noise in NOISE))


class Lab:
    """What was built, ready to boot."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @contextmanager
    def boot(self, command: str, setup: Setup = PLAIN) -> Iterator[Machine]:
        """Start a machine on a throw-away copy of its root file system; nothing of it is left afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="lab-"))
        (folder / "command").write_text(ALWAYS + command + "\n")
        shutil.copy(LAB / "init.sh", folder / "init")
        with (folder / "console").open("wb") as console:
            process = subprocess.Popen(
                self._words(folder, setup),
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        machine = Machine(folder, process)
        try:
            yield machine
        finally:
            machine.end()
            shutil.rmtree(folder)

    def run(self, command: str, setup: Setup = PLAIN, *, timeout_s: float = 60.0) -> Ended:
        with self.boot(command, setup) as machine:
            return machine.wait(timeout_s)

    def _words(self, folder: Path, setup: Setup) -> list[str]:
        words = [
            str(self._parts.kernel), f"mem={setup.memory_mb}M", f"ubd0={folder}/cow,{self._parts.images[setup.suite]}",
            "root=/dev/ubda", "rw", "quiet", "loglevel=1", "con=null", "con0=null,fd:1", f"uml_dir={folder}/",
            "umid=gw", f"SHARE={folder}", f"REPO={ROOT}", f"INIT={setup.init}", "init=/lab-init",
            "systemd.show_status=no",  # the console belongs to the command
            "LIBMOUNT_FORCE_MOUNT2=always",  # hostfs takes its folder as the whole option string, as mount(2) gives it
        ]  # fmt: skip
        if setup.disk is not None:
            words.append(f"ubd1={setup.disk}")
        if setup.fast:
            words.append("time-travel=inf-cpu")
        return words
