"""From the broker's bytes to the store, and from the commit to the receipts. Nothing that a stranger sends ends it."""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec

from drivers.letters import Dispatch, Letter
from edge.centre.gallery import PART_LIMIT, PARTS_LIMIT, Whole
from edge.centre.kept import WALK, Kept
from edge.centre.picture_keys import NO_KEYS, NotOpened, PictureKeys
from edge.centre.receipts import Missing, Receipts, Tally
from edge.centre.registry import Admission, Registry
from edge.centre.store import Group, Store
from edge.centre.topics import EVENT_LEAF, PICTURE_LEAF, split_topic
from edge.core.events import EVENT_LIMIT, Event, read_event
from edge.core.messages import COMMAND_LIMIT, Beat, Command, State, decode, read_beat
from edge.core.pictures import Header, read_header
from edge.core.seal import Forged, Keyset, Use, open_jws
from edge.core.timing import Corrected, rfc3339
from edge.core.words import SECOND_NS, BoxId, Epoch, EventClass, EventId

EXPIRE_EVERY_NS: Final = 3600 * SECOND_NS
BATCH_LIMIT: Final = 64 * 1024  # CloudEvents JSON batch
STATE_LIMIT: Final = 16 * 1024
_PART: Final = re.compile(r"([0-9a-f]{8})\.([1-9][0-9]{0,9})/([1-9][0-9]{0,2})")
_BATCH: Final = msgspec.json.Decoder(list[msgspec.Raw])


# ---- what the console is told, after the commit ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """One event was stored (or folded, or conflicts)."""

    event: Event
    kept: Kept
    durable: bool
    received_ns: int
    corrected: Corrected | None = None  # by the anchors that were here then


@dataclass(frozen=True, slots=True)
class Beaten:
    box: BoxId
    epoch: Epoch
    head: int
    pending: int
    asked: int  # ranges that we asked for


@dataclass(frozen=True, slots=True)
class Seen:
    """A box came or went. walk_due: it replaced another one, and nobody has walked its buttons yet."""

    box: BoxId
    online: bool
    site: str
    walk_due: bool = False


@dataclass(frozen=True, slots=True)
class Pictured:
    """A picture is here, whole, and was opened. alarm or jti: what it was taken for."""

    box: BoxId
    whole: Whole


@dataclass(frozen=True, slots=True)
class Ordered:
    """An operator's command, seen on its way to the box."""

    command: Command


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str
    topic: str
    size: int


Step = Callable[[Group], None]
Fact = Taken | Beaten | Seen | Pictured | Ordered | Refused


@dataclass(slots=True)
class Harvest:
    """What came of one group of letters."""

    dispatches: list[Dispatch] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)


class Unfit(ValueError):
    """One letter is refused; the text is the stable reason that is counted."""


class Ingest:
    """Judges letters and stores what is true.

    clock:        wall clock, ns since 1970
    pictures:     what opens them
    pictures_for: how long their bytes are kept, in ns; 0: as long as the store
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        keyset: Keyset,
        receipts: Receipts,
        clock: Callable[[], int] = time.time_ns,
        *,
        pictures: PictureKeys = NO_KEYS,
        pictures_for: int = 0,
    ) -> None:
        self.pictures = pictures
        self._pictures_for = pictures_for
        self._expired_ns = 0
        self._store = store
        self._registry = registry
        self.trust(keyset)
        self._receipts = receipts
        self._clock = clock

    def trust(self, keyset: Keyset) -> None:
        """From now on these keys order, and these boxes are revoked."""
        self._command_keys = keyset.key_of(Use.COMMAND_SILENCE, Use.COMMAND_SOUND, Use.CONFIG)
        self._registry.revoke(frozenset(keyset.revoked))

    def take(self, letters: Sequence[Letter]) -> Harvest:
        """Store all of them in one transaction; what is returned may be said, because the commit is done.

        Signatures are checked before it begins: others may want to write.

        raises: StoreFailed, and then none of the letters may be acknowledged
        """
        now_ns = self._clock()
        sorting = _Sorting(self._registry, self._command_keys, self.pictures, now_ns)
        steps = [sorting.sort(letter) for letter in letters]
        with self._store.group(now_ns) as group:
            for step in steps:
                step(group)
            self._expire(group, now_ns)
        time_text = rfc3339(now_ns)
        dispatches = [
            dispatch
            for box, tally in sorting.tallies.items()
            for dispatch in self._receipts.write(box, tally, time_text)
        ]
        return Harvest(dispatches, sorting.facts)

    def _expire(self, group: Group, now_ns: int) -> None:
        """Once an hour, as long as anything comes: nobody's picture is kept for longer than was promised."""
        if self._pictures_for and now_ns - self._expired_ns >= EXPIRE_EVERY_NS:
            self._expired_ns = now_ns
            if gone := group.gallery.expire(now_ns - self._pictures_for):
                group.audit("picture", "", "", {"deleted": gone, "why": "older than pictures_days"})


