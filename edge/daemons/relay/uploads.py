"""Pictures on the bearer: the header, then part by part, one in flight, and none while anything else wants to leave.

    alarm -- File, Row --> wait -- header --> PUBACK -- part 1 --> PUBACK ... part n --> PUBACK -- Marks --> alarm

A lost connection begins the picture again; alarm keeps the row and its bytes. Opens nothing, holds one descriptor.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from drivers.ports import Message
from edge.core.delivery import RANK, Answer
from edge.core.pictures import PART_BYTES, leaf_of, parts_of
from edge.core.words import SECOND_NS, EventClass, EventId
from edge.link.carry import BLAME_NS, STRIKES
from edge.link.frames import Frame, Mark, Marks, Picture, Pull, Row
from edge.link.held import id_of
from edge.link.sockets import close_all

log = logging.getLogger("kentongan.relay")

ANNOUNCED_NS: Final = 2 * SECOND_NS  # what alarm has announced and not handed over by then holds up no picture
STRUCK_LIMIT: Final = 64


@dataclass(slots=True)
class _Upload:
    """part: the next one, 0 is the header. ticket: of the one in flight, None: none is."""

    row: Row
    descriptor: int
    size: int
    part: int = 0
    ticket: int | None = None
    sent_ns: int = 0

    @property
    def identity(self) -> EventId:
        return id_of(self.row)

    @property
    def is_whole(self) -> bool:
        return self.part > parts_of(self.size)

    def message(self) -> Message | None:
        """None where the bytes are not there."""
        if self.part == 0:
            return Message(f"event/{EventClass.PICTURE}", self.row.raw, durable=self.row.durable)
        wanted = min(PART_BYTES, self.size - (self.part - 1) * PART_BYTES)
        try:
            piece = os.pread(self.descriptor, wanted, (self.part - 1) * PART_BYTES)
        except OSError:
            return None
        return Message(leaf_of(self.identity, self.part), piece) if len(piece) == wanted else None


class Uploads:
    """One bearer's pictures. publish: returns a ticket, or None where nothing can leave now."""

    def __init__(self, bearer: str, publish: Callable[[Message], int | None]) -> None:
        self._bearer = bearer
        self._publish = publish
        self._is_up = False
        self._asked = False
        self._given: tuple[Picture, int] | None = None
        self._upload: _Upload | None = None
        self._waits_until_ns = 0
        self._strikes: dict[EventId, int] = {}
        self._frames: list[Frame] = []

    # ---- what happened ----------------------------------------------------------------------------------------------

    def up(self) -> None:
        self._is_up, self._asked = True, False

    def down(self, now_ns: int, *, unexplained: bool) -> None:
        upload = self._upload
        if unexplained and upload is not None and upload.ticket is not None and now_ns - upload.sent_ns < BLAME_NS:
            self._strike(upload)
        self._is_up = False
        self.forget()

    def forget(self) -> None:
        """Alarm has gone, or the connection: what we hold is void."""
        self._asked = False
        close_all((self._given[1] if self._given else -1, self._upload.descriptor if self._upload else -1))
        self._given = self._upload = None

    def news(self, event_class: EventClass, now_ns: int) -> None:
        """Alarm has something; what is more urgent leaves before the next part."""
        if RANK[event_class] < RANK[EventClass.PICTURE]:
            self._waits_until_ns = now_ns + ANNOUNCED_NS

    def arrived(self) -> None:
        """What was announced is here: from now on it holds us up by itself."""
        self._waits_until_ns = 0

    def given(self, picture: Picture, descriptor: int) -> None:
        """The bytes of the row that follows."""
        close_all((self._given[1] if self._given else -1,))
        self._given = (picture, descriptor)

    def row(self, row: Row) -> None:
        if self._given is None or self._given[0].id != str(id_of(row)) or not self._is_up or self._upload is not None:
            self._mark(row, Answer.RETRY, "its bytes did not come with it")
            return
        (picture, descriptor), self._given = self._given, None
        self._asked = False
        self._upload = _Upload(row, descriptor, picture.size)

    def settled(self, ticket: int, answer: Answer, reason: str = "") -> bool:
        """The broker's answer; False: to something that is not ours."""
        upload = self._upload
        if upload is None or upload.ticket != ticket:
            return False
        upload.ticket = None
        upload.part += 1
        if answer is not Answer.PUBLISHED or upload.is_whole:
            self._strikes.pop(upload.identity, None)
            self._end(upload, answer, reason)
        return True

    # ---- what follows -----------------------------------------------------------------------------------------------

    def turn(self, now_ns: int, *, quiet: bool) -> list[Frame]:
        """Send the next part if nothing else wants to leave; returns what alarm is to hear."""
        if self._is_up and not self._asked and self._upload is None:
            self._asked = True
            self._frames.append(Pull(self._bearer, (EventClass.PICTURE,), 1))
        upload = self._upload
        if upload is not None and upload.ticket is None and quiet and now_ns >= self._waits_until_ns:
            self._send(upload, now_ns)
        frames, self._frames = self._frames, []
        return frames

    def _send(self, upload: _Upload, now_ns: int) -> None:
        message = upload.message()
        if message is None:
            self._end(upload, Answer.RETRY, "its bytes are fewer than it says")
            return
        upload.ticket, upload.sent_ns = self._publish(message), now_ns

    def _end(self, upload: _Upload, answer: Answer, reason: str) -> None:
        self._mark(upload.row, answer, reason)
        close_all((upload.descriptor,))
        self._upload = None

    def _mark(self, row: Row, answer: Answer, reason: str) -> None:
        self._asked = False
        self._frames.append(Marks((Mark(row.epoch, row.seq, answer, reason),)))

    def _strike(self, upload: _Upload) -> None:
        """A picture that kills the connection again and again is poison, as any row is (edge.link.carry)."""
        if len(self._strikes) >= STRUCK_LIMIT:
            del self._strikes[next(iter(self._strikes))]
        times = self._strikes[upload.identity] = self._strikes.get(upload.identity, 0) + 1
        if times >= STRIKES:
            del self._strikes[upload.identity]
            self._mark(upload.row, Answer.POISON, "the connection died of it")
