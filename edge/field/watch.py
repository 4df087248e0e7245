"""`kentongan watch`: the status, once a second, a line or a screen for each change. Outlives the alarm daemon."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import click

from edge.core.faults import Refused
from edge.field.console import Session, pass_session, session_options
from edge.field.status import ask_status, lines

EVERY_S: Final = 1.0
UNTOLD: Final = frozenset({"nonce"})  # new at every connection, and no news to a person


def changes(ask: Callable[[], dict[str, Any]], wait: Callable[[], None]) -> Iterator[dict[str, Any] | Refused]:
    """What `ask` answers, each time it differs; a daemon that is away is an answer too. Ends when `wait` raises."""
    before: object = None
    while True:
        answer: dict[str, Any] | Refused
        try:
            answer = ask()
            shown: object = {name: value for name, value in answer.items() if name not in UNTOLD}
        except Refused as refused:
            answer, shown = refused, str(refused)
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
        for answer in changes(lambda: ask_status(session.places), lambda: time.sleep(EVERY_S)):
            if as_json:
                _as_json(answer)
            else:
                _as_text(session, answer)
            sys.stdout.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        return


def _as_json(answer: dict[str, Any] | Refused) -> None:
    told = {"faults": [fault.record() for fault in answer.faults]} if isinstance(answer, Refused) else answer
    click.echo(json.dumps({"at_ms": time.time_ns() // 1_000_000, **told}, ensure_ascii=False))


def _as_text(session: Session, answer: dict[str, Any] | Refused) -> None:
    if sys.stdout.isatty():
        click.clear()
    else:
        click.echo(time.strftime("-- %H:%M:%S"))
    if isinstance(answer, Refused):
        session.show(answer.faults)
        return
    for wording in lines(answer):
        session.say(wording)
