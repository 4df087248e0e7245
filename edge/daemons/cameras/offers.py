"""The spool's side of the link: which pictures alarm has been offered, and what it made of them."""

import logging
import os
from typing import Final

from edge.core.words import SECOND_NS
from edge.daemons.cameras.sealing import sealed_memory
from edge.daemons.cameras.spool import Spool
from edge.daemons.cameras.voice import Voice
from edge.link.frames import Done, File, Picture, Work

log = logging.getLogger("kentongan.cameras")

OFFERED_MAX: Final = 8  # at a time without an answer: alarm holds each in memory
AGAIN_NS: Final = 60 * SECOND_NS  # an offer without an answer by then is made again
LOOK_NS: Final = 600 * SECOND_NS  # between two looks for what has become too old


class Offers:
    def __init__(self, spool: Spool, voice: Voice) -> None:
        self._spool = spool
        self._voice = voice
        self._offered: dict[str, int] = {}  # sha256 -> when
        self._expire_ns = 0

    def greeted(self) -> None:
        """A new connection: whatever was offered before may never have arrived."""
        self._offered.clear()

    def turn(self, now_ns: int) -> None:
        if now_ns >= self._expire_ns:
            self._expire_ns = now_ns + LOOK_NS
            self._spool.expire()
        if not self._voice.is_heard:
            return
        self._offered = {sha: at_ns for sha, at_ns in self._offered.items() if now_ns - at_ns < AGAIN_NS}
        for spooled in self._spool.pictures():
            if len(self._offered) >= OFFERED_MAX:
                return
            if not spooled.picture.id and spooled.picture.sha256 not in self._offered:
                self._offered[spooled.picture.sha256] = now_ns
                self._hand(spooled.picture)

    def hear(self, work: Work) -> None:
        """Work "kept", "offer", "refused" or "received"; its arguments come from alarm, which is believed."""
        sha256, event = work.args.get("sha256", ""), work.args.get("id", "")
        try:
            match work.what:
                case "kept":
                    self._offered.pop(sha256, None)
                    self._spool.kept(sha256, event)
                case "offer":
                    self._again(event)
                case "refused":
                    self._offered.pop(sha256, None)
                    log.warning("a picture was not taken  reason=%s", work.args.get("reason", ""))
                    self._spool.refused(sha256)
                case "received":
                    self._spool.received(event, sha256)
        except OSError as error:
            log.error("the spool does not take it  what=%s cause=%s", work.what, error.strerror)

    def _again(self, event: str) -> None:
        spooled = self._spool.by_event(event)
        if spooled is None or not self._hand(spooled.picture):
            self._voice.say(Done(event, "unknown"))

    def _hand(self, picture: Picture) -> bool:
        """False where the card does not give it back."""
        ciphertext = self._spool.read(picture)
        if not ciphertext:
            return False
        descriptor = sealed_memory(ciphertext)
        try:
            self._voice.hand(File(picture), descriptor)
        finally:
            os.close(descriptor)
        return True
