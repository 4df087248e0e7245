"""What every daemon needs of its surroundings: clocks, systemd's notifications, signals, logging, memory."""

import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge.core.timing import STEP_NS, TimeQuality, Trust
from edge.core.words import SECOND_NS
from edge.daemons.border import Border

_TIME_ERROR: Final = 5  # adjtimex(2): the kernel's clock is not synchronised
_QUALITY_NS: Final = 2 * SECOND_NS
_TIMEX_BYTES: Final = 256  # struct timex has 208 bytes at most
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4  # mlockall(2)
RTC: Final = Path("/sys/class/rtc/rtc0/since_epoch")
RTC_SET_NS: Final = 1_767_225_600 * SECOND_NS  # 2026-01-01: older than this release is not set
_JOURNAL: Final = "/run/systemd/journal/socket"


class SystemClock:
    """The machine's clocks (edge.core.timing.Clock)."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._trust = Trust(rtc_offset_ns(self.utc_ns(), self.boot_ns()))
        self._asked_ns: int | None = None
        self._offset_ns = 0
        self._quality = TimeQuality.UNSYNCED

    def boot_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def utc_ns(self) -> int:
        return time.time_ns()

    def quality(self) -> TimeQuality:
        """As the kernel said it within the last 2 s, but for a step: asking takes 0.1 ms, and a press would wait."""
        now_ns = self.boot_ns()
        offset_ns = self.utc_ns() - now_ns
        stepped = abs(offset_ns - self._offset_ns) > STEP_NS
        if self._asked_ns is None or stepped or now_ns - self._asked_ns > _QUALITY_NS:
            self._asked_ns, self._offset_ns, self._quality = now_ns, offset_ns, self._ask_quality()
        return self._quality

    def _ask_quality(self) -> TimeQuality:
        """Whether anybody disciplines the kernel's clock; a read-only adjtimex(2)."""
        said = self._libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        return self._trust.judge(self.utc_ns(), self.boot_ns(), disciplined=said not in {-1, _TIME_ERROR})


def rtc_offset_ns(utc_ns: int, boot_ns: int, clock: Path = RTC) -> int | None:
    """Wall time at zero of the boot clock, where a battery kept it: that clock was set, and the wall clock agrees.

    A Pi 5 without a battery has a hardware clock too, and it says 1970. Read once: the chip sits behind a slow bus.
    """
    try:
        kept_ns = int(clock.read_text("ascii")) * SECOND_NS
    except (OSError, ValueError):
        return None
    ours = abs(kept_ns - utc_ns) <= SECOND_NS + STEP_NS  # it counts whole seconds
    return utc_ns - boot_ns if ours and kept_ns >= RTC_SET_NS else None


def boot_id() -> str:
    """First 8 hex digits of the kernel's random id of this boot (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii")[:8]


class Notifier:
    """sd_notify(3) without a library: one datagram, never blocking, silent where nobody listens."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._sock: socket.socket | None = None
        if address:
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if self._sock is not None:
            with suppress(OSError):
                self._sock.sendto(text.encode(), self._address)

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()


_LINE_LIMIT: Final = 400  # characters of a line kept
_RECENT: Final[deque[str]] = deque(maxlen=200)


def recent_lines() -> list[str]:
    """The last lines that this daemon logged."""
    return list(_RECENT)


class _Journal(logging.Handler):
    """One datagram a line to journald, or a write to stderr; a full journal costs a line, never a wait."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped = 0
        self._sock: socket.socket | None = None
        if os.environ.get("JOURNAL_STREAM") and Path(_JOURNAL).exists():
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record).replace("\n", " | ")
            _RECENT.append(f"{record.created:.3f} {record.levelname} {line}"[:_LINE_LIMIT])
            if self._sock is None:
                sys.stderr.write(f"{record.levelname} {record.name} {line}\n")
                sys.stderr.flush()
                return
            priority = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}.get(record.levelno, 7)
            self._sock.sendto(
                f"MESSAGE={line}\nPRIORITY={priority}\nSYSLOG_IDENTIFIER={record.name}\n".encode(), _JOURNAL
            )
        except Exception:  # noqa: BLE001  # a line that cannot be written costs that line, and no thread its next step
            self.dropped += 1


def start_logging(level: int = logging.INFO) -> None:
    """One event a line: `event text  key=value key=value`."""
    logging.basicConfig(level=level, handlers=[_Journal()], format="%(message)s", force=True)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def on_stop(stop: Callable[[], None]) -> None:
    """Call `stop` (which only sets a flag or enqueues) on SIGTERM and SIGINT; main thread only."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _routine(stop))


def on_reload(reload: Callable[[], None]) -> None:
    """Call `reload` (which only sets a flag or enqueues) on SIGHUP; main thread only."""
    signal.signal(signal.SIGHUP, _routine(reload))


def _routine(called: Callable[[], None]) -> Callable[[int, object], None]:
    """What it raised would come out of whatever line the main thread is at."""
    border = Border(logging.getLogger("kentongan"), "signal")

    def routine(_number: int, _frame: object) -> None:
        border.call(called)

    return routine


def settle_memory() -> bool:
    """Pin what is loaded into RAM and hide it from the collector; False where that is not permitted.

    On fault: thread stacks are pinned as far as they are used, not to their 8 MB.
    """
    gc.collect()
    gc.freeze()
    return bool(ctypes.CDLL(None, use_errno=True).mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)
