"""Single keys of a terminal, without Enter and without echo; the terminal is as before when it is over."""

import os
import termios
import tty
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

READ_MAX: Final = 64
ESCAPE: Final = "\x1b"  # opens what arrows and function keys send
HUNG_UP: Final = "\x04"  # what a closed terminal reads as: nobody will press a key again


class Keys:
    """Enter to take the terminal on `descriptor`; Ctrl-C stays a signal, Ctrl-Z and Ctrl-backslash do nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._before = termios.tcgetattr(descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> str:
        """The keys pressed since; "" for what is no single key. Call when readable: it waits otherwise."""
        try:
            pressed = os.read(self._descriptor, READ_MAX).decode(errors="replace")
        except OSError:  # EIO: the other end of the terminal is closed
            return HUNG_UP
        if not pressed:
            return HUNG_UP
        return "" if pressed.startswith(ESCAPE) else pressed

    def __enter__(self) -> Self:
        tty.setcbreak(self._descriptor)
        mode = termios.tcgetattr(self._descriptor)
        for place in (termios.VSUSP, termios.VQUIT):
            mode[6][place] = b"\0"  # a stop or a core dump would leave the terminal without echo
        termios.tcsetattr(self._descriptor, termios.TCSANOW, mode)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(termios.error):  # a closed terminal needs no restoring
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._before)
