"""Processes that a person's command starts: waited for until ready, killed on purpose, never left behind."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

STOP_MAX_S: Final = 5.0
READY_MAX_S: Final = 20.0  # 0.2 s on this class of machine; a loaded Pi Zero takes ten times that


class ChildFailed(RuntimeError):
    """The process ended or never said that it was ready; the text ends with its last words."""


def dies_with_us() -> tuple[str, ...]:
    """Prefix that lets the kernel end a child when we are killed; it watches the starting *thread*, so main only."""
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return ()
    return (setpriv, "--pdeathsig", "KILL")


class Child:
    """One daemon, started as systemd would: NOTIFY_SOCKET, its output in a file, killed and started again at will."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name: Final = name
        self._command = tuple(command)
        self._environment = dict(environment or {})
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._notify: socket.socket | None = None
        self.starts = 0

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start without waiting."""
        self._close()
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._notify.bind("")  # the kernel picks a free abstract name: unix(7), autobind
        address = "@" + self._notify.getsockname()[1:].decode("ascii")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own commands
                [*dies_with_us(), *self._command],
                env={**os.environ, **self._environment, "NOTIFY_SOCKET": address},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.starts += 1

    def wait_ready(self, within_s: float = READY_MAX_S) -> None:
        """Wait for READY=1. Raises ChildFailed."""
        assert self._notify is not None
        deadline = time.monotonic() + within_s
        self._notify.settimeout(0.05)
        while True:
            try:
                if b"READY=1" in self._notify.recv(4096):
                    return
            except TimeoutError:
                if not self.running or time.monotonic() > deadline:
                    raise ChildFailed(f"{self.name} is not ready: {self.last_words()}") from None

    def wait_said(self, words: str, within_s: float = READY_MAX_S) -> None:
        """Wait until it has said so, where it tells systemd nothing. Raises ChildFailed."""
        deadline = time.monotonic() + within_s
        while words not in self.output():
            if not self.running or time.monotonic() > deadline:
                raise ChildFailed(f"{self.name} has not said {words}: {self.last_words()}")
            time.sleep(0.02)

    def kill(self) -> int:
        """SIGKILL; returns the pid that died of it. Raises ChildFailed if it was not alive to be killed."""
        process = self._running()
        process.kill()
        if process.wait() != -signal.SIGKILL:
            raise ChildFailed(f"{self.name} ended by itself with {process.returncode}: {self.last_words()}")
        return process.pid

    def signal(self, number: int) -> None:
        self._running().send_signal(number)

    def stop(self) -> int | None:
        """End in order, by force after 5 s; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.terminate()
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._close()
        return process.returncode

    def output(self) -> str:
        """Everything it has said."""
        return self._log.read_text("utf-8", errors="replace") if self._log.exists() else ""

    def last_words(self) -> str:
        return " | ".join(self.output().splitlines()[-4:]) or "it said nothing"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise ChildFailed(f"{self.name} is not running: {self.last_words()}")
        return self._process

    def _close(self) -> None:
        if self._notify is not None:
            self._notify.close()
            self._notify = None
