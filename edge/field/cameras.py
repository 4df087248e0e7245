"""`kentongan cameras`: scan, adopt, list, test, forget. Asks kentongan-cameras over its own socket; opens no camera.

A password is asked for on the terminal or read from standard input: never an argument, which everybody can read.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import click

from edge.core import camera_codes, codes
from edge.core.faults import Exit, Fault, FaultRecord, Refused, Wording
from edge.field.camera_words import FOUND, LISTED, adopted, candidate, headers, step
from edge.field.console import Session, pass_session, session_options, show_json
from edge.link import counter

WITHIN_S: Final = 30.0  # between two answers: the daemon tells its progress far more often
PASSWORD: Final = Wording("Kata sandi kamera", "The camera's password")
USER: Final = Wording("Nama pengguna ONVIF di kamera (kosong: tanpa masuk)", "ONVIF user on the camera (empty: none)")
CONSENT: Final = Wording(
    "Pemilik kamera setuju gambarnya dikirim ke pusat saat ada alarm?",
    "Does the camera's owner agree that pictures go to the centre on an alarm?",
)
NOTHING: Final = Wording(
    "Tidak ada kamera yang menjawab.\n"
    "  Lakukan: buka aplikasi kamera dan nyalakan ONVIF; lalu coba `kentongan cameras scan --sweep`,\n"
    "  atau ketik alamatnya: `kentongan cameras scan --host 192.168.1.20`.",
    "No camera answered.\n"
    "  Do: open the camera's app and switch ONVIF on; then try `kentongan cameras scan --sweep`,\n"
    "  or type its address: `kentongan cameras scan --host 192.168.1.20`.",
)
ADOPT: Final = Wording(
    "Lakukan: `kentongan cameras adopt NAMA ALAMAT` untuk kamera milik RT.",
    "Do: `kentongan cameras adopt NAME ADDRESS` for a camera of this neighbourhood.",
)
NONE: Final = Wording(
    "Belum ada kamera yang diadopsi.\n  Lakukan: `kentongan cameras scan`.",
    "No camera is adopted yet.\n  Do: `kentongan cameras scan`.",
)
KNOCKING: Final = Wording("Mengetuk alamat", "Knocking at addresses")
TAKEN: Final = Wording('✓ Kamera "{}" diadopsi.', '✓ Camera "{}" is adopted.')
FORGOTTEN: Final = Wording(
    '✓ Kamera "{}" dilupakan: kata sandi dan gambarnya dihapus dari boks.',
    '✓ Camera "{}" is forgotten: its login and pictures are gone from the box.',
)

Got = TypeVar("Got", bound=counter.Answer)

as_json = click.option("--json", "as_json", is_flag=True, help="Untuk mesin / for machines")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What `test --json` writes for each camera. faults: empty where all is well."""

    name: str
    steps: tuple[counter.Tested, ...]
    faults: tuple[FaultRecord, ...]


@click.group()
def cameras() -> None:
    """Kamera ONVIF di sekitar / the ONVIF cameras around."""


@cameras.command()
@click.option("--sweep", is_flag=True, help="Ketuk semua alamat, untuk Wi-Fi yang bisu / knock at every address")
@click.option("--network", "networks", multiple=True, help="Misal / such as 192.168.1.0/24; paling besar / at most /22")
@click.option("--host", default="", help="Satu alamat / one address: 192.168.1.20 atau / or 192.168.1.20:8000")
@as_json
@session_options
@pass_session
def scan(session: Session, *, sweep: bool, networks: tuple[str, ...], host: str, as_json: bool) -> int:
    """Cari kamera; tidak ada yang dicoba masuk / look for cameras; no login is tried."""
    request: counter.Request = counter.Scan(sweep=sweep or bool(networks), networks=networks)
    if host:
        request = counter.Look(*_address(session, host))
    with _progress(session) as progress:
        found = sorted(_all(session, request, counter.Found, progress), key=_by_address)
    if as_json:
        show_json(found)
    elif not found:
        session.say(NOTHING)
    else:
        _tell(session, FOUND, (candidate(each, session.language) for each in found))
        session.say(ADOPT)
    return Exit.OK


