"""A change from afar, on trial: unless it proves itself, the box is back on what it had before, by itself.

begin   trial.json -> the texts -> gen-N.json -> active.json
revert  the generation before, under a new number
end     trial.json goes; before, everybody concerned has been told

A death anywhere leaves trial.json lying, and who comes after goes on from there: `step_of` tells how far it came.
A configuration without a trial is never half of anything.
"""

from dataclasses import dataclass, replace
from enum import Enum

import msgspec

from edge.config import codes as config_codes
from edge.config.active import Source, Unreadable, decode, read_active
from edge.config.apply import put_back
from edge.config.drafts import Draft
from edge.config.generations import Texts, alone, differs, install, texts_of, write_atomically
from edge.config.load import Users, load
from edge.config.model import Calls, Cameras, Configuration
from edge.config.places import Places
from edge.core.faults import Refused

LIMIT = 4096  # bytes of trial.json


@dataclass(frozen=True, slots=True)
class Trial:
    """jti, by: of the order; earlier: the generation to go back to; boot: the boot that it must survive in."""

    jti: str
    by: str
    earlier: int
    boot: str


class Step(Enum):
    NOTHING = "nothing was replaced"
    ON = "the box has the new configuration"
    BACK = "the box has what it had before"


def read_trial(places: Places) -> Trial | None:
    """The trial that is on, if one is; a file that is none counts as none. Raises OSError but for its absence."""
    try:
        with places.trial.open("rb") as file:
            return msgspec.json.decode(file.read(LIMIT), type=Trial)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        places.trial.unlink(missing_ok=True)
        return None


def step_of(places: Places, trial: Trial) -> Step:
    """How far it came. Raises Refused where the generation before is broken: there is no way back then."""
    active = read_active(places).configuration
    if active is None or active.generation == trial.earlier:
        return Step.NOTHING
    return Step.ON if differs(places, _generation(places, trial.earlier)) else Step.BACK


def begin(places: Places, draft: Draft, users: Users, boot: str) -> Configuration:
    """Lay the overlay over what the box uses; an empty one takes away what lies there.

    returns: the configuration, on trial; without one where it is what the box uses already
    raises:  Refused with every fault, OSError; then the box uses what it used before
    """
    with alone(places):
        active, texts = _ground(places)
        laid = Texts(texts.site, draft.overlay.encode())
        loaded = load(laid.site, name=places.site.name, users=users, overlay=laid.overlay)
        if loaded.configuration is None:
            raise Refused(*loaded.faults)
        changed = replace(loaded.configuration, link=active.link)  # who is who here is not the centre's
        if _rest(changed) != _rest(active):
            raise Refused(config_codes.OVERLAY_BASE.fault(why=f"generation {active.generation}"))
        if not differs(places, changed):
            return active
        trial = Trial(draft.jti, draft.by, active.generation, boot)
        write_atomically(places.trial, msgspec.json.encode(trial))
        return install(places, changed, laid)


def revert(places: Places, trial: Trial) -> None:
    """Back to the generation before, under a new number; nothing where somebody at the box has decided otherwise.

    raises: OSError, Refused
    """
    with alone(places):
        if read_trial(places) == trial and step_of(places, trial) is Step.ON:
            put_back(places, trial.earlier, _generation(places, trial.earlier))


def end(places: Places, trial: Trial) -> None:
    """It is over, kept or taken back. Raises OSError."""
    with alone(places):
        if read_trial(places) == trial:
            places.trial.unlink(missing_ok=True)


def _ground(places: Places) -> tuple[Configuration, Texts]:
    reading = read_active(places)
    if reading.configuration is None or reading.source is not Source.ACTIVE:
        raise Refused(config_codes.OVERLAY_BASE.fault(why=f"source {reading.source}"))
    return reading.configuration, texts_of(places, reading.configuration.generation)


def _rest(configuration: Configuration) -> Configuration:
    """All that no overlay may touch: a new version of a kit must not come along with the centre's change."""
    panel = replace(configuration.panel, profile="jateng")
    cameras = replace(configuration.cameras, frames=Cameras().frames)
    return replace(configuration, generation=0, panel=panel, calls=Calls(), cameras=cameras)


def _generation(places: Places, number: int) -> Configuration:
    try:
        return decode((places.generations / f"gen-{number}.json").read_bytes())
    except (Unreadable, FileNotFoundError) as error:
        raise Refused(config_codes.NO_GENERATION.fault(asked=number, why=str(error), there="-")) from error
