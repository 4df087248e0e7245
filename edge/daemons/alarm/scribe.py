"""Turns the panel's records into frozen events and hands them on: siren before disk, disk before network."""

import logging
from collections.abc import Mapping

from edge.core.events import Author, freeze
from edge.core.seal import Signer
from edge.core.timing import Clock, stamp
from edge.core.words import Record
from edge.daemons.alarm.dispatch import Dispatch
from edge.ledger.recorder import Recorder

log = logging.getLogger("kentongan.alarm")


class Scribe:
    """Owns the box's signature. Lives in the panel's thread and waits for nothing."""

    def __init__(self, author: Author, signer: Signer, clock: Clock, recorder: Recorder, dispatch: Dispatch) -> None:
        self._author = author
        self._signer = signer
        self._clock = clock
        self._recorder = recorder
        self._dispatch = dispatch
        self.refused = 0

    def write(self, record: Record, at_ns: int, notes: Mapping[str, object] | None = None) -> None:
        """Sign, freeze, and give to the ledger and the bearers at once. Never raises: other records wait behind.

        at_ns: now on the boot clock; what happened before carries its own time
        """
        try:
            event = freeze(record, stamp(self._clock, record.at_ns or at_ns), self._author, self._signer)
            if self._recorder.append(event, notes):
                self._dispatch.offer(event, at_ns)
                return
            reason = "memory full"
        except Exception as error:  # noqa: BLE001  the border between the siren and what is told of it
            reason = f"{type(error).__name__}: {error}"
        self.refused += 1
        log.error("event not kept  cause=%s refused=%d", reason, self.refused)
