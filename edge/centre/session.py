"""Keeps the centre connected: one session after another, with jitter, and nothing acknowledged before its commit."""

import logging
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from drivers.dial import Endpoint
from drivers.letters import Dispatch
from drivers.mqtt_centre import CentreSession, Membership, SessionLost
from edge.centre.ingest import Harvest, Ingest
from edge.centre.kept import StoreFailed
from edge.centre.topics import KEYS_TOPIC

PAUSE_MAX_S: Final = 10.0
SETTLED_S: Final = 30.0  # a connection that lasted this long starts the backoff anew

_log = logging.getLogger("kentongan.centre")


@dataclass(frozen=True, slots=True)
class Connected:
    """The session stands and everything is subscribed."""

    broker: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    broker: str
    cause: str
    text: str
    again_s: float


class Keys(Protocol):
    """The keyset's bytes, published at every connection and whenever they change (edge.centre.live)."""

    raw: bytes

    def news(self) -> bool: ...


class Session:
    """The centre's one loop.

    member:   in whose name, and what it hears (edge.centre.sharing)
    told:     hears every harvest, and the connection come and go; it must not wait
    wake:     a descriptor that becomes readable when the centre shall stop
    random01: for the jitter
    """

    def __init__(
        self,
        endpoint: Endpoint,
        ingest: Ingest,
        keys: Keys,
        *,
        member: Membership,
        told: Callable[[Harvest | Connected | Disconnected], None],
        wake: int,
        random01: Callable[[], float],
    ) -> None:
        self._endpoint = endpoint
        self._ingest = ingest
        self._keys = keys
        self._member = member
        self._told = told
        self._wake = wake
        self._random01 = random01
        self.faults = 0  # exceptions that nobody foresaw

    def run(self) -> None:
        """Serve until `wake`. A lost broker or a full disk costs a pause, never a letter."""
        attempt = 0
        while not self._stopping(0.0):
            began = time.monotonic()
            try:
                self._serve()
            except SessionLost as lost:
                cause, text = lost.cause, str(lost)
            except StoreFailed as failed:
                _log.error(
                    "store refused a group; its letters stay with the broker  cause=%s", failed
                )  # the disk's words suffice
                cause, text = "store", str(failed)
            except Exception as error:  # noqa: BLE001  # whatever it is, the boxes wait for a centre that listens
                self.faults += 1
                _log.exception("centre fault; its letters stay with the broker  count=%d", self.faults)
                cause, text = "fault", type(error).__name__
            else:
                return
            attempt = 0 if time.monotonic() - began > SETTLED_S else attempt + 1
            self._pause(attempt, cause, text)

    def _pause(self, attempt: int, cause: str, text: str) -> None:
        again_s = min(PAUSE_MAX_S, 0.25 * 2 ** min(attempt, 8)) * self._random01()
        if not self._stopping(0.0):
            self._told(Disconnected(str(self._endpoint), cause, text, again_s))
            self._stopping(again_s)

    def _serve(self) -> None:
        with CentreSession.open(self._endpoint, self._member, wake=self._wake) as session:
            self._publish_keys(session)
            self._told(Connected(str(self._endpoint)))
            while not self._stopping(0.0):
                self._group(session)
                if self._keys.news():
                    self._publish_keys(session)

    def _publish_keys(self, session: CentreSession) -> None:
        session.send(Dispatch(KEYS_TOPIC, self._keys.raw, retain=True))

    def _group(self, session: CentreSession) -> None:
        """Commit what has come, say so to the boxes, then let the broker forget it."""
        letters = session.receive(1.0)
        if not letters:
            return
        harvest = self._ingest.take(letters)
        for dispatch in harvest.dispatches:
            session.send(dispatch)
        session.acknowledge(letters)
        self._told(harvest)

    def _stopping(self, within_s: float) -> bool:
        ready, _, _ = select.select([self._wake], [], [], within_s)
        return bool(ready)
