"""Killed each second for minutes, with the caps of a real box, on lines that stay driven: for how long it is heard."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge.core.caps import ACTIVATION_NS
from edge.core.caps import LIMIT_NS as LIMITS
from edge.core.words import SECOND_NS, Purpose
from tests.bench.figures import Budget, Line, left_out
from tests.daemons.alarm_box import AlarmBox
from tests.daemons.driven import Listener, Torment
from tests.daemons.spent import spend

EVERY_S: Final = 1.0
LEFT_S: Final = 60.0  # of the hour
SLACK_S: Final = 1.0
SILENT_LIVES: Final = 10
WITHIN_S: Final = 600.0
LIMIT_NS: Final = LIMITS[Purpose.PRESS]
OFF: Final = Budget(5.0, unit=" s")

Finger = Callable[[Torment, str, Callable[[], bool], float], bool]


def lines(folder: Path) -> list[Line]:
    return [
        *_tormented(folder / "held", "held on", Torment.hold, ACTIVATION_NS / SECOND_NS, left_s=LIMIT_NS / SECOND_NS),
        *_tormented(folder / "pressed", "pressed anew", Torment.press, LEFT_S, left_s=LEFT_S),
        *_control(folder / "control"),
    ]


def _tormented(folder: Path, how: str, finger: Finger, cap_s: float, *, left_s: float) -> list[Line]:
    """left_s: of the hour, when it begins."""
    with AlarmBox(folder) as box:
        if not spend(box.places, box.site, left_s=left_s):
            return [left_out(f"{how}, killed each second", "this machine was started less than a cap ago")]
        box.start()
        with _listener(box) as heard:
            torment = Torment(box, heard, EVERY_S)
            ended = finger(torment, box.site.zones[0].id, lambda: torment.silent_lives >= SILENT_LIVES, WITHIN_S)
            return _told(how, torment, cap_s if ended else 0.0)


def _control(folder: Path) -> list[Line]:
    """Without what is kept in /run."""
    with AlarmBox(folder) as box:
        if not spend(box.places, box.site, left_s=LEFT_S):
            return []
        box.start()
        with _listener(box) as heard:
            torment = Torment(box, heard, EVERY_S, forget=True)
            torment.press(box.site.zones[0].id, lambda: heard.heard_s > LEFT_S + SLACK_S, WITHIN_S)
            budget = Budget(LEFT_S + SLACK_S, at_most=False, unit=" s")
            name = f"control, /run forgets: {torment.deaths} deaths, heard"
            return [Line(name, f"{heard.heard_s:.1f} s", budget=budget, judged=heard.heard_s)]


def _told(how: str, torment: Torment, cap_s: float) -> list[Line]:
    heard_s, off_s = torment.heard.heard_s, torment.off_max_s
    elsewhere = torment.box.sounds(torment.box.site.zones[1].id, kept=False)
    budget = Budget(cap_s + SLACK_S, unit=" s")
    once = Budget(1, at_most=False, unit="")
    return [
        Line(f"{how}, {torment.deaths} deaths: heard", f"{heard_s:.1f} s", budget=budget, judged=heard_s),
        Line(f"{how}: death -> off", f"{off_s * 1000:.0f} ms at most", budget=OFF, judged=off_s),
        Line(f"{how}: then another zone", "sounds" if elsewhere else "is silent", budget=once, judged=float(elsewhere)),
    ]


def _listener(box: AlarmBox) -> Listener:
    return Listener(box.places.run / "sim", box.line_of("sirene"))