class _Sorting:
    """One group on its way: what is owed to each box, and what the console will hear."""

    def __init__(
        self, registry: Registry, command_keys: Callable[[str], bytes | None], pictures: PictureKeys, now_ns: int
    ) -> None:
        self._registry = registry
        self._pictures = pictures
        self._command_keys = command_keys
        self._now_ns = now_ns
        self.tallies: defaultdict[BoxId, Tally] = defaultdict(Tally)
        self.facts: list[Fact] = []

    def sort(self, letter: Letter) -> Step:
        """Judge one letter; what is returned stores it, or counts its refusal."""
        box, leaf = split_topic(letter.topic)
        try:
            return self._open(box, leaf, letter)
        except (Unfit, Forged) as error:
            return self._refusal(str(error), letter)

    def _refusal(self, reason: str, letter: Letter) -> Step:
        def refuse(group: Group) -> None:
            group.refuse(reason, letter.topic, letter.raw)
            self.facts.append(Refused(reason, letter.topic, len(letter.raw)))

        return refuse

    def _open(self, box: str, leaf: str, letter: Letter) -> Step:
        admission = self._registry.find(box)
        if admission is None:
            raise Unfit("unknown box")
        if leaf.startswith(EVENT_LEAF):
            return self._events(admission, leaf.removeprefix(EVENT_LEAF), letter)
        if leaf.startswith(PICTURE_LEAF):
            return self._part(admission, leaf.removeprefix(PICTURE_LEAF), letter)
        if leaf == "beat":
            return self._beat(admission, letter)
        if leaf == "state":
            return self._state(admission, letter)
        if leaf == "command":
            return self._command(admission, letter)
        raise Unfit("no such topic")

    def _events(self, admission: Admission, event_class: str, letter: Letter) -> Step:
        """Verify all of a letter's events before the first is kept: a letter is taken whole or not at all."""
        events = [_verified(raw, admission, event_class) for raw in _split(letter.raw)]
        headers = {event.id: _header(event) for event in events if event.event_class is EventClass.PICTURE}

        def keep(group: Group) -> None:
            for event in events:
                self._keep(event, letter, group)
                self._place(event, admission, group)
                if event.id in headers:
                    group.gallery.announce(event, headers[event.id])
                    self._picture(event.box, event.id, letter, group)

        return keep

    def _part(self, admission: Admission, leaf: str, letter: Letter) -> Step:
        identity, number = _part_of(leaf)
        if not 0 < len(letter.raw) <= PART_LIMIT:
            raise Unfit("picture: the size of a part")

        def keep(group: Group) -> None:
            try:
                kept = group.gallery.part(admission.box, identity, number, letter.raw)
            except Forged as error:
                self._refusal(str(error), letter)(group)
            else:
                if kept:
                    self._picture(admission.box, identity, letter, group)

        return keep

    def _picture(self, box: BoxId, identity: EventId, letter: Letter, group: Group) -> None:
        """Its event is receipted only now, when all of it is here and somebody can look at it."""
        try:
            whole = group.gallery.whole(box, identity, self._pictures)
        except Forged as error:
            self._refusal(str(error), letter)(group)
            if isinstance(error, NotOpened):
                group.notice("picture", box, f"{error}")
            return
        if whole is not None:
            self.tallies[box].stored(identity, whole.raw)
        if whole is not None and whole.is_new:
            self.facts.append(Pictured(box, whole))
            if gone := group.gallery.crowd(box):
                group.audit("picture", box, "", {"deleted": gone, "why": "more than one box may have"})

    @staticmethod
    def _place(event: Event, admission: Admission, group: Group) -> None:
        if event.site != admission.site:  # frozen before it moved: an alarm is never refused for that
            group.notice("site", event.box, f"signs for {event.site}, admitted at {admission.site}")

    def _keep(self, event: Event, letter: Letter, group: Group) -> None:
        kept = group.put(event, durable=letter.durable)
        if event.event_class is not EventClass.PICTURE:
            self.tallies[event.box].stored(event.id, event.raw)
        if kept is Kept.CONFLICT:
            group.notice("conflict", event.box, f"{event.id}: same identity, other bytes; both are kept")
        if kept is not Kept.FOLDED and event.name == "lost":
            for epoch, first, last in _declared_lost(event):
                group.lost(event.box, epoch, first, last)
        if kept is Kept.NEW and event.name == "walk-test" and event.data.get("running") is False:
            group.walked(event.box)
        self.facts.append(Taken(event, kept, letter.durable, self._now_ns, group.corrected(event)))

    def _beat(self, admission: Admission, letter: Letter) -> Step:
        try:
            beat = read_beat(letter.raw, admission.key)
        except Forged:
            raise
        except ValueError as error:
            raise Unfit("beat without a canonical form") from error
        if beat.box != admission.box:
            raise Unfit("beat of another box")
        return partial(self._keep_beat, beat)

    def _keep_beat(self, beat: Beat, group: Group) -> None:
        before = group.head(beat.box)
        group.beat(beat)
        tally = self.tallies[beat.box]
        if tally.beat is None:  # however many beats a group brings, their box is asked once
            tally.ask = _worth_asking(tuple(group.missing(beat.box)), before, beat.pending)
        tally.beat = beat.nonce
        self.facts.append(Beaten(beat.box, beat.epoch, beat.head, beat.pending, len(tally.ask)))

    def _state(self, admission: Admission, letter: Letter) -> Step:
        if len(letter.raw) > STATE_LIMIT:
            raise Unfit(f"larger than {STATE_LIMIT} bytes")
        state = decode(letter.raw, State)
        if state.box != admission.box:
            raise Unfit("state of another box")

        def keep(group: Group) -> None:
            if group.presence(state, letter.raw):
                walk_due = state.online and group.noticed(WALK, state.box)
                self.facts.append(Seen(state.box, state.online, admission.site, walk_due=walk_due))

        return keep

    def _command(self, admission: Admission, letter: Letter) -> Step:
        """Our own operators' orders pass by here too; so the store learns who ordered what, in one place."""
        command = decode(open_jws(letter.raw, self._command_keys, limit=COMMAND_LIMIT), Command)
        if command.box != admission.box:
            raise Unfit("command to another box")

        def keep(group: Group) -> None:
            if group.command(command, letter.raw):
                self.facts.append(Ordered(command))

        return keep


