"""The far side of the outage, one and the same broker for everybody, and the subscriber that counts what arrives."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.field.broker import ANONYMOUS
from edge.field.stage import Stage
from tests.bench.subscriber import Subscriber

COUNT_MAX_S: Final = 240.0
TOKEN: Final = "peer"  # thingsboard-gateway's access token, which it gives as its user name


class Upstream(Stage):
    """A stage whose broker has a plain listener beside the boxes' own, where everything may be said and heard."""

    def _listeners(self) -> dict[str, tuple[str, ...]]:
        return {**super()._listeners(), "plain": ANONYMOUS}

    def _access(self) -> Path:
        """The product's list for whoever has a certificate; what stands before its users is for those without."""
        access = self._folder / "acl"
        access.write_text(
            f"topic readwrite #\nuser {TOKEN}\ntopic readwrite #\n" + super()._access().read_text("utf-8"), "utf-8"
        )
        return access

    def _limits(self) -> tuple[str, ...]:
        """What waits for a subscriber is never dropped here: this broker is not what is measured."""
        return ("max_queued_messages 0",)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came, as the subscriber counted it. Times on the boot clock, of different events.

    behind: events that came after a later one
    """

    different: int
    twice: int
    behind: int
    first_ns: int
    last_ns: int

    @property
    def drain_s(self) -> float:
        """From the first to the last."""
        return (self.last_ns - self.first_ns) / 1e9

    @property
    def rate(self) -> float:
        """Events a second between the two; 0 where there are not two."""
        return (self.different - 1) / self.drain_s if self.drain_s > 0 else 0.0


class Counter(Subscriber):
    """tests.peers.ear: it keeps its session over the outage.

    played: the centre's root and the box that it writes receipts for, if it is to
    """

    def __init__(self, port: int, count: int, played: Sequence[str]) -> None:
        super().__init__("tests.peers.ear", str(port), str(count), *played)

    def heard(self) -> Heard:
        """Once it is quiet. Raises ConnectionError if the subscriber died."""
        return Heard(**self.told(COUNT_MAX_S))
