"""How a box stands with the centre: what it said last, and how long ago. Ages are on our own clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

SILENT_S: Final = 150.0  # two and a half beats of 60 s, as the box itself waits for an answer
MARGIN_S: Final = 30.0  # the broker's look at its clients, our commit, two scrapes of 15 s
LOST_WITHIN_S: Final = 90.0  # one and a half keepalives of 30 s, the will's delay of 15 s, and the margin


class Standing(StrEnum):
    ONLINE = "online"  # its session lives and it beats
    SILENT = "silent"  # its session lives, and it does not beat: half of it hangs
    LOST = "lost"  # its will was read: no session any more
    UNKNOWN = "unknown"  # it has never beaten


@dataclass(frozen=True, slots=True)
class BoxStanding:
    """One box. None: never.

    standing_age_s: since it came or went; beat_age_s: since its last beat
    gauges:         what that beat said of the machine, as docs/contract.md names it
    """

    box: str
    standing: Standing
    standing_age_s: float | None
    beat_age_s: float | None
    pending: int = 0
    gauges: dict[str, int] = field(default_factory=dict)


WORST_FIRST: Final = (Standing.LOST, Standing.SILENT, Standing.UNKNOWN, Standing.ONLINE)


def standing_from(
    box: str, present: Mapping[str, Any] | None, beaten: Mapping[str, Any] | None, now_ns: int, silent_s: float
) -> BoxStanding:
    """One box by its rows in the store: presence (online, since_ns) and beat (received_ns, pending, gauges)."""
    beat_age_s = None if beaten is None else age_s(beaten["received_ns"], now_ns)
    return BoxStanding(
        box,
        _standing(present, beat_age_s, silent_s),
        None if present is None else age_s(present["since_ns"], now_ns),
        beat_age_s,
        pending=beaten["pending"] if beaten else 0,
        gauges=msgspec.json.decode(beaten["gauges"]) if beaten else {},
    )


def _standing(present: Mapping[str, Any] | None, beat_age_s: float | None, silent_s: float) -> Standing:
    if present is not None and not present["online"]:
        return Standing.LOST
    if beat_age_s is None:
        return Standing.UNKNOWN
    return Standing.ONLINE if beat_age_s <= silent_s else Standing.SILENT


def age_s(then_ns: int, now_ns: int) -> float:
    """Seconds on our wall clock, never negative."""
    return max(0, now_ns - then_ns) / 1e9
