"""`kentongan centre`: make a centre, admit boxes, show alarms live, acknowledge, silence, list, export."""

import json
import sys
import time
from dataclasses import asdict
from dataclasses import replace as changed
from pathlib import Path

import click

from edge.centre import reader
from edge.centre.approve_cli import approve
from edge.centre.audit_cli import audit, noted
from edge.centre.explained import explained, keys_option, places_of, store_at
from edge.centre.fleet.cli import simulate
from edge.centre.invite_cli import door, replace, token
from edge.centre.keys_cli import keys as keys_group
from edge.centre.keys_cli import revoke
from edge.centre.orders_cli import ack, broker_option, json_option, order, sign, silence
from edge.centre.pictures_cli import pictures
from edge.centre.postbox import parked
from edge.centre.root_cli import root
from edge.centre.settings import (
    RECEIVER,
    CentreSettings,
    endpoint_of,
    read_settings,
    write_settings,
)
from edge.centre.standing import BoxStanding
from edge.core.faults import Wording, printable
from edge.core.seal import unb64
from edge.core.words import BoxId, SiteId
from edge.field.console import Session, session_options

store_option = click.option("--store", help="sqlite:///path, postgresql+psycopg://user@host/database [centre.toml]")


@click.group()
@session_options
def centre() -> None:
    """Pusat komando acuan / the reference command centre."""


for command in (
    token,
    door,
    approve,
    replace,
    root,
    keys_group,
    revoke,
    silence,
    ack,
    order,
    sign,
    audit,
    pictures,
    simulate,
):
    centre.add_command(command)


@centre.command()
@session_options
@click.option("--broker", default=CentreSettings().broker, show_default=True, help="mqtts://host:port")
@click.option("--receiver", default=RECEIVER, help="Nama pada bukti terima / the name in receipts")
@click.option("--name", "names", multiple=True, help="Nama broker dan pintu / names of broker and door in certificates")
@click.option("--door", default="", help="https://host:port yang dicapai kotak / that boxes reach to enrol")
@click.pass_obj
def init(session: Session, broker: str, receiver: str, *, names: tuple[str, ...], door: str) -> None:
    """Buat akar kepercayaan, kunci dan sertifikat / make the root, keys and certificates, once."""
    from edge.centre.authority import LOOPBACK_NAMES, Authority  # noqa: PLC0415  # cryptography, for three commands

    places = places_of(session)
    with explained():
        endpoint_of(places, broker)
        Authority.make(places, broker_names=names or LOOPBACK_NAMES)
        write_settings(places, CentreSettings(broker, receiver, door=door))
    session.say(
        Wording(
            f"Pusat siap di {places.home}. Pindahkan kunci akar ke stik USB: `kentongan centre root export FOLDER`.",
            f"The centre is ready in {places.home}. Move the root to a USB stick: `kentongan centre root export DIR`.",
        )
    )


@centre.command()
@session_options
@click.argument("box")
@click.option("--site", required=True, help="33.74.10.1004-010-005")
@click.option("--public", required=True, help="Kunci publik boks, base64url / the box's public key")
@click.option("--request", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="CSR, PEM")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder hasil / output")
@keys_option
@click.pass_obj
def admit(session: Session, *, box: str, site: str, public: str, request: Path, out: Path, keys: Path | None) -> None:
    """Daftarkan satu boks / admit one box; write what it takes home to --out."""
    from edge.centre.authority import Authority  # noqa: PLC0415  # cryptography, for three commands
    from edge.enrol.keys import lay_out  # noqa: PLC0415  # the same

    with explained():
        authority = Authority.open(places_of(session), keys)
        key = unb64(public)
        admitted = authority.admit(BoxId(box), SiteId(site), public=key, request=request.read_bytes())
        lay_out(admitted, certificates=out, trust=out)
        noted(session, "admission", box, {"site": site, "public": public})
    session.say(Wording(f"{box} terdaftar di {site}.", f"{box} is admitted at {site}."))


