"""`kentongan status`: what the box says of itself, over its own socket."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import click
import msgspec

from edge.config.active import read_active
from edge.config.model import Configuration
from edge.config.places import Places
from edge.core import codes
from edge.core.faults import Fault, FaultRecord, Refused
from edge.core.status import BoxStatus
from edge.field.console import Session, pass_session, session_options, show_json
from edge.field.sheet import Section, lines, sections, table
from edge.field.troubles import fault_of
from edge.link.client import LinkClient

ANSWER_MAX_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedStatus(BoxStatus):
    """What `--json` tells: the daemon's answer, and what each of its troubles means."""

    faults: tuple[FaultRecord, ...]


def ask_status(places: Places, what: str = "status", **args: str) -> dict[str, Any]:
    """Ask the alarm daemon how it is, or for something that it answers with how it is (edge.link.frames.ASKS).

    raises: Refused (E-DAEMON-AWAY) when it does not answer
    """
    path = places.link / "cli.sock"
    with LinkClient(path) as link:
        raw = link.ask(what, ANSWER_MAX_S, **args)
    if raw is None:
        raise Refused(codes.DAEMON_AWAY.fault(what=str(path)))
    answer: dict[str, Any] = json.loads(raw)
    return answer


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Untuk mesin / for machines")
@session_options
@pass_session
def status(session: Session, *, as_json: bool) -> int:
    """Keadaan boks sekarang / how the box is now."""
    answer = ask_status(session.places)
    if as_json:
        show_json(explained(session.places, answer))
    elif sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415  # rich is loaded only where it is shown

        Console().print(table(sheet(session.places, answer), session.language))
    else:
        for line in lines(sheet(session.places, answer), session.language):
            click.echo(line)
    return 0


def explained(places: Places, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as it came, with the members of ExplainedStatus that the daemon does not tell."""
    faults = _faults(msgspec.convert(answer, BoxStatus), read_active(places).configuration)
    return {**answer, "faults": [fault.record() for fault in faults]}


def sheet(places: Places, answer: Mapping[str, Any]) -> tuple[Section, ...]:
    """The answer as people read it."""
    told, applied = msgspec.convert(answer, BoxStatus), read_active(places).configuration
    return sections(told, _faults(told, applied), applied.generation if applied else 0)


def _faults(told: BoxStatus, applied: Configuration | None) -> list[Fault]:
    uplink = applied.uplink if applied and applied.generation == told.config else None
    endpoint = f"{uplink.host}:{uplink.port}" if uplink else ""
    return [fault_of(trouble, told.causes.get(trouble, ""), endpoint) for trouble in told.troubles]
