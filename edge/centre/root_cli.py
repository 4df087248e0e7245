"""`kentongan centre root`: the keys that belong on a stick in a drawer, and the fingerprint that people compare."""

from pathlib import Path

import click

from edge.centre.audit_cli import noted
from edge.centre.explained import explained, places_of
from edge.centre.trust import read_own
from edge.core.faults import Wording
from edge.enrol.forms import fingerprint
from edge.field.console import Session, session_options

folder_argument = click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))


@click.group()
def root() -> None:
    """Kunci akar di stik USB / the root's keys, on a USB stick."""


@root.command()
@session_options
@click.pass_obj
def show(session: Session) -> None:
    """Sidik jari akar, untuk dibacakan ke teknisi / the root's fingerprint, to be read out to technicians."""
    with explained():
        click.echo(fingerprint(read_own(places_of(session), "keys/root.pub")))


@root.command("export")
@session_options
@folder_argument
@click.pass_obj
def export_(session: Session, folder: Path) -> None:
    """Pindahkan kunci akar ke FOLDER / move the root's keys to FOLDER, which leaves this machine."""
    from edge.centre.offline import carry_out  # noqa: PLC0415  # cryptography, for the commands that need it

    with explained():
        carried = carry_out(places_of(session), folder)
        noted(session, "key", "", {"offline": [*carried]})
    names = ", ".join(carried)
    session.say(
        Wording(
            f"{names} ada di {folder} dan tidak lagi di sini. Buat salinan kedua stik itu; tanpa kunci ini tidak ada "
            "boks baru, dan semua boks harus didaftarkan ulang.",
            f"{names} are in {folder} and no longer here. Make a second copy of that stick; without these keys no box "
            "can be admitted, and every box would have to be enrolled anew.",
        )
    )


@root.command("import")
@session_options
@folder_argument
@click.pass_obj
def import_(session: Session, folder: Path) -> None:
    """Kembalikan kunci akar ke mesin ini / bring the root's keys back to this machine."""
    from edge.centre.offline import carry_in  # noqa: PLC0415  # cryptography, for the commands that need it

    with explained():
        carried = carry_in(places_of(session), folder)
        noted(session, "key", "", {"online": [*carried]})
    names = ", ".join(carried)
    session.say(Wording(f"{names} ada di mesin ini lagi.", f"{names} are on this machine again."))
