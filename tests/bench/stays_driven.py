"""Killed each second for minutes, with the caps of a real box, on lines that stay driven: for how long it is heard."""

from pathlib import Path
from typing import Final

from edge.core.caps import ACTIVATION_NS
from edge.core.words import SECOND_NS
from tests.bench.figures import Budget, Line, left_out
from tests.daemons.alarm_box import AlarmBox
from tests.daemons.driven import Listener, Torment
from tests.daemons.spent import spend

EVERY_S: Final = 1.0
LEFT_S: Final = 60.0  # of the hour
SLACK_S: Final = 1.0
SILENT_LIVES: Final = 10
WITHIN_S: Final = 600.0
OFF: Final = Budget(5.0, unit=" s")


def lines(folder: Path) -> list[Line]:
    return [*_held(folder / "held"), *_pressed(folder / "pressed"), *_control(folder / "control")]


def _held(folder: Path) -> list[Line]:
    cap_s = ACTIVATION_NS / SECOND_NS
    with AlarmBox(folder) as box:
        box.start()
        with _listener(box) as heard:
            torment = Torment(box, heard, EVERY_S)
            ended = torment.hold(box.site.zones[0].id, lambda: torment.silent_lives >= SILENT_LIVES, WITHIN_S)
            return _told("held on", torment, cap_s if ended else 0.0)


def _pressed(folder: Path) -> list[Line]:
    with AlarmBox(folder) as box:
        if not spend(box.places, box.site, left_s=LEFT_S):
            return [left_out("pressed anew, killed each second", "this machine was started less than a cap ago")]
        box.start()
        with _listener(box) as heard:
            torment = Torment(box, heard, EVERY_S)
            ended = torment.press(box.site.zones[0].id, lambda: torment.silent_lives >= SILENT_LIVES, WITHIN_S)
            return _told("pressed anew", torment, LEFT_S if ended else 0.0)


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
