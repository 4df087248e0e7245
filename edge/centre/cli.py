"""`kentongan centre`: make a centre, admit boxes, show alarms live, acknowledge, silence, list, export."""

import json
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from edge.centre import codes, reader
from edge.centre.explained import explained, places_of
from edge.centre.keys_cli import keys, revoke
from edge.centre.registry import Registry
from edge.centre.settings import (
    RECEIVER,
    CentreSettings,
    endpoint_of,
    read_settings,
    write_settings,
)
from edge.centre.trust import open_keyset, open_signer
from edge.core.faults import Refused, Wording, printable
from edge.core.seal import Use, unb64
from edge.core.words import BoxId, SiteId
from edge.field.console import Session, session_options

RECORDED_WITHIN_S = 5.0  # the centre notes an acknowledgement as it passes by
broker_option = click.option("--broker", help="mqtts://host:port [centre.toml]")
json_option = click.option("--json", "as_json", is_flag=True, help="Baris JSON / JSON lines")
within_option = click.option("--within", type=click.FloatRange(0.1, 60), default=8.0, show_default=True, help="s")
by_option = click.option("--by", required=True, help="Nama operator / the operator's name")


@click.group()
@session_options
def centre() -> None:
    """Pusat komando acuan / the reference command centre."""


centre.add_command(keys)
centre.add_command(revoke)


@centre.command()
@session_options
@click.option("--broker", default=CentreSettings().broker, show_default=True, help="mqtts://host:port")
@click.option("--receiver", default=RECEIVER, help="Nama pada bukti terima / the name in receipts")
@click.option("--name", "names", multiple=True, help="Nama broker di sertifikatnya / names in the broker's certificate")
@click.pass_obj
def init(session: Session, broker: str, receiver: str, names: tuple[str, ...]) -> None:
    """Buat akar kepercayaan, kunci dan sertifikat / make the root, keys and certificates, once."""
    from edge.centre.authority import LOOPBACK_NAMES, Authority  # noqa: PLC0415  # cryptography, for three commands

    places = places_of(session)
    with explained():
        endpoint_of(places, broker)
        Authority.make(places, broker_names=names or LOOPBACK_NAMES)
        write_settings(places, CentreSettings(broker, receiver))
    session.say(
        Wording(
            f"Pusat siap di {places.home}. Simpan keys/root.key di luar mesin ini.",
            f"The centre is ready in {places.home}. Keep keys/root.key away from this machine.",
        )
    )


@centre.command()
@session_options
@click.argument("box")
@click.option("--site", required=True, help="33.74.10.1004-010-005")
@click.option("--public", required=True, help="Kunci publik boks, base64url / the box's public key")
@click.option("--request", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="CSR, PEM")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder hasil / output")
@click.pass_obj
def admit(session: Session, *, box: str, site: str, public: str, request: Path, out: Path) -> None:
    """Daftarkan satu boks / admit one box; write what it takes home to --out."""
    from edge.centre.authority import Authority  # noqa: PLC0415  # cryptography, for three commands
    from edge.centre.boxkeys import lay_out  # noqa: PLC0415  # the same

    with explained():
        authority = Authority.open(places_of(session))
        key = unb64(public)
        admitted = authority.admit(BoxId(box), SiteId(site), public=key, request=request.read_bytes())
        lay_out(admitted, certificates=out, trust=out)
    session.say(Wording(f"{box} terdaftar di {site}.", f"{box} is admitted at {site}."))


@centre.command()
@session_options
@broker_option
@json_option
@click.option("--receiver", help="Nama pada bukti terima / the name in receipts [centre.toml]")
@click.pass_obj
def run(session: Session, broker: str | None, receiver: str | None, *, as_json: bool) -> None:
    """Terima, simpan, beri bukti, tampilkan / take in, store, receipt, show; ends with SIGTERM or Ctrl-C."""
    from edge.centre.console import Console, view_for  # noqa: PLC0415  # paho and ssl, for the commands that connect
    from edge.centre.run import serve, stopped_by_signals  # noqa: PLC0415  # the same

    places = places_of(session)
    with explained(), stopped_by_signals() as wake:
        said = read_settings(places)
        settings = CentreSettings(broker or said.broker, receiver or said.receiver)
        serve(places, settings, Console(view_for(sys.stdout, session.language, json=as_json)), wake)


@centre.command()
@session_options
@click.argument("box")
@click.argument("alarm")
@by_option
@within_option
@broker_option
@json_option
@click.pass_obj
def silence(
    session: Session, box: str, alarm: str, *, by: str, broker: str | None, within: float, as_json: bool
) -> None:
    """Hentikan bunyi satu alarm / stop the sound of one alarm (signed order, waits for the box's reply)."""
    told = _order(session, broker, Order(box, "silence", {"alarm": alarm}, by), within)
    _answered(session, told, within, as_json=as_json)


