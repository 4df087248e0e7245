"""Certificates that end soon: a trouble 30, 7 and 1 day before, over when a newer one is shown. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from edge.core import codes
from edge.core.words import Restored, Troubled

DAY_S: Final = 86_400
WARNINGS: Final = (30, 7, 1)  # days before the end; each is told once
LAMP_DAYS: Final = 7  # from then on residents see it too: a technician must come, not only be planned
WHOSE: Final[Mapping[str, str]] = {
    "own": "this box's certificate",
    "authority": "the authority in broker-ca.pem",
    "broker": "the broker's certificate",
}


class Papers:
    """Tell it what was shown, ask it what is due."""

    def __init__(self) -> None:
        self._ends: dict[str, int] = {}
        self._told: tuple[str, int, int] | None = None  # whose, its end, which warning

    def shown(self, ends: Mapping[str, int]) -> None:
        """ends: seconds since 1970; of what is not named, what was shown before holds."""
        self._ends |= {whose: end for whose, end in ends.items() if whose in WHOSE}

    def due(self, utc_s: int) -> list[Troubled | Restored]:
        """What to say now, about the one that ends first. utc_s: of a clock that is right."""
        worst = self._worst(utc_s)
        if worst == self._told:
            return []
        said: list[Troubled | Restored] = [Restored(codes.CERTIFICATE_ENDS.code)] if self._told else []
        self._told = worst
        if worst is not None:
            said.append(_trouble(*worst, utc_s))
        return said

    def _worst(self, utc_s: int) -> tuple[str, int, int] | None:
        if not self._ends:
            return None
        whose = min(self._ends, key=lambda each: self._ends[each])
        end = self._ends[whose]
        passed = [days for days in WARNINGS if end - utc_s <= days * DAY_S]
        return (whose, end, min(passed)) if passed else None


def _trouble(whose: str, end: int, days: int, utc_s: int) -> Troubled:
    try:
        date = datetime.fromtimestamp(end, UTC).date().isoformat()
    except (OSError, OverflowError, ValueError):  # a year that no calendar has
        date = "?"
    ends = f"ended on {date}" if end <= utc_s else f"ends on {date}"
    return Troubled(codes.CERTIFICATE_ENDS.code, "", f"{WHOSE[whose]} {ends}", lamp=days <= LAMP_DAYS)
