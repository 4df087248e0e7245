"""From a draft to a configuration that has proved itself, or to the one before; killed, it goes on from there."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from edge.config.active import read_active
from edge.config.drafts import Draft, read_draft, remove_draft
from edge.config.load import Users
from edge.config.places import Places
from edge.config.trial import Step, Trial, begin, end, read_trial, revert, step_of
from edge.core.faults import Refused
from edge.core.words import SECOND_NS
from edge.link.frames import Laid

log = logging.getLogger("kentongan.config")

TRIAL_NS: Final = 60 * SECOND_NS  # of not being well with it
BUSY_NS: Final = 15 * 60 * SECOND_NS  # alarm takes it up when nobody calls; an alarm and its eight minutes fit in
TELL_NS: Final = 10 * SECOND_NS  # alarm is back within 2 s of its death

NEVER_WELL: Final = "within 60 s the box was not back, or no centre answered it"
NEVER_QUIET: Final = "for 15 minutes there was no moment without an alarm"
INTERRUPTED: Final = "the trial was cut off, by a power failure or on its way back"


@dataclass(frozen=True, slots=True)
class Seen:
    """Alarm, as it answers: with which generation it runs, and whether a centre has answered it since its start."""

    generation: int
    answered: bool


class Alarm(Protocol):
    def look(self) -> Seen | None: ...

    def tell(self, laid: Laid) -> None: ...


class Steward:
    """boot: id of this boot; wait: between two looks at alarm."""

    def __init__(
        self,
        places: Places,
        users: Users,
        alarm: Alarm,
        *,
        boot: str,
        boot_ns: Callable[[], int],
        wait: Callable[[], None],
    ) -> None:
        self._places = places
        self._users = users
        self._alarm = alarm
        self._boot = boot
        self._boot_ns = boot_ns
        self._wait = wait

    def run(self) -> None:
        """Until nothing waits and nothing is on trial. Raises OSError."""
        while True:
            trial = read_trial(self._places)
            if trial is not None:
                self._see_through(trial)
            elif (draft := read_draft(self._places)) is not None:
                self._follow(draft)
            else:
                remove_draft(self._places, None)  # what is no draft would start us for ever
                return

    def _follow(self, draft: Draft) -> None:
        try:
            configuration = begin(self._places, draft, self._users, self._boot)
        except Refused as refused:
            for fault in refused.faults:
                log.warning("%s  do=%s", fault.line(), fault.fix.en)
            self._say(draft, "refused", next(fault.line() for fault in refused.faults if not fault.warning))
        else:
            if not self._places.trial.exists():
                self._say(draft, "kept", f"the box uses this already: generation {configuration.generation}")
        remove_draft(self._places, draft)

    def _see_through(self, trial: Trial) -> None:
        try:
            step = step_of(self._places, trial)
            if step is Step.NOTHING:
                end(self._places, trial)  # we died before anything was replaced; the draft still waits
                return
            self._take_away(trial.jti)
            reason = INTERRUPTED if step is Step.BACK or trial.boot != self._boot else self._watch(trial)
            if read_trial(self._places) != trial:
                log.info("somebody at the box decided otherwise")
                return
            if reason:
                log.warning("taken back  reason=%s", reason)
                revert(self._places, trial)
            self._say(trial, "reverted" if reason else "kept", reason)
        except Refused as refused:
            self._say(trial, "kept", f"there is no way back: {refused.faults[0].line()}")
        end(self._places, trial)

    def _take_away(self, jti: str) -> None:
        if (draft := read_draft(self._places)) is not None and draft.jti == jti:
            remove_draft(self._places, draft)

    def _watch(self, trial: Trial) -> str:
        """Why it did no good; "" once alarm runs with it and a centre has answered, or nobody asks any more."""
        began_ns = last_ns = self._boot_ns()
        unwell_ns = 0
        while read_trial(self._places) == trial:
            seen = self._alarm.look()
            now_ns = self._boot_ns()
            generation = self._generation()
            if seen is not None and seen.generation == trial.earlier:
                self._tell(trial, "trial", generation, "")
                if now_ns - began_ns > BUSY_NS:
                    return NEVER_QUIET
            elif seen is not None and seen.generation == generation and seen.answered:
                return ""
            else:
                unwell_ns += now_ns - last_ns
                if unwell_ns > TRIAL_NS:
                    return NEVER_WELL
            last_ns = now_ns
            self._wait()
        return ""  # somebody at the box decided otherwise, which our caller sees

    def _say(self, told: Draft | Trial, result: str, reason: str) -> None:
        """Once alarm hears it; one that never comes back cannot be told, and its state says the generation."""
        until_ns = self._boot_ns() + TELL_NS
        while self._alarm.look() is None:
            if self._boot_ns() > until_ns:
                log.warning("alarm does not hear  result=%s reason=%s", result, reason)
                return
            self._wait()
        self._tell(told, result, self._generation(), reason)
        self._alarm.look()  # an answer to a later frame: what was told has been heard

    def _tell(self, told: Draft | Trial, result: str, generation: int, reason: str) -> None:
        self._alarm.tell(Laid(told.jti, told.by, result, generation, reason))

    def _generation(self) -> int:
        active = read_active(self._places).configuration
        return active.generation if active else 0
