"""`kentongan ledger`: ls, show, export. Reads a copy; the box goes on as if nobody had asked."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Final

import click
import msgspec

from edge.core import codes
from edge.core.faults import Language, Refused, Wording, printable
from edge.core.words import EventClass
from edge.field.console import Command, Session, pass_session, session_options, show_json
from edge.field.moments import FORM, NoMoment, moment_of
from edge.field.signatures import Signature, judged
from edge.field.spreadsheet import csv_lines
from edge.ledger.files import broken_ledgers, salvaged_ledgers
from edge.ledger.reader import Entry, LedgerMissing, LedgerUnreadable, NoRoom, Wanted, each_entry, entries, find

HEADERS: Final = (
    Wording("Waktu", "Time"),
    Wording("Nomor", "Number"),
    Wording("Jenis", "Event"),
    Wording("Bagian", "Part"),
    Wording("Diterima pusat", "Received"),
)
NUMBER: Final = Wording("tulis seperti 7c1f0b2e.4711", "write it like 7c1f0b2e.4711")
WAITS: Final = Wording("menunggu", "waiting")
DAMAGED: Final = Wording("RUSAK", "DAMAGED")
DIGEST: Final = Wording("Sidik isi", "Digest")
RECEIVER: Final = Wording("Penerima", "Receiver")
SIGNED: Final = Wording("Tanda tangan", "Signature")
SAID_LIMIT: Final = 1000  # characters: a path may be long, and stands in it twice
WHOLE: Final = Wording("utuh", "whole")
PARTLY: Final = Wording(
    "Sebagian catatan ini rusak: yang tampil adalah yang masih terbaca.",
    "Part of this ledger is damaged: shown is what can still be read.",
)
ASIDE: Final = Wording(
    "Catatan rusak {name}: isinya sedang dipindahkan ke sini. Lihat: kentongan ledger ls --file {name}",
    "Broken ledger {name}: its events are on their way into this one. See: kentongan ledger ls --file {name}",
)
SALVAGED: Final = Wording(
    "Catatan rusak {name}: yang masih terbaca sudah dipindahkan ke sini.",
    "Broken ledger {name}: what could be read of it is in this one.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Untuk mesin / for machines")
file_option = click.option(
    "--file",
    type=click.Path(path_type=Path),
    help="Catatan lain / another ledger, such as one that was set aside",
)


@dataclass(frozen=True, slots=True)
class Proved(Entry):
    """One event with what can be proved of it."""

    signature: Signature


def which_events(function: Command) -> Command:
    """Give a command the options that choose events; `_wanted` reads them."""
    for option in (
        click.option("--until", default="", help="Sampai / up to; the same forms as --since"),
        click.option("--since", default="", help="30m, 2h, 3d, 2026-11-23T13:05:00+07:00; jam boks / the box's clock"),
        click.option("--waiting", is_flag=True, help="Yang belum diterima pusat / without a receipt"),
        click.option("--class", "event_class", type=click.Choice([each.value for each in EventClass])),
    ):
        function = option(function)
    return function


@click.group()
def ledger() -> None:
    """Catatan kejadian / the box's record of events."""


@ledger.command()
@which_events
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@file_option
@as_json
@session_options
@pass_session
def ls(session: Session, /, *, limit: int, file: Path | None, as_json: bool, **chosen: str | bool | None) -> None:
    """Kejadian terbaru, yang paling baru di bawah / the newest events, the latest last."""
    with _explained():
        path, wanted = file or session.places.ledger, _wanted(session, chosen)
        found = entries(path, wanted, newest=limit, damaged=partial(_say, session, PARTLY))
    _tell_of_others(session, path)
    if as_json:
        show_json(found)
    elif sys.stdout.isatty():
        _table(session, found)
    else:
        for entry in found:
            click.echo("  ".join(cell or "-" for cell in _listed(entry, session.language)))


@ledger.command()
@click.argument("number")
@file_option
@as_json
@session_options
@pass_session
def show(session: Session, number: str, *, file: Path | None, as_json: bool) -> None:
    """Satu kejadian, lengkap / one event, whole: 7c1f0b2e.4711"""
    epoch, _, seq = number.partition(".")
    if not seq.isdecimal() or len(seq) > 10:
        raise click.BadParameter(NUMBER[session.language])
    with _explained():
        path = file or session.places.ledger
        entry = find(path, epoch, int(seq), damaged=partial(_say, session, PARTLY))
    if entry is None:
        raise Refused(codes.EVENT_UNKNOWN.fault(what=printable(number)))
    signature = judged(session.places, entry.raw.encode())
    if as_json:
        show_json(Proved(**asdict(entry), signature=signature))
    else:
        _tell(entry, signature, session.language)


