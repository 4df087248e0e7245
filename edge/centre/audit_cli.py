"""`kentongan centre audit`: who ordered, acknowledged, admitted and changed what, and whether the chain still holds."""

import getpass
import json

import click

from edge.centre import codes, reader
from edge.centre.explained import explained, store_at
from edge.core.faults import Refused, Wording, printable
from edge.core.words import Json
from edge.field.console import Session, session_options

ROW = "{number:>6} {at} {kind:<15} {box:<12} {operator} {about}"


@click.command()
@session_options
@click.option("--verify", is_flag=True, help="Periksa rantainya / check that nothing was altered, taken out or moved")
@click.option("--json", "as_json", is_flag=True, help="Baris JSON / JSON lines")
@click.option("--store", help="sqlite:///path, postgresql+psycopg://user@host/database [centre.toml]")
@click.pass_obj
def audit(session: Session, *, verify: bool, as_json: bool, store: str | None) -> None:
    """Catatan tindakan / what people and the centre did, oldest first, each line chained to the one before."""
    with explained():
        where = store_at(session, store)
        if verify:
            _verified(session, reader.audit_state(where), as_json=as_json)
            return
        for entry in reader.audit_entries(where):
            said = {**entry, "about": json.dumps(entry["about"], ensure_ascii=False)}
            click.echo(json.dumps(entry, ensure_ascii=False) if as_json else printable(ROW.format_map(said)))


def noted(session: Session, kind: str, box: str, about: dict[str, Json], by: str | None = None) -> None:
    """Enter what a person did at this machine, in the name that they give or are logged in with."""
    from edge.centre.store import note  # noqa: PLC0415  # 300 ms, for the commands that write

    note(store_at(session, None), kind, box, by or getpass.getuser(), about)


def _verified(session: Session, state: reader.AuditState, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"whole": not state.broken, "number": state.number, "hash": state.hash}))
    if state.broken:
        raise Refused(codes.AUDIT_BROKEN.fault(number=str(state.number), what=state.broken))
    if not as_json:
        said = f"{state.number} {state.hash}"
        session.say(Wording(f"Catatan utuh sampai {said}", f"The record is whole up to {said}"))
