"""What can still be read of a ledger that was set aside, row by row, and the thread that brings it home.

A row is believed for the digest it was stored with or for the box's signature; the bytes of an event that no page leads
to any more are believed for their signature alone. The card that the thread reads may be dying: it hangs alone then.
"""

import logging
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from edge.core.events import EVENT_LIMIT, Event
from edge.core.seal import sha256
from edge.core.words import Epoch, EventClass, EventId
from edge.ledger.files import broken_ledgers, put_away
from edge.ledger.pages import Pages, Record, records

log = logging.getLogger("kentongan.alarm")

BATCH: Final = 64  # rows handed over at a time: one transaction
PAUSE_S: Final = 0.02  # between two of them: the disk and the interpreter are the alarms'
AGAIN_S: Final = 10.0  # a batch that no ledger has taken by then is handed in again
GAP_LIMIT: Final = 100_000  # sequences missing between two rows; more is no gap but damage
_BEGIN: Final = re.compile(rb'\{"bootclock":"')  # of an event in canonical form, and its end
_END: Final = re.compile(rb'"type":"id\.kentongan\.[a-z-]{1,32}\.v1"\}')

Verify = Callable[[bytes], Event]


@dataclass(frozen=True, slots=True)
class Row:
    """One event of a broken ledger, believed.

    ordinal: of its epoch in that ledger; 0 where only its bytes were found
    """

    id: EventId
    ordinal: int
    event_class: EventClass
    shown: bool
    raw: bytes
    received_at: str | None = None
    receiver: str | None = None


@dataclass(frozen=True, slots=True)
class Ruin:
    """A row whose content is not what was stored."""

    ordinal: int
    seq: int


class _Head(msgspec.Struct):
    id: str
    epoch: str
    sequence: str
    eventclass: EventClass


def read_rows(path: Path, verify: Verify) -> Iterator[Row | Ruin]:
    """Everything that is left, in no order, some of it twice; what no page leads to comes last, and only once.

    verify: raises ValueError for bytes that the box has not signed
    raises: OSError if there is no file
    """
    known: set[EventId] = set()
    loose: dict[EventId, Row] = {}
    with Pages(path) as pages:
        for page in pages:
            for row in (row for record in records(page, pages) if (row := _row(record, verify))):
                if isinstance(row, Row):
                    known.add(row.id)
                yield row
            loose |= {row.id: row for row in _loose(page, known, verify)}
    yield from (row for row in loose.values() if row.id not in known)


def _row(record: Record, verify: Verify) -> Row | Ruin | None:
    match record:
        case (
            int(ordinal), int(seq), str(event_class), int(shown), bytes(digest), bytes(raw),
            str() | None as received_at, str() | None as receiver,
        ):  # fmt: skip
            found = _head(raw) if sha256(raw) == digest else _signed(raw, verify)
            if found is None or found[0].seq != seq or event_class != found[1].value:
                return Ruin(ordinal, seq)
            return Row(*(found[0], ordinal, found[1]), bool(shown), raw, received_at, receiver)
    return None


def _loose(page: bytes, known: set[EventId], verify: Verify) -> Iterator[Row]:
    """Bytes of events that lie whole in this page and to which no cell of it leads. A silent zone's may be among
    them, so that no lamp follows any.
    """
    for begin in _BEGIN.finditer(page):
        end = _END.search(page, begin.end())
        raw = page[begin.start() : end.end()] if end else b""
        head = _head(raw)
        if head and head[0] not in known and _signed(raw, verify):
            yield Row(head[0], 0, head[1], shown=False, raw=raw)


def _head(raw: bytes) -> tuple[EventId, EventClass] | None:
    if len(raw) > EVENT_LIMIT:
        return None
    try:
        head = msgspec.json.decode(raw, type=_Head)
        identity = EventId(Epoch(head.epoch), int(head.sequence))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return (identity, head.eventclass) if str(identity) == head.id else None


def _signed(raw: bytes, verify: Verify) -> tuple[EventId, EventClass] | None:
    try:
        event = verify(raw)
    except ValueError:
        return None
    return event.id, event.event_class


class Missing:
    """Which sequences of a broken ledger were there once and were not found: between the first and the last of each
    epoch. What lay before or behind them the centre knows, and asks for.
    """

    def __init__(self) -> None:
        self._found: dict[Epoch, set[int]] = defaultdict(set)
        self._epochs: dict[int, Epoch] = {}
        self._ruins: set[Ruin] = set()

    def note(self, row: Row | Ruin) -> None:
        if isinstance(row, Ruin):
            self._ruins.add(row)
            return
        self._found[row.id.epoch].add(row.id.seq)
        if row.ordinal:
            self._epochs[row.ordinal] = row.id.epoch

    def ids(self) -> Iterator[EventId]:
        named = {EventId(self._epochs[ruin.ordinal], ruin.seq) for ruin in self._ruins if ruin.ordinal in self._epochs}
        yield from (identity for identity in named if identity.seq not in self._found[identity.epoch])
        for epoch, found in self._found.items():
            for before, after in pairwise(sorted(found)):
                if after - before <= GAP_LIMIT:
                    between = (EventId(epoch, seq) for seq in range(before + 1, after))
                    yield from (identity for identity in between if identity not in named)


class Salvage:
    """Brings home every broken ledger beside `ledger`, one after the other, in a thread of its own.

    take:  hands a batch to the ledger's thread; calls `done` once it is stored, or never
    lost:  the same for what is missing; after its `done` everything is on the disk
    ended: called at the end of the thread
    """

    def __init__(
        self,
        ledger: Path,
        verify: Verify,
        take: Callable[[Sequence[Row], Callable[[], None]], None],
        lost: Callable[[Sequence[EventId], Callable[[], None]], None],
        ended: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._verify = verify
        self._take = take
        self._lost = lost
        self._ended = ended
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="salvage", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stopped.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while (paths := broken_ledgers(self._ledger)) and not self._stopped.is_set():
                for path in paths:
                    self._bring_home(path)
        except Exception:
            log.exception("salvage fault; the broken ledgers stay for the next start")
        finally:
            self._ended()

    def _bring_home(self, path: Path) -> None:
        missing, count, batch = Missing(), 0, list[Row]()
        for row in read_rows(path, self._verify):
            missing.note(row)
            if isinstance(row, Row):
                batch.append(row)
            if len(batch) == BATCH:
                count += len(batch)
                self._hand_over(partial(self._take, batch))
                batch = []
        self._hand_over(partial(self._take, batch))
        gone = list(missing.ids())
        self._hand_over(partial(self._lost, gone))
        if not self._stopped.is_set():
            put_away(path)
            log.info("ledger salvaged  file=%s rows=%d lost=%d", path.name, count + len(batch), len(gone))

    def _hand_over(self, give: Callable[[Callable[[], None]], None]) -> None:
        """Given again until it is stored: the same once more changes nothing."""
        done = threading.Event()
        while not self._stopped.is_set() and not done.is_set():
            give(done.set)
            done.wait(AGAIN_S)
        self._stopped.wait(PAUSE_S)
