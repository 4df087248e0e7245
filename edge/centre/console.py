"""Shows facts and never holds up the centre: a bounded queue, a thread of its own, and a count of what it missed."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol, Self, TextIO

from edge.centre.lines import Line, Told, as_json, as_text, line_of
from edge.core.faults import Language

QUEUE_LIMIT: Final = 20_000  # a drain of 10,000 events is shown whole
REDRAW_S: Final = 0.25


_log = logging.getLogger("kentongan.centre")


class View(Protocol):
    """Where facts are shown; called by the console's thread alone."""

    def show(self, told: Told, at_ns: int) -> None: ...

    def breathe(self) -> None:
        """The queue is empty, or a quarter of a second has passed: now is the time to flush or draw."""

    def close(self) -> None: ...


class LineView:
    """One line per fact: JSON, or words."""

    def __init__(self, stream: TextIO, form: Callable[[Line], str]) -> None:
        self._stream = stream
        self._form = form

    def show(self, told: Told, at_ns: int) -> None:
        self._stream.write(self._form(line_of(told, at_ns)) + "\n")

    def breathe(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


def view_for(stream: TextIO, language: Language, *, json: bool) -> View:
    """JSON lines when asked, the board on a terminal, else lines of words."""
    if json:
        return LineView(stream, as_json)
    if not stream.isatty():
        return LineView(stream, as_text)
    from edge.centre.board import BoardView  # noqa: PLC0415  # rich is loaded only where it is shown

    return BoardView(language)


class Console:
    """`tell` never waits. A reader that goes away silences the console, not the centre."""

    def __init__(self, view: View) -> None:
        self.missed = 0
        self.faults = 0
        self._view = view
        self._queue: queue.Queue[tuple[Told, int] | None] = queue.Queue(QUEUE_LIMIT)
        self._thread = threading.Thread(target=self._run, name="console")

    def tell(self, told: Told) -> None:
        try:
            self._queue.put_nowait((told, time.time_ns()))
        except queue.Full:
            self.missed += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._show_all()
        except OSError:  # the reader is gone
            while self._queue.get() is not None:
                self.missed += 1

    def _show(self, item: tuple[Told, int]) -> None:
        """One fact that cannot be shown hides no other."""
        try:
            self._view.show(*item)
        except OSError:
            raise
        except Exception:  # noqa: BLE001  # the thread must live to show the next
            self.faults += 1
            _log.exception("console fault; going on  count=%d", self.faults)

    def _show_all(self) -> None:
        breathed = time.monotonic()
        while (item := self._queue.get()) is not None:
            self._show(item)
            if self._queue.empty() or time.monotonic() - breathed > REDRAW_S:
                self._view.breathe()
                breathed = time.monotonic()
        self._view.close()