@centre.command()
@session_options
@broker_option
@json_option
@store_option
@click.option("--receiver", help="Nama pada bukti terima / the name in receipts [centre.toml]")
@click.option("--forward", help="https://... penerima tiap kejadian / who gets every event [centre.toml]")
@click.option("--forward-key", help="Berkas kunci bersama / file of the shared secret [keys/forward.key]")
@click.option("--metrics", help="127.0.0.1:PORT untuk Prometheus / for Prometheus [centre.toml]")
@click.option("--share", metavar="GROUP", help="Bagi kiriman dengan proses lain / share the letters in this group")
@click.pass_obj
def run(session: Session, /, *, share: str | None, as_json: bool, **chosen: str | None) -> None:
    """Terima, simpan, beri bukti, tampilkan / take in, store, receipt, show; ends with SIGTERM or Ctrl-C."""
    from edge.centre.console import Console, view_for  # noqa: PLC0415  # paho and ssl, for the commands that connect
    from edge.centre.run import serve, stopped_by_signals  # noqa: PLC0415  # the same

    places = places_of(session)
    with explained(), stopped_by_signals() as wake:
        said = read_settings(places)
        settings = changed(said, **{name: text for name, text in chosen.items() if text})
        serve(places, settings, Console(view_for(sys.stdout, session.language, json=as_json)), wake, share=share)


@centre.command("list")
@session_options
@json_option
@store_option
@click.pass_obj
def list_(session: Session, *, store: str | None, as_json: bool) -> None:
    """Alarm, terbaru dahulu / alarms, newest first."""
    with explained():
        for alarm in reader.alarms(store_at(session, store)):
            click.echo(json.dumps(asdict(alarm), ensure_ascii=False) if as_json else _row(alarm))


@centre.command()
@session_options
@json_option
@store_option
@click.pass_obj
def boxes(session: Session, *, store: str | None, as_json: bool) -> None:
    """Kotak: hilang, diam atau tersambung, sejak kapan / boxes: lost, silent or online, and for how long."""
    with explained():
        for box in reader.boxes(store_at(session, store), time.time_ns()):
            click.echo(json.dumps(asdict(box), ensure_ascii=False) if as_json else _standing(box))


@centre.command()
@session_options
@json_option
@store_option
@click.pass_obj
def export(session: Session, *, store: str | None, as_json: bool) -> None:
    """Semua kejadian yang tersimpan / every stored event, in order of arrival."""
    with explained():
        for event in reader.export(store_at(session, store)):
            brief = "{received} {box} {epoch}.{seq} {name} zone={zone} folded={folded}".format_map(event)
            click.echo(json.dumps(event, ensure_ascii=False) if as_json else printable(brief))


@centre.command()
@session_options
@store_option
@click.pass_obj
def troubles(session: Session, *, store: str | None) -> None:
    """Alarm pusat sendiri dan penolakan, JSON / the centre's own alarms and refusals, JSON."""
    with explained():
        told: dict[str, object] = {**reader.troubles(store_at(session, store))}
        told["parked"] = parked(places_of(session).postbox)
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))


def _standing(box: BoxStanding) -> str:
    ages = {"since": box.standing_age_s, "beat": box.beat_age_s}
    said = [f"{name}={age:.0f}s" for name, age in ages.items() if age is not None]
    said += [f"pending={box.pending}", *(f"{name}={number}" for name, number in sorted(box.gauges.items()))]
    return printable(f"{box.standing} {box.box} {' '.join(said)}")


def _row(alarm: reader.Alarm) -> str:
    state = "cancelled" if alarm.cancelled else "open" if alarm.open else "restored"
    taken = f" by={printable(alarm.acknowledged_by)} ticket={printable(alarm.ticket)}" if alarm.acknowledged_by else ""
    taken += f" pictures={alarm.pictures}" if alarm.pictures else ""
    corrected = str(alarm.corrected["time"]) if alarm.corrected else alarm.time
    at = alarm.time if corrected[:19] == alarm.time[:19] else f"{corrected}*"  # *: the box's clock said another second
    return printable(f"{at} {alarm.alarm} {alarm.box} zone={alarm.zone} {alarm.status} {state}") + taken
