"""`kentongan watch`: the status once a second, in place on a terminal, else for each change. Outlives the daemon."""

import json
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from edge.core.faults import FaultRecord, Language, Refused
from edge.field.console import Session, pass_session, session_options
from edge.field.sheet import Section, joined, lines, table
from edge.field.status import ExplainedStatus, ask_status, explained, sheet

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

HEAD: Final = 3  # sections before the buttons and the sirens
EVERY_S: Final = 1.0
UNTOLD: Final = frozenset({"nonce", "boot_ms", "answered_ms"})  # new at every look or beat, and no news to a person

Answer = dict[str, Any] | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(ExplainedStatus):
    """A line of `--json`: the status, and the wall clock of who looked."""

    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """A line of `--json` while the daemon does not answer."""

    at_ms: int
    faults: tuple[FaultRecord, ...]


def changes(ask: Callable[[], dict[str, Any]], wait: Callable[[], None]) -> Iterator[Answer]:
    """What `ask` answers, each time it differs; a daemon that is away is an answer too. Ends when `wait` raises."""
    before: object = None
    while True:
        answer = _asked(ask)
        shown: object = str(answer)
        if not isinstance(answer, Refused):
            shown = {name: value for name, value in answer.items() if name not in UNTOLD}
        if shown != before:
            yield answer
        before = shown
        wait()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Satu baris JSON per perubahan / one JSON line a change")
@session_options
@pass_session
def watch(session: Session, *, as_json: bool) -> None:
    """Ikuti keadaan boks sampai Ctrl-C / follow how the box is until Ctrl-C."""
    try:
        with _ended_like_ctrl_c():
            if sys.stdout.isatty() and not as_json:
                _draw(session)
                return
            for answer in changes(lambda: ask_status(session.places), _wait):
                (_as_json if as_json else _as_text)(session, answer)
                sys.stdout.flush()
    except KeyboardInterrupt:
        return


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """SIGTERM, too, leaves the terminal as it was."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait() -> None:
    """Until the next look. Raises BrokenPipeError as soon as nobody reads any more, not only at the next change."""
    reader = select.poll()
    reader.register(sys.stdout.fileno(), 0)
    if reader.poll(EVERY_S * 1000):
        raise BrokenPipeError


def _asked(ask: Callable[[], dict[str, Any]]) -> Answer:
    try:
        return ask()
    except Refused as refused:
        return refused


def _draw(session: Session) -> None:
    """Each second a whole picture over the last one, on a screen of its own that is gone at the end."""
    from rich.console import Console  # noqa: PLC0415  # rich is loaded only where it is shown
    from rich.live import Live  # noqa: PLC0415  # the same
    from rich.text import Text  # noqa: PLC0415  # the same

    console = Console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            answer = _asked(lambda: ask_status(session.places))
            if isinstance(answer, Refused):
                said = "\n".join(fault.say(session.language) for fault in answer.faults)
                live.update(Text(said), refresh=True)
            else:
                live.update(fitting(sheet(session.places, answer), session.language, console), refresh=True)
            _wait()


def fitting(parts: tuple[Section, ...], language: Language, console: "Console") -> "Table":
    """Buttons and sirens stand in one row each where the screen has no room for all of them."""
    drawn = table(parts, language)
    if len(console.render_lines(drawn)) <= console.height:
        return drawn
    return table((*parts[:HEAD], *(joined(section) for section in parts[HEAD:])), language)


def _as_json(session: Session, answer: Answer) -> None:
    if isinstance(answer, Refused):
        told: dict[str, Any] = {"faults": [fault.record() for fault in answer.faults]}
    else:
        told = explained(session.places, answer)
    line = {"at_ms": time.time_ns() // 1_000_000, **told}
    click.echo(json.dumps(msgspec.to_builtins(line), ensure_ascii=False))


def _as_text(session: Session, answer: Answer) -> None:
    click.echo(time.strftime("-- %H:%M:%S"))
    if isinstance(answer, Refused):
        session.show(answer.faults)
        return
    for line in lines(sheet(session.places, answer), session.language):
        click.echo(line)
