"""What was before this start: the epoch before, presses that were told already, boots that the siren's inrush ended."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from edge.core.words import SECOND_NS, EventClass, EventId, Json, Pressed, Record
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
        self._telling: dict[str, tuple[EventId, int]] = {}  # zone -> the event of its last press, and its first edge
        self._doubtful: dict[str, int] = {}  # zone -> first edge of the press
        self._withheld: dict[str, Pressed] = {}

    @property
    def is_asked(self) -> bool:
        """Whether the ledger's first word has not come yet."""
        return self._birth is not None

    # ---- presses that were told ---------------------------------------------------------------------------------

    def telling(self, record: Record, held: Mapping[str, int]) -> None:
        """Such a record tells of a press, first or further; once it cannot be lost any more, /run will know.

        raises: OSError
        """
        zone = record.subject.removeprefix("zone/")
        if zone in held and (record.name == "alarm" or record.content.get("presses")):
            self._telling[zone] = (record.id, held[zone])
            self._kept.mark_raised(zone, held[zone])

    def told(self, ids: Iterable[EventId]) -> None:
        """These are on the disk or at the centre. Raises OSError."""
        safe = frozenset(ids)
        presses = {zone: at_ns for zone, (identity, at_ns) in self._telling.items() if identity in safe}
        if presses:
            self._telling = {zone: each for zone, each in self._telling.items() if zone not in presses}
            self._kept.tell(presses)

    def held_here(self) -> frozenset[str]:
        """Zones whose present press was told before we died, as /run knows it: no disk is asked."""
        return self._lasting(self._kept.told)

    def held(self, noted: object) -> frozenset[str]:
        """The same as the ledger knows it."""
        return self._lasting(self._noted(noted))

    def _noted(self, noted: object) -> Mapping[str, int]:
        if not isinstance(noted, dict) or noted.get("boot") != self._boot:
            return {}
        return moments_in(noted.get("zones"))

    def _lasting(self, zones: Mapping[str, int]) -> frozenset[str]:
        return frozenset(zone for zone, at_ns in zones.items() if not self._kept.is_released_since(zone, at_ns))

    # ---- presses of which only the ledger knows whether they were told --------------------------------------------

    def doubt(self, closed: Iterable[str]) -> None:
        """Their events were made just before we died. The siren goes on by itself: to be told they can wait."""
        doubtful = self._kept.doubtful
        lasting = self._lasting(doubtful)
        self._doubtful = {zone: doubtful[zone] for zone in closed if zone in lasting}

    def withholds(self, pressed: Pressed) -> bool:
        """Keep the press back until `settle`, if it is one of these. pressed: found closed at the start"""
        if pressed.zone in self._doubtful:
            self._withheld[pressed.zone] = pressed
        return pressed.zone in self._doubtful

    def settle(self, noted: object) -> list[Pressed]:
        """What the ledger says of them, None where it says nothing in time; returns those that are to be told."""
        known = self._noted(noted)
        untold = [each for each in self._withheld.values() if known.get(each.zone) != self._doubtful[each.zone]]
        self._doubtful, self._withheld = {}, {}
        return untold

    @property
    def withheld(self) -> frozenset[str]:
        return frozenset(self._withheld)

    # ---- boots and epochs ---------------------------------------------------------------------------------------

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
