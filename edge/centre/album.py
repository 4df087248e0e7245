"""Pictures as people look at them: which there are, and each as a JPEG. Reads the store, and changes nothing in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edge.centre.picture_keys import PictureKeys
from edge.centre.reader import Where, opened
from edge.centre.times import Times, told
from edge.core.timing import rfc3339
from edge.core.words import Json


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture. state: here, on-its-way, deleted. taken: corrected where the boot's anchors are here, else None.

    size, sha256, kid: of the ciphertext, and the key that it is sealed to
    """

    id: str
    box: str
    alarm: str
    jti: str
    camera: str
    frame: int
    frames: int
    taken: dict[str, Json] | None
    received: str
    state: str
    size: int
    sha256: str
    kid: str

    @property
    def filename(self) -> str:
        """Of our own words only: what a box says is checked to be of this form before it is stored."""
        return f"{self.box}-{self.id}-{self.camera}-{self.frame}.jpg"


def shots(where: Where, alarm: str = "", box: str = "") -> list[Shot]:
    """Pictures, the newest first. alarm: of this one only, or of this order. Raises StoreMissing, StoreFailed."""
    return [_shot(row, times) for row, times in _rows(where, alarm, box, sealed=False)]


def opened_shots(where: Where, keys: PictureKeys, alarm: str = "", box: str = "") -> Iterator[tuple[Shot, bytes]]:
    """Those that are here, opened. Raises StoreMissing, StoreFailed; Forged where a key is missing."""
    for row, times in _rows(where, alarm, box, sealed=True):
        yield _shot(row, times), keys.opened(row["kid"], bytes(row["sealed"]))


def _rows(where: Where, alarm: str, box: str, *, sealed: bool) -> Iterator[tuple[Mapping[str, Any], Times]]:
    columns = "picture.*" if sealed else _COLUMNS
    question = (
        f"SELECT {columns}, sealed IS NOT NULL AS here FROM picture WHERE (:alarm = '' OR alarm = :alarm"  # noqa: S608
        " OR jti = :alarm) AND (:box = '' OR box = :box)"
        f"{' AND sealed IS NOT NULL' if sealed else ''} ORDER BY received_ns DESC, epoch, seq"
    )
    with opened(where) as store:
        times = Times(store.query)
        for row in store.query(question, alarm=alarm, box=box):
            yield row, times


_COLUMNS = (
    "box, epoch, seq, alarm, jti, camera, frame, frames, taken, bootid, sha256, size, parts, kid, received_ns,"
    " stored_ns, deleted_ns"
)


def _shot(row: Mapping[str, Any], times: Times) -> Shot:
    state = "here" if row["here"] else "deleted" if row["deleted_ns"] else "on-its-way"
    return Shot(
        id=f"{row['epoch']}.{row['seq']}",
        box=row["box"],
        alarm=row["alarm"] or "",
        jti=row["jti"] or "",
        camera=row["camera"],
        frame=row["frame"],
        frames=row["frames"],
        taken=told(times.of(row["box"], row["bootid"], row["taken"])),
        received=rfc3339(row["received_ns"]),
        state=state,
        size=row["size"],
        sha256=row["sha256"],
        kid=row["kid"],
    )
