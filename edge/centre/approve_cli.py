"""`kentongan centre approve`: who asks to be admitted, and the person who says yes."""

import getpass
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.centre import codes
from edge.centre.audit_cli import noted
from edge.centre.explained import explained, keys_option, places_of, store_at
from edge.centre.invite_cli import by_option, out_option
from edge.centre.invited import Invited, Slot
from edge.centre.keys_cli import authority_of
from edge.centre.places import CentrePlaces
from edge.centre.trust import NotAdmissible
from edge.core.faults import Refused, Wording
from edge.core.seal import Forged
from edge.core.words import BoxId, Json
from edge.enrol import codes as enrol_codes
from edge.enrol.forms import BOX_ID, Request, fingerprint, read_request
from edge.enrol.lines import TEXT_MAX, Kind, Unreadable, content_of, lines_of
from edge.field.console import Session, session_options

if TYPE_CHECKING:
    from edge.centre.authority import Authority


@click.command()
@session_options
@click.argument("asking", metavar="[BOX|FILE]", required=False)
@out_option
@click.option("--replace", "replacing", is_flag=True, help="Gantikan boks di lokasi itu / replace the box at that site")
@click.option("--yes", is_flag=True, help="Tanpa bertanya / do not ask")
@by_option
@keys_option
@click.pass_obj
def approve(
    session: Session,
    *,
    asking: str | None,
    out: Path | None,
    replacing: bool,
    yes: bool,
    by: str | None,
    keys: Path | None,
) -> None:
    """Setujui boks yang menunggu di pintu atau dari berkas / approve a box; without a name: show who waits."""
    from edge.centre.approval import residents  # noqa: PLC0415  # cryptography, for the commands that sign

    places = places_of(session)
    with explained():
        if asking is None:
            _show_waiting(session, Invited(places.invited))
            return
        request, slot, queued = _asked(places, asking)
        authority = authority_of(session, keys)
        there = residents(places, request.site, but=request.box)
        replacing = replacing or (slot is not None and slot.terms.replacing)
        if there and not replacing:
            raise Refused(codes.BOX_SITE_TAKEN.fault(site=request.site, box=there[0]))
        _ask_person(session, request, there, yes=yes)
        raw = _answer(session, authority, Approved(request, slot, by or getpass.getuser(), replacing=replacing))
    if out is not None:
        out.write_text(lines_of(Kind.ANSWER, raw), encoding="ascii")
    elif not queued:
        click.echo(lines_of(Kind.ANSWER, raw), nl=False)
    _say_what_is_left(session, request.box, there)
    said = Wording(f"{request.box} terdaftar di {request.site}.", f"{request.box} is admitted at {request.site}.")
    click.echo(said[session.language], err=True)


@dataclass(frozen=True, slots=True)
class Approved:
    """What a person has said yes to."""

    request: Request
    slot: Slot | None
    operator: str
    replacing: bool


def _answer(session: Session, authority: "Authority", yes: Approved) -> bytes:
    """The answer is written last: whatever cuts this short, the request still waits, and doing it again is harmless."""
    from edge.centre import approval  # noqa: PLC0415  # cryptography, for the commands that sign
    from edge.centre.replacement import replaced  # noqa: PLC0415  # the database

    places, request, slot = places_of(session), yes.request, yes.slot
    if slot is not None:
        slot.claim(request, time.time())
    raw = approval.approve(authority, places, request, replacing=yes.replacing)
    noted(session, "admission", request.box, _about(request, slot), yes.operator)
    if yes.replacing:
        gone = approval.retire(authority, places, request)
        replaced(store_at(session, None), gone, request.box, site=request.site, operator=yes.operator)
    if slot is not None:
        slot.put_answer(raw)
    return raw


def _say_what_is_left(session: Session, box: BoxId, gone: list[BoxId]) -> None:
    """What the operator must still do, on standard error."""
    places, left = places_of(session), []
    if gone:
        names, listed = ", ".join(gone), places.revocations
        left.append(
            Wording(
                f"{names} dicabut. Salin {listed} ke broker, lalu `systemctl reload mosquitto`. Uji jalan masih perlu.",
                f"{names} revoked. Copy {listed} to the broker, then `systemctl reload mosquitto`. A walk test is due.",
            )
        )
    if not places.copy(box).exists():
        left.append(
            Wording(
                "Tanpa salinan site.toml: minta `enrol --renew` sekali lagi, supaya boks ini kelak bisa diganti.",
                "Without a copy of site.toml: ask for `enrol --renew` once more, so that it can be replaced one day.",
            )
        )
    for wording in left:
        click.echo(wording[session.language], err=True)


def _show_waiting(session: Session, invited: Invited) -> None:
    waiting = invited.waiting()
    for request, slot in waiting:
        replacing = Wording("pengganti", "replacement")[session.language] if slot.terms.replacing else ""
        click.echo(
            f"{request.box}  {request.site}  {fingerprint(request.public)}  {slot.terms.by}  {replacing}".rstrip()
        )
    if not waiting:
        session.say(Wording("Tidak ada yang menunggu.", "Nobody waits."))


def _asked(places: CentrePlaces, asking: str) -> tuple[Request, Slot | None, bool]:
    """The request, the token that it was made with, and whether it came through the door. Raises Refused."""
    invited = Invited(places.invited)
    if BOX_ID.fullmatch(asking) is not None:
        for request, slot in invited.waiting():
            if request.box == asking:
                return request, slot, True
        raise Refused(codes.BOX_NOT_WAITING.fault(box=asking))
    request = _request_in(Path(asking))
    if not request.token:
        return request, None, False
    slot_of_it = invited.find(request.token)
    if slot_of_it is None:
        raise NotAdmissible("made with a token that is not ours, or has ended")
    return request, slot_of_it, False


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


def _about(request: Request, slot: Slot | None) -> dict[str, Json]:
    invited = slot.terms.by if slot is not None else ""
    mark = fingerprint(request.public)
    return {"site": request.site, "fingerprint": mark, "config": bool(request.config), "invited": invited}
