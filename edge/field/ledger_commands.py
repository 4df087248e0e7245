"""`kentongan ledger`: ls, show, export. Reads a copy; the box goes on as if nobody had asked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
import msgspec

from edge.core import codes
from edge.core.faults import Refused, Wording, printable
from edge.core.words import EventClass
from edge.field.console import Session, pass_session, session_options, show_json
from edge.ledger.reader import Entry, LedgerMissing, LedgerUnreadable, entries, find

as_json = click.option("--json", "as_json", is_flag=True, help="Untuk mesin / for machines")
file_option = click.option(
    "--file",
    type=click.Path(path_type=Path),
    help="Catatan lain / another ledger, such as one that was set aside",
)
class_option = click.option("--class", "event_class", type=click.Choice([each.value for each in EventClass]))
waiting_option = click.option("--waiting", is_flag=True, help="Yang belum diterima pusat / without a receipt")
HEADERS = (
    Wording("Waktu", "Time"),
    Wording("Nomor", "Number"),
    Wording("Jenis", "Event"),
    Wording("Bagian", "Part"),
    Wording("Diterima pusat", "Received"),
)
FORM = Wording("tulis seperti 7c1f0b2e.4711", "write it like 7c1f0b2e.4711")
WAITS = Wording("menunggu", "waiting")
DAMAGED = Wording("RUSAK", "DAMAGED")


@click.group()
def ledger() -> None:
    """Catatan kejadian / the box's record of events."""


@ledger.command()
@class_option
@waiting_option
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@file_option
@as_json
@session_options
@pass_session
def ls(
    session: Session, *, event_class: str | None, waiting: bool, limit: int, file: Path | None, as_json: bool
) -> None:
    """Kejadian terbaru, yang paling baru di bawah / the newest events, the latest last."""
    with _explained():
        found = entries(file or session.places.ledger, event_class=event_class or "", waiting=waiting, newest=limit)
    if as_json:
        show_json([_said(entry) for entry in found])
    else:
        _table(session, found)


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
        raise click.BadParameter(FORM[session.language])
    with _explained():
        entry = find(file or session.places.ledger, epoch, int(seq))
    if entry is None:
        raise Refused(codes.EVENT_UNKNOWN.fault(what=printable(number)))
    if as_json:
        show_json(_said(entry))
        return
    for name, value in asdict(entry).items():
        if name != "raw":
            click.echo(f"{name:<12} {printable(str(value))}")
    body = msgspec.json.format(entry.raw.encode(), indent=2).decode() if entry.intact else entry.raw
    click.echo("\n".join(printable(line) for line in body.splitlines()))


@ledger.command()
@class_option
@waiting_option
@file_option
@session_options
@pass_session
def export(session: Session, *, event_class: str | None, waiting: bool, file: Path | None) -> None:
    """Semua kejadian sebagai baris JSON / all events as JSON lines, with their frozen bytes in `raw`."""
    with _explained():
        for entry in entries(file or session.places.ledger, event_class=event_class or "", waiting=waiting):
            click.echo(msgspec.json.encode(_said(entry)).decode())


def _said(entry: Entry) -> dict[str, object]:
    return asdict(entry)


def _table(session: Session, found: Sequence[Entry]) -> None:
    from rich.console import Console  # noqa: PLC0415  # rich is loaded only where it is shown
    from rich.table import Table  # noqa: PLC0415  # the same
    from rich.text import Text  # noqa: PLC0415  # the same

    table = Table(*(header[session.language] for header in HEADERS))
    for entry in found:
        received = entry.received_at or WAITS[session.language]
        state = received if entry.intact else DAMAGED[session.language]
        cells = (entry.time, entry.id, f"{entry.event_class}/{entry.name}", entry.subject, state)
        table.add_row(*(Text(printable(cell)) for cell in cells), style="" if entry.received_at else "bold")
    Console().print(table)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except LedgerMissing as error:
        raise Refused(codes.LEDGER_MISSING.fault(what=str(error))) from error
    except LedgerUnreadable as error:
        raise Refused(codes.LEDGER_UNREADABLE.fault(what=str(error))) from error
    except PermissionError as error:
        raise Refused(codes.LEDGER_MISSING.fault(what=f"{error.filename}: {error.strerror}")) from error
