"""What a site is: the frozen values that people write (through `load`) and daemons read (through `active.json`).

Strings stay strings: RT "005" and RW "010" are never numbers. Durations people write are seconds.
The limits stand here once: msgspec applies them when a daemon decodes, `schema` gives them to pydantic for people.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from edge.core.words import Button, Kind

Wiring = Literal["to-ground", "to-3v3"]
ContactType = Literal["no", "nc"]
Relay = Literal["low-on", "high-on"]
Switch = Literal["ssr", "relay", "audio", "motor"]
Driver = Literal["gpiod", "mock", "sim"]
Profile = Literal["jateng", "polri"]

SITE_ID = r"^[0-9]{2}(\.[0-9]{2}){2}\.[0-9]{4}-[0-9]{3}-[0-9]{3}$"
VERSION = 1  # of active.json; a daemon refuses another one and falls back

Name = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$")]  # 16: what an SMS has room for
Pin = Annotated[str, Meta(pattern=r"^GPIO([0-9]|1[0-9]|2[0-7])$")]  # the 40-pin header has GPIO0-27
Ward = Annotated[str, Meta(pattern=r"^[0-9]{3}$")]  # RT and RW as the kelurahan writes them: three digits
Title = Annotated[str, Meta(min_length=1, max_length=64)]
BeatName = Annotated[str, Meta(pattern=r"^[a-z0-9-]{0,16}$")]  # of the profile; "" is the profile's own choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    id: Annotated[str, Meta(pattern=SITE_ID)]  # "33.74.10.1004-010-005": kelurahan code, RW, RT
    name: Title  # as residents say it: "RT 005 / RW 010 Tembalang"
    rt: Ward
    rw: Ward
    phone: Annotated[str, Meta(pattern=r"^(\+?[0-9][0-9 -]{5,18})?$")] = ""  # ketua RT, wall card; never logged


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    id: Name
    pin: Pin  # people may write "PIN16"; it is resolved to GPIO before it reaches active.json
    kind: Kind = Kind.CRIME
    button: Button = Button.EXPOSED
    wiring: Wiring = "to-ground"
    contact: ContactType = "no"
    silent: bool = False
    hold_s: Annotated[float, Meta(ge=0.0, le=3.0)] | None = None  # None: from `button`; below 0.05 only in the lab kit
    label: Annotated[str, Meta(max_length=64)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounder:
    id: Name
    pin: Pin
    relay: Relay = "high-on"
    switch: Switch = "relay"
    backup: bool = False  # used after a brown-out instead of the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    id: Name
    pin: Pin
    relay: Relay = "high-on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    profile: Profile = "jateng"  # kentongan profile: which pattern each kind sounds
    sound_s: Annotated[float, Meta(ge=1.0, le=180.0)] = 180.0  # 180: the cap of one activation
    storm_s: Annotated[float, Meta(ge=0.0, le=600.0)] = 60.0  # presses of one zone closer than this are one alarm
    remote_sound: bool = True  # whether the centre may sound the siren; caps hold in any case
    remote_bypass: bool = True  # whether the centre may take a zone out of service
    siren_test_day: Annotated[int, Meta(ge=0, le=28)] = 26  # of each month; 0: never
    siren_test_at: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "10:00"  # WIB (UTC+7)
    lab: bool = False  # set by the lab kit alone; only there may storm_s be 0 and hold_s below 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Which beat of the profile each kind of alarm sounds, where it is not the profile's own choice."""

    crime: BeatName = ""
    fire: BeatName = ""
    medical: BeatName = ""
    disaster: BeatName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cameras:
    """What of the adopted cameras may leave the site; each camera has its owner's consent besides."""

    snapshots: bool = True  # False: no picture is ever taken for the centre, whoever asks
    frames: Annotated[int, Meta(ge=1, le=3)] = 3  # of each camera for one alarm; many cameras give fewer by themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """The broker, and another one for when it cannot be reached. tls False is accepted for loopback hosts only."""

    host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,253}$")]
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    second_host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{0,253}$")] = ""
    second_port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    tls: bool = True
    beat_s: Annotated[float, Meta(ge=0.5, le=600.0)] = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """uids allowed on each role's socket; resolved from user names on a real box, own uid in the demo."""

    uids: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One resolved site: `active.json`."""

    version: int = VERSION
    generation: Annotated[int, Meta(ge=0)] = 0
    kit: str
    site: Site
    driver: Driver = "gpiod"
    zones: Annotated[tuple[Zone, ...], Meta(min_length=1, max_length=28)]
    sounders: Annotated[tuple[Sounder, ...], Meta(min_length=1, max_length=28)]
    lamps: Annotated[tuple[Lamp, ...], Meta(max_length=28)] = ()
    panel: Panel = field(default_factory=Panel)
    calls: Calls = field(default_factory=Calls)
    cameras: Cameras = field(default_factory=Cameras)
    uplink: Uplink | None = None
    link: Link = field(default_factory=Link)
