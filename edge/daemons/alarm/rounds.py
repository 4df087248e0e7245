"""The watchman's rounds: what the box does by itself when its time has come."""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from edge.core import codes
from edge.core.calendar import Daily, Monthly, slot_ns
from edge.core.events import Author, Frozen
from edge.core.papers import Papers
from edge.core.profiles import COARSE
from edge.core.status import SelfTest
from edge.core.timing import ANCHOR, Anchoring, Clock, Stamp, TimeQuality, anchor_content, rfc3339
from edge.core.words import SECOND_NS, EventClass, EventId, Noted, Operator, Purpose, SoundFor, Stimulus, WayTest
from edge.daemons.alarm.complaints import Complaints
from edge.daemons.alarm.notes import names_in
from edge.daemons.alarm.posts import Ordered

log = logging.getLogger("kentongan.alarm")

PASS_NS: Final = 15 * 60 * SECOND_NS  # a centre answers within a second; a broker that restarts, within minutes
AGAIN_NS: Final = 5 * 60 * SECOND_NS
SIREN_NS: Final = 10 * SECOND_NS  # of the minute an hour that tests may sound
MONTHS_KEPT: Final = 24
CALENDAR: Final = Operator("calendar", "local")
_MARK: Final = b'"what":"self-test"'  # as edge.core.wishes records it


class Note(Protocol):
    """Keep in the ledger what the next start must know. stored: called once it is on the disk (Recorder.note)."""

    def __call__(self, notes: Mapping[str, object], stored: Callable[[], None] | None = None) -> object: ...


class Rounds:
    """Lives in the dispatch thread; what it finds to do, the panel does and records.

    post: to the panel
    """

    def __init__(
        self, clock: Clock, author: Author, monthly: Monthly, *, note: Note, post: Callable[[Stimulus | Ordered], None]
    ) -> None:
        self._clock = clock
        self._boot_id = author.boot_id
        self._post = post
        self._note = note
        self._anchoring = Anchoring()
        self._papers = Papers()
        self._complaints = Complaints(post, clock.boot_ns)
        self._daily = Daily(slot_ns(author.box), clock.boot_ns())
        self._begun: Stamp | None = None  # the daily test under way
        self._awaited: EventId | None = None
        self._siren = _Siren(monthly, note, post)
        self.self_test: SelfTest | None = None

    def shown(self, ends: Mapping[str, int]) -> None:
        """A bearer has seen certificates, and when they end."""
        self._papers.shown(ends)

    def opened(self, notes: Mapping[str, object]) -> None:
        """What the ledger remembers."""
        day = notes.get("self_test")
        if isinstance(day, int) and self._begun is None:
            self._daily.passed(day)
        self._siren.opened(names_in(notes.get("siren_tests")))

    def turn(self, now_ns: int) -> None:
        """Once in each turn of the loop; cheap when nothing is due."""
        now = Stamp(self._clock.utc_ns(), now_ns, self._clock.quality())
        if self._anchoring.due(now):
            self._post(Noted(ANCHOR, anchor_content(now, self._boot_id)))
        if self._daily.due(now):
            self._begun, self._awaited = now, None
            self.self_test = SelfTest("waiting", rfc3339(now.utc_ns))
            self._post(WayTest())
        if self._begun is not None and now_ns - self._begun.boot_ns > PASS_NS:
            self._fail(self._begun)
        self._siren.turn(now)
        if now.quality is not TimeQuality.UNSYNCED:
            for said in self._papers.due(now.utc_ns // SECOND_NS):
                self._post(said)

    def made(self, event: Frozen) -> None:
        """An event of ours; one of them is the test that `turn` asked for."""
        if self._begun is not None and event.event_class is EventClass.TEST and _MARK in event.raw:
            self._awaited = event.id

    def received(self, ids: Collection[EventId], receiver: str) -> None:
        """A verified receipt covers these. Only one that says who took it in proves the whole way."""
        if self._begun is None or self._awaited not in ids or not receiver:
            return
        begun, self._begun, self._awaited = self._begun, None, None
        self.self_test = SelfTest("passed", rfc3339(begun.utc_ns), receiver)
        self._note({"self_test": self._daily.day_of(begun)})
        self._complaints.over(codes.SELF_TEST.code)

    def _fail(self, begun: Stamp) -> None:
        """It passes all the same when its receipt comes at last."""
        self.self_test = SelfTest("failed", rfc3339(begun.utc_ns))
        self._complaints.of(codes.SELF_TEST.code, "354", f"{self._awaited or 'not sent'}, {PASS_NS // SECOND_NS} s")


class _Siren:
    """The monthly test. Its month is on the disk before the siren is, so no reboot sounds it twice."""

    def __init__(self, monthly: Monthly, note: Note, post: Callable[[Stimulus | Ordered], None]) -> None:
        self._monthly, self._note, self._post = monthly, note, post
        self._months: list[str] | None = None  # that are done; None: the ledger has not said
        self._asked = ""  # the month that is to sound
        self._next_ns = 0

    def opened(self, months: Collection[str]) -> None:
        if self._months is None:
            self._months = sorted(months)

    def turn(self, now: Stamp) -> None:
        month = self._monthly.month(now)
        if not month or self._months is None or now.boot_ns < self._next_ns:
            return
        if month not in self._months:
            self._months = [*self._months, month][-MONTHS_KEPT:]
            self._note({"siren_tests": self._months}, lambda: self._sound(month))
        elif month == self._asked:
            self._sound(month)
        self._next_ns = now.boot_ns + AGAIN_NS

    def _sound(self, month: str) -> None:
        """Perhaps in the ledger's thread: it only posts."""
        self._asked = month
        self._post(Ordered(SoundFor(COARSE, SIREN_NS, Purpose.TEST, CALENDAR, periodic=True), self._answered))

    def _answered(self, refused: str) -> None:
        """In the panel's thread. Refused while an alarm is open or anything sounds; then once more in a while."""
        self._asked = self._asked if refused else ""
        log.info("monthly siren test  %s", f"refused={refused!r}" if refused else "sounds")
