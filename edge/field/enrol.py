"""`kentongan enrol`: this box's keys, its request to the centre, and the answer that makes it somebody."""

import sys
from pathlib import Path

import click

from edge.config.generations import write_atomically
from edge.config.places import Places
from edge.core.faults import Refused, Wording
from edge.core.seal import Forged
from edge.enrol import codes
from edge.enrol.box import Enrolled, accept, ask, standing
from edge.enrol.forms import Invitation, Request, fingerprint, read_invitation, same_print, write_invitation
from edge.enrol.knock import DoorAway, DoorRefuses, fetched
from edge.enrol.lines import TEXT_MAX, Kind, Unreadable, content_of, lines_of
from edge.field.console import Session, pass_session, session_options

STANDARD = Path("-")  # standard input or output
PUBLIC = 0o644
text_file = click.Path(dir_okay=False, path_type=Path, allow_dash=True)


@click.command()
@click.option("--token", type=text_file, help="Berkas token dari pusat, atau - / file of the centre's token, or -")
@click.option("--request", type=text_file, help="Tulis permintaan, untuk dibawa / write the request, to be carried")
@click.option("--accept", "answer", type=text_file, help="Baca jawaban pusat / read the centre's answer")
@click.option("--pin", help="Sidik jari akar, dari telepon pusat / the root's fingerprint, as the centre reads it out")
@click.option("--wait", type=click.FloatRange(0, 86_400), default=600.0, show_default=True, help="Tunggu / wait, s")
@click.option(
    "--renew", is_flag=True, help="Sertifikat atau lokasi baru, kunci tetap / new certificate or site, same keys"
)
@click.option("--again", metavar="BOX", help="Buang kunci dan nama kotak ini / throw this box's keys and name away")
@session_options
@pass_session
def enrol(
    session: Session,
    *,
    token: Path | None,
    request: Path | None,
    answer: Path | None,
    pin: str | None,
    wait: float,
    renew: bool,
    again: str | None,
) -> None:
    """Daftarkan kotak ini di pusat / enrol this box at the centre; a power cut or a second run does no harm."""
    if answer is not None and (request is not None or again is not None or renew):
        raise click.UsageError("--accept FILE | [--renew | --again BOX] [--request FILE]")
    places = session.places
    if standing(places) is not None and not renew and again is None:
        _token_path(places).unlink(missing_ok=True)  # the power was cut after the last file
    invitation = _invitation(places, token)
    if answer is not None:
        raw = _content(Kind.ANSWER, answer)
    else:
        if request is None and invitation is None and (renew or again is not None or standing(places) is None):
            invitation = _typed(session)
        asked, signed = ask(places, invitation, renew=renew, again=again)
        if invitation is not None:
            _keep_token(places, invitation)
        if request is not None:
            _write_request(session, request, asked, signed)
            return
        raw = _through_the_door(session, invitation, asked, signed, wait)
    _welcome(session, accept(places, raw, invitation, lambda root: _vouched(session, root, pin)))


def _through_the_door(
    session: Session, invitation: Invitation | None, asked: Request, signed: bytes, wait_s: float
) -> bytes:
    """Raises Refused."""
    if invitation is None or not invitation.door:
        raise Refused(codes.NO_DOOR.fault())
    shown = fingerprint(asked.public)
    waiting = Wording(
        f"{asked.box} menunggu persetujuan. Telepon pusat, bacakan {shown}.",
        f"{asked.box} waits for approval. Phone the centre and read out {shown}.",
    )
    try:
        text = fetched(invitation, lines_of(Kind.REQUEST, signed), wait_s, lambda: session.say(waiting))
    except DoorAway as error:
        raise Refused(codes.DOOR.fault(door=invitation.door, what=str(error))) from error
    except DoorRefuses as error:
        raise Refused(codes.TOKEN.fault(what=str(error))) from error
    if text is None:
        raise Refused(codes.WAITING.fault(box=asked.box, shown=shown))
    return _unpacked(Kind.ANSWER, text)


