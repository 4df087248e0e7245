"""`kentongan demo --keep`: a board in the terminal; keys press virtual buttons, lamp and siren are seen by meter."""

import errno
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from rich.console import Console
from rich.live import Live

from drivers.clock import boot_ns
from edge.centre.run import stopped_by_signals
from edge.core.faults import Wording
from edge.field.console import Session
from edge.field.keys import HUNG_UP, Keys
from edge.field.picture import draw
from edge.field.player import Player
from edge.field.sight import BoxSight
from edge.field.stage import Stage

TICK_S: Final = 0.025  # half of the shortest stroke that a pattern may have: none is missed
LINE_EVERY_S: Final = 1.0
ENDINGS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # the last one: the terminal was closed
LEAVE: Final = frozenset({"q", "Q", HUNG_UP})


def keep_playing(stage: Stage, session: Session) -> None:
    """Stay with the stage until q, Ctrl-C or SIGTERM. Without a terminal: a line whenever something changed."""
    console = Console()
    with stopped_by_signals(ENDINGS) as wake, closing(Player(stage)) as player:
        if sys.stdin.isatty() and console.is_terminal and not console.is_dumb_terminal:
            with _window_may_close():
                _show_board(player, session, console, wake)
        else:
            _tell_lines(player, session, wake)


@contextmanager
def _window_may_close() -> Iterator[None]:
    """A closed window is a way to leave, too; what is still to be written goes nowhere then."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_board(player: Player, session: Session, console: Console, wake: int) -> None:
    shown: object = None
    with Keys(sys.stdin.fileno()) as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            seen = player.look(boot_ns()), console.size
            if seen != shown:
                shown = seen
                live.update(draw(seen[0], session.language, console.height), refresh=True)
            ready, _, _ = select.select([keys.fileno(), wake], [], [], TICK_S)
            pressed = keys.read() if keys.fileno() in ready else ""
            if wake in ready or LEAVE & set(pressed):
                return
            for key in pressed:
                player.press(key)


def _tell_lines(player: Player, session: Session, wake: int) -> None:
    session.say(
        Wording(
            f"\nTetap hidup sampai Ctrl-C atau SIGTERM. Lihat: kentongan status --root {player.root}",
            f"\nStays until Ctrl-C or SIGTERM. Look: kentongan status --root {player.root}",
        )
    )
    said: Wording | None = None
    while not select.select([wake], [], [], LINE_EVERY_S if said else TICK_S)[0]:
        line = _line(player.look(boot_ns()).told)
        if line != said:
            said = line
            session.say(line)
            sys.stdout.flush()


def _line(told: BoxSight) -> Wording:
    if told.face is None:
        return Wording("program alarm tidak menjawab", "the alarm program does not answer")
    siren = Wording("bunyi", "sounding") if told.sounding else Wording("diam", "quiet")
    linked = Wording("ya", "yes") if told.online else Wording("tidak", "no")
    return Wording(
        f"lampu {told.face}  sirene {siren.id}  menunggu {told.waiting}  terhubung {linked.id}",
        f"lamp {told.face}  siren {siren.en}  waiting {told.waiting}  connected {linked.en}",
    )
