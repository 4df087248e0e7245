"""The cameras' part, played by a test: a spool in memory, offered as sealed memory over the real link."""

import fcntl
import hashlib
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from nacl.public import PublicKey, SealedBox

from edge.daemons.runtime import SystemClock, boot_id
from edge.link.client import LinkClient
from edge.link.frames import Done, File, Health, Picture, Work

SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
JPEG: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
AT_A_TIME: Final = 8


def memory(content: bytes, seals: int = SEALS) -> int:
    """A memfd with these bytes and seals; the caller's."""
    descriptor = os.memfd_create("picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(descriptor, content)
    if seals:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


def picture_of(sealed: bytes, **said: object) -> Picture:
    """What an honest part says of these bytes, but for what the test says otherwise."""
    picture = Picture(
        id="", alarm="", jti="j-1", camera="gerbang", taken_ns=SystemClock().boot_ns(), boot=boot_id(), frame=1,
        frames=1, sha256=hashlib.sha256(sealed).hexdigest(), size=len(sealed), kid="picture-1",
    )  # fmt: skip
    return replace(picture, **said)  # type: ignore[arg-type]


@dataclass
class PlayedCameras:
    """`turn` it. It takes `frames` pictures of `size` bytes with each of its cameras when it is asked to.

    spool:    by digest: what it was taken for, and the ciphertext; survives `restart`
    received: ids for which the centre has given its receipt
    """

    socket: Path
    cameras: tuple[str, ...] = ("gerbang",)
    frames: int = 1
    size: int = 20_000
    spool: dict[str, tuple[Picture, bytes]] = field(default_factory=dict)
    jpegs: set[bytes] = field(default_factory=set)
    works: list[Work] = field(default_factory=list)
    offered: Counter[str] = field(default_factory=Counter)
    received: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._link = LinkClient(self.socket)
        self._unanswered: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def turn(self) -> bool:
        """Everything that can be done now; True, so that it can stand in a condition."""
        if not self._link.connected:
            self._unanswered.clear()
            if not self._link.open():
                return True
            self._link.send(Health(dict.fromkeys(self.cameras, "up")))
        self._link.flush()
        for frame in self._link.frames():
            if isinstance(frame, Work):
                self.works.append(frame)
                self._do(frame)
        for digest in list(self.spool):
            if len(self._unanswered) < AT_A_TIME and not self.spool[digest][0].id and digest not in self._unanswered:
                self._offer(digest)
        return True

    def restart(self) -> None:
        self._link.close()

    def lose(self) -> None:
        """The spool is gone, as after 72 h."""
        for picture, _ in self.spool.values():
            if picture.id:
                self._link.send(Done(picture.id, "expired"))
        self.spool.clear()

    def _do(self, work: Work) -> None:
        digest = work.args.get("sha256", "")
        match work.what:
            case "snapshot":
                self._take(work)
            case "kept" if digest in self.spool:
                self._unanswered.discard(digest)
                self.spool[digest] = (replace(self.spool[digest][0], id=work.args["id"]), self.spool[digest][1])
            case "offer":
                self._offer_again(work.args["id"])
            case "received":
                self.received.append(work.args["id"])
                self.spool = {key: value for key, value in self.spool.items() if value[0].id != work.args["id"]}
            case "refused":
                self.refused.append(work.args["reason"])
                self.spool.pop(digest, None)

    def _take(self, work: Work) -> None:
        wanted = [name for name in self.cameras if work.args["camera"] in {"", name}]
        for camera in wanted:
            for number in range(1, self.frames + 1):
                jpeg = JPEG + os.urandom(self.size)
                self.jpegs.add(jpeg)
                sealed = SealedBox(PublicKey(work.raw)).encrypt(jpeg)
                taken = picture_of(
                    sealed, alarm=work.args["alarm"], jti=work.args["jti"], camera=camera, frame=number,
                    frames=self.frames, kid=work.args["kid"],
                )  # fmt: skip
                self.spool[taken.sha256] = (taken, sealed)
        self._link.send(Done(work.args["jti"] or work.args["alarm"], "" if wanted else "unknown"))

    def _offer_again(self, identity: str) -> None:
        digest = next((key for key, (picture, _) in self.spool.items() if picture.id == identity), None)
        if digest is None:
            self._link.send(Done(identity, "unknown"))
        else:
            self._offer(digest)

    def _offer(self, digest: str) -> None:
        picture, sealed = self.spool[digest]
        self._unanswered.add(digest)
        self.offered[digest] += 1
        descriptor = memory(sealed)
        self._link.send(File(picture), descriptor)
        os.close(descriptor)