@ledger.command()
@which_events
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@file_option
@session_options
@pass_session
def export(session: Session, /, *, form: str, file: Path | None, **chosen: str | bool | None) -> None:
    """Semua kejadian, satu per baris / all events, one a line, with their frozen bytes in `raw`."""
    with _explained():
        path, wanted = file or session.places.ledger, _wanted(session, chosen)
        found = each_entry(path, wanted, damaged=partial(_say, session, PARTLY))
        for line in _csv(found) if form == "csv" else _jsonl(found):
            click.echo(line, nl=False)


def _tell_of_others(session: Session, ledger: Path) -> None:
    """Beside it lies what its card has broken before."""
    for wording, paths in ((ASIDE, broken_ledgers(ledger)), (SALVAGED, salvaged_ledgers(ledger))):
        for path in paths:
            _say(session, wording, name=str(path))


def _say(session: Session, wording: Wording, **facts: str) -> None:
    """Beside the output, which a machine may read."""
    click.echo(printable(wording[session.language].format(**facts), SAID_LIMIT), err=True)


def _jsonl(found: Iterable[Entry]) -> Iterator[str]:
    for entry in found:
        yield msgspec.json.encode(entry).decode() + "\n"


def _csv(found: Iterable[Entry]) -> Iterator[str]:
    return csv_lines([field.name for field in fields(Entry)], (asdict(entry) for entry in found))


def _wanted(session: Session, chosen: dict[str, str | bool | None]) -> Wanted:
    now_ns = time.time_ns()
    moments = {name: str(chosen[name]) for name in ("since", "until") if chosen[name]}
    try:
        told = {name: moment_of(text, now_ns) for name, text in moments.items()}
    except NoMoment as error:
        raise click.BadParameter(FORM[session.language]) from error
    return Wanted(event_class=str(chosen["event_class"] or ""), waiting=bool(chosen["waiting"]), **told)


def _table(session: Session, found: Sequence[Entry]) -> None:
    from rich.console import Console  # noqa: PLC0415  # rich is loaded only where it is shown
    from rich.table import Table  # noqa: PLC0415  # the same
    from rich.text import Text  # noqa: PLC0415  # the same

    table = Table(*(header[session.language] for header in HEADERS))
    for entry in found:
        cells = (Text(cell) for cell in _listed(entry, session.language))
        table.add_row(*cells, style="" if entry.received_at else "bold")
    Console().print(table)


def _listed(entry: Entry, language: Language) -> list[str]:
    cells = _cells(entry, language)
    return [printable(cell) for cell in (cells if entry.intact else (*cells[:-1], DAMAGED[language]))]


def _cells(entry: Entry, language: Language) -> tuple[str, ...]:
    received = entry.received_at or WAITS[language]
    return entry.time, entry.id, f"{entry.event_class}/{entry.name}", entry.subject, received


def _tell(entry: Entry, signature: Signature, language: Language) -> None:
    names = [header[language] for header in (*HEADERS, RECEIVER, DIGEST, SIGNED)]
    state = (WHOLE if entry.intact else DAMAGED)[language]
    values = (*_cells(entry, language), entry.receiver or "-", f"{entry.digest}  {state}", signature.why[language])
    for name, value in zip(names, values, strict=True):
        click.echo(f"{name:<16} {printable(value)}")
    body = msgspec.json.format(entry.raw.encode(), indent=2).decode() if entry.intact else entry.raw
    click.echo("\n".join(printable(line) for line in body.splitlines()))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except LedgerMissing as error:
        raise Refused(codes.LEDGER_MISSING.fault(what=str(error))) from error
    except NoRoom as error:
        raise Refused(codes.LEDGER_ROOM.fault(what=str(error))) from error
    except LedgerUnreadable as error:
        raise Refused(codes.LEDGER_UNREADABLE.fault(what=str(error))) from error
    except PermissionError as error:
        raise Refused(codes.LEDGER_MISSING.fault(what=f"{error.filename}: {error.strerror}")) from error
