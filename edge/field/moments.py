"""The moments people name: "2h ago" as `2h`, or a time of RFC 3339."""

import re
from datetime import datetime
from typing import Final

from edge.core.faults import Wording
from edge.core.timing import rfc3339
from edge.core.words import SECOND_NS

FORM: Final = Wording(
    "tulis seperti 30m, 2h, 3d (menit, jam, hari yang lalu) atau 2026-11-23T13:05:00+07:00",
    "write it like 30m, 2h, 3d (minutes, hours, days ago) or 2026-11-23T13:05:00+07:00",
)
_AGO: Final = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class NoMoment(ValueError):
    """What was written is none, or has no time zone."""


def moment_of(text: str, now_ns: int) -> str:
    """The moment in the form of an event's `time`. Raises NoMoment."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return rfc3339(max(0, now_ns - int(ago[1]) * _UNITS_S[ago[2]] * SECOND_NS))
    try:
        named = datetime.fromisoformat(text)
    except ValueError as error:
        raise NoMoment(text) from error
    if named.tzinfo is None:
        raise NoMoment(text)
    return rfc3339(max(0, round(named.timestamp() * 1000) * (SECOND_NS // 1000)))
