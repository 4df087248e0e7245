"""A bearer played by the test over the real link: pulls everything, keeps what it was handed, passes receipts on."""

import select
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from edge.core.delivery import Answer
from edge.core.words import EventClass, EventId
from edge.link.client import LinkClient
from edge.link.frames import Bytes, Frame, LinkState, Mark, Marks, Pull, Row, Rows, Send, Speak
from tests.daemons.witness import WITNESS
from tests.pages import Said

EVERYTHING: Final = tuple(EventClass)
ALARM: Final = b'"type":"id.kentongan.alarm.v1"'
CREDIT: Final = 100_000
LOOK_S: Final = 0.01


class Bearer:
    """Connects as the relay does and says that the broker is there. `rows`: what it was handed, the latest of each."""

    def __init__(self, link: Path) -> None:
        self._client = LinkClient(link / "relay.sock")
        self.up = False
        self._box = ""
        self.rows: Final[dict[EventId, Row]] = {}
        self.handed: Final[list[Row]] = []

    def turn(self, wait_s: float = LOOK_S) -> None:
        """Greet when there is somebody to greet, then take in what comes within `wait_s`."""
        if not self._client.connected:
            self.up = False
            if not self._client.open():
                time.sleep(wait_s)
                return
            self._client.send(LinkState("mqtt", up=False, detail="connecting"))
        select.select([self._client], [self._client] if self._client.wants_write else [], [], wait_s)
        self._client.flush()
        for frame in self._client.frames():
            self._hear(frame)

    def until(self, done: Callable[[], object], within_s: float, what: str = "") -> None:
        deadline = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
            self.turn()

    def alarms(self, zone: str = "") -> list[Row]:
        """Alarms handed over (of one zone), without their updates, in the order of their first coming."""
        wanted = f'"subject":"zone/{zone}"'.encode() if zone else b""
        return [row for row in self.rows.values() if ALARM in row.raw and wanted in row.raw]

    def pass_on(self, kind: str, raw: bytes) -> None:
        self._client.send(Bytes(kind, raw))

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hear(self, frame: Frame) -> None:
        match frame:
            case Speak(box, state, will):
                self._box = box
                self._tell("state", state)
                self._tell("state", will)
                self._client.send(LinkState("mqtt", up=True))
                self._client.send(Pull("mqtt", EVERYTHING, CREDIT))
                self.up = True
            case Rows(rows):
                for row in rows:
                    self._tell(f"event/{row.event_class}", row.raw)
                    self.handed.append(row)
                    self.rows[EventId(row.epoch, row.seq)] = row
                    self._client.send(Marks((Mark(row.epoch, row.seq, Answer.PUBLISHED),)))
            case Send(kind, raw):
                self._tell(kind, raw)
            case _:
                return

    def _tell(self, leaf: str, raw: bytes) -> None:
        WITNESS.hear(Said(f"kentongan/v1/{self._box}/{leaf}", raw, qos=1, retain=leaf == "state"))
