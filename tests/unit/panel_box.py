"""A panel and its clock, for tests: every call returns its effects."""

from collections.abc import Iterable

from edge.core.numbers import Numbers
from edge.core.panel import Panel, PanelPlan, SounderPlan, ZonePlan
from edge.core.words import (
    Activation,
    Brief,
    Button,
    Effect,
    Epoch,
    Hush,
    Json,
    Keep,
    Kind,
    Operator,
    Pressed,
    Record,
    Released,
    Sound,
    SounderId,
    Stimulus,
    Tick,
    Touched,
    ZoneId,
)

S = 1_000_000_000
MS = 1_000_000
POS, MASJID, FIRE, HUSHED, KEY = (ZoneId(each) for each in ("pos-ronda", "masjid", "api", "kasir", "kunci"))
SIREN, HORN = SounderId("sirene"), SounderId("toa")
ANI = Operator("ani", "centre")

ZONES = (
    ZonePlan(POS, Kind.CRIME, Button.EXPOSED),
    ZonePlan(MASJID, Kind.CRIME, Button.EXPOSED),
    ZonePlan(FIRE, Kind.FIRE, Button.COVERED),
    ZonePlan(HUSHED, Kind.CRIME, Button.EXPOSED, silent=True),
    ZonePlan(KEY, Kind.CRIME, Button.KEY),
)


class Box:
    """One box of five zones; its deadlines are kept."""

    def __init__(
        self,
        *,
        sounders: tuple[SounderPlan, ...] = (SounderPlan(SIREN, "ssr"),),
        storm_s: int = 60,
        start_s: int = 10_000,
    ) -> None:
        plan = PanelPlan(ZONES, sounders, "jateng", storm_ns=storm_s * S)
        self.panel = Panel(plan, Numbers(Epoch("7c1f0b2e")))
        self.now = start_s * S
        self.effects: list[Effect] = []

    def take(self, effects: list[Effect]) -> list[Effect]:
        self.effects += effects
        return effects

    def tell(self, stimulus: Stimulus) -> list[Effect]:
        return self.take(self.panel.handle(stimulus, self.now))

    def press(self, zone: ZoneId = POS, held_s: float = 1.0) -> list[Effect]:
        """First edge now, decided `held_s` later."""
        edge = self.now
        effects = self.tell(Touched(zone, edge)) + self.wait(held_s)
        return effects + self.tell(Pressed(zone, edge, int(held_s * S)))

    def release(self, zone: ZoneId = POS) -> list[Effect]:
        return self.tell(Released(zone, self.now))

    def tap(self, zone: ZoneId = POS, lasted_ms: int = 200) -> list[Effect]:
        edge = self.now
        self.tell(Touched(zone, edge))
        self.now += lasted_ms * MS
        return self.tell(Brief(zone, edge, lasted_ms * MS))

    def wait(self, seconds: float) -> list[Effect]:
        end, effects = self.now + int(seconds * S), []
        while (due := self.panel.due_ns) is not None and due <= end:
            assert due > self.now, "a deadline in the past is a busy loop"
            self.now = due
            effects += self.tell(Tick())
        self.now = end
        return effects + self.tell(Tick())

    def records(self, name: str) -> list[Record]:
        return records(self.effects, name)


def records(effects: Iterable[Effect], name: str) -> list[Record]:
    return [each for each in effects if isinstance(each, Record) and each.name == name]


def sounds(effects: Iterable[Effect]) -> list[Activation]:
    return [each.activation for each in effects if isinstance(each, Sound)]


def hushes(effects: Iterable[Effect]) -> list[SounderId]:
    return [each.sounder for each in effects if isinstance(each, Hush)]


def audits(effects: Iterable[Effect], what: str) -> list[Record]:
    return [each for each in records(effects, "audit") if each.content["what"] == what]


def number(value: Json) -> int:
    assert isinstance(value, int)
    return value


def kept(box: Box) -> tuple[Activation, ...]:
    return next(each for each in reversed(box.effects) if isinstance(each, Keep)).activations


def spend(box: Box, zone: ZoneId, seconds: int) -> None:
    """Sound for that long by pressing one button again and again."""
    end = box.now + seconds * S
    while box.now < end:
        box.press(zone, held_s=0.3)
        box.release(zone)
        box.wait(min(100, max(0.1, (end - box.now) / S)))
