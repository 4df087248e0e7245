"""Corrected times, computed from the box's own anchors whenever somebody looks: nothing stored is ever re-timed.

An anchor that comes late corrects what was stored before it, at the next look.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

import msgspec

from edge.core.timing import Corrected, Stamp, TimeQuality, corrected, rfc3339
from edge.core.words import Json

ANCHORS_LIMIT: Final = 256  # of one boot; a box sends one a day at most, unless somebody plays with its clock
BOOTS_LIMIT: Final = 10_000  # remembered during one look
_ANCHORS: Final = (
    "SELECT bootclock, utc_ns, quality FROM anchor WHERE box = :box AND bootid = :bootid"
    " ORDER BY bootclock LIMIT :limit"
)


class Query(Protocol):
    """Plain SQL that both kinds of store understand (edge.centre.database.Asking)."""

    def __call__(self, question: str, **values: str | int) -> Iterator[Mapping[str, Any]]: ...


class _Head(msgspec.Struct):
    bootid: str
    bootclock: str


class Times:
    """One look: the anchors of each boot are read once."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._boots: dict[tuple[str, str], list[Stamp]] = {}

    def of(self, box: str, boot_id: str, boot_ns: int) -> Corrected | None:
        """When something happened; None while no anchor of that boot is here."""
        return corrected(boot_ns, self._anchors(box, boot_id))

    def of_bytes(self, box: str, raw: bytes) -> Corrected | None:
        """The same for one stored event."""
        head = msgspec.json.decode(raw, type=_Head)
        return self.of(box, head.bootid, int(head.bootclock))

    def _anchors(self, box: str, boot_id: str) -> list[Stamp]:
        key = (box, boot_id)
        if key not in self._boots:
            if len(self._boots) >= BOOTS_LIMIT:
                self._boots.clear()
            rows = list(self._query(_ANCHORS, box=box, bootid=boot_id, limit=ANCHORS_LIMIT))
            self._boots[key] = [Stamp(row["utc_ns"], row["bootclock"], TimeQuality(row["quality"])) for row in rows]
        return self._boots[key]


def told(found: Corrected | None) -> dict[str, Json] | None:
    """As exports show it: beside the box's own `time` and `timequality`, never in their place."""
    if found is None:
        return None
    return {
        "time": rfc3339(found.utc_ns),
        "quality": found.quality.value,
        "error_ms": found.error_ns // 1_000_000,
        "disputed": found.disputed,
    }
