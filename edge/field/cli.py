"""The command `kentongan`. A subcommand is imported when it is run, so that `--help` answers at once on a Pi Zero."""

import os
import select
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from edge.core import codes
from edge.core.faults import Exit, Language, Refused
from edge.field.console import explain, session_options, show, spoken, traced, worst

# name -> module:attribute, a click command; SUMMARIES has the same keys
COMMANDS = {
    "demo": "edge.field.demo:demo",
    "centre": "edge.centre.cli:centre",
    "enrol": "edge.field.enrol:enrol",
    "config": "edge.field.config_commands:config",
    "ledger": "edge.field.ledger_commands:ledger",
    "status": "edge.field.status:status",
    "watch": "edge.field.watch:watch",
    "walk-test": "edge.field.walk_test:walk_test",
    "cameras": "edge.field.cameras:cameras",
    "run": "edge.field.run:run",
}
SUMMARIES = {
    "demo": "Peragaan lengkap tanpa perangkat / the whole story without hardware",
    "centre": "Pusat komando acuan / the reference command centre",
    "enrol": "Daftarkan kotak ini di pusat / enrol this box at the centre",
    "config": "Periksa, terapkan, tampilkan konfigurasi / check, apply, show the configuration",
    "ledger": "Catatan kejadian / the box's record of events",
    "status": "Keadaan boks sekarang / how the box is now",
    "watch": "Ikuti keadaan boks / follow how the box is",
    "walk-test": "Uji setiap tombol tanpa alarm / try every button without an alarm",
    "cameras": "Cari, adopsi, coba kamera / find, adopt, try cameras",
    "run": "Jalankan satu daemon / run one daemon",
}
HIDDEN = frozenset({"run"})  # for units and the demo


class LazyGroup(click.Group):
    """A group that knows its commands by name only."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        try:
            command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing in {"edge", "drivers", ""}:
                raise
            raise Refused(codes.PACKAGE_MISSING.fault(what=missing)) from error
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name]} is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Perintah / commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in COMMANDS if name not in HIDDEN])


def version() -> str:
    """The installed version; imported late because importlib.metadata costs more than click."""
    from importlib.metadata import version as installed  # noqa: PLC0415 - see the docstring

    return f"kentongan {installed('kentongan-edge')}"


def _tell_version(ctx: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value and not ctx.resilient_parsing:
        click.echo(version())
        ctx.exit()


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@session_options
@click.option("--version", is_flag=True, expose_value=False, callback=_tell_version, help="Versi / version")
def kentongan() -> None:
    """Kentongan Edge: tombol, sirene, pusat / buttons, siren, centre."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code of TECHNICIAN's table, and never shows a traceback unasked."""
    try:
        return _invoke(arguments)
    except (click.Abort, KeyboardInterrupt):
        return 130  # 128 + SIGINT, as shells have it
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except Exception as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # click 8.2 and later; before, it printed this itself
            click.echo(str(error), err=True)
            return Exit.USAGE
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            return Exit.OK  # `kentongan ... | head` is no fault
        if traced():
            raise
        faults = explain(error, " ".join(["kentongan", *arguments[:1]]))
        show(faults, _language(arguments))
        return worst(faults) or Exit.UNEXPECTED


def _invoke(arguments: Sequence[str]) -> int:
    """Without click's own `main`, which ends the process silently when any pipe or socket breaks."""
    with kentongan.make_context("kentongan", list(arguments)) as context:
        result = kentongan.invoke(context)
    sys.stdout.flush()
    return result if isinstance(result, int) else Exit.OK


def _nobody_reads() -> bool:
    """True when it is standard output whose reader went away; what is left to write goes nowhere then."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    if not any(event & select.POLLERR for _, event in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def _language(arguments: Sequence[str]) -> Language:
    """The language asked for, read before or in spite of a command line that click refuses."""
    for index, argument in enumerate(arguments):
        chosen = argument.removeprefix("--lang=") if "=" in argument else "".join(arguments[index + 1 : index + 2])
        if argument.startswith("--lang") and chosen in ("id", "en"):
            return Language(chosen)
    return spoken(os.environ)
