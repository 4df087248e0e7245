"""`kentongan status`: what the box says of itself, over its own socket."""

import json
import select
from typing import Any

import click

from edge.config.places import Places
from edge.core import codes
from edge.core.faults import Refused, Wording
from edge.field.console import Session, pass_session, session_options, show_json
from edge.link.client import LinkClient
from edge.link.frames import Ask, Status

ANSWER_MAX_S = 2.0


def ask_status(places: Places) -> dict[str, Any]:
    """Ask the alarm daemon how it is. Raises Refused (E-DAEMON-AWAY) when it does not answer."""
    path = places.link / "cli.sock"
    with LinkClient(path) as link:
        if link.open():
            link.send(Ask("status", {}))
            for _ in range(16):
                if not link.connected or not select.select([link], [], [], ANSWER_MAX_S)[0]:
                    break
                for frame in link.frames():
                    if isinstance(frame, Status):
                        answer: dict[str, Any] = json.loads(frame.raw)
                        return answer
    raise Refused(codes.DAEMON_AWAY.fault(what=str(path)))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Untuk mesin / for machines")
@session_options
@pass_session
def status(session: Session, *, as_json: bool) -> int:
    """Keadaan boks sekarang / how the box is now."""
    told = ask_status(session.places)
    if as_json:
        show_json(told)
        return 0
    for wording in lines(told):
        session.say(wording)
    return 0


def lines(told: dict[str, Any]) -> list[Wording]:
    zones = ", ".join(f"{zone} {state}" for zone, state in told["zones"].items())
    troubles = ", ".join(told["troubles"]) or "-"
    who, lamp, waiting, centre = (
        f"{told['box']}  {told['site']}",
        told["lamp"],
        told["waiting"],
        told["receiver"] or "-",
    )
    online = _yes(told["online"])
    return [
        Wording(f"boks {who}", f"box {who}"),
        Wording(f"lampu: {lamp}   menunggu kirim: {waiting}", f"lamp: {lamp}   waiting to leave: {waiting}"),
        Wording(f"tombol: {zones}", f"zones: {zones}"),
        Wording(f"pusat: {centre}   terhubung: {online.id}", f"centre: {centre}   connected: {online.en}"),
        Wording(f"gangguan: {troubles}", f"troubles: {troubles}"),
    ]


def _yes(value: object) -> Wording:
    return Wording("ya", "yes") if value else Wording("tidak", "no")
