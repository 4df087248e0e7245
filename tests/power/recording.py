"""One session of the real alarm daemon, every call to the kernel recorded: what it wrote, and what it told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from edge.core.words import EventId
from edge.ledger.ledger import CHECKPOINT_PAGES
from edge.link.frames import BadFrame, Row, Rows, unpack
from tests.daemons.alarm_box import AlarmBox
from tests.daemons.bearer import Bearer
from tests.power.disk import TRACED, Disk
from tests.power.strace import Call, Strace, read_calls, wait_for_end

WITHIN_S: Final = 15.0
DARK_NS: Final = range(450_000_000, 900_000_000)  # between two flashes of mengirim: 600 ms, like no other face


@dataclass(frozen=True, slots=True)
class Claim:
    """From this line of the record on, these events are promised to survive."""

    at: int
    events: Mapping[EventId, bytes]


@dataclass(frozen=True, slots=True)
class Recording:
    """claims, in order: a lamp that lit mengirim, and every row handed over as durable (told in the same breath)."""

    disk: Disk
    claims: Sequence[Claim]
    public: bytes

    def promised(self, cut: int) -> dict[EventId, bytes]:
        """What a cut before line `cut` must not cost."""
        return {identity: raw for claim in self.claims if claim.at < cut for identity, raw in claim.events.items()}


class Session:
    """Presses the buttons of a traced daemon, one after the other, each until it is handed over as stored."""

    def __init__(self, box: AlarmBox, folder: Path) -> None:
        self._box = box
        self._folder = folder
        self._calls: list[Call] = []
        self._presses = 0
        self._flashes: list[tuple[int, Row]] = []
        self.bearer: Final[Bearer] = box.bearer()

    @staticmethod
    def traced(strace: Strace, folder: Path) -> Callable[[Sequence[str]], Sequence[str]]:
        """For AlarmBox: each start has its calls in a file of `folder` named by its number."""
        return lambda command: strace.command(TRACED, folder / "calls", command)

    def press_in_the_dark(self) -> None:
        """Press before any bearer is there: the lamp alone says mengirim; then let a bearer fetch the event."""
        before = self._strokes()
        zone = self._press()
        self._box.wires.watch(lambda _bench: bool(_mengirim(self._strokes()[len(before) :])), WITHIN_S)
        at_ns = _mengirim(self._strokes()[len(before) :])
        assert at_ns, "the lamp never said mengirim"
        self.bearer.until(lambda: self.bearer.alarms(zone), WITHIN_S, "the alarm that the lamp showed")
        self._flashes.append((at_ns, self.bearer.alarms(zone)[-1]))
        self._box.wires.release(self._box.line_of(zone))

    def press(self, times: int) -> None:
        for _ in range(times):
            known = len(self.bearer.alarms())
            zone = self._press()
            self.bearer.until(lambda: len(self.bearer.alarms()) > known, WITHIN_S, f"press of {zone}")  # noqa: B023
            self._box.wires.release(self._box.line_of(zone))

    def receive_all(self) -> None:
        """The centre's receipt for all that was handed over: rows change, nobody syncs them."""
        self.bearer.pass_on("receipt", self._box.receipt(self.bearer.rows.values()))

    def fill_the_log(self) -> None:
        """Press until the next idle second brings a checkpoint."""
        while self._wal_bytes() < CHECKPOINT_PAGES * 4096:
            self.press(1)

    def idle_until_checkpoint(self) -> None:
        self.bearer.until(lambda: self._wal_bytes() == 0, WITHIN_S, "a checkpoint")

    def die(self) -> None:
        """SIGKILL in the middle of a press: the kernel keeps what was written, and goes on with it."""
        self._press()
        self._ended(self._box.alarm.kill())

    def stop(self) -> None:
        pid = self._box.alarm.pid
        assert self._box.alarm.stop() == 0
        self._ended(pid)

    def recording(self) -> Recording:
        claims = [claim for call in self._calls if (claim := _handed_over(call))]
        claims += [Claim(self._line_of(at_ns), {_id(row): row.raw}) for at_ns, row in self._flashes]
        disk = Disk(self._box.places.ledger.parent, self._calls)
        return Recording(disk, sorted(claims, key=lambda claim: claim.at), self._box.public)

    def _press(self) -> str:
        zone = self._box.site.zones[self._presses % len(self._box.site.zones)].id
        self._presses += 1
        self._box.wires.press(self._box.line_of(zone))
        return zone

    def _strokes(self) -> list[tuple[int, bool]]:
        return self._box.strokes("lampu")

    def _wal_bytes(self) -> int:
        return Path(f"{self._box.places.ledger}-wal").stat().st_size

    def _ended(self, pid: int) -> None:
        """Add this life's record to that of the lives before."""
        record = self._folder / "calls"
        wait_for_end(record, pid)
        past = max((call.ended or call.began for call in self._calls), default=-1) + 1
        for call in read_calls(record):
            ended = None if call.ended is None else call.ended + past
            self._calls.append(replace(call, began=call.began + past, ended=ended))
        record.unlink()

    def _line_of(self, stroke_ns: int) -> int:
        """Where the daemon drove the lamp's line."""
        for call in self._calls:
            if call.name == "write" and call.buffer()[1].startswith(b"%d " % stroke_ns):
                return call.began
        raise AssertionError("the lamp's stroke is not in the record")


def _mengirim(strokes: Sequence[tuple[int, bool]]) -> int:
    """When the first whole flash of mengirim had ended; 0 before there is one.

    Its beginning cannot be seen: the lamp may be on already, because somebody touched.
    """
    for (began_ns, on), (ended_ns, _) in pairwise(strokes):
        if not on and ended_ns - began_ns in DARK_NS:
            return began_ns
    return 0


def _handed_over(call: Call) -> Claim | None:
    """Rows that a call gave to the bearer as durable."""
    if call.name != "sendto":
        return None
    try:
        frame = unpack(call.buffer()[1])
    except BadFrame:
        return None
    if not isinstance(frame, Rows):
        return None
    return Claim(call.began, {_id(row): row.raw for row in frame.rows if row.durable})


def _id(row: Row) -> EventId:
    return EventId(row.epoch, row.seq)
