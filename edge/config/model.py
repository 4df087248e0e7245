"""What a site is: the frozen values that people write (through `load`) and daemons read (through `active.json`).

Strings stay strings: RT "005" and RW "010" are never numbers. Durations people write are seconds.
"""

from dataclasses import dataclass, field
from typing import Literal

from edge.core.words import Button, Kind

Wiring = Literal["to-ground", "to-3v3"]
ContactType = Literal["no", "nc"]
Relay = Literal["low-on", "high-on"]
Switch = Literal["ssr", "relay", "audio", "motor"]
Driver = Literal["gpiod", "lgpio", "mock", "sim"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    id: str  # "33.74.10.1004-010-005": kelurahan code, RW, RT
    name: str  # as residents say it: "RT 005 / RW 010 Tembalang"
    rt: str
    rw: str
    phone: str = ""  # ketua RT, for the wall card; never logged


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    id: str
    pin: str  # "GPIO23" or "PIN16" (resolved to GPIO before it reaches active.json)
    kind: Kind = Kind.CRIME
    button: Button = Button.EXPOSED
    wiring: Wiring = "to-ground"
    contact: ContactType = "no"
    silent: bool = False
    hold_s: float | None = None  # None: from `button`; 0.0-3.0; below 0.05 only in the lab kit
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounder:
    id: str
    pin: str
    relay: Relay = "high-on"
    switch: Switch = "relay"
    backup: bool = False  # used after a brown-out instead of the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    id: str
    pin: str
    relay: Relay = "high-on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    profile: str = "jateng"  # kentongan profile: which pattern each kind sounds
    sound_s: float = 180.0
    storm_s: float = 60.0  # presses of one zone closer than this are one alarm; 0 only in the lab kit
    lab: bool = False  # set by the lab kit alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """The broker. tls False is accepted for a loopback host only."""

    host: str
    port: int = 8883
    tls: bool = True
    beat_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """uids allowed on each role's socket; resolved from user names on a real box, own uid in the demo."""

    uids: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One resolved site: `active.json`."""

    version: int = 1
    generation: int = 0
    kit: str
    site: Site
    driver: Driver = "gpiod"
    zones: tuple[Zone, ...]
    sounders: tuple[Sounder, ...]
    lamps: tuple[Lamp, ...] = ()
    panel: Panel = Panel()
    uplink: Uplink | None = None
    link: Link = Link()
