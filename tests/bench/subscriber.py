"""A subscriber in a process of its own, so that counting what comes takes no time from who sends it."""

import json
import subprocess
import sys
from types import TracebackType
from typing import Self

from edge.field.children import dies_with_us


class Subscriber:
    """A module of ours that says "." when it listens, and a line of JSON once all have come. Enter to listen."""

    def __init__(self, module: str, *words: str) -> None:
        command = [*dies_with_us(), sys.executable, "-m", module, *words]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        assert self._child.stdout is not None
        if not self._child.stdout.readline():
            raise ConnectionError("the subscriber does not listen")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.terminate()
        self._child.wait()
        assert self._child.stdout is not None
        self._child.stdout.close()

    def told(self, within_s: float) -> dict[str, int]:
        """What it says in the end. Raises ConnectionError if it died, subprocess.TimeoutExpired."""
        told, _ = self._child.communicate(timeout=within_s)
        if not told:
            raise ConnectionError("the subscriber died: not everything came")
        heard: dict[str, int] = json.loads(told)
        return heard
