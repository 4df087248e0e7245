"""Kentongan profiles: what each call sounds like in a region, chosen with the RT.

Two beats are never a default anywhere: doro muluk (all-clear in Semarang, a death in Kendal and Kudus) and the single
stroke (murder in one family of codes, "safe" in another).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edge.core.patterns import ISO_8201, RAPID, TEMPORAL_3, Tempo, Timeline, beat
from edge.core.words import Kind

TITIR = "0" * 8  # 2 s of rapid strokes; it has no groups, so its seam is not heard


@dataclass(frozen=True, slots=True)
class Beat:
    notation: str
    tempo: Tempo = ISO_8201

    @property
    def timeline(self) -> Timeline:
        """raises: ValueError as patterns.beat"""
        return beat(self.notation, self.tempo)


@dataclass(frozen=True, slots=True)
class Profile:
    """beats: by name, played as "profile.name"; calls: which of them each kind of alarm sounds.

    raises: ValueError if a beat is refused or a kind has none
    """

    name: str
    beats: Mapping[str, Beat]
    calls: Mapping[Kind, str]

    def __post_init__(self) -> None:
        for kind in Kind:
            if self.calls.get(kind) not in self.beats:
                raise ValueError(f"profile {self.name!r} has no beat for {kind.value!r}")
        for name, each in self.beats.items():
            if each.notation.count("0") < 2:
                raise ValueError(f"beat {self.name}.{name}: a single stroke means opposite things in two regions")
            _ = each.timeline


JATENG = Profile(
    "jateng",
    beats={
        "titir": Beat(TITIR, RAPID),
        "theft": Beat("00-00"),
        "fire": Beat("000-000"),
        "disaster": Beat("0000-0000"),
    },
    # A button cannot tell theft from any other danger: titir calls everybody, theft is for the centre's `sound`.
    calls={Kind.CRIME: "titir", Kind.FIRE: "fire", Kind.MEDICAL: "titir", Kind.DISASTER: "disaster"},
)
POLRI = Profile(
    "polri",
    beats={
        "theft": Beat("00-00-00"),
        "fire": Beat("000-000-000"),
        "disaster": Beat("000.0-000.0-000.0"),
        "accident": Beat("0.000-0.000"),
        "riot": Beat("00.000-00.000"),
    },
    calls={Kind.CRIME: "theft", Kind.FIRE: "fire", Kind.MEDICAL: "accident", Kind.DISASTER: "disaster"},
)
PROFILES: Mapping[str, Profile] = MappingProxyType({profile.name: profile for profile in (JATENG, POLRI)})
COARSE = "iso.temporal-3"  # known to every profile: the fallback, and what a mechanical sounder plays for titir

_TIMELINES: dict[str, Timeline] = {COARSE: TEMPORAL_3}
for _profile in PROFILES.values():
    _TIMELINES |= {f"{_profile.name}.{_name}": _beat.timeline for _name, _beat in _profile.beats.items()}


def pattern_for(profile: str, kind: Kind, chosen: str = "") -> str:
    """Name of the pattern a kind sounds; temporal-3 in an unknown profile, since a press must sound.

    chosen: the site's own choice of a beat; one that the profile does not have counts as none
    """
    known = PROFILES.get(profile)
    if known is None:
        return COARSE
    return f"{profile}.{chosen if chosen in known.beats else known.calls[kind]}"


def is_known(pattern: str) -> bool:
    return pattern in _TIMELINES


def timeline_of(pattern: str) -> Timeline:
    """The timeline of "profile.name"; temporal-3 for a name nobody knows, since a press must sound."""
    return _TIMELINES.get(pattern, TEMPORAL_3)
