"""Whose keys the box believes: the newest keyset that the pinned offline root has signed; its version only rises."""

import logging
import threading
from pathlib import Path
from typing import Final

from edge.config.generations import write_atomically
from edge.core.seal import Forged, Keyset, read_keyset
from edge.core.words import BoxId

log = logging.getLogger("kentongan.alarm")

NOTHING: Final = Keyset(0, ())


class Keyring:
    """Takes keysets in and keeps them over a restart, in a thread of its own: a card that hangs holds nobody up.

    root_public: the pinned root, 32 bytes; None where the box has none, and then nothing is believed
    path:        where the newest one is kept, beside what enrolment laid down
    """

    def __init__(self, box: BoxId, keyset: Keyset | None, root_public: bytes | None, path: Path | None) -> None:
        self._box = box
        self._root_public = root_public
        self._path = path
        self.keyset = keyset or NOTHING
        self._writing: threading.Thread | None = None

    @property
    def is_revoked(self) -> bool:
        """The root has named this very box as lost or replaced: the centre no longer listens to it."""
        return self._box in self.keyset.revoked

    def take(self, raw: bytes) -> bool:
        """Believe a newer keyset; False where it is the one we have.

        raises: Forged, first word key or version: not signed by our root, or older than what we believed already
        """
        if self._root_public is None:
            raise Forged("key: no root is pinned")
        offered = read_keyset(raw, self._root_public)
        if offered == self.keyset:
            return False
        if offered.version <= self.keyset.version:
            raise Forged(f"version: {offered.version} offered, {self.keyset.version} believed")
        self.keyset = offered
        self._keep(raw)
        return True

    def settle(self, timeout_s: float) -> None:
        """Wait for the last write, at the end of the daemon."""
        if self._writing is not None:
            self._writing.join(timeout_s)

    def _keep(self, raw: bytes) -> None:
        if self._path is not None:
            before, path = self._writing, self._path
            self._writing = threading.Thread(target=_write, args=(path, raw, before), name="keyring", daemon=True)
            self._writing.start()


def _write(path: Path, raw: bytes, before: threading.Thread | None) -> None:
    """Whole or not at all, one after another; what fails is asked for again: the broker retains it."""
    if before is not None:
        before.join()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, raw)
    except OSError as error:
        log.warning("keyset not kept, believed until the next start  cause=%s", error)
