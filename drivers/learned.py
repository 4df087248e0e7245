"""What conversations with a camera leave for the next one, and how its words are cut to size. Nothing of a login."""

from dataclasses import dataclass, field
from typing import Any, Final

from drivers.camera import Identity, Profile
from drivers.places import Place

WORD: Final = 64  # characters of what a camera may say of itself
PIXELS: Final = 20_000  # of a side; beyond that it is no size


@dataclass(slots=True)
class Learned:
    """ahead_ns: the camera's UTC minus our boot clock; services: by namespace; shots: where its pictures lie, by token.

    shot: where the last good picture came from
    """

    ahead_ns: int | None = None
    services: dict[str, Place] = field(default_factory=dict)
    profiles: tuple[Profile, ...] = ()
    identity: Identity = field(default_factory=Identity)
    shots: dict[str, Place | None] = field(default_factory=dict)
    shot: Place | None = None

    def forget_places(self) -> None:
        """Nothing lies there any more: ask anew, as after new firmware."""
        self.services, self.profiles, self.shot = {}, (), None
        self.shots.clear()


def word(value: Any) -> str:
    """Printable, at most 64 characters, whatever it was; "" for None."""
    if value is None:
        return ""
    return "".join(letter for letter in str(value)[: WORD * 4] if letter.isprintable()).strip()[:WORD]


def number(value: Any) -> int:
    """A number of pixels; 0 where it is none."""
    return value if isinstance(value, int) and 0 <= value <= PIXELS else 0
