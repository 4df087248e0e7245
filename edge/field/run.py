"""`kentongan run alarm|relay`: for units and the demo."""

import os
import sys

import click

from edge.field.console import Session

DAEMONS = {"alarm": "edge.daemons.alarm", "relay": "edge.daemons.relay"}


@click.command(hidden=True, context_settings={"ignore_unknown_options": True})
@click.argument("daemon", type=click.Choice(list(DAEMONS)))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(session: Session, daemon: str, arguments: tuple[str, ...]) -> None:
    """Become the daemon: exec, so that the process holds what the daemon imports and not click besides."""
    root = () if "--root" in arguments else ("--root", str(session.places.root))
    # -P: the working directory must not decide what a daemon imports
    command = [sys.executable, "-P", "-m", DAEMONS[daemon], *root, *arguments]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, our own module
