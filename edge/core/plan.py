"""What the panel needs to know of a site: plain values that configuration is turned into."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.core.caps import ACTIVATION_NS
from edge.core.patterns import Switch
from edge.core.profiles import pattern_for
from edge.core.words import SECOND_NS, Button, Kind, SounderId, ZoneId


@dataclass(frozen=True, slots=True)
class ZonePlan:
    id: ZoneId
    kind: Kind
    button: Button
    silent: bool = False  # its alarms reach the centre and nobody else


@dataclass(frozen=True, slots=True)
class SounderPlan:
    id: SounderId
    switch: Switch
    backup: bool = False  # sounds instead of the others after brown-outs, beside them when one is broken


@dataclass(frozen=True, slots=True)
class PanelPlan:
    """One site.

    sound_ns: one press sounds this long, at most 180 s
    storm_ns: presses of one zone closer than this are one alarm; 0 = each press its own (lab)
    calls:    beat of the profile that a kind sounds, where it is not the profile's own choice
    raises:   ValueError if two zones or sounders share an id, or a duration is out of range
    """

    zones: tuple[ZonePlan, ...]
    sounders: tuple[SounderPlan, ...]
    profile: str
    sound_ns: int = ACTIVATION_NS
    storm_ns: int = 60 * SECOND_NS
    calls: Mapping[Kind, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len({zone.id for zone in self.zones}) < len(self.zones):
            raise ValueError("two zones share an id")
        if len({sounder.id for sounder in self.sounders}) < len(self.sounders):
            raise ValueError("two sounders share an id")
        if not 0 < self.sound_ns <= ACTIVATION_NS:
            raise ValueError(f"a press sounds for more than 0 s and at most 180 s, not {self.sound_ns} ns")
        if self.storm_ns < 0:
            raise ValueError(f"a storm of {self.storm_ns} ns")

    def pattern(self, kind: Kind) -> str:
        """Name of the pattern that an alarm of this kind sounds here."""
        return pattern_for(self.profile, kind, self.calls.get(kind, ""))
