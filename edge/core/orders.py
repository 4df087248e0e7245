"""What each command of the centre asks: its key, its arguments, and the stimulus it becomes. Pure.

name         key              args
-----------  ---------------  --------------------------------------------------------------------------------------
silence      command-silence  alarm
acknowledge  command-silence  alarm, ticket
bypass       command-silence  zone, duration (s, 1-28800; 0 ends it)
sound        command-sound    pattern ("jateng.titir"), duration (s, 1-180; 0 ends it); over 30 s: two signatures
self-test    command-sound    none: every sounder for 3 s, told as a test
squawk       command-sound    none: every sounder for 1 s, to find the box by ear; told as a test
snapshot     command-silence  camera: its name as adopted; the picture comes as an event of its own
identify     command-silence  none: the lamp shows for a minute which box it is
diag         command-silence  none: answered in parts, with what the box knows of itself and nothing secret
config       config           overlay: TOML of the allow-list, at most 2,048 characters; "" takes away what is there

Durations, and not moments: the box's wall clock may be wrong, its boot clock is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from edge.core.messages import Command
from edge.core.profiles import COARSE, is_known
from edge.core.seal import Forged, Use
from edge.core.words import (
    SECOND_NS,
    Acknowledge,
    Bypass,
    Identify,
    Operator,
    Purpose,
    Silence,
    SoundFor,
    Stimulus,
    ZoneId,
)

LONG_SOUND_S: Final = 30  # beyond it a second operator signs too: a stolen key alone wakes no neighbourhood for long
SELF_TEST_NS: Final = 3 * SECOND_NS
SQUAWK_NS: Final = 1 * SECOND_NS
IDENTIFY_NS: Final = 60 * SECOND_NS

USES: Final[Mapping[str, Use]] = {
    "silence": Use.COMMAND_SILENCE,
    "acknowledge": Use.COMMAND_SILENCE,
    "bypass": Use.COMMAND_SILENCE,
    "snapshot": Use.COMMAND_SILENCE,
    "identify": Use.COMMAND_SILENCE,
    "diag": Use.COMMAND_SILENCE,
    "sound": Use.COMMAND_SOUND,
    "self-test": Use.COMMAND_SOUND,
    "squawk": Use.COMMAND_SOUND,
    "config": Use.CONFIG,
}
"""Which key may order what. A name that is not here is refused."""

_Name = Annotated[str, Meta(min_length=1, max_length=64)]


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Silence(_Strict):
    alarm: _Name


class _Acknowledge(_Strict):
    alarm: _Name
    ticket: Annotated[str, Meta(max_length=64)] = ""


class _Bypass(_Strict):
    zone: _Name
    duration: Annotated[int, Meta(ge=0, le=8 * 3600)]


class _Sound(_Strict):
    pattern: _Name
    duration: Annotated[int, Meta(ge=0, le=180)]


class _Snapshot(_Strict):
    camera: _Name


class _Config(_Strict):
    overlay: Annotated[str, Meta(max_length=2048)]


class _Nothing(_Strict):
    pass


ARGUMENTS: Final[Mapping[str, type[_Strict]]] = {
    "silence": _Silence,
    "acknowledge": _Acknowledge,
    "bypass": _Bypass,
    "sound": _Sound,
    "snapshot": _Snapshot,
    "self-test": _Nothing,
    "squawk": _Nothing,
    "identify": _Nothing,
    "diag": _Nothing,
    "config": _Config,
}


@dataclass(frozen=True, slots=True)
class Overlay:
    """An order that the panel has no part in: what the centre lays over the configuration."""

    text: str
    by: Operator


@dataclass(frozen=True, slots=True)
class Diagnose:
    """An order that the panel has no part in: tell what the box knows of itself."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An order that the panel has no part in: take a picture now."""

    camera: str
    by: Operator


@dataclass(frozen=True, slots=True)
class Policy:
    """What this neighbourhood lets the centre do: the site's word, which no signature overrides."""

    sound: bool = True
    bypass: bool = True


def wish_of(command: Command, policy: Policy, *, keys: tuple[str, ...]) -> Stimulus | Overlay | Diagnose | Snapshot:
    """What a believed command asks for: of the panel, or of the box beside it.

    keys:   the kids of those who signed it, one or two
    raises: Forged with a stable first word: args, signatures, policy, pattern
    """
    try:
        args = msgspec.convert(command.args, ARGUMENTS[command.name])
    except msgspec.ValidationError as error:
        raise Forged(f"args: {error}") from error
    if not command.by.strip():
        raise Forged("args: nobody's name under it")
    by = Operator(command.by, "centre", keys)
    match args:
        case _Config():
            return Overlay(args.overlay, by)
        case _Snapshot():
            return Snapshot(args.camera, by)
        case _Nothing() if command.name == "diag":
            return Diagnose()
        case _:
            return _asked_of_panel(command.name, args, by, policy)


def _asked_of_panel(name: str, args: _Strict, by: Operator, policy: Policy) -> Stimulus:
    match args:
        case _Silence():
            return Silence(args.alarm, by)
        case _Acknowledge():
            return Acknowledge(args.alarm, args.ticket, by)
        case _Bypass():
            if args.duration and not policy.bypass:
                raise Forged("policy: this site lets nobody bypass a zone from afar")
            return Bypass(ZoneId(args.zone), args.duration * SECOND_NS, by)
        case _Sound():
            return _sound(args, by, policy)
        case _:
            return _sign_of_life(name, by, policy)


def _sign_of_life(name: str, by: Operator, policy: Policy) -> Stimulus:
    if name == "identify":
        return Identify(IDENTIFY_NS, by)
    _allow_sound(policy)
    return SoundFor(COARSE, SQUAWK_NS if name == "squawk" else SELF_TEST_NS, Purpose.TEST, by)


def _sound(args: _Sound, by: Operator, policy: Policy) -> SoundFor:
    if args.duration:  # an end is always taken
        _allow_sound(policy)
        if args.duration > LONG_SOUND_S and len(by.keys) < 2:
            raise Forged(f"signatures: more than {LONG_SOUND_S} s needs a second operator's key")
        if not is_known(args.pattern):
            raise Forged("pattern: unknown here")
    return SoundFor(args.pattern, args.duration * SECOND_NS, Purpose.REMOTE, by)


def _allow_sound(policy: Policy) -> None:
    if not policy.sound:
        raise Forged("policy: this site lets nobody sound its siren from afar")
