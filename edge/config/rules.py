"""What is wrong only together: holds, the laboratory's freedoms, a box without a button, a broker without TLS."""

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import TypeGuard

from edge.config import codes
from edge.config.kits import Kit
from edge.config.layers import Merged
from edge.config.model import SITE_ID, Panel, Sounder, Zone
from edge.config.schema import default_of
from edge.config.structure import toml
from edge.core.faults import Fault
from edge.core.patterns import RAPID
from edge.core.profiles import PROFILES, Profile
from edge.core.words import Button, Kind

SITE_ID_FORM = re.compile(SITE_ID)
HOLD_MIN_S = 0.05  # below this the hold is inside a relay contact's own bounce and mains noise


def check(merged: Merged, kit: Kit) -> list[Fault]:
    """Every rule over the whole site; a value of the wrong type is left to `structure`."""
    return [fault for rule in RULES for fault in rule(merged, kit)]


def _holds(merged: Merged, kit: Kit) -> Iterator[Fault]:
    if kit.lab:
        return
    for path, part in merged.parts("zone"):
        hold = part.get("hold_s")
        if _is_number(hold) and 0 <= hold < HOLD_MIN_S and part.get("button") != Button.LATCHING:
            yield codes.HOLD.fault(where=merged.where((*path, "hold_s")), text=toml(hold))


def _laboratory(merged: Merged, kit: Kit) -> Iterator[Fault]:
    panel, driver = merged.section("panel"), merged.table.get("driver")
    if kit.lab:
        return
    if panel.get("lab") is True:
        yield codes.LAB_ONLY.fault(where=merged.where(("panel", "lab")), key="lab", text="true")
    if _is_number(panel.get("storm_s")) and panel.get("storm_s") == 0:
        text = toml(panel["storm_s"])
        yield codes.LAB_ONLY.fault(where=merged.where(("panel", "storm_s")), key="storm_s", text=text)
    if driver in ("sim", "mock") and not kit.simulated:
        yield codes.LAB_ONLY.fault(where=merged.where(("driver",)), key="driver", text=toml(driver))


def _something_to_press(merged: Merged, _kit: Kit) -> Iterator[Fault]:
    if not any(part.get("button", default_of(Zone, "button")) != Button.KEY for _, part in merged.parts("zone")):
        yield codes.NO_ZONE.fault(where=merged.where(()))


def _something_to_hear(merged: Merged, _kit: Kit) -> Iterator[Fault]:
    if not any(part.get("backup", default_of(Sounder, "backup")) is not True for _, part in merged.parts("sounder")):
        yield codes.NO_SOUNDER.fault(where=merged.where(()))


def _broker(merged: Merged, _kit: Kit) -> Iterator[Fault]:
    if "uplink" not in merged.table:
        yield codes.NO_UPLINK.fault(where=merged.where(()))
        return
    uplink = merged.section("uplink")
    for key in ("host", "second_host"):
        host = uplink.get(key)
        if uplink.get("tls") is False and isinstance(host, str) and host and not is_loopback(host):
            yield codes.PLAIN_MQTT.fault(where=merged.where(("uplink", "tls")), text=host)


def _site_agrees(merged: Merged, _kit: Kit) -> Iterator[Fault]:
    site = merged.section("site")
    identity, rt, rw = site.get("id"), site.get("rt"), site.get("rw")
    if not (isinstance(identity, str) and isinstance(rt, str) and isinstance(rw, str)):
        return
    if not SITE_ID_FORM.match(identity):
        return
    _, rw_of_id, rt_of_id = identity.split("-")
    if (rw_of_id, rt_of_id) != (rw, rt):
        where = merged.where(("site", "id"))
        yield codes.SITE_MISMATCH.fault(where=where, rw_of_id=rw_of_id, rt_of_id=rt_of_id, rw=toml(rw), rt=toml(rt))


def _titir(merged: Merged, _kit: Kit) -> Iterator[Fault]:
    """Titir has four strokes a second: a relay that lives 100,000 operations is dead after 139 such alarms."""
    if not any(_is_rapid(merged, part) for _, part in merged.parts("zone")):
        return
    for path, part in merged.parts("sounder"):
        if part.get("switch", default_of(Sounder, "switch")) == "relay":
            where = merged.where((*path, "switch" if "switch" in part else "id"))
            yield codes.TITIR_RELAY.fault(where=where, id=str(part.get("id")))


def _is_rapid(merged: Merged, zone: Mapping[str, object]) -> bool:
    profile = _profile(merged)
    kind = str(zone.get("kind", default_of(Zone, "kind")))
    if profile is None or kind not in list(Kind) or zone.get("silent") is True:
        return False
    chosen = merged.section("calls").get(kind) or profile.calls[Kind(kind)]
    return isinstance(chosen, str) and chosen in profile.beats and profile.beats[chosen].tempo == RAPID


def _beats(merged: Merged, _kit: Kit) -> Iterator[Fault]:
    """What a kind shall sound is a beat of the profile: no other sound, and no silence, can be chosen."""
    profile = _profile(merged)
    for kind, name in merged.section("calls").items():
        if profile is not None and kind in list(Kind) and isinstance(name, str) and name and name not in profile.beats:
            where = merged.where(("calls", kind))
            choices = ", ".join(f'"{beat}"' for beat in profile.beats)
            facts = {"key": kind, "text": toml(name), "profile": profile.name, "choices": choices}
            yield codes.BEAT.fault(where=where, **facts)


def _profile(merged: Merged) -> Profile | None:
    return PROFILES.get(str(merged.section("panel").get("profile", default_of(Panel, "profile"))))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_loopback(host: str) -> bool:
    """True for a name or address that never leaves this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


RULES: tuple[Callable[[Merged, Kit], Iterator[Fault]], ...] = (
    _holds,
    _laboratory,
    _something_to_press,
    _something_to_hear,
    _broker,
    _site_agrees,
    _titir,
    _beats,
)
