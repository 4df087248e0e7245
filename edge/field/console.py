"""What the command line tells people: language, messages, and the one line that an error becomes."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from drivers.ports import DriverError
from edge.config.places import Places
from edge.core import codes
from edge.core.faults import Exit, Fault, Language, Refused, Wording


@dataclass(frozen=True, slots=True)
class Session:
    """What every subcommand is told: `@click.pass_obj`."""

    places: Places
    language: Language

    def say(self, wording: Wording) -> None:
        """Tell the person, on standard output."""
        click.echo(wording[self.language])

    def show(self, faults: Iterable[Fault]) -> None:
        """Tell what is wrong, on standard error."""
        show(faults, self.language)


Command = TypeVar("Command", bound=Callable[..., object])


def session_options(function: Command) -> Command:
    """Give a command `--lang` and `--root`; what stands nearer to the end of the line wins."""
    for option in (
        click.option(
            "--lang",
            type=click.Choice([language.value for language in Language]),
            expose_value=False,
            callback=_choose_language,
            help="Bahasa pesan / language of messages [LANG, id]",
        ),
        click.option(
            "--root",
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_choose_root,
            help="Akar semua berkas / root of all files [/]",
        ),
    ):
        function = option(function)
    return function


pass_session = click.make_pass_decorator(Session)


def _session(ctx: click.Context) -> Session:
    return ctx.obj if isinstance(ctx.obj, Session) else Session(Places(), spoken(os.environ))


def _choose_language(ctx: click.Context, _option: click.Parameter, value: str | None) -> None:
    session = _session(ctx)
    ctx.obj = session if value is None else replace(session, language=Language(value))


def _choose_root(ctx: click.Context, _option: click.Parameter, value: Path | None) -> None:
    session = _session(ctx)
    ctx.obj = session if value is None else replace(session, places=Places(value.absolute()))


def spoken(environment: Mapping[str, str]) -> Language:
    """The language of the terminal: LC_ALL, LC_MESSAGES, then LANG; Indonesian unless it names English."""
    chosen = next((environment[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(key)), "")
    return Language.EN if chosen.lower().startswith("en") else Language.ID


def show(faults: Iterable[Fault], language: Language) -> None:
    for fault in faults:
        click.echo(fault.say(language), err=True)


def show_json(value: object) -> None:
    """For machines: values, mappings of them, or lists of them."""
    click.echo(json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2))


def worst(faults: Iterable[Fault]) -> Exit:
    """The exit code of a list of faults: the first that is more than a warning."""
    return next((fault.exit for fault in faults if not fault.warning), Exit.OK)


def explain(error: Exception, command: str) -> tuple[Fault, ...]:
    """What an error that reached the top means for a person."""
    if isinstance(error, Refused):
        return error.faults
    if isinstance(error, click.UsageError):
        usage = error.ctx.command_path if error.ctx else command
        return (codes.USAGE.fault(what=_mistyped(error), command=usage),)
    if isinstance(error, DriverError):
        return (codes.CATALOGUE.get(error.code, codes.DRIVER).fault(what=str(error)),)
    if isinstance(error, ImportError):
        return (codes.PART_MISSING.fault(command=command, what=str(error)),)
    if isinstance(error, OSError):
        return (_system(error),)
    return (codes.INTERNAL.fault(what=f"{type(error).__name__}: {error}"),)


def _mistyped(error: click.UsageError) -> Wording:
    """Click's sentence, and the same in Indonesian for the mistakes that happen."""
    english = error.format_message()
    quoted = re.findall(r"'([^']*)'", english)
    match error:
        case click.NoSuchOption():
            return Wording(f"pilihan {error.option_name} tidak ada.", english)
        case click.MissingParameter() | click.BadOptionUsage() | click.BadArgumentUsage():
            return Wording(f"belum lengkap: {english}", english)
        case click.BadParameter():
            return Wording(f"nilai yang salah: {error.message}", english)
        case _ if english.startswith("No such command") and quoted:
            close = get_close_matches(quoted[0], _siblings(error), n=1)
            id_guess, en_guess = (f" Mungkin `{close[0]}`?", f" Perhaps `{close[0]}`?") if close else ("", "")
            return Wording(f"perintah `{quoted[0]}` tidak ada.{id_guess}", f"no command `{quoted[0]}`.{en_guess}")
    return Wording(english, english)


def _siblings(error: click.UsageError) -> list[str]:
    group = error.ctx.command if error.ctx else None
    return group.list_commands(error.ctx) if error.ctx and isinstance(group, click.Group) else []


def traced() -> bool:
    """True when a contributor asked for the traceback."""
    return os.environ.get("KENTONGAN_TRACE", "") not in ("", "0")


def _system(error: OSError) -> Fault:
    if _is_tls(error):
        return codes.BROKER_TLS.fault(endpoint="", what=str(error))
    if error.filename is not None and not isinstance(error, FileNotFoundError):
        folder = Path(os.fsdecode(error.filename)).parent
        return codes.STATE_READONLY.fault(what=str(folder), why=error.strerror or str(error))
    if isinstance(error, ConnectionError | TimeoutError) or type(error).__name__ in ("gaierror", "herror"):
        return codes.NETWORK.fault(what=str(error))
    return codes.INTERNAL.fault(what=f"{type(error).__name__}: {error}")


def _is_tls(error: OSError) -> bool:
    """Known without importing ssl, which nobody but the uplink needs."""
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(error, ssl.SSLError)