def _write_request(session: Session, path: Path, asked: Request, signed: bytes) -> None:
    text = lines_of(Kind.REQUEST, signed)
    if path == STANDARD:
        click.echo(text, nl=False)
    else:
        write_atomically(path, text.encode("ascii"), PUBLIC)
    mark, count = fingerprint(asked.public), text.count("\n")
    wording = Wording(
        f"{asked.box} di {asked.site}, sidik jari kunci {mark}. Bawa {count} baris itu ke pusat "
        "(berkas, QR atau pesan; isinya bukan rahasia), lalu `kentongan enrol --accept BERKAS`.",
        f"{asked.box} at {asked.site}, key fingerprint {mark}. Carry these {count} lines to the centre "
        "(file, QR or message; they are no secret), then `kentongan enrol --accept FILE`.",
    )
    click.echo(wording[session.language], err=True)


def _welcome(session: Session, enrolled: Enrolled) -> None:
    _token_path(session.places).unlink(missing_ok=True)
    session.show(enrolled.faults)
    if not session.places.site.exists():
        session.show([codes.NO_CONFIG.fault(where=str(session.places.site))])
    then = "systemd-tmpfiles --create && systemctl restart kentongan-alarm kentongan-relay"
    session.say(
        Wording(
            f"Kotak ini sekarang {enrolled.box} di {enrolled.site}.\n  Lakukan: sudo sh -c '{then}'",
            f"This box is now {enrolled.box} at {enrolled.site}.\n  Do: sudo sh -c '{then}'",
        )
    )


def _vouched(session: Session, root: bytes, pin: str | None) -> bool:
    """By the fingerprint given, or by a person who has compared what is shown."""
    if pin is not None:
        return same_print(root, pin)
    if not sys.stdin.isatty():
        return False
    shown = fingerprint(root)
    question = Wording(
        f"Sidik jari akar pusat: {shown}\nTelepon pusat. Apakah persis sama?",
        f"Fingerprint of the centre's root: {shown}\nPhone the centre. Is it exactly the same?",
    )
    return click.confirm(question[session.language], default=False)


def _invitation(places: Places, token: Path | None) -> Invitation | None:
    """The token given now, else the one that an unfinished enrolment has left. Raises Refused."""
    if token is not None:
        return _opened(_content(Kind.TOKEN, token))
    kept = _token_path(places)
    return _opened(kept.read_bytes()) if kept.exists() else None


def _typed(session: Session) -> Invitation:
    """Ask for the token at the terminal. Raises Refused, click.Abort."""
    if not sys.stdin.isatty():
        raise click.UsageError("--token FILE | --request FILE | --accept FILE")
    text = click.prompt(Wording("Token dari pusat", "The centre's token")[session.language], hide_input=True)
    return _opened(_unpacked(Kind.TOKEN, text))


def _keep_token(places: Places, invitation: Invitation) -> None:
    """Until the box is enrolled, so that it need not be typed twice."""
    write_atomically(_token_path(places), write_invitation(invitation), mode=0o600)


def _opened(raw: bytes) -> Invitation:
    try:
        return read_invitation(raw)
    except Forged as error:
        raise Refused(codes.TEXT.fault(what=str(error))) from error


def _token_path(places: Places) -> Path:
    return places.secrets / "enrol.token"


def _content(kind: Kind, path: Path) -> bytes:
    """Raises Refused."""
    try:
        if path == STANDARD:
            text = sys.stdin.read(TEXT_MAX + 1)
        else:
            with path.open(encoding="utf-8", errors="replace") as file:
                text = file.read(TEXT_MAX + 1)
    except OSError as error:
        raise Refused(codes.TEXT.fault(what=f"{path}: {error.strerror}")) from error
    return _unpacked(kind, text)


def _unpacked(kind: Kind, text: str) -> bytes:
    try:
        return content_of(kind, text)
    except Unreadable as error:
        raise Refused(codes.TEXT.fault(what=error.said)) from error