def _split(raw: bytes) -> Iterator[bytes]:
    """The frozen bytes of one event, or of each event of a batch."""
    if not raw.startswith(b"["):
        if len(raw) > EVENT_LIMIT:
            raise Unfit(f"larger than {EVENT_LIMIT} bytes")
        yield raw
        return
    if len(raw) > BATCH_LIMIT:
        raise Unfit(f"larger than {BATCH_LIMIT} bytes")
    try:
        parts = _BATCH.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unfit("not a batch") from error
    yield from (bytes(part) for part in parts)


def _verified(raw: bytes, admission: Admission, event_class: str) -> Event:
    event = read_event(raw, admission.key)
    if event.box != admission.box:
        raise Unfit("event of another box")
    if event.event_class.value != event_class:
        raise Unfit("event of another class")
    return event


def _header(event: Event) -> Header:
    try:
        return read_header(event.data)
    except ValueError as error:
        raise Unfit("picture: its event is no header") from error


def _part_of(leaf: str) -> tuple[EventId, int]:
    read = _PART.fullmatch(leaf)
    if read is None or not 1 <= int(read[3]) <= PARTS_LIMIT:
        raise Unfit("picture: no such part")
    return EventId(Epoch(read[1]), int(read[2])), int(read[3])


def _declared_lost(event: Event) -> Iterator[Missing]:
    """Ranges that a `lost` event names: data {epoch, ranges: [[first, last]...]}; anything else in it is ignored."""
    epoch, spans = event.data.get("epoch", event.id.epoch), event.data.get("ranges")
    for span in spans if isinstance(spans, list) else ():
        match span:
            case [int() as first, int() as last] if isinstance(epoch, str) and 0 < first <= last:
                yield Epoch(epoch), first, last
            case _:
                continue


def _worth_asking(missing: tuple[Missing, ...], before: tuple[Epoch, int] | None, pending: int) -> tuple[Missing, ...]:
    """Ask only for what the box believes is done: made before its last beat, and more than it still has waiting."""
    if sum(last - first + 1 for _, first, last in missing) <= pending:
        return ()
    return tuple(part for gap in missing for part in _made_before(gap, before))


def _made_before(gap: Missing, before: tuple[Epoch, int] | None) -> Iterator[Missing]:
    epoch, first, last = gap
    if before is None:
        return
    if epoch != before[0]:
        yield gap
    elif first <= before[1]:
        yield epoch, first, min(last, before[1])
