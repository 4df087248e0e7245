"""`kentongan centre pictures`: what cameras saw, listed, saved as JPEG, or deleted. Who looks is written down."""

import getpass
import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import click

from edge.centre.album import Shot, opened_shots, shots
from edge.centre.explained import explained, places_of, store_at
from edge.core.faults import Wording, printable
from edge.core.words import Json
from edge.field.console import Session, session_options


@click.command()
@session_options
@click.argument("alarm", default="")
@click.option("--box", default="", help="Hanya dari boks ini / of this box only")
@click.option("--save", type=click.Path(file_okay=False, path_type=Path), help="Simpan JPEG di sini / save JPEGs here")
@click.option("--delete", is_flag=True, help="Hapus gambar alarm ini / delete this alarm's pictures (needs --box)")
@click.option("--by", help="Nama Anda, untuk catatan / your name, for the record [login]")
@click.option("--json", "as_json", is_flag=True, help="Baris JSON / JSON lines")
@click.option("--store", help="sqlite:///path, postgresql+psycopg://user@host/database [centre.toml]")
@click.pass_obj
def pictures(
    session: Session,
    alarm: str,
    *,
    box: str,
    save: Path | None,
    delete: bool,
    by: str | None,
    as_json: bool,
    store: str | None,
) -> None:
    """Gambar kamera, semua atau milik satu ALARM / pictures, all or of one ALARM (or order's jti)."""
    if delete and not (alarm and box):
        raise click.UsageError("--delete: ALARM --box")
    with explained():
        where = store_at(session, store)
        if save is not None:
            from edge.centre.picture_keys import PictureKeys  # noqa: PLC0415  # libsodium, for who looks

            keys = PictureKeys.read(places_of(session))
            _save(session, where, save, opened_shots(where, keys, alarm, box), by)
        elif delete:
            _delete(session, where, alarm, box, by)
        else:
            for shot in shots(where, alarm, box):
                click.echo(json.dumps(asdict(shot), ensure_ascii=False) if as_json else _row(shot))


def _save(
    session: Session, where: Path | str, folder: Path, found: Iterable[tuple[Shot, bytes]], by: str | None
) -> None:
    """Each as a file that only its owner can read; entered into the record before anybody can look at it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    count = 0
    for shot, jpeg in found:
        about: dict[str, Json] = {"saved": shot.id, "alarm": shot.alarm, "jti": shot.jti, "camera": shot.camera}
        _noted(where, shot.box, about, by)
        path = folder / shot.filename
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(jpeg)
        click.echo(str(path))
        count += 1
    session.say(Wording(f"{count} gambar disimpan.", f"{count} pictures saved."))


def _delete(session: Session, where: Path | str, alarm: str, box: str, by: str | None) -> None:
    from edge.centre.store import Store  # noqa: PLC0415  # 300 ms, for the commands that write

    with Store.open(where) as store, store.group(time.time_ns()) as group:
        count = group.gallery.forget(box, alarm)
    _noted(where, box, {"deleted": count, "alarm": alarm, "why": "ordered"}, by)
    session.say(Wording(f"{count} gambar dihapus.", f"{count} pictures deleted."))


def _noted(where: Path | str, box: str, about: dict[str, Json], by: str | None) -> None:
    from edge.centre.store import note  # noqa: PLC0415  # 300 ms, for the commands that write

    note(where, "picture", box, by or getpass.getuser(), about)


def _row(shot: Shot) -> str:
    at = str(shot.taken["time"]) if shot.taken else f"{shot.received}?"  # ?: no anchor of its boot is here
    what = f"alarm={shot.alarm}" if shot.alarm else f"jti={shot.jti}"
    seen = f"{shot.camera} {shot.frame}/{shot.frames} {shot.size}B {shot.state}"
    return printable(f"{at} {shot.id} {shot.box} {what} {seen}")
