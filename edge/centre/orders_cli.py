"""`kentongan centre order`, `sign`, `silence`, `ack`: what operators ask of one box, always in their own name."""

import json
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from edge.centre import codes, reader
from edge.centre.explained import explained, places_of, store_at
from edge.centre.places import write_whole
from edge.centre.registry import Registry
from edge.centre.settings import endpoint_of, read_settings
from edge.centre.trust import open_keyset, open_signer
from edge.core.faults import Refused, Wording
from edge.core.messages import COMMAND_LIMIT, Command, encode
from edge.core.orders import ARGUMENTS, LONG_SOUND_S, USES
from edge.core.seal import JWS_LIMIT, Use
from edge.core.words import SECOND_NS, BoxId
from edge.field.console import Session, session_options

RECORDED_WITHIN_S = 5.0  # the centre notes an acknowledgement as it passes by
SIGNED_LIFE_S = 60  # the contract's limit; a box with a synced clock refuses what is older
broker_option = click.option("--broker", help="mqtts://host:port [centre.toml]")
json_option = click.option("--json", "as_json", is_flag=True, help="Baris JSON / JSON lines")
within_option = click.option("--within", type=click.FloatRange(0.1, 60), default=8.0, show_default=True, help="s")
by_option = click.option("--by", required=True, help="Nama operator / the operator's name")
name_argument = click.argument("name", type=click.Choice(sorted(USES)))
words_argument = click.argument("words", nargs=-1, metavar="[KEY=VALUE]...")
key_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@session_options
@click.argument("box")
@name_argument
@words_argument
@by_option
@click.option("--second-key", type=key_file, help=f"Kunci orang kedua / second person's key, sound > {LONG_SOUND_S} s")
@click.option("--save", type=click.Path(path_type=Path), help="Berkas untuk jawaban diag / file for what diag found")
@within_option
@broker_option
@json_option
@click.pass_obj
def order(
    session: Session,
    box: str,
    name: str,
    words: tuple[str, ...],
    *,
    by: str,
    second_key: Path | None,
    save: Path | None,
    broker: str | None,
    within: float,
    as_json: bool,
) -> None:
    """Perintah ke satu boks / one signed order to one box: sound pattern=jateng.theft duration=20

    Teks panjang dari berkas / a long text from a file: config overlay=@overlay.toml
    """
    told = _order(session, broker, Order(box, name, _arguments(name, words), by, second_key), within)
    found = str(told.get("found", ""))
    if found and save is not None:
        del told["found"]
        write_whole(save, found.encode(), mode=0o600)
    _answered(session, told, within, as_json=as_json)
    if found and save is None and not as_json:
        click.echo(found)


@click.command()
@session_options
@click.argument("box", required=False)
@click.argument("name", type=click.Choice(sorted(USES)), required=False)
@words_argument
@click.option("--by", help="Nama operator / the operator's name")
@click.option("--nonce", help="Dari keadaan boks / from the box's retained state")
@click.option("--over", type=key_file, help="JWS untuk orang kedua / JWS for a second person")
@click.option("--key", type=key_file, help="Berkas kunci / key file [keys/]")
@click.pass_obj
def sign(
    session: Session,
    box: str | None,
    name: str | None,
    words: tuple[str, ...],
    *,
    by: str | None,
    nonce: str | None,
    over: Path | None,
    key: Path | None,
) -> None:
    """Tandatangani perintah tanpa mengirim / sign an order and print it; another program publishes it."""
    from edge.centre.desk import signed  # noqa: PLC0415  # paho and ssl

    places = places_of(session)
    if over is not None:
        if key is None:
            raise click.UsageError("--over: --key")
        with explained(), over.open("rb") as file:
            said = file.read(JWS_LIMIT).strip()
            sys.stdout.write(signed(said, open_signer(places, Use.COMMAND_SOUND, key)).decode() + "\n")
        return
    if not (box and name and by and nonce):
        raise click.UsageError("BOX NAME --by --nonce")
    exp = time.time_ns() // SECOND_NS + SIGNED_LIFE_S
    command = Command(BoxId(box), secrets.token_hex(8), nonce, exp, name, _arguments(name, words), by)
    with explained():
        sys.stdout.write(signed(encode(command), open_signer(places, USES[name], key)).decode() + "\n")


