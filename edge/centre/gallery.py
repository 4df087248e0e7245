"""Pictures in the store: a header, parts in any order and by any process, and at last the whole, as it was sealed.

What is kept is the ciphertext: its digest stands in the box's signed header, and a copy of the store shows nobody's
face. Whether it can be opened is tried before anybody is told that it is here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text

from edge.centre.picture_keys import NotOpened, PictureKeys
from edge.core.events import Event
from edge.core.pictures import Header
from edge.core.seal import Forged
from edge.core.words import BoxId, EventId

PART_LIMIT: Final = 8 * 1024
PARTS_LIMIT: Final = 256
UNFINISHED_BYTES: Final = 1024 * 1024  # of one box: one picture is sent at a time, some may have been given up
BOX_PICTURES: Final = 2000  # of one box: its oldest go, so that a stolen one cannot fill the disk


@dataclass(frozen=True, slots=True)
class Whole:
    """A picture is here and was opened. raw: its event, now to be receipted. is_new: since this very letter."""

    box: BoxId
    id: EventId
    raw: bytes
    alarm: str
    jti: str
    camera: str
    frame: int
    frames: int
    size: int
    is_new: bool


class Gallery:
    """Within one transaction of the store."""

    def __init__(self, connection: Connection, now_ns: int) -> None:
        self._connection = connection
        self._now_ns = now_ns

    def announce(self, event: Event, header: Header) -> None:
        """The header of a picture, stored as an event in this same transaction."""
        said: dict[str, object] = {"alarm": header.alarm or None, "jti": header.jti or None, "camera": header.camera}
        said |= {"frame": header.frame, "frames": header.frames, "taken": int(header.taken), "bootid": header.bootid}
        said |= {"sha256": header.sha256, "size": header.size, "parts": header.parts, "part_bytes": header.part_bytes}
        self._run(_ANNOUNCE, {**_key(event.box, event.id), **said, "kid": header.kid, "now": self._now_ns})

    def part(self, box: BoxId, identity: EventId, number: int, raw: bytes) -> bool:
        """Keep one part until the picture is whole; False where it is. Raises Forged for one that fits no picture."""
        header = self._one(_HEADER, _key(box, identity))
        if header is not None and header.stored_ns:
            return False  # sent again, because its receipt was lost: the header's repetition is answered
        if header is not None and not _fits(header, number, len(raw)):
            raise Forged("picture: a part that its header does not know")
        self._run(_PART, {**_key(box, identity), "part": number, "raw": raw, "now": self._now_ns})
        self._make_room(box, identity)
        return True

    def whole(self, box: BoxId, identity: EventId, keys: PictureKeys) -> Whole | None:
        """The picture, once all of it is here; it is judged, kept, and its parts go.

        raises: Forged for bytes that are not what the header says (they go, the box sends them again), NotOpened
        """
        header = self._one(_HEADER, _key(box, identity))
        if header is None:
            return None
        is_new = not header.stored_ns
        if is_new and not self._assemble(header, box, identity, keys):
            return None
        raw = self._one(_EVENT, {**_key(box, identity), "name": "picture"})
        return None if raw is None else Whole(
            box, identity, bytes(raw.raw), header.alarm or "", header.jti or "", header.camera, header.frame,
            header.frames, header.size, is_new,
        )  # fmt: skip

    def _assemble(self, header: Any, box: BoxId, identity: EventId, keys: PictureKeys) -> bool:
        key = _key(box, identity)
        if self._one(_COUNT, key).parts < header.parts:
            return False
        parts = self._run(_PARTS, key).fetchall()
        sealed = b"".join(bytes(row.raw) for row in parts)
        if [row.part for row in parts] != list(range(1, header.parts + 1)) or len(sealed) != header.size:
            raise self._forgotten(key, Forged("picture: its parts are not what the header says"))
        if hashlib.sha256(sealed).hexdigest() != header.sha256:
            raise self._forgotten(key, Forged("picture: its bytes are not what the header says"))
        try:
            keys.opened(header.kid, sealed)
        except NotOpened as error:
            raise self._forgotten(key, error) from error
        self._run(_KEEP, {**key, "sealed": sealed, "now": self._now_ns})
        self._run(_DROP_PARTS, key)
        return True

    def _forgotten(self, key: Mapping[str, object], error: Forged) -> Forged:
        """Refused, whole as it is: nothing of it stays, so that it can come anew."""
        self._run(_DROP_PARTS, key)
        return error

    def _make_room(self, box: BoxId, identity: EventId) -> None:
        """What a box began and never ended goes, the oldest first; never what it sends now."""
        while self._one(_UNFINISHED, {"box": box}).size > UNFINISHED_BYTES:
            oldest = self._one(_OLDEST_PARTS, _key(box, identity))
            if oldest is None:
                raise Forged("picture: more parts than any picture has")
            self._run(_DROP_PARTS, {"box": box, "epoch": oldest.epoch, "seq": oldest.seq})

    def expire(self, before_ns: int) -> int:
        """Delete the bytes of pictures that came before this moment (our clock); their headers stay. Returns how many.

        Parts that never became a picture go with them.
        """
        self._run(_EXPIRE_PARTS, {"before": before_ns})
        return int(self._run(_EXPIRE, {"before": before_ns, "now": self._now_ns}).rowcount)

    def crowd(self, box: BoxId) -> int:
        """Delete the oldest of a box that has too many. Returns how many."""
        return int(self._run(_CROWD, {"box": box, "limit": BOX_PICTURES, "now": self._now_ns}).rowcount)

    def forget(self, box: str, alarm: str) -> int:
        """Delete the bytes of one alarm's pictures. Returns how many."""
        return int(self._run(_FORGET, {"box": box, "alarm": alarm, "now": self._now_ns}).rowcount)

    def _run(self, statement: Any, values: Mapping[str, object]) -> Any:  # SQLAlchemy's results are untyped for text
        return self._connection.execute(statement, values)

    def _one(self, statement: Any, values: Mapping[str, object]) -> Any:
        return self._run(statement, values).fetchone()


