"""Press -> PUBACK and press -> subscriber: the real processes, in turns with their baselines."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge.core.words import BoxId
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.bench.bare import BarePaho, Disk
from tests.bench.box import ZONES, opened, start
from tests.bench.centre import PlayedCentre
from tests.bench.figures import Budget, Line, compare, left_out
from tests.bench.rival import NoRival, Rival, install

ROUNDS: Final = 16
QUIET_S: Final = 0.02  # after each measurement, so that one does not run into the next
SETTLE_S: Final = 0.5  # releases settle after 40 ms and wait 200 ms for company on their way to the disk
PATIENCE_S: Final = 15.0
ALARM: Final = b'"type":"id.kentongan.alarm.v1"'
BARE_ROW: Final = b"x" * 1024
PUBACK_BUDGET: Final = Budget(2.5)


@dataclass(slots=True)
class Measured:
    """Nanoseconds from the press; `decided` from the panel's decision to PUBACK.

    bare: one fdatasync and one round trip, one after the other
    """

    stored: list[int] = field(default_factory=list)
    published: list[int] = field(default_factory=list)
    decided: list[int] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)
    bare: list[int] = field(default_factory=list)
    synced: list[int] = field(default_factory=list)
    rival: list[int] = field(default_factory=list)


class Presses:
    """Presses every zone once a round and lets all of them go; `ear` is the plain subscriber."""

    def __init__(self, stage: Stage, ear: BarePaho, bare: BarePaho, disk: Disk, rival: Rival | None) -> None:
        self._stage = stage
        self._ear = ear
        self._bare = bare
        self._disk = disk
        self._rival = rival
        self._centre = PlayedCentre(stage.centre_places, BoxId(stage.box))
        self._topic = f"kentongan/v1/{stage.box}/event/"
        self.measured = Measured()

    def run(self, rounds: int = ROUNDS) -> Measured:
        self._ear.subscribe("kentongan/v1/+/event/#")
        self._ear.until(lambda: ask_status(self._stage.places)["online"], PATIENCE_S)
        self._settle()
        for number in range(rounds):
            for zone in ZONES:
                self._turn(self._stage.line_of(zone))
            self._let_go()
            if number == 0:  # files grow, caches fill, pages are touched for the first time
                self.measured = Measured()
        return self.measured

    def _turn(self, line: str) -> None:
        self._press(line)
        synced_ns = self._disk.append_ns(BARE_ROW)
        self.measured.synced.append(synced_ns)
        self.measured.bare.append(synced_ns + self._bare.round_trip_ns("kentongan/v1/bare/event/x", BARE_ROW))
        self._pause(QUIET_S)
        if self._rival is not None:
            self.measured.rival.append(self._rival.press_ns(self._ear))
            self._pause(QUIET_S)

    def _press(self, line: str) -> None:
        before = len(self._ear.heard)
        pressed_ns = self._stage.wires.press(line)
        self._ear.until(lambda: self._alarm_after(before), PATIENCE_S)
        self.measured.heard.append(self._alarm_after(before) - pressed_ns)
        self._pause(QUIET_S)
        journey = self._journey()
        decided_ns = int(journey["made"]) - pressed_ns
        self.measured.stored.append(decided_ns + _ns(journey["stored"]))
        self.measured.published.append(decided_ns + _ns(journey["published"]))
        self.measured.decided.append(_ns(journey["published"]))

    def _journey(self) -> dict[str, str]:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            journey: dict[str, str] = ask_status(self._stage.places)["journey"]
            if journey["published"]:
                return journey
            self._pause(QUIET_S)
        raise TimeoutError("the box tells of no PUBACK")

    def _alarm_after(self, before: int) -> int:
        """When the box's alarm was heard; 0 if it was not."""
        found = (at for topic, raw, at in self._ear.heard[before:] if topic.startswith(self._topic) and ALARM in raw)
        return next(found, 0)

    def _let_go(self) -> None:
        for zone in ZONES:
            self._stage.wires.release(self._stage.line_of(zone))
        self._settle()

    def _settle(self) -> None:
        """Let everything leave that wants to, and receipt it."""
        self._pause(SETTLE_S)
        events = [raw for topic, raw, _ in self._ear.heard if topic.startswith(self._topic)]
        self._ear.heard.clear()
        for dispatch in self._centre.answer(events):
            self._ear.publish(dispatch.topic, dispatch.raw)
        self._pause(SETTLE_S / 2)

    def _pause(self, for_s: float) -> None:
        deadline = time.monotonic() + for_s
        while (left_s := deadline - time.monotonic()) > 0:
            self._ear.turn(left_s)


def lines(folder: Path) -> list[Line]:
    with opened(folder / "stage") as stage, ExitStack() as open_until_then:
        rival, why = None, ""
        try:
            rival = Rival(install(), folder / "rival", stage.broker.ports["boxes"], stage.centre_places)
            open_until_then.callback(rival.stop)
            rival.start()
        except NoRival as reason:
            rival, why = None, str(reason)
        start(stage)
        return _told(_measure(stage, folder, rival), why)


def _measure(stage: Stage, folder: Path, rival: Rival | None) -> Measured:
    port, disk = stage.broker.ports["boxes"], Disk(folder)
    try:
        with BarePaho("ear", port, stage.centre_places) as ear, BarePaho("bare", port, stage.centre_places) as bare:
            return Presses(stage, ear, bare, disk, rival).run()
    finally:
        disk.close()


def _told(measured: Measured, why_no_rival: str) -> list[Line]:
    bare = "1 KiB fdatasync + paho round trip"
    found = [
        compare("press -> on disk", measured.stored, "1 KiB fdatasync", measured.synced),
        compare("press -> PUBACK known to alarm", measured.published, bare, measured.bare, PUBACK_BUDGET),
        compare("decision -> PUBACK known to alarm", measured.decided, bare, measured.bare),
    ]
    if measured.rival:
        return [*found, compare("press -> subscriber", measured.heard, "mqtt-io 2.7.0, QoS 0, no disk", measured.rival)]
    return [*found, left_out("press -> subscriber beside mqtt-io 2.7.0", why_no_rival)]


def _ns(milliseconds: str) -> int:
    return int(float(milliseconds) * 1e6)
