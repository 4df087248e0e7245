"""`kentongan centre keys` and `revoke`: what the root says of keys and boxes. Only these commands need root.key."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.centre.audit_cli import noted
from edge.centre.explained import explained, keys_option, places_of
from edge.centre.trust import open_keyset
from edge.core.faults import Wording
from edge.core.seal import CentreKey, Use
from edge.core.timing import rfc3339
from edge.core.words import SECOND_NS, BoxId
from edge.field.console import Session, session_options

if TYPE_CHECKING:
    from edge.centre.authority import Authority


@click.group()
def keys() -> None:
    """Kunci pusat / the centre's keys."""


@keys.command()
@session_options
@click.option("--json", "as_json", is_flag=True, help="JSON")
@click.pass_obj
def show(session: Session, *, as_json: bool) -> None:
    """Kunci yang berlaku dan boks yang dicabut / keys in force and boxes revoked."""
    with explained():
        keyset = open_keyset(places_of(session))
    if as_json:
        said = {
            "version": keyset.version,
            "keys": [{"kid": key.kid, "use": key.use.value, "public": key.public} for key in keyset.keys],
            "revoked": list(keyset.revoked),
        }
        click.echo(json.dumps(said))
        return
    session.say(Wording(f"Keyset versi {keyset.version}", f"Keyset version {keyset.version}"))
    for key in keyset.keys:
        click.echo(f"  {key.kid:<20} {key.use.value:<16} .. {rfc3339(key.not_after * SECOND_NS)}")
    for box in keyset.revoked:
        session.say(Wording(f"  {box} dicabut", f"  {box} revoked"))


@keys.command()
@session_options
@click.argument("use", type=click.Choice([use.value for use in Use]))
@keys_option
@click.pass_obj
def rotate(session: Session, use: str, *, keys: Path | None) -> None:
    """Kunci baru untuk satu kegunaan / a fresh key for one use; the one before stays good until `withdraw`."""
    with explained():
        key: CentreKey = authority_of(session, keys).rotate(Use(use))
        noted(session, "key", "", {"rotated": use, "kid": key.kid})
    if key.use is Use.PICTURE:
        session.say(
            Wording(
                f"Gambar baru disegel untuk {key.kid}. Kunci lama tetap di keys/ untuk gambar yang lama.",
                f"New pictures are sealed to {key.kid}. The key before stays in keys/ for the pictures before.",
            )
        )
        return
    session.say(
        Wording(
            f"{key.kid} sekarang menandatangani. Setelah semua boks tersambung, cabut kunci lama: keys withdraw.",
            f"{key.kid} signs from now on. When all boxes have been online, withdraw the key before: keys withdraw.",
        )
    )


@keys.command()
@session_options
@click.argument("kid")
@keys_option
@click.pass_obj
def withdraw(session: Session, kid: str, *, keys: Path | None) -> None:
    """Cabut satu kunci / take one key out: what it signs is believed nowhere any more."""
    with explained():
        keyset = authority_of(session, keys).withdraw(kid)
        noted(session, "key", "", {"withdrawn": kid, "version": keyset.version})
    session.say(Wording(f"{kid} dicabut, versi {keyset.version}.", f"{kid} withdrawn, version {keyset.version}."))


@keys.command()
@session_options
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@keys_option
@click.pass_obj
def second(session: Session, path: Path, *, keys: Path | None) -> None:
    """Kunci orang kedua untuk bunyi panjang / a second person's key for long sounds, written to PATH alone."""
    with explained():
        key = authority_of(session, keys).second(path)
        noted(session, "key", "", {"second": key.kid})
    session.say(
        Wording(
            f"{key.kid} ada di {path}. Simpan terpisah dari mesin pusat.",
            f"{key.kid} is in {path}. Keep it apart from the centre's machine.",
        )
    )


@click.command()
@session_options
@click.argument("box")
@keys_option
@click.pass_obj
def revoke(session: Session, box: str, *, keys: Path | None) -> None:
    """Cabut boks yang hilang / revoke a box that was lost; a running centre stops listening to it by itself."""
    with explained():
        keyset = authority_of(session, keys).revoke(BoxId(box))
        noted(session, "key", box, {"revoked": box, "version": keyset.version})
    listed = places_of(session).revocations
    session.say(
        Wording(
            f"{box} dicabut, versi {keyset.version}. Salin {listed} ke broker, lalu `systemctl reload mosquitto`. "
            "Sambungan yang sedang terbuka baru putus bila broker dimulai ulang.",
            f"{box} revoked, version {keyset.version}. Copy {listed} to the broker, then `systemctl reload mosquitto`. "
            "A connection that is open ends only when the broker is restarted.",
        )
    )


def authority_of(session: Session, keys: Path | None) -> "Authority":
    """The root's hand, from this machine or from a stick. Raises AuthorityMissing, RootAway."""
    from edge.centre.authority import Authority  # noqa: PLC0415  # cryptography, for the commands that sign

    return Authority.open(places_of(session), keys)