@cameras.command("list")
@as_json
@session_options
@pass_session
def list_(session: Session, *, as_json: bool) -> int:
    """Kamera yang diadopsi dan keadaannya / adopted cameras and how they are."""
    known = _known(session)
    if as_json:
        show_json(known)
    elif not known:
        session.say(NONE)
    else:
        _tell(session, LISTED, (adopted(each, session.language) for each in known))
        session.show(_fault(each.code, name=each.name, where=f"{each.host}:{each.port}") for each in known if each.code)
    return Exit.OK


@cameras.command()
@click.argument("name")
@click.argument("address")
@click.option("--user", default=None, help="Pengguna ONVIF / the ONVIF user")
@click.option("--password-stdin", is_flag=True, help="Baca kata sandi dari masukan / read the password from input")
@click.option(
    "--epr", default="", help="Hanya bila ia mengaku demikian, lihat scan --json / only if it claims this one"
)
@click.option("--consent/--no-consent", default=None, help="Gambarnya boleh ke pusat / its pictures may leave")
@click.option("--events", is_flag=True, help="Minta gerak dan sabotase / ask it for motion and tamper")
@session_options
@pass_session
def adopt(
    session: Session,
    name: str,
    address: str,
    *,
    user: str | None,
    password_stdin: bool,
    epr: str,
    consent: bool | None,
    events: bool,
) -> int:
    """Jadikan kamera milik RT; kata sandinya dicoba SATU kali / make a camera ours; its login is tried ONCE."""
    host, port = _address(session, address)
    login = _login(session, user, from_input=password_stdin)
    if consent is None:
        consent = sys.stdin.isatty() and not password_stdin and click.confirm(CONSENT[session.language], default=False)
    request = _formed(session, counter.Adopt(name, host, port, epr, *login, consent=consent, events=events))
    for tested in _asked(session, request, counter.Tested):
        click.echo(step(tested, session.language))
    click.echo(TAKEN[session.language].format(name))
    return Exit.OK


@cameras.command()
@click.argument("name")
@session_options
@pass_session
def forget(session: Session, name: str) -> int:
    """Lupakan kamera, kata sandi dan gambarnya / forget a camera, its login and its pictures."""
    _all(session, _formed(session, counter.Forget(name)), counter.Finished)
    click.echo(FORGOTTEN[session.language].format(name))
    return Exit.OK


@cameras.command()
@click.argument("names", nargs=-1)
@as_json
@session_options
@pass_session
def test(session: Session, names: tuple[str, ...], *, as_json: bool) -> int:
    """Coba kamera sekarang: jaringan, jam, kata sandi, gambar / try cameras now; without names: all of them."""
    wanted = names or tuple(each.name for each in _known(session))
    trials = []
    for name in wanted:
        if not as_json:
            click.echo(name)
        trials.append(_tried(session, name, aloud=not as_json))
    if as_json:
        show_json(trials)
    elif not wanted:
        session.say(NONE)
    return Exit.TEST if any(trial.faults for trial in trials) else Exit.OK


def _tried(session: Session, name: str, *, aloud: bool) -> Trial:
    steps: list[counter.Tested] = []
    faults: list[Fault] = []
    try:
        for tested in _asked(session, _formed(session, counter.Test(name)), counter.Tested):
            steps.append(tested)
            faults += [_fault(tested.code, **({"name": name} | tested.facts))] if tested.code else []
            if aloud:
                click.echo(f"  {step(tested, session.language)}")
    except Refused as refused:
        if any(fault.code == camera_codes.AWAY.code for fault in refused.faults):
            raise
        told = {fault.code for fault in refused.faults}  # the same as a step's, and with the camera's address
        faults = [fault for fault in faults if fault.code not in told] + list(refused.faults)
    if aloud:
        session.show(faults)
    return Trial(name=name, steps=tuple(steps), faults=tuple(fault.record() for fault in faults))


