"""A real pseudo-terminal of 80 x 24 with a program in it: keys in, whole frames out."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

WITHIN_S = 20.0
STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
HOME = "\x1b[H"  # every frame of the board begins there
OWN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"  # so that Ctrl-C becomes SIGINT


class Terminal:
    """Enter to start `python -c script arguments` in it; at the end the program is gone, by force if need be."""

    def __init__(self, script: str, arguments: Sequence[str]) -> None:
        self._command = [sys.executable, "-c", OWN_TERMINAL + script, *arguments]
        self._said = b""

    def __enter__(self) -> Self:
        self._ours, self._theirs = pty.openpty()
        termios.tcsetwinsize(self._theirs, (24, 80))
        self.before = self.mode()
        self.program = subprocess.Popen(
            self._command,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait()
        self.hang_up()
        os.close(self._theirs)

    def mode(self) -> object:
        """Everything that cbreak changes."""
        return termios.tcgetattr(self._theirs)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def hang_up(self) -> None:
        """Close the window: the program is told by SIGHUP and reads nothing more."""
        if self._ours >= 0:
            os.close(self._ours)
        self._ours = -1

    def said(self) -> str:
        """Everything written so far, with its escapes."""
        while select.select([self._ours], [], [], 0)[0]:
            self._said += os.read(self._ours, 65536)
        return self._said.decode(errors="replace")

    def frames(self) -> list[str]:
        """Every whole frame so far, oldest first, as a person sees it."""
        return [STYLE.sub("", frame).replace("\r", "") for frame in self.said().split(HOME)[1:]]

    def wait(self, seen: Callable[[str], bool], what: str) -> str:
        """Look until the newest frame is as wanted; returns it."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            frame = (self.frames() or [""])[-1]
            if seen(frame):
                return frame
            assert time.monotonic() < deadline, f"never seen: {what}\n{frame}"
            assert self.program.poll() is None, f"it ended with {self.program.returncode}\n{self.said()}"
            select.select([self._ours], [], [], 0.05)

    def wait_end(self) -> int:
        """Wait for the program's own end, still reading what it says; returns its exit code."""
        deadline = time.monotonic() + WITHIN_S
        while self.program.poll() is None:
            assert time.monotonic() < deadline, f"it does not end\n{self.said()}"
            self.said()
            with suppress(subprocess.TimeoutExpired):
                self.program.wait(0.05)
        return self.program.returncode


def processes_of(folder: Path) -> list[str]:
    """Command lines that name a folder: the daemons of its stage."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in command:
                found.append(command)
    return found