def _key(box: BoxId, identity: EventId) -> dict[str, object]:
    return {"box": box, "epoch": identity.epoch, "seq": identity.seq}


def _fits(header: Any, number: int, size: int) -> bool:
    last = header.size - (header.parts - 1) * header.part_bytes
    return bool(number < header.parts and size == header.part_bytes) or (number == header.parts and size == last)


# ---- what both kinds of database understand -------------------------------------------------------------------------

_ID: Final = "box = :box AND epoch = :epoch AND seq = :seq"
_ANNOUNCE: Final = text(
    "INSERT INTO picture (box, epoch, seq, alarm, jti, camera, frame, frames, taken, bootid, sha256, size, parts,"
    " part_bytes, kid, received_ns) VALUES (:box, :epoch, :seq, :alarm, :jti, :camera, :frame, :frames, :taken,"
    " :bootid, :sha256, :size, :parts, :part_bytes, :kid, :now) ON CONFLICT DO NOTHING"
)
_HEADER: Final = text(f"SELECT * FROM picture WHERE {_ID}")  # noqa: S608  # the words above
_EVENT: Final = text(f"SELECT raw FROM event WHERE {_ID} AND name = :name ORDER BY arrival")  # noqa: S608  # same
_PART: Final = text(
    "INSERT INTO picture_part (box, epoch, seq, part, raw, received_ns) VALUES (:box, :epoch, :seq, :part, :raw, :now)"
    " ON CONFLICT (box, epoch, seq, part) DO UPDATE SET raw = excluded.raw, received_ns = excluded.received_ns"
)
_COUNT: Final = text(f"SELECT count(*) AS parts FROM picture_part WHERE {_ID}")  # noqa: S608  # same
_PARTS: Final = text(f"SELECT part, raw FROM picture_part WHERE {_ID} ORDER BY part")  # noqa: S608  # same
_KEEP: Final = text(f"UPDATE picture SET sealed = :sealed, stored_ns = :now WHERE {_ID}")  # noqa: S608  # same
_DROP_PARTS: Final = text(f"DELETE FROM picture_part WHERE {_ID}")  # noqa: S608  # same
_UNFINISHED: Final = text("SELECT coalesce(sum(length(raw)), 0) AS size FROM picture_part WHERE box = :box")
_OLDEST_PARTS: Final = text(
    "SELECT epoch, seq FROM picture_part WHERE box = :box AND NOT (epoch = :epoch AND seq = :seq)"
    " ORDER BY received_ns LIMIT 1"
)
_EXPIRE: Final = text(
    "UPDATE picture SET sealed = NULL, deleted_ns = :now WHERE sealed IS NOT NULL AND stored_ns < :before"
)
_EXPIRE_PARTS: Final = text("DELETE FROM picture_part WHERE received_ns < :before")
_FORGET: Final = text(
    "UPDATE picture SET sealed = NULL, deleted_ns = :now WHERE sealed IS NOT NULL AND box = :box AND alarm = :alarm"
)
_CROWD: Final = text(
    "UPDATE picture SET sealed = NULL, deleted_ns = :now WHERE sealed IS NOT NULL AND box = :box AND stored_ns <="
    " (SELECT stored_ns FROM picture WHERE sealed IS NOT NULL AND box = :box ORDER BY stored_ns DESC"
    " LIMIT 1 OFFSET :limit)"
)
