"""The ledger's own thread. Everybody hands it work and goes on; nobody ever waits for a disk."""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from edge.core.delivery import RANK
from edge.core.events import Frozen
from edge.core.spans import gaps
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.ballast import Ballast
from edge.ledger.files import broken_ledgers
from edge.ledger.ledger import CROWDED_PAGES, RECEIVE_ROWS, Ledger, LedgerCorrupt, LedgerError, LedgerFull
from edge.ledger.limits import STEP
from edge.ledger.salvage import Row, Salvage, Verify
from edge.ledger.told import Asked, Digests, Failed, Fetched, Loaded, Mended, Opened, Owed, Rescued, Stored, Told
from edge.ledger.upkeep import Upkeep
from edge.ledger.work import Receipted, Work, portions

log = logging.getLogger("kentongan.alarm")

MEMORY_LIMIT: Final = 8192  # events without a commit; at 1 KiB each this is what a box can spare
MINOR_LIMIT: Final = 2048  # of them audit, test, inventory and picture events: the rest is for those above
MIDDLE_LIMIT: Final = 6144  # and with restorals, tampers and troubles: the rest is for alarms alone
REOPEN_S: Final = 2.0
IDLE_S: Final = 1.0
LINGER_S: Final = 0.06  # what is no alarm waits so long for company; a camera's motion is to be here within 0.1 s
LOAD_LIMIT: Final = 20_000
_ROOM: Final = (MEMORY_LIMIT, MIDDLE_LIMIT, MINOR_LIMIT, MINOR_LIMIT, MINOR_LIMIT)  # by rank