@centre.command()
@session_options
@click.argument("alarm")
@click.option("--box", help="Boks, bila namanya ada dua / the box, where two have an alarm of this name")
@click.option("--ticket", required=True, help="Nomor laporan / ticket")
@by_option
@within_option
@broker_option
@json_option
@click.pass_obj
def ack(
    session: Session,
    alarm: str,
    *,
    box: str | None,
    ticket: str,
    by: str,
    broker: str | None,
    within: float,
    as_json: bool,
) -> None:
    """Catat bahwa alarm ditangani / record that a human has taken the alarm, and tell the box."""
    store = places_of(session).store
    with explained():
        box = _box_of(store, alarm, box)
    told = _order(session, broker, Order(box, "acknowledge", {"alarm": alarm, "ticket": ticket}, by), within)
    if not _within(RECORDED_WITHIN_S, lambda: reader.has_command(store, str(told["jti"]))):
        raise Refused(codes.NOT_RECORDED.fault(alarm=alarm))
    _answered(session, told, within, as_json=as_json)


@centre.command("list")
@session_options
@json_option
@click.pass_obj
def list_(session: Session, *, as_json: bool) -> None:
    """Alarm, terbaru dahulu / alarms, newest first."""
    with explained():
        for alarm in reader.alarms(places_of(session).store):
            click.echo(json.dumps(asdict(alarm), ensure_ascii=False) if as_json else _row(alarm))


@centre.command()
@session_options
@json_option
@click.pass_obj
def export(session: Session, *, as_json: bool) -> None:
    """Semua kejadian yang tersimpan / every stored event, in order of arrival."""
    with explained():
        for event in reader.export(places_of(session).store):
            brief = "{received} {box} {epoch}.{seq} {name} zone={zone} folded={folded}".format_map(event)
            click.echo(json.dumps(event, ensure_ascii=False) if as_json else printable(brief))


@centre.command()
@session_options
@click.pass_obj
def troubles(session: Session) -> None:
    """Alarm pusat sendiri dan penolakan, JSON / the centre's own alarms and refusals, JSON."""
    with explained():
        click.echo(json.dumps(reader.troubles(places_of(session).store), ensure_ascii=False, indent=2))


@dataclass(frozen=True, slots=True)
class Order:
    box: str
    name: str
    args: dict[str, str | int]
    by: str


def _order(session: Session, broker: str | None, order: Order, within_s: float) -> dict[str, str | bool | None]:
    from drivers.mqtt_centre import SessionLost  # noqa: PLC0415  # paho and ssl, for the commands that connect
    from edge.centre.desk import Desk  # noqa: PLC0415  # the same

    places = places_of(session)
    with explained():
        endpoint = endpoint_of(places, broker or read_settings(places).broker)
        revoked = frozenset(open_keyset(places).revoked)
        admission = Registry(places.boxes, places.root_public.read_bytes(), revoked=revoked).find(order.box)
        desk = Desk(endpoint, open_signer(places, Use.COMMAND_SILENCE), lambda: secrets.token_hex(8))
    if admission is None:
        raise Refused(codes.BOX_UNKNOWN.fault(box=order.box))
    try:
        answer = desk.order(admission, order.name, order.args, by=order.by, within_s=within_s)
    except SessionLost as lost:
        raise Refused(codes.CENTRE_BROKER.fault(endpoint=str(endpoint), what=str(lost))) from lost
    result, reason = (answer.reply.result, answer.reply.reason) if answer.reply else (None, None)
    told: dict[str, str | bool | None] = {"box": order.box, "order": order.name, "jti": answer.jti}
    return told | {"online": answer.online, "result": result, "reason": reason}


def _answered(session: Session, told: dict[str, str | bool | None], within_s: float, *, as_json: bool) -> None:
    box = str(told["box"])
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    if told["result"] is None and not told["online"]:
        raise Refused(codes.BOX_OFFLINE.fault(box=box))
    if told["result"] is None:
        raise Refused(codes.BOX_SILENT.fault(box=box, seconds=f"{within_s:g}"))
    if told["result"] != "done":
        raise Refused(codes.BOX_REFUSED.fault(box=box, what=str(told["reason"])))
    if not as_json:
        session.say(Wording(f"{box}: {told['order']} diterima boks.", f"{box}: {told['order']} accepted by the box."))


def _box_of(store: Path, alarm: str, chosen: str | None) -> str:
    boxes = [box for box in reader.boxes_of(store, alarm) if chosen in {None, box}]
    if not boxes:
        raise Refused(codes.ALARM_UNKNOWN.fault(alarm=alarm))
    if len(boxes) > 1:
        raise click.UsageError(f"{alarm}: --box {' | '.join(boxes)}")
    return boxes[0]


def _row(alarm: reader.Alarm) -> str:
    state = "cancelled" if alarm.cancelled else "open" if alarm.open else "restored"
    taken = f" by={printable(alarm.acknowledged_by)} ticket={printable(alarm.ticket)}" if alarm.acknowledged_by else ""
    return printable(f"{alarm.time} {alarm.alarm} {alarm.box} zone={alarm.zone} {alarm.status} {state}") + taken


def _within(seconds: float, reached: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
