"""The keys that pictures are sealed to: the newest for boxes, the older ones for what was sealed before.

Every private half lies in `keys/picture-N.key`, by the name that the keyset gives it, and stays when the key is
withdrawn: whoever takes it away takes away the pictures that were sealed to it.
"""

import re
from collections.abc import Mapping
from typing import Final, Self

from edge.centre.places import CentrePlaces
from edge.core.pictures import JPEG_BEGINS
from edge.core.seal import KEY_BYTES, Forged, Use
from edge.enrol.sealed import opened

_KEY_FILE: Final = re.compile(rf"({Use.PICTURE}-[0-9]{{1,9}})\.key")


class NotOpened(Forged):
    """Whole, but we have no key for it, or it is no picture; the same bytes again would change nothing."""


class PictureKeys:
    """Reads what boxes have sealed. The seeds stay inside and have no readable form."""

    def __init__(self, seeds: Mapping[str, bytes]) -> None:
        """seeds: 32 bytes (X25519) by kid."""
        self._seeds = dict(seeds)

    @classmethod
    def read(cls, places: CentrePlaces) -> Self:
        """Whatever lies in the folder; a centre from before there were pictures has none. Raises OSError."""
        found = [(match[1], path) for path in places.keys.glob("*.key") if (match := _KEY_FILE.fullmatch(path.name))]
        seeds = {kid: path.read_bytes() for kid, path in found}
        return cls({kid: seed for kid, seed in seeds.items() if len(seed) == KEY_BYTES})

    def opened(self, kid: str, sealed: bytes) -> bytes:
        """The JPEG in a sealed box. Raises NotOpened."""
        seed = self._seeds.get(kid)
        if seed is None:
            raise NotOpened("picture: sealed to a key that is not here")
        try:
            picture = opened(seed, sealed)
        except Forged as error:
            raise NotOpened("picture: not sealed for its key, or damaged") from error
        if not picture.startswith(JPEG_BEGINS):
            raise NotOpened("picture: what was sealed is no JPEG")
        return picture


NO_KEYS: Final = PictureKeys({})