class Recorder:
    """Owns the ledger from open to close; groups what has queued up into one commit.

    open_ledger:  called in the thread, again and again while it fails
    set_aside:    called in the thread when the file is corrupt
    tell:         called in the thread with each Told; must only enqueue
    verify:       reads an event that this box has signed, or raises ValueError; without it nothing is salvaged
    ballast:      given to the ledger when the disk is full
    """

    def __init__(
        self,
        open_ledger: Callable[[], Ledger],
        set_aside: Callable[[], object],
        tell: Callable[[Told], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        verify: Verify | None = None,
        ballast: Ballast | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._open_ledger = open_ledger
        self._set_aside = set_aside
        self._tell = tell
        self._queue: queue.SimpleQueue[Callable[[Work], None] | None] = queue.SimpleQueue()
        self._unstored: dict[EventId, Frozen] = {}
        self._ledger: Ledger | None = None
        self._ballast = ballast
        self._failing = False
        self._pressed = False  # the disk was full, and there is no ballast since
        self._patience_s = IDLE_S
        self._notes: dict[str, object] = {}
        self._receipts: deque[Receipted] = deque()  # not marked yet
        self._dropped: list[EventId] = []
        self._verify = verify
        self._salvage: Salvage | None = None
        self._awaited: dict[EventId, None] = {}  # asked for, not here, perhaps in a ledger that is being salvaged
        self._since_tidy = 0
        self.faults = 0  # exceptions that nobody foresaw
        self._upkeep = Upkeep(lambda debt: tell(Owed(debt)), monotonic)
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Store what is queued, then close; a hung disk is left behind after `timeout_s`."""
        if self._salvage:
            self._salvage.stop(timeout_s)
        self._queue.put(None)
        self._thread.join(timeout_s)

    # ---- called from other threads: enqueue and return ---------------------------------------------------------------

    def append(self, event: Frozen, notes: Mapping[str, object] | None = None) -> bool:
        """Hand in one event; False if memory is full of events that the disk does not take, alarms last.

        What is refused ends in a `lost` event, once there is a disk.
        """
        if len(self._unstored) >= _ROOM[RANK[event.event_class]]:
            self._dropped.append(event.id)
            return False
        self._unstored[event.id] = event

        def add(work: Work) -> None:
            work.events.append(event)
            work.notes.update(notes or {})
            work.urgent |= event.event_class is EventClass.ALARM

        self._queue.put(add)
        return True

    def note(self, notes: Mapping[str, object], stored: Callable[[], None] | None = None) -> None:
        """stored: called in the ledger's thread once they are on the disk; never, if they do not get there now."""

        def add(work: Work) -> None:
            work.notes.update(notes)
            if stored is not None:
                work.others.append(lambda _ledger: stored())

        self._queue.put(add)

    def receive(self, ids: Sequence[EventId], *, receiver: str, at: str) -> None:
        """A verified receipt covers these rows. Marked when there is nothing else to do: history leaves meanwhile."""
        if self._failing or len(self._unstored) > MINOR_LIMIT:  # no disk takes them, the centre has them: make room
            for identity in ids:
                self._unstored.pop(identity, None)
        some = [Receipted(tuple(ids[n : n + RECEIVE_ROWS]), receiver, at) for n in range(0, len(ids), RECEIVE_ROWS)]

        def add(work: Work) -> None:
            work.receipts += some
            work.urgent = True

        self._queue.put(add)

    def fetch(self, ids: Sequence[EventId]) -> None:
        """Answered with Fetched; of what a salvage may still bring, when it has ended."""

        def answer(ledger: Ledger) -> None:
            events = tuple(ledger.fetch(ids))
            asked = tuple(event.id for event in events) if self._salvage else tuple(ids)
            self._awaited |= dict.fromkeys(ids if self._salvage else ())
            self._tell(Fetched(events, asked))

        self._other(answer)

    def load(self) -> None:
        """Ask for more waiting rows, when most of those that LOAD_LIMIT let in are received. Answered with Loaded."""

        def answer(ledger: Ledger) -> None:
            self._mark_all(ledger)
            self._tell(Loaded(ledger.unreceived(LOAD_LIMIT)))

        self._other(answer)

    def ask(self, epoch: Epoch, first: int, last: int, limit: int) -> None:
        """Rows that the centre lacks, whether it ever receipted them or not. Answered with Asked."""

        def answer(ledger: Ledger) -> None:
            stored = [seq for seq, _ in ledger.digests(epoch, first, last)]
            gone = () if self._salvage else tuple(gaps(stored, first, last))
            self._tell(Asked(ledger.asked(epoch, first, last, limit), epoch, gone))

        self._other(answer)

    def write_off(self, ids: Sequence[EventId]) -> None:
        """These cannot be read back: a `lost` event is to name them. Told as Owed when the stretch has ended."""
        self._other(lambda ledger: ledger.write_off(ids))

    def digests(self, epoch: Epoch, first: int, last: int, token: object) -> None:
        """Answered with Digests."""

        def answer(ledger: Ledger) -> None:
            found = {EventId(epoch, seq): digest for seq, digest in ledger.digests(epoch, first, last)}
            self._tell(Digests(token, found))

        self._other(answer)

    def _other(self, job: Callable[[Ledger], None]) -> None:
        def add(work: Work) -> None:
            work.others.append(job)
            work.urgent = True

        self._queue.put(add)

    # ---- called from the salvage's thread ----------------------------------------------------------------------------

    def _rescue(self, rows: Sequence[Row], done: Callable[[], None]) -> None:
        def take(ledger: Ledger) -> None:
            if not self._pressed:  # else it waits for room, and is handed in again
                self._tell(Rescued(ledger.rescue(rows)))
                done()

        self._other(take)

    def _miss(self, ids: Sequence[EventId], done: Callable[[], None]) -> None:
        def take(ledger: Ledger) -> None:
            absent = [identity for identity in ledger.absent(ids) if identity not in self._unstored]
            ledger.write_off(absent)
            ledger.sync()
            done()

        self._other(take)

    def _salvaged(self) -> None:
        self._salvage = None
        self.fetch([self._awaited.popitem()[0] for _ in range(len(self._awaited))])

    # ---- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        running = True
        while running:
            try:
                running = self._turn()
            except Exception:  # whoever is told raised, or it was ours: no event may wait for a thread that has ended
                self.faults += 1
                log.exception("ledger fault; going on  count=%d", self.faults)
        if self._ledger:
            with suppress(LedgerError):
                self._mark_all(self._ledger)
            self._ledger.close()

    def _turn(self) -> bool:
        """Wait for work and do it; False once there shall be no more."""
        self._reopen()
        work, running = self._gather(self._patience_s)
        self._notes.update(work.notes)
        self._receipts += work.receipts
        try:
            self._do(work)
        except LedgerError as error:
            self._fail(error)
        except Exception as error:  # whatever it is, the next event is to be stored
            self.faults += 1
            log.exception("ledger fault; opening it again  count=%d", self.faults)
            self._fail(_unforeseen(error))
        return running

    def _gather(self, patience_s: float) -> tuple[Work, bool]:
        """Wait for the first job, then take all that is there: one transaction for a storm."""
        work = Work()
        wait_s, until_s = patience_s, 0.0
        try:
            while True:
                job = self._queue.get(timeout=wait_s) if wait_s > 0.0 else self._queue.get_nowait()
                if job is None:
                    return work, False
                job(work)
                until_s = until_s or self._monotonic() + LINGER_S
                wait_s = 0.0 if work.urgent else until_s - self._monotonic()
        except queue.Empty:
            return work, True

    def _do(self, work: Work) -> None:
        ledger = self._ledger
        if ledger is None:
            return
        events = [event for event in work.events if event.id in self._unstored]
        if events:
            self._store(ledger, events)
        elif self._notes:
            ledger.note(self._take_notes())
        for other in work.others:
            self._answer(other, ledger)
        if self._dropped:
            dropped, self._dropped = self._dropped, []
            ledger.write_off(dropped)
        if self._receipts:  # one transaction a turn, so that an event that comes meanwhile waits for no more than that
            self._mark(ledger)
        self._patience_s = 0.0 if self._receipts else self._tidied(ledger, work)

    def _mark(self, ledger: Ledger) -> None:
        """What goes wrong here costs a repeated publication, which the centre folds."""
        self._upkeep.changed(IDLE_S)
        some = self._receipts.popleft()
        ledger.receive(some.ids, receiver=some.receiver, at=some.at)

    def _mark_all(self, ledger: Ledger) -> None:
        while self._receipts:
            self._mark(ledger)

    def _tidied(self, ledger: Ledger, work: Work) -> float:
        """How long to wait for more work. Under load, one step for each step's worth of rows."""
        if not (work.events or work.others or work.receipts):
            self._look_for_room(ledger)
            return self._upkeep.idle(ledger, IDLE_S)
        patience_s = self._upkeep.changed(IDLE_S)
        self._since_tidy += len(work.events)
        if self._since_tidy >= STEP:
            self._since_tidy -= STEP
            self._upkeep.tidy(ledger)
        return patience_s

    def _look_for_room(self, ledger: Ledger) -> None:
        """Ballast again is what ends a full disk: without it the next full moment would find nothing to give."""
        if self._pressed:
            self._upkeep.make_room(ledger)
        if (self._ballast is None or self._ballast.make()) and self._pressed:
            self._pressed = False
            self._mend()

    def _mend(self) -> None:
        if self._failing and not self._pressed:
            self._failing = False
            self._tell(Mended())

    def _answer(self, job: Callable[[Ledger], None], ledger: Ledger) -> None:
        """One question that cannot be answered costs no other its answer, and no event its place."""
        try:
            job(ledger)
        except LedgerError:
            raise
        except Exception:
            log.exception("ledger fault; going on")

    def _store(self, ledger: Ledger, events: Sequence[Frozen]) -> None:
        for some in portions(events):
            notes = dict(self._notes)
            ledger.append(some, notes)
            for event in some:
                self._unstored.pop(event.id, None)
            self._notes = {key: value for key, value in self._notes.items() if notes.get(key) != value}
            self._tell(Stored(tuple(event.id for event in some)))
            ledger.checkpoint(CROWDED_PAGES)

    def _take_notes(self) -> dict[str, object]:
        notes, self._notes = self._notes, {}
        return notes

    def _reopen(self) -> None:
        if self._ledger is not None:
            return
        try:
            ledger = self._open_ledger()
            self._mark_all(ledger)
            waiting = ledger.unreceived(LOAD_LIMIT)
            self._tell(Opened(ledger.ordinal, ledger.past, ledger.notes(), waiting))
            self._ledger, self._patience_s = ledger, IDLE_S
            self._upkeep.opened()
            if self._pressed:
                self._upkeep.make_room(ledger)
            self._store_memory(ledger)
        except LedgerError as error:
            self._fail(error)
            return
        except Exception as error:
            log.exception("ledger fault; opening it again")
            self._fail(_unforeseen(error))
            return
        self._mend()
        if self._verify and not self._salvage and broken_ledgers(ledger.path):
            self._salvage = Salvage(ledger.path, self._verify, self._rescue, self._miss, self._salvaged)
            self._salvage.start()

    def _store_memory(self, ledger: Ledger) -> None:
        events = [event for event in list(self._unstored.values()) if event.id.epoch == ledger.epoch]
        if events:
            self._store(ledger, events)

    def _fail(self, error: LedgerError) -> None:
        if self._ledger:
            self._ledger.close()
            self._ledger = None
        corrupt = isinstance(error, LedgerCorrupt)
        full = isinstance(error, LedgerFull)
        self._pressed |= full
        given = full and self._ballast is not None and self._ballast.give()
        # A file that was set aside leaves room for a new one now; one that breaks again at once is a dying card.
        self._patience_s = 0.0 if given or (corrupt and not self._failing) else REOPEN_S
        if corrupt:
            try:
                self._set_aside()
            except OSError as reason:
                error = LedgerError(f"{error}; and it cannot be set aside: {reason}")
        if corrupt or not self._failing:
            self._failing = True
            self._tell(Failed(str(error), corrupt))


def _unforeseen(error: Exception) -> LedgerError:
    return LedgerError(f"{type(error).__name__}: {error}")
