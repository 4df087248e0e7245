"""A relay as a real process, between a real broker and an alarm that is played by the test over the real link."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from edge.config.active import encode
from edge.config.model import Configuration, Link, Site, Sounder, Uplink, Zone
from edge.config.places import Places
from edge.core.delivery import Answer
from edge.core.words import BoxId, Epoch, EventClass
from edge.field.children import Child
from edge.link.frames import Bytes, Frame, Hello, LinkState, Marks, News, Pull, Role, Row, Rows, Send, Speak
from edge.link.server import LinkServer, Peer

BOX = BoxId("ktg-k7q2m9xa")
EPOCH = Epoch("7c1f0b2e")
PATIENCE_S = 15.0

Kind = TypeVar("Kind", bound=Frame)


def row(seq: int, event_class: EventClass = EventClass.AUDIT, *, durable: bool = True) -> Row:
    """Alarms are new ones, which are to go alone."""
    return Row(EPOCH, seq, event_class, b'{"sequence":"%d"}' % seq, durable, event_class is EventClass.ALARM)


class PlayedAlarm:
    """Alarm's side of the link: hands out rows for credit, takes back what was not answered when a session ends."""

    def __init__(self, places: Places) -> None:
        self.heard: list[Frame] = []
        self.waiting: deque[Row] = deque()
        self.sent: dict[int, Row] = {}
        self.handed = 0
        self.spoken = 0
        self.up = False
        self._credit = 0
        self._places = places
        self._server: LinkServer | None = None
        self.open()

    def open(self) -> None:
        """Begin to live (again), as after a start of the daemon: the socket is new, no credit is known."""
        uids = {Role.RELAY: os.getuid()}
        self._server = LinkServer(self._places.link, uids, self._hear, self._lost, time.monotonic_ns)
        self._server.open()

    def die(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._take_back()

    def turn(self, wait_s: float = 0.005) -> None:
        if self._server is None:
            time.sleep(wait_s)
            return
        self._server.turn(wait_s)
        self._hand_out()

    def add(self, *rows: Row) -> None:
        self.waiting.extend(rows)
        self.tell(News(rows[0].event_class))

    def tell(self, frame: Frame) -> None:
        assert self._server is not None
        for peer in self._server.peers(Role.RELAY):
            self._server.send(peer, frame)

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.sent

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [frame for frame in self.heard if isinstance(frame, kind)]

    def details(self) -> list[str]:
        return [state.detail for state in self.all(LinkState) if not state.up and state.detail != "connecting"]

    def marked(self, answer: Answer) -> set[int]:
        marks = (mark for frame in self.all(Marks) for mark in frame.marks if mark.state is answer)
        return {seq for mark in marks for seq in mark.seqs}

    def _hand_out(self) -> None:
        while self.up and self._credit and self.waiting:
            each = self.waiting.popleft()
            self._credit -= 1
            self.handed += 1
            self.sent[each.seq] = each
            self.tell(Rows((each,)))

    def _take_back(self) -> None:
        self.waiting.extendleft(reversed(self.sent.values()))
        self.sent.clear()
        self._credit, self.up = 0, False

    def _lost(self, peer: Peer) -> None:
        self._take_back()

    def _hear(self, peer: Peer, frame: Frame) -> None:
        self.heard.append(frame)
        match frame:
            case Hello():
                self._take_back()
                if self.waiting:
                    self.tell(News(self.waiting[0].event_class))
            case LinkState(_, up, detail):
                if not up:
                    self._take_back()
                self.up = up
                if detail == "connecting":
                    self.spoken += 1
                    self.tell(Speak(BOX, b'{"session":%d}' % self.spoken, b'{"will":%d}' % self.spoken, "n"))
            case Pull(_, classes, limit):
                self._credit = self._credit if classes == (EventClass.PICTURE,) else limit  # nobody takes pictures here
            case Marks(marks):
                for seq in (seq for mark in marks for seq in mark.seqs):
                    self.sent.pop(seq, None)
            case Bytes() | Send():
                return


class World:
    """One loop over everything that the test itself plays."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *polls: Callable[[], None],
        second_port: int = 0,
        entry: Sequence[str] = ("-m", "edge.daemons.relay"),
    ) -> None:
        self.places = Places(folder)
        self.alarm = PlayedAlarm(self.places)
        self.relay = Child("relay", [sys.executable, *entry, "--root", str(folder)], folder / "relay.log")
        self._polls = list(polls)
        self.follow = self._polls.append
        self.places.generations.mkdir(parents=True)
        self.configure(port, second_port)

    def configure(self, port: int, second_port: int = 0) -> None:
        """second_port: of a second broker, 0 for none."""
        (self.places.generations / "active.json").write_bytes(encode(configuration(port, second_port)))

    def until(self, done: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < deadline, f"heard: {self.alarm.heard[-8:]}  relay: {self.relay.last_words()}"
            self.alarm.turn()
            for poll in self._polls:
                poll()

    def start(self) -> None:
        self.relay.start()
        self.relay.wait_ready()

    def start_up(self) -> None:
        """Start and wait for the first session."""
        self.start()
        self.until(lambda: self.alarm.up)

    def close(self) -> None:
        self.relay.stop()
        self.alarm.die()


def configuration(port: int, second_port: int = 0) -> Configuration:
    site = Site(id="33.74.10.1004-010-005", name="RT 005", rt="005", rw="010")
    uplink = Uplink(host="127.0.0.1", port=port, tls=False)
    if second_port:
        uplink = replace(uplink, second_host="127.0.0.1", second_port=second_port)
    return Configuration(
        kit="demo",
        site=site,
        zones=(Zone(id="pos-ronda", pin="GPIO23"),),
        sounders=(Sounder(id="siren", pin="GPIO24"),),
        uplink=uplink,
        link=Link(uids={"relay": os.getuid()}),
    )
