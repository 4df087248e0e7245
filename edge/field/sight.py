"""What can be seen of a box from outside: its wires by meter, its own words, and the centre's last lines."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.core.faults import Wording, printable
from edge.core.lamps import Face
from edge.core.words import SECOND_NS
from edge.link.client import LinkClient
from edge.link.frames import Ask, Status

ASK_EVERY_NS: Final = SECOND_NS // 5
ANSWER_MAX_NS: Final = 2 * SECOND_NS
UNTOLD: Final = frozenset({"beat", "audit"})  # so many that they would push out what happened


@dataclass(frozen=True, slots=True)
class Quiet:
    """How siren and lamp were when a silent button was pressed, and how they are now."""

    sounding: bool
    face: Face | None
    sounds_now: bool
    face_now: Face | None


@dataclass(frozen=True, slots=True)
class ZoneSight:
    """said: what the box tells of the contact, "" where it tells nothing."""

    key: str
    label: str
    kind: str
    silent: bool
    pressed: bool
    said: str
    quiet: Quiet | None


@dataclass(frozen=True, slots=True)
class OutputSight:
    """on: the line's level by meter, translated by its wiring."""

    line: str
    on: bool


@dataclass(frozen=True, slots=True)
class BoxSight:
    """The box in its own words; what it says of itself, not what is so."""

    face: Face | None = None  # None: the alarm program does not answer
    sounding: bool = False
    online: bool = False
    receiver: str = ""
    waiting: int = 0
    journey: tuple[tuple[str, str], ...] = ()  # step, milliseconds after the decision ("" not yet)
    troubles: tuple[str, ...] = ()
    zones: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything on the board at one moment; two equal sights look the same."""

    site: str
    box: str
    zones: tuple[ZoneSight, ...]
    siren: OutputSight
    lamp: OutputSight
    told: BoxSight
    plugged: bool
    armed_after_ms: float | None  # of the newest start that followed a death
    centre: tuple[str, ...]
    notice: Wording


class Ear:
    """Asks the box how it is, five times a second, and never waits for the answer."""

    def __init__(self, path: Path) -> None:
        self._link = LinkClient(path)
        self._asked_ns = -ASK_EVERY_NS
        self._heard_ns = 0
        self._told = BoxSight()

    def fileno(self) -> int:
        """-1 while the box is away."""
        return self._link.fileno()

    def listen(self, now_ns: int) -> BoxSight:
        """Ask when it is time and take in what has come. Returns the newest answer not older than 2 s."""
        for frame in self._link.frames():
            if isinstance(frame, Status):
                self._told, self._heard_ns = _told(json.loads(frame.raw)), now_ns
        if now_ns - self._asked_ns >= ASK_EVERY_NS and self._link.open():
            self._asked_ns = now_ns
            self._link.send(Ask("status", {}))
        if not self._link.connected or now_ns - self._heard_ns > ANSWER_MAX_NS:
            self._told = BoxSight()
        return self._told

    def close(self) -> None:
        self._link.close()


def _told(status: Mapping[str, Any]) -> BoxSight:
    journey = status["journey"] or {}
    return BoxSight(
        face=Face(status["lamp"]) if status["lamp"] else None,
        sounding="sounding" in status["sounders"].values(),
        online=status["online"],
        receiver=status["receiver"],
        waiting=status["waiting"],
        journey=tuple((step, journey[step]) for step in ("stored", "published", "received") if step in journey),
        troubles=tuple(status["troubles"]),
        zones=tuple(status["zones"].items()),
    )


def centre_lines(output: str, limit: int) -> tuple[str, ...]:
    """The newest of what `centre run --json` has said, one short line each, oldest first."""
    lines: list[str] = []
    for raw in reversed(output.splitlines()):
        said = _parsed(raw)
        if said and not {said["what"], said.get("class")} & UNTOLD:
            lines.append(_short(said))
        if len(lines) == limit:
            break
    return tuple(reversed(lines))


def _parsed(raw: str) -> dict[str, Any]:
    """A line that is only half written, or a log line, is nothing."""
    try:
        said = json.loads(raw)
    except ValueError:
        return {}
    return said if isinstance(said, dict) and "what" in said else {}


def _short(said: Mapping[str, Any]) -> str:
    clock = str(said["at"])[11:19]
    if said["what"] != "event":
        return printable(" ".join([clock, *_words(said, ("what", "name", "by", "alarm", "reason"))]))
    late = f"+{said['late_ms']} ms" if said["late_ms"] is not None else ""
    words = _words(said, ("name", "zone", "subject", "kind", "alarm", "kept"))
    return printable(" ".join([clock, *words, late]))


def _words(said: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    chosen = [name for name in names if said.get(name) and not (name == "subject" and said.get("zone"))]
    return [str(said[name]) for name in chosen]