# ---- the daemon ------------------------------------------------------------------------------------------------------


def _known(session: Session) -> list[counter.Shown]:
    return [camera for listed in _all(session, counter.List(), counter.Listed) for camera in listed.cameras]


def _all(
    session: Session, request: counter.Request, form: type[Got], progress: Callable[[int, int], None] | None = None
) -> list[Got]:
    return list(_asked(session, request, form, progress))


def _asked(
    session: Session, request: counter.Request, form: type[Got], progress: Callable[[int, int], None] | None = None
) -> Iterator[Got]:
    """The answers of one kind. Raises Refused: what the daemon refuses, and that it is away."""
    path = session.places.counter
    try:
        for answer in counter.converse(path, request, WITHIN_S):
            match answer:
                case counter.Refused(code, facts):
                    raise Refused(_fault(code, **facts))
                case counter.Progress(done, total) if progress:
                    progress(done, total)
            if isinstance(answer, form):
                yield answer
    except (ConnectionError, TimeoutError) as error:
        raise Refused(camera_codes.AWAY.fault(what=str(path))) from error


def _fault(code: str, **facts: str) -> Fault:
    meaning = camera_codes.CATALOGUE.get(code) or codes.CATALOGUE.get(code) or codes.INTERNAL
    return meaning.fault(**({"what": code} | facts))


def _formed(session: Session, request: counter.Request) -> counter.Request:
    """The request, if it has the form that the daemon takes: checked here too, where the person is."""
    try:
        counter.unpack_request(counter.pack(request))
    except ValueError as error:
        form = Wording(
            "nama: huruf kecil, angka dan tanda hubung, paling panjang 16; kata sandi paling panjang 128",
            "name: lower-case letters, digits and dashes, at most 16; password: at most 128",
        )
        raise click.BadParameter(form[session.language]) from error
    return request


# ---- people ----------------------------------------------------------------------------------------------------------


def _address(session: Session, text: str) -> tuple[str, int]:
    """Host and port of what was typed; port 0 where none was. Raises click.BadParameter."""
    host, _, port = text.partition(":")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise click.BadParameter(_FORM[session.language])
    parts = host.split(".")
    if len(parts) != 4 or not all(part.isdecimal() and len(part) <= 3 and int(part) < 256 for part in parts):
        raise click.BadParameter(_FORM[session.language])
    return host, int(port or 0)


_FORM: Final = Wording(
    "tulis alamat IP seperti 192.168.1.20 atau 192.168.1.20:8000",
    "write the IP address like 192.168.1.20 or 192.168.1.20:8000",
)


def _login(session: Session, user: str | None, *, from_input: bool) -> tuple[str, str]:
    """Asks for what was not given. ("", "") for a camera that wants none."""
    if user is None and not from_input:
        user = click.prompt(USER[session.language], default="", show_default=False)
    if from_input:
        return user or "", sys.stdin.readline().rstrip("\r\n")
    if not user:
        return "", ""
    return user, click.prompt(PASSWORD[session.language], hide_input=True, default="", show_default=False)


def _by_address(found: counter.Found) -> tuple[tuple[int, ...], int, str]:
    return tuple(int(part) for part in found.host.split(".") if part.isdecimal()), found.port, found.epr


def _tell(session: Session, columns: Sequence[Wording], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal, plain lines where somebody else reads."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("  ".join(row))
        return
    from rich.console import Console  # noqa: PLC0415  # rich is loaded only where it is shown
    from rich.table import Table  # noqa: PLC0415  # the same
    from rich.text import Text  # noqa: PLC0415  # the same

    table = Table(*headers(columns, session.language))
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


@contextmanager
def _progress(session: Session) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal while addresses are knocked at; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  # rich is loaded only where it is shown
    from rich.progress import Progress  # noqa: PLC0415  # the same

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(KNOCKING[session.language], total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
