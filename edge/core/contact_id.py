"""Contact ID: the numbers every alarm centre in the world understands.

source: SIA DC-05-1999.09, event code classifications. A code travels as qualifier + three digits: "1120".
"""

from collections.abc import Mapping
from types import MappingProxyType

from edge.core.words import Kind

NEW = "1"  # new event
RESTORE = "3"  # restoral

MEDICAL = "100"
FIRE = "110"
PANIC = "120"
PANIC_SILENT = "122"
CONFIRMED = "129"  # panic verifier: a second zone said the same
GENERAL_ALARM = "140"
POWER_OVERCURRENT = "312"  # the nearest to an inrush that resets the computer
SOUNDER = "320"  # sounder/relay trouble
SENSOR_TROUBLE = "380"
CANCELLED = "406"
BYPASS = "570"  # zone/sensor bypass
MANUAL_TEST = "601"
PERIODIC_TEST = "602"
WALK_TEST = "607"

KIND: Mapping[Kind, str] = MappingProxyType(
    {Kind.CRIME: PANIC, Kind.FIRE: FIRE, Kind.MEDICAL: MEDICAL, Kind.DISASTER: GENERAL_ALARM}
)


def alarm_code(kind: Kind, *, silent: bool) -> str:
    """Three digits for a zone's call; whatever a silent zone calls for, it is reported as a silent panic."""
    return PANIC_SILENT if silent else KIND[kind]


def new(code: str) -> str:
    return NEW + code


def restored(code: str) -> str:
    return RESTORE + code


def qualified(code: str, qualifier: str) -> str:
    """`code` with this qualifier, whether it came with one ("1354"), without ("354") or is absent ("")."""
    return qualifier + code[-3:] if code else ""
