"""What was before this start: the epoch before, presses that were told already, boots that the siren's inrush ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from edge.core.words import SECOND_NS, EventClass, EventId, Json, Record
from edge.daemons.alarm.kept import Kept
from edge.daemons.alarm.notes import moments_in
from edge.ledger.told import Opened

BROWNOUT_NS: Final = 10 * SECOND_NS  # a reboot this soon after siren-on is blamed on its inrush
LEDGER_PATIENCE_NS: Final = 5 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Birth:
    """The first event of this epoch: its number is taken at once, its content waits for the ledger's word."""

    id: EventId
    boot: str
    deaths: int
    source: str  # where the configuration came from


class Past:
    """Lives in the panel's thread. note: keeps in the ledger what the next start must know."""

    def __init__(self, birth: Birth, kept: Kept, note: Callable[[Mapping[str, object]], None], born_ns: int) -> None:
        self._birth: Birth | None = birth
        self._boot = birth.boot
        self._kept = kept
        self._note = note
        self.born_ns: Final = born_ns
        self.survive_ns: int | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the ledger's first word has not come yet."""
        return self._birth is not None

    def held(self, noted: object) -> frozenset[str]:
        """Zones whose present press was recorded in this boot and has not ended since."""
        if not isinstance(noted, dict) or noted.get("boot") != self._boot:
            return frozenset()
        zones = moments_in(noted.get("zones"))
        return frozenset(zone for zone, at_ns in zones.items() if not self._kept.is_released_since(zone, at_ns))

    def brownouts(self, notes: Mapping[str, object]) -> int:
        """Consecutive boots that died within 10 s of siren-on."""
        counted = notes.get("brownouts")
        brownouts = counted if isinstance(counted, int) else 0
        sounding = notes.get("sounding")
        if isinstance(sounding, dict) and sounding.get("boot") != self._boot:
            brownouts += 1
            self._note({"sounding": None, "brownouts": brownouts})
        return brownouts

    def sounded(self, now_ns: int) -> None:
        """A siren was switched on: if this boot lives on for 10 s, it has survived it."""
        self.survive_ns = now_ns + BROWNOUT_NS

    def survived(self, now_ns: int) -> None:
        if self.survive_ns is not None and now_ns >= self.survive_ns:
            self.survive_ns = None
            self._note({"sounding": None, "brownouts": 0})

    def first(self, opened: Opened | None, now_ns: int) -> Record | None:
        """The event that names the epoch before this one, once; without a ledger it says so after a few seconds."""
        if self._birth is None or (opened is None and now_ns - self.born_ns < LEDGER_PATIENCE_NS):
            return None
        birth, self._birth = self._birth, None
        past = opened.past if opened else None
        content: dict[str, Json] = {
            "what": "restart",
            "cid": "1305",
            "ordinal": opened.ordinal if opened else 0,
            "previous": {"epoch": past.epoch, "last": past.last} if past else None,
            "deaths": birth.deaths,
            "configuration": birth.source,
        }
        return Record(birth.id, EventClass.AUDIT, "audit", "box", content)
