"""`kentongan centre token`, `replace`, `door`: who is invited, and where they knock."""

import getpass
import time
from pathlib import Path
from urllib.parse import urlsplit

import click

from edge.centre import codes
from edge.centre.audit_cli import noted
from edge.centre.explained import explained, keys_option, places_of, store_at
from edge.centre.invited import Invited, Terms
from edge.centre.keys_cli import authority_of
from edge.centre.places import write_whole
from edge.centre.settings import SettingsFault, read_settings
from edge.centre.trust import NotAdmissible, read_own
from edge.core.faults import Refused, Wording
from edge.core.timing import rfc3339
from edge.core.words import SECOND_NS, BoxId, Json, SiteId
from edge.enrol.forms import SITE_ID, Invitation, fingerprint, write_invitation
from edge.enrol.lines import Kind, lines_of
from edge.field.console import Session, session_options

HOURS: int = 72  # from the desk to the last house of a kelurahan
door_option = click.option("--door", help="https://host:port yang dicapai kotak / that boxes reach [centre.toml]")
hours_option = click.option("--hours", type=click.IntRange(1, 24 * 60), default=HOURS, show_default=True, help="h")
by_option = click.option("--by", help="Nama operator / the operator's name [$USER]")
out_option = click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Berkas / file [-]")


@click.command()
@session_options
@click.argument("site")
@door_option
@hours_option
@out_option
@by_option
@click.pass_obj
def token(session: Session, site: str, *, door: str | None, hours: int, out: Path | None, by: str | None) -> None:
    """Token sekali pakai untuk kotak baru / a token, good once, for a new box at a site; it is a secret."""
    _invite(session, Terms(SiteId(site), _ends(hours), by or getpass.getuser()), door, out)


@click.command()
@session_options
@click.argument("site")
@door_option
@hours_option
@out_option
@by_option
@click.pass_obj
def replace(session: Session, site: str, *, door: str | None, hours: int, out: Path | None, by: str | None) -> None:
    """Token untuk kotak pengganti / a token for the box that replaces the one at this site."""
    terms = Terms(SiteId(site), _ends(hours), by or getpass.getuser(), replacing=True)
    places = places_of(session)
    with explained():
        from edge.centre.approval import residents  # noqa: PLC0415  # cryptography, for the commands that need it

        if not residents(places, terms.site, but=BoxId("")):
            raise Refused(codes.BOX_NONE_THERE.fault(site=site))
    _invite(session, terms, door, out)


def _invite(session: Session, terms: Terms, door: str | None, out: Path | None) -> None:
    from edge.enrol.tls_key import authority_print  # noqa: PLC0415  # cryptography, for the commands that need it

    places = places_of(session)
    with explained():
        if SITE_ID.fullmatch(terms.site) is None:
            raise NotAdmissible(f"{terms.site}: a site id reads 33.74.10.1004-010-005")
        address = _door(door or read_settings(places).door)
        root, authority = read_own(places, "keys/root.pub"), read_own(places, "ca/ca.pem")
        escrow = places.escrow_public.read_bytes() if places.escrow_public.exists() else b""
        invited = Invited(places.invited)
        invited.forget(time.time())
        pin = authority_print(authority)
        about: dict[str, Json] = {"site": terms.site, "expires": terms.expires, "replacing": terms.replacing}
        noted(session, "token", "", about, terms.by)
        secret = invited.invite(terms)
    text = lines_of(
        Kind.TOKEN, write_invitation(Invitation(terms.site, root, pin, escrow, address, secret, terms.expires))
    )
    if out is None:
        click.echo(text, nl=False)
    else:
        write_whole(out, text.encode("ascii"), mode=0o600)
    until = rfc3339(terms.expires * SECOND_NS)
    way = Wording(f"lewat {address}", f"through {address}") if address else Wording("dibawa", "carried by hand")
    said = Wording(
        f"Token untuk {terms.site}, satu kali, sampai {until}, {way.id}. Rahasia: hanya untuk teknisi itu. "
        f"Akar {fingerprint(root)}.",
        f"Token for {terms.site}, good once, until {until}, {way.en}. A secret: for that technician alone. "
        f"Root {fingerprint(root)}.",
    )
    click.echo(said[session.language], err=True)


def _ends(hours: int) -> int:
    return int(time.time()) + hours * 3600


def _door(address: str) -> str:
    """Raises SettingsFault."""
    parts = urlsplit(address)
    try:
        good = parts.scheme == "https" and parts.hostname and parts.port and parts.path in {"", "/"}
    except ValueError:
        good = False
    if address and not (good and not parts.username):
        raise SettingsFault(f"door {address}: write https://host:port")
    return address.rstrip("/")


# ---- the door --------------------------------------------------------------------------------------------------------


@click.command()
@session_options
@click.option("--listen", default="0.0.0.0:8443", show_default=True, help="ADDRESS:PORT")
@click.option("--name", "names", multiple=True, help="Nama pintu di sertifikatnya, baru / new names in its certificate")
@click.option("--store", help="sqlite:///path, postgresql+psycopg://user@host/database [centre.toml]")
@keys_option
@click.pass_obj
def door(session: Session, *, listen: str, names: tuple[str, ...], store: str | None, keys: Path | None) -> None:
    """Pintu pendaftaran, HTTPS / where boxes ask to be admitted; it only queues, until SIGTERM or Ctrl-C."""
    from edge.centre.doorway import serve_door  # noqa: PLC0415  # starlette and uvicorn
    from edge.centre.metrics import MetricsAddress, address_of  # noqa: PLC0415  # prometheus

    places = places_of(session)
    with explained():
        if names:
            authority_of(session, keys).certify_door(names)
        elif not (places.certificates / "door.pem").exists():
            raise click.UsageError("--name HOST --keys FOLDER")
        try:
            address = address_of(listen)
            serve_door(places, store_at(session, store), address, lambda port: _opened(session, address[0], port))
        except (MetricsAddress, OSError) as error:
            raise Refused(codes.CENTRE_DOOR.fault(what=f"{listen}: {error}")) from error


def _opened(session: Session, host: str, port: int) -> None:
    session.say(Wording(f"Pintu terbuka di {host}:{port}", f"The door is open at {host}:{port}"))