@click.command()
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


@click.command()
@session_options
@click.argument("alarm")
@click.option("--box", help="Boks, bila namanya ada dua / the box, where two have an alarm of this name")
@click.option("--ticket", required=True, help="Nomor laporan / ticket")
@by_option
@within_option
@broker_option
@json_option
@click.option("--store", help="sqlite:///path, postgresql+psycopg://user@host/database [centre.toml]")
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
    store: str | None,
) -> None:
    """Catat bahwa alarm ditangani / record that a human has taken the alarm, and tell the box."""
    with explained():
        where = store_at(session, store)
        box = _box_of(where, alarm, box)
    told = _order(session, broker, Order(box, "acknowledge", {"alarm": alarm, "ticket": ticket}, by), within)
    if not _within(RECORDED_WITHIN_S, lambda: reader.has_command(where, str(told["jti"]))):
        raise Refused(codes.NOT_RECORDED.fault(alarm=alarm))
    _answered(session, told, within, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Order:
    box: str
    name: str
    args: dict[str, str | int]
    by: str
    second: Path | None = None  # key file of a second operator


def _order(session: Session, broker: str | None, order: Order, within_s: float) -> dict[str, str | bool | None]:
    from drivers.mqtt_centre import SessionLost  # noqa: PLC0415  # paho and ssl, for the commands that connect
    from edge.centre.desk import Desk  # noqa: PLC0415  # the same

    places = places_of(session)
    with explained():
        endpoint = endpoint_of(places, broker or read_settings(places).broker)
        revoked = frozenset(open_keyset(places).revoked)
        admission = Registry(places.boxes, places.root_public.read_bytes(), revoked=revoked).find(order.box)
        key = open_signer(places, USES[order.name])
        second = open_signer(places, USES[order.name], order.second) if order.second else None
        desk = Desk(endpoint, key, lambda: secrets.token_hex(8), second=second)
    if admission is None:
        raise Refused(codes.BOX_UNKNOWN.fault(box=order.box))
    try:
        answer = desk.order(admission, order.name, order.args, by=order.by, within_s=within_s)
    except SessionLost as lost:
        raise Refused(codes.CENTRE_BROKER.fault(endpoint=str(endpoint), what=str(lost))) from lost
    result, reason = (answer.reply.result, answer.reply.reason) if answer.reply else (None, None)
    told: dict[str, str | bool | None] = {"box": order.box, "order": order.name, "jti": answer.jti}
    told |= {"online": answer.online, "result": result, "reason": reason}
    return told | ({"found": answer.found.decode("utf-8", "replace")} if answer.found else {})


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


def _box_of(store: Path | str, alarm: str, chosen: str | None) -> str:
    boxes = [box for box in reader.boxes_of(store, alarm) if chosen in {None, box}]
    if not boxes:
        raise Refused(codes.ALARM_UNKNOWN.fault(alarm=alarm))
    if len(boxes) > 1:
        raise click.UsageError(f"{alarm}: --box {' | '.join(boxes)}")
    return boxes[0]


def _arguments(name: str, words: tuple[str, ...]) -> dict[str, str | int]:
    """`duration=20` as the command wants it. Raises click.UsageError that names what is wrong and what there is."""
    form = ARGUMENTS[name]
    wanted = " ".join(f"{field}=..." for field in form.__struct_fields__) or "-"
    said = dict(word.partition("=")[::2] for word in words)
    try:
        said = {key: _read(value[1:]) if value.startswith("@") else value for key, value in said.items()}
        asked = msgspec.convert(said, form, strict=False)
    except msgspec.ValidationError as error:
        raise click.UsageError(f"{name} {wanted}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{name} {wanted}: {error}") from error
    members: dict[str, str | int] = msgspec.to_builtins(asked)
    return members


def _read(path: str) -> str:
    with Path(path).open("rb") as file:
        return file.read(COMMAND_LIMIT + 1).decode()  # the argument's own limit says what is too long


def _within(seconds: float, reached: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
