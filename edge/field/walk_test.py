"""`kentongan walk-test`: press every button once; nobody is alarmed, and the centre sees each as a test."""

import getpass
import time
from collections.abc import Iterator
from typing import Final

import click

from edge.config.active import read_active
from edge.config.places import Places
from edge.core.faults import Exit, Wording
from edge.field.console import Session, pass_session, session_options
from edge.field.status import ask_status

LOOK_S: Final = 0.1  # a press of a walk test lasts longer
MINUTES: Final = 15  # it ends by itself then
BEGUN: Final = Wording(
    "Uji jalan dimulai: tekan setiap tombol SEBENTAR (di bawah 3 detik). Menahan 3 detik tetap alarm sungguhan.",
    "Walk test begun: press every button BRIEFLY (under 3 s). Holding one for 3 s still is a real alarm.",
)
SILENT: Final = Wording(
    "Titik senyap tidak tampil di sini; tekan juga, hasilnya terlihat di pusat.",
    "Silent zones do not show here; press them too, the centre sees them.",
)


@click.command("walk-test")
@click.option("--end", is_flag=True, help="Akhiri uji yang berjalan / end a test that is running")
@session_options
@pass_session
def walk_test(session: Session, *, end: bool) -> int:
    """Uji setiap tombol tanpa membunyikan alarm / try every button without an alarm."""
    by = getpass.getuser()
    if end:
        ask_status(session.places, "walk", end="1", by=by)
        session.say(Wording("Uji jalan diakhiri.", "The walk test is ended."))
        return Exit.OK
    wanted = list(ask_status(session.places, "walk", by=by)["zones"])
    session.say(BEGUN)
    if _has_silent(session.places):
        session.say(SILENT)
    tried: list[str] = []
    try:
        for zone in _presses(session.places, wanted):
            tried.append(zone)
            click.echo(f"✓ {zone}  ({len(tried)}/{len(wanted)})")
    except KeyboardInterrupt:
        click.echo()
    ask_status(session.places, "walk", end="1", by=by)
    left = ", ".join(zone for zone in wanted if zone not in tried)
    if left:
        session.say(Wording(f"✗ Belum ditekan: {left}.", f"✗ Not pressed: {left}."))
        return Exit.TEST
    session.say(Wording(f"✓ Semua {len(wanted)} tombol bekerja.", f"✓ All {len(wanted)} buttons work."))
    return Exit.OK


def _presses(places: Places, wanted: list[str]) -> Iterator[str]:
    """Each zone once, as it is first seen closed; ends when all were, or when the box ends the test."""
    until_s = time.monotonic() + MINUTES * 60
    left = list(wanted)
    while left and time.monotonic() < until_s:
        zones = ask_status(places)["zones"]
        for zone in [zone for zone in left if zones.get(zone) == "closed"]:
            left.remove(zone)
            yield zone
        time.sleep(LOOK_S)


def _has_silent(places: Places) -> bool:
    site = read_active(places).configuration
    return site is not None and any(zone.silent for zone in site.zones)
