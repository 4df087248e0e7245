"""What the offline root says now: the keyset's file, read again while the centre runs."""

import logging
from collections.abc import Callable
from typing import Final

from edge.centre.ingest import Ingest
from edge.centre.picture_keys import PictureKeys
from edge.centre.places import CentrePlaces
from edge.centre.receipts import Receipts
from edge.centre.trust import AuthorityMissing, open_keyset, open_signer
from edge.core.seal import Forged, Keyset, Use

LOOK_EVERY_S: Final = 2.0  # a revoked key is refused by boxes five minutes later at most; this is our part of it

_log = logging.getLogger("kentongan.centre")


class LiveKeys:
    """Follows `keys/keyset.jws`; a file that is half written, foreign or older changes nothing.

    now_s: a clock that only rises, in seconds
    """

    def __init__(
        self, places: CentrePlaces, keyset: Keyset, ingest: Ingest, receipts: Receipts, now_s: Callable[[], float]
    ) -> None:
        self._places = places
        self._version = keyset.version
        self._ingest = ingest
        self._receipts = receipts
        self._now_s = now_s
        self._looked_s = now_s()
        self.raw = places.keyset.read_bytes()

    def news(self) -> bool:
        """Whether the root said something new, which counts here already and is to be published: `raw`."""
        if self._now_s() - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = self._now_s()
        try:
            return self._look()
        except (AuthorityMissing, Forged, OSError) as error:
            _log.warning("keyset not taken, the one before stays  cause=%s", error)
            return False

    def _look(self) -> bool:
        raw = self._places.keyset.read_bytes()
        if raw == self.raw:
            return False
        keyset, signer = open_keyset(self._places), open_signer(self._places, Use.RECEIPT)
        if keyset.version <= self._version:
            raise Forged(f"version {keyset.version} after {self._version}")
        self._ingest.trust(keyset)
        self._receipts.sign_with(signer)
        self._ingest.pictures = PictureKeys.read(self._places)
        self.raw, self._version = raw, keyset.version
        _log.info("keys changed  version=%d revoked=%d", keyset.version, len(keyset.revoked))
        return True
