"""`kentongan centre approve`: boxes that ask to be admitted, and the person who says yes."""

from pathlib import Path

import click

from edge.centre import codes
from edge.centre.audit_cli import noted
from edge.centre.explained import explained, keys_option, places_of
from edge.core.faults import Refused, Wording
from edge.core.seal import Forged
from edge.core.words import BoxId, Json
from edge.enrol import codes as enrol_codes
from edge.enrol.forms import Request, fingerprint, read_request
from edge.enrol.lines import TEXT_MAX, Kind, Unreadable, content_of, lines_of
from edge.field.console import Session, session_options

by_option = click.option("--by", help="Nama operator / the operator's name [$USER]")


@click.command()
@session_options
@click.argument("asking", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Berkas jawaban / file of the answer [-]")
@click.option("--replace", "replacing", is_flag=True, help="Gantikan boks di lokasi itu / replace the box at that site")
@click.option("--yes", is_flag=True, help="Tanpa bertanya / do not ask")
@by_option
@keys_option
@click.pass_obj
def approve(
    session: Session, asking: Path, *, out: Path | None, replacing: bool, yes: bool, by: str | None, keys: Path | None
) -> None:
    """Setujui permintaan dari berkas / approve a request from a file (- reads standard input); needs the root."""
    from edge.centre.approval import approve as answered  # noqa: PLC0415  # cryptography, for the commands that sign
    from edge.centre.approval import residents  # noqa: PLC0415  # the same
    from edge.centre.authority import Authority  # noqa: PLC0415  # the same

    places = places_of(session)
    request = _request_in(asking)
    with explained():
        authority = Authority.open(places, keys)
        there = residents(places, request.site, but=request.box)
        if there and not replacing:
            raise Refused(codes.BOX_SITE_TAKEN.fault(site=request.site, box=there[0]))
        _ask_person(session, request, there, yes=yes)
        answer = lines_of(Kind.ANSWER, answered(authority, places, request))
        noted(session, "admission", request.box, _about(request), by)
    if out is None:
        click.echo(answer, nl=False)
    else:
        out.write_text(answer, encoding="ascii")
    said = Wording(f"{request.box} terdaftar di {request.site}.", f"{request.box} is admitted at {request.site}.")
    click.echo(said[session.language], err=True)


def _request_in(path: Path) -> Request:
    """Raises Refused."""
    try:
        with click.open_file(str(path), encoding="ascii", errors="replace") as file:
            return read_request(content_of(Kind.REQUEST, file.read(TEXT_MAX + 1)))
    except Unreadable as error:
        raise Refused(enrol_codes.TEXT.fault(what=error.said)) from error
    except OSError as error:
        raise Refused(enrol_codes.TEXT.fault(what=f"{path}: {error.strerror}")) from error
    except Forged as error:
        raise Refused(codes.BOX_REJECTED.fault(what=str(error))) from error


def _ask_person(session: Session, request: Request, there: list[BoxId], *, yes: bool) -> None:
    """Raises click.Abort."""
    shown = f"{request.box}  {request.site}  {fingerprint(request.public)}"
    gone = " ".join(there)
    if gone:
        shown += Wording(f"  menggantikan {gone}", f"  replaces {gone}")[session.language]
    click.echo(shown, err=True)
    if not yes:
        question = Wording("Sama dengan yang dibacakan teknisi?", "The same as the technician reads out?")
        click.confirm(question[session.language], abort=True, err=True)


def _about(request: Request) -> dict[str, Json]:
    return {"site": request.site, "fingerprint": fingerprint(request.public), "config": bool(request.config)}
