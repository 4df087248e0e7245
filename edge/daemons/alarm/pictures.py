"""Pictures between the cameras' part and the relay: numbered like any event, their bytes held only while they leave.

    offered -- checked --> numbered (panel) --> stored --> "kept"          the spool's file has its number
    due     -- "offer" --> offered  -- held --> relay  --> published       the descriptor is closed again
    receipt -- "received" --> the spool's file goes

A row whose bytes are not at hand waits in the outbox and holds up nobody (`Waiting.away`).
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from edge.core.events import Frozen
from edge.core.outbox import Outbox, Waiting
from edge.core.words import SECOND_NS, EventClass, EventId, Pictured
from edge.daemons.alarm.files import Flawed, check, header_of, identity_of
from edge.ledger.ledger import Unreceived
from edge.ledger.recorder import Recorder
from edge.link.frames import File, Frame, Picture, Work
from edge.link.server import Bucket
from edge.link.sockets import close_all

log = logging.getLogger("kentongan.alarm")

HELD_LIMIT: Final = 8  # descriptors, of at most 256 KiB each
ASKED_NS: Final = 30 * SECOND_NS  # then the bytes are asked for again
NUMBER_NS: Final = 10 * SECOND_NS  # the panel takes milliseconds
LIFE_NS: Final = 73 * 3600 * SECOND_NS  # the spool keeps a picture for 72 h; an hour later nobody can have it
BURST: Final = 96  # numbered at once: 12 cameras, 3 frames, two alarms and some orders
PER_S: Final = 0.1  # and then one in ten seconds
REMEMBERED: Final = 256  # ids that a receipt has covered in this run


@dataclass(frozen=True, slots=True)
class Question:
    """Of the ledger: is there such a row, of which the outbox knows nothing?"""

    picture: Picture


@dataclass(frozen=True, slots=True)
class _Unnumbered:
    """On its way through the panel. descriptor: -1 where there was no room for it."""

    picture: Picture
    descriptor: int
    since_ns: int


class _Said(msgspec.Struct):
    sha256: str


class _Body(msgspec.Struct):
    data: _Said


class Pictures:
    """Lives in the dispatch thread.

    post:       to the panel, which numbers
    to_cameras: what the cameras' part is to do
    to_relay:   a frame and its descriptor, which stays ours
    lost:       these rows' bytes are gone for ever
    """

    def __init__(
        self,
        outbox: Outbox,
        recorder: Recorder,
        *,
        boot: str,
        post: Callable[[Pictured], None],
        to_cameras: Callable[[Work], None],
        to_relay: Callable[[Frame, int], None],
        lost: Callable[[Sequence[EventId]], None],
    ) -> None:
        self._outbox = outbox
        self._recorder = recorder
        self._boot = boot
        self._post = post
        self._to_cameras = to_cameras
        self._to_relay = to_relay
        self._lost = lost
        self._held: dict[EventId, tuple[Picture, int]] = {}
        self._numbering: dict[str, _Unnumbered] = {}  # by digest, until the panel has numbered them
        self._known: dict[str, EventId] = {}  # digest -> number, of every row that waits
        self._digests: dict[EventId, str] = {}
        self._asked: dict[EventId, int] = {}
        self._since: dict[EventId, int] = {}
        self._received: deque[EventId] = deque(maxlen=REMEMBERED)
        self._new = Bucket(PER_S, BURST)
        self.whole = False  # every row of the ledger that waits is in the outbox

    # ---- from the cameras' part -------------------------------------------------------------------------------------

    def offered(self, picture: Picture, descriptor: int, now_ns: int) -> None:
        """Take a descriptor, which is ours from here on. Raises Flawed for what will never be taken."""
        try:
            header_of(picture)
            check(picture, descriptor)
            identity = self._number_of(picture)
            if identity is not None:
                self._hold(identity, picture, descriptor, now_ns)
                descriptor = -1
            elif picture.id:
                self._look_up(picture)
            elif picture.sha256 not in self._numbering:
                self._number(picture, descriptor, now_ns)
                descriptor = -1
        except Flawed as error:
            self._to_cameras(Work("refused", {"sha256": picture.sha256[:64], "reason": str(error)}))
            raise
        finally:
            close_all((descriptor,))

    def _number_of(self, picture: Picture) -> EventId | None:
        """Whose bytes these are. What was numbered before a restart is known by its digest, even without its number."""
        identity = identity_of(picture.id) if picture.id else self._known.get(picture.sha256)
        if identity is None:
            if picture.id:
                raise Flawed("words: no event has such an id")
            return None
        row = self._outbox.get(identity)
        if row is None:
            return None
        if row.event_class is not EventClass.PICTURE or self._digests.get(identity, picture.sha256) != picture.sha256:
            raise Flawed("sha256: that event is of other bytes")
        if not picture.id and row.durable:
            self._to_cameras(Work("kept", {"sha256": picture.sha256, "id": str(identity)}))
        return identity

    def _hold(self, identity: EventId, picture: Picture, descriptor: int, now_ns: int) -> None:
        """Where there is no room it is closed, and asked for when there is."""
        self._asked.pop(identity, None)
        if identity in self._held or not self._room or identity not in self._digests:
            close_all((descriptor,))
            return
        self._held[identity] = (replace(picture, id=str(identity)), descriptor)
        self._outbox.present(identity, now_ns)

    @property
    def _room(self) -> int:
        """For so many descriptors."""
        return HELD_LIMIT - len(self._held) - sum(each.descriptor >= 0 for each in self._numbering.values())

    def _number(self, picture: Picture, descriptor: int, now_ns: int) -> None:
        """Raises Flawed where there are too many; the descriptor then is still the caller's."""
        if not self.whole:  # perhaps it has a number that the ledger has not told yet
            close_all((descriptor,))
            return
        if self._new.wait_ns(now_ns):
            raise Flawed("rate: more pictures than alarms and orders can have asked for")
        if not self._room:
            close_all((descriptor,))
            descriptor = -1
        self._numbering[picture.sha256] = _Unnumbered(picture, descriptor, now_ns)
        at_ns = picture.taken_ns if picture.boot == self._boot else 0
        self._post(Pictured(picture.camera, header_of(picture).content, at_ns))

    def _look_up(self, picture: Picture) -> None:
        """An id of which the outbox knows nothing: received before, or lost with a ledger."""
        identity = identity_of(picture.id)
        if identity is None or not self.whole:
            return
        if identity in self._received:
            self._to_cameras(Work("received", {"id": picture.id, "sha256": picture.sha256}))
        else:
            self._recorder.digests(identity.epoch, identity.seq, identity.seq, Question(picture))

    def answered(self, question: Question, found: Iterable[EventId], now_ns: int) -> None:
        """What the ledger has of it: a row that does not wait was received; what is not there gets a new number."""
        picture = question.picture
        identity = identity_of(picture.id)
        if identity is None or identity in self._outbox:
            return
        if identity in found:
            self._to_cameras(Work("received", {"id": picture.id, "sha256": picture.sha256}))
        elif picture.sha256 not in self._numbering and picture.sha256 not in self._known:
            with suppress(Flawed):  # too many now; the spool still has it
                self._number(replace(picture, id=""), -1, now_ns)

    def gone(self, identity: EventId, reason: str) -> bool:
        """The cameras' part has not got these bytes, and never will. False: that is no picture of ours that waits."""
        row = self._outbox.get(identity)
        if row is None or row.event_class is not EventClass.PICTURE:
            return False
        log.warning("picture lost  id=%s cause=%s", identity, reason)
        self._lose([identity])
        return True

    def begin_anew(self) -> None:
        """Another life of the cameras' part: what was asked for is asked for again."""
        self._asked.clear()

    # ---- from the panel, the ledger and the centre ------------------------------------------------------------------

    def made(self, event: Frozen, now_ns: int) -> None:
        digest = _digest_in(event.raw)
        self._learn(event.id, digest, now_ns)
        unnumbered = self._numbering.pop(digest, None)
        if unnumbered is not None and unnumbered.descriptor >= 0:
            self._hold(event.id, unnumbered.picture, unnumbered.descriptor, now_ns)

    def stored(self, ids: Iterable[EventId]) -> None:
        """Numbered for ever: the spool may call the file by its number."""
        for identity in ids:
            if (digest := self._digests.get(identity)) is not None:
                self._to_cameras(Work("kept", {"sha256": digest, "id": str(identity)}))

    def loaded(self, rows: Iterable[Unreceived]) -> None:
        """Rows of earlier runs; what they are of, their bytes in the ledger say."""
        wanted = [row.id for row in rows if row.event_class is EventClass.PICTURE and row.id not in self._digests]
        if wanted:
            self._recorder.fetch(wanted)

    def fetched(self, events: Iterable[Frozen], now_ns: int) -> None:
        for event in events:
            if event.event_class is EventClass.PICTURE and event.id in self._outbox:
                self._learn(event.id, _digest_in(event.raw), now_ns)

    def received(self, rows: Iterable[Waiting]) -> None:
        for row in rows:
            if row.event_class is EventClass.PICTURE:
                digest = self._digests.get(row.id, "")
                self._forget(row.id)
                self._received.append(row.id)
                self._to_cameras(Work("received", {"id": str(row.id), "sha256": digest}))

    def dropped(self, ids: Iterable[EventId]) -> None:
        """The ledger has let them go, or lost them: nobody needs their bytes any more."""
        for identity in ids:
            if (digest := self._digests.get(identity)) is not None:
                self._forget(identity)
                said = {"sha256": digest, "id": str(identity), "reason": "gone: the ledger has no room for its event"}
                self._to_cameras(Work("refused", said))

    def _learn(self, identity: EventId, digest: str, now_ns: int) -> None:
        self._known[digest] = identity
        self._digests[identity] = digest
        self._since.setdefault(identity, now_ns)

    # ---- towards the relay ------------------------------------------------------------------------------------------

    def attach(self, identity: EventId) -> bool:
        """Hand the bytes over; False where they are not at hand."""
        held = self._held.get(identity)
        if held is None:
            return False
        self._to_relay(File(held[0]), held[1])
        return True

    def settled(self, identity: EventId) -> None:
        """The relay is through with it; should it have to leave again, its bytes are asked for again."""
        held = self._held.pop(identity, None)
        if held is not None:
            close_all((held[1],))
            self._outbox.absent(identity)

    # ---- time -------------------------------------------------------------------------------------------------------

    def turn(self, now_ns: int, *, cameras: bool) -> None:
        """Ask for what is due, as far as there is room; let go what nobody can have any more."""
        self._asked = {identity: at for identity, at in self._asked.items() if now_ns - at < ASKED_NS}
        for digest, each in tuple(self._numbering.items()):
            if now_ns - each.since_ns > NUMBER_NS:  # memory was full; the spool still has it
                del self._numbering[digest]
                close_all((each.descriptor,))
        room = self._room - len(self._asked)
        if cameras and room > 0:
            due = (row.id for row in self._outbox.wanting(now_ns) if row.id in self._digests)
            for identity in [each for each in due if each not in self._asked][:room]:
                self._asked[identity] = now_ns
                self._to_cameras(Work("offer", {"id": str(identity)}))
        old = [identity for identity, since_ns in self._since.items() if now_ns - since_ns > LIFE_NS]
        if old:
            self._lose(old)

    def _lose(self, ids: Sequence[EventId]) -> None:
        for identity in ids:
            self._forget(identity)
        self._lost(ids)

    def _forget(self, identity: EventId) -> None:
        held = self._held.pop(identity, None)
        if held is not None:
            close_all((held[1],))
        self._known.pop(self._digests.pop(identity, ""), None)
        self._asked.pop(identity, None)
        self._since.pop(identity, None)


def _digest_in(raw: bytes) -> str:
    """Of an event that we made; "" where a card has lost its bits."""
    try:
        return msgspec.json.decode(raw, type=_Body).data.sha256
    except msgspec.MsgspecError:
        return ""
