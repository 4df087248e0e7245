"""Pins: names people write, what lies behind them on the 40-pin header, and who uses which."""

import re
from collections.abc import Iterator

from edge.config import codes
from edge.config.layers import PARTS, Merged
from edge.config.lines import Path
from edge.config.structure import toml
from edge.core.faults import Fault, Wording

# Raspberry Pi 40-pin header, physical pin -> GPIO; the same on every model since the B+.
HEADER = {
    3: 2, 5: 3, 7: 4, 8: 14, 10: 15, 11: 17, 12: 18, 13: 27, 15: 22, 16: 23, 18: 24, 19: 10, 21: 9, 22: 25, 23: 11,
    24: 8, 26: 7, 27: 0, 28: 1, 29: 5, 31: 6, 32: 12, 33: 13, 35: 19, 36: 16, 37: 26, 38: 20, 40: 21,
}  # fmt: skip
GROUND = frozenset({6, 9, 14, 20, 25, 30, 34, 39})
POWER = {1: "3V3", 17: "3V3", 2: "5V", 4: "5V"}
EEPROM = frozenset({"GPIO0", "GPIO1"})  # ID_SD and ID_SC: probed at boot

# Offered in messages: no bus, no serial port, no boot function; first those that pull up at boot, then the rest.
SPARE = ("GPIO5", "GPIO6", "GPIO13", "GPIO16", "GPIO19", "GPIO20", "GPIO21", "GPIO22", "GPIO26", "GPIO12", "GPIO25")
UP_AT_BOOT = frozenset(f"GPIO{number}" for number in range(9))  # BCM2835 ARM Peripherals, table 6-31: GPIO0-8 pull up
_UP = Wording("ditarik ke 3V3", "is pulled up")
_DOWN = Wording("ditarik ke ground", "is pulled down")

_NAME = re.compile(r"^(GPIO|PIN)(0|[1-9][0-9]?)$")
_ALMOST = re.compile(r"^\s*(?:GPIO|BCM|PIN)?[\s_-]*0*([0-9]{1,3})\s*$", re.IGNORECASE)


def settle(merged: Merged) -> list[Fault]:
    """Turn every pin into "GPIOn" in place, and tell what is no pin, twice the same, or risky at boot."""
    faults = [fault for kind in PARTS for path, part in merged.parts(kind) for fault in _resolve(merged, path, part)]
    return [*faults, *_twice(merged), *_at_boot(merged)]


def free(merged: Merged) -> str:
    """The first three spare pins that nobody uses, for messages."""
    used = [part.get("pin") for kind in PARTS for _, part in merged.parts(kind)]  # as written: a table has no hash
    return ", ".join([pin for pin in SPARE if pin not in used][:3])


def _resolve(merged: Merged, path: Path, part: dict[str, object]) -> Iterator[Fault]:
    if "pin" not in part:
        return
    at: Path = (*path, "pin")
    written = part["pin"]
    resolved = _gpio(written)
    if resolved is None:
        merged.settled.add(at)
        yield _refuse(merged, at, written)
        return
    part["pin"] = resolved
    if resolved in EEPROM:
        yield codes.PIN_EEPROM.fault(where=merged.where(at), text=str(written), free=free(merged))


def _gpio(written: object) -> str | None:
    match = _NAME.match(written) if isinstance(written, str) else None
    if match is None:
        return None
    number = int(match[2])
    if match[1] == "PIN":
        return f"GPIO{HEADER[number]}" if number in HEADER else None
    return f"GPIO{number}" if number <= 27 else None


def _refuse(merged: Merged, at: Path, written: object) -> Fault:
    where, spare = merged.where(at), free(merged)
    almost = _ALMOST.match(str(written))
    number = int(almost[1]) if almost else -1
    if isinstance(written, int) or (almost and str(written).strip().isdecimal()):
        return codes.PIN_BARE.fault(where=where, text=toml(written), number=number)
    physical = str(written).strip().upper().startswith("PIN")
    if physical and number in GROUND:
        return codes.PIN_GROUND.fault(where=where, text=str(written), free=spare)
    if physical and number in POWER:
        return codes.PIN_POWER.fault(where=where, text=str(written), volts=POWER[number], free=spare)
    return codes.PIN_FORM.fault(where=where, text=toml(written), free=spare)


def _twice(merged: Merged) -> Iterator[Fault]:
    users: dict[str, list[tuple[str, Path, object]]] = {}
    for kind in PARTS:
        for path, part in merged.parts(kind):
            pin = part.get("pin")
            if isinstance(pin, str) and (*path, "pin") not in merged.settled:
                users.setdefault(pin, []).append((kind, path, part.get("id")))
    for pin, (first, *others) in users.items():
        for second in others:
            yield _shared(merged, pin, first, second)


def _shared(merged: Merged, pin: str, first: tuple[str, Path, object], second: tuple[str, Path, object]) -> Fault:
    places = [merged.where((*path, "pin")) for _, path, _ in (first, second)]
    told = [f'{kind} "{name}" ({place})' for (kind, _, name), place in zip((first, second), places, strict=True)]
    tables = first[0] if first[0] == second[0] else f"{first[0]}/{second[0]}"
    return codes.PIN_TWICE.fault(
        where=", ".join(places), pin=pin, first=told[0], second=told[1], tables=tables, free=free(merged)
    )


def _at_boot(merged: Merged) -> Iterator[Fault]:
    """A sounder whose pin rests at its "on" level until the program starts. A lamp may blink; nobody is hurt."""
    for path, part in merged.parts("sounder"):
        pin, relay = str(part.get("pin")), str(part.get("relay", "high-on"))
        pulled_up = pin in UP_AT_BOOT
        if _NAME.match(pin) and relay == ("high-on" if pulled_up else "low-on"):
            yield codes.PIN_BOOT.fault(
                where=merged.where((*path, "relay" if "relay" in part else "pin")),
                pin=pin,
                pull=_UP if pulled_up else _DOWN,
                table="sounder",
                id=str(part.get("id")),
                relay=relay,
                better="GPIO16, GPIO20, GPIO21" if pulled_up else "GPIO5, GPIO6",
            )
