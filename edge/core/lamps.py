"""What the one lamp says. It never shows more than can be proved, and a dark lamp means a dead box."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from edge.core.patterns import MILLISECOND_NS, Step, Timeline
from edge.core.words import SECOND_NS, EventId

TOUCH_NS = 2 * SECOND_NS  # a press is decided after 1 s and stored after 1 s more, or the disk hangs
RECEIVED_NS = 180 * SECOND_NS  # as long as the siren: who pressed has come back to look
REMEMBERED = 4096  # receipts kept to know a late "stored" from a new alarm


class Face(StrEnum):
    SIAGA = "siaga"  # armed
    DITEKAN = "ditekan"  # touched; nothing else is proved yet
    MENGIRIM = "mengirim"  # every alarm is stored, not all are received
    DITERIMA = "diterima"  # the centre has stored every alarm
    GANGGUAN = "gangguan"  # something is broken or bypassed
    KENALI = "kenali"  # asked from afar to show which box it is
    GANGGUAN_MENGIRIM = "gangguan-mengirim"  # both, or an alarm leaves that no disk holds


def _blink(*lengths_ms: int) -> Timeline:
    """On, off, on, off ... in milliseconds."""
    return Timeline(tuple(Step(n % 2 == 0, each * MILLISECOND_NS) for n, each in enumerate(lengths_ms)))


# Told apart by rhythm alone: no colour, at most three flashes a second (WCAG 2.2, 2.3.1).
BLINK: Mapping[Face, Timeline] = MappingProxyType(
    {
        Face.SIAGA: _blink(100, 3900),  # alive, and dark for the night
        Face.DITEKAN: _blink(170, 170),  # flicker: felt as an answer
        Face.MENGIRIM: _blink(600, 600),  # slow and even: working on it
        Face.DITERIMA: _blink(2800, 200),  # almost steady: done
        Face.GANGGUAN: _blink(150, 250, 150, 1450),  # double blip: call the technician
        Face.KENALI: _blink(1000, 300, 150, 250, 150, 650),  # one long, two short: no fault looks like this
        Face.GANGGUAN_MENGIRIM: _blink(150, 250, 150, 350, 1400, 500),  # double blip and a long one
    }
)


class Lamps:
    """What is known of every alarm the lamp may show, of troubles and of touches.

    Silent zones' events never come here. An alarm is raised, then stored or undurable, then received; the furthest
    counts, whatever the order in which it is told.
    """

    def __init__(self) -> None:
        self._touched_until_ns = 0
        self._raised: set[EventId] = set()  # numbered, nowhere else yet
        self._undurable: set[EventId] = set()  # left the box, on no disk
        self._stored: set[EventId] = set()
        self._received: dict[EventId, None] = {}  # in the order of receipt
        self._received_until_ns = 0
        self._identify_until_ns = 0
        self._troubles: set[str] = set()
        self._bypassed: frozenset[str] = frozenset()

    # ---- what happened -------------------------------------------------------------------------------------------

    def touched(self, at_ns: int) -> None:
        """The first edge of a zone that is not silent."""
        self._touched_until_ns = max(self._touched_until_ns, at_ns + TOUCH_NS)

    def raised(self, alarm: EventId) -> None:
        """A shown alarm got its number: until it is stored or received, nothing is said of it."""
        if not self._is_known(alarm):
            self._raised.add(alarm)

    def stored(self, alarm: EventId, now_ns: int) -> None:
        """The commit of a shown alarm is done, or the ledger still had it at the start."""
        if alarm not in self._received:
            self._forget(alarm)
            self._stored.add(alarm)
            self._end_touch(now_ns)

    def undurable(self, alarm: EventId, now_ns: int) -> None:
        """A shown alarm left the box without being on a disk."""
        if alarm not in self._received and alarm not in self._stored:
            self._forget(alarm)
            self._undurable.add(alarm)
            self._end_touch(now_ns)

    def received(self, alarm: EventId, now_ns: int) -> None:
        """A verified receipt covers a shown alarm."""
        if alarm in self._received:
            return
        if not self._is_known(alarm):  # a quick centre may be heard of before the disk is
            self._end_touch(now_ns)
        self._forget(alarm)
        self._received[alarm] = None
        self._received_until_ns = now_ns + RECEIVED_NS
        if len(self._received) > REMEMBERED:
            del self._received[next(iter(self._received))]

    def lost(self, alarm: EventId) -> None:
        """The box can no longer deliver this alarm: stop saying that it does. Its trouble is told apart."""
        self._forget(alarm)

    def identify(self, until_ns: int) -> None:
        """Somebody looks for this box; an alarm that is on its way is shown before it."""
        self._identify_until_ns = until_ns

    def troubled(self, code: str) -> None:
        self._troubles.add(code)

    def restored(self, code: str) -> None:
        self._troubles.discard(code)

    def bypassed(self, zones: frozenset[str]) -> None:
        """All zones out of service now."""
        self._bypassed = frozenset(zones)

    # ---- what it shows -------------------------------------------------------------------------------------------

    def face(self, now_ns: int) -> Face:
        self._let_pass(now_ns)
        if self._touched_until_ns:
            return Face.DITEKAN
        troubled = bool(self._troubles or self._bypassed)
        if self._raised:
            return Face.GANGGUAN if troubled else Face.DITEKAN
        if self._undurable or self._stored:
            return Face.GANGGUAN_MENGIRIM if troubled or self._undurable else Face.MENGIRIM
        if self._received_until_ns:
            return Face.DITERIMA
        resting = Face.GANGGUAN if troubled else Face.SIAGA
        return Face.KENALI if self._identify_until_ns else resting

    @property
    def due_ns(self) -> int | None:
        """When to ask for the face again although nothing happened; in the future of the last `face`."""
        ends = (self._touched_until_ns, self._received_until_ns, self._identify_until_ns)
        return min((ns for ns in ends if ns), default=None)

    def _let_pass(self, now_ns: int) -> None:
        if now_ns >= self._touched_until_ns:
            self._touched_until_ns = 0
        if now_ns >= self._received_until_ns:
            self._received_until_ns = 0
        if now_ns >= self._identify_until_ns:
            self._identify_until_ns = 0

    def _is_known(self, alarm: EventId) -> bool:
        return alarm in self._received or alarm in self._stored or alarm in self._undurable

    def _forget(self, alarm: EventId) -> None:
        self._raised.discard(alarm)
        self._undurable.discard(alarm)
        self._stored.discard(alarm)

    def _end_touch(self, now_ns: int) -> None:
        """There is more to say than that somebody touched."""
        self._touched_until_ns = min(self._touched_until_ns, now_ns)
