"""A courier between a played link and a broker in memory."""

from dataclasses import dataclass, field, replace

from drivers.sim.uplink import SimBroker, SimUplink
from edge.core.retry import FLOOR_S
from edge.core.words import SECOND_NS, BoxId, Epoch, EventClass
from edge.daemons.relay.courier import Courier
from edge.link.frames import Frame, LinkState, Mark, Marks, Row, Speak, pack

BOX = BoxId("ktg-k7q2m9xa")


@dataclass
class PlayedLink:
    connected: bool = True
    frames: list[Frame] = field(default_factory=list)
    given: list[int] = field(default_factory=list)  # descriptors that came with Files

    def take(self) -> int:
        return self.given.pop(0) if self.given else -1

    def send(self, frame: Frame) -> None:
        if self.connected:
            pack(frame)
            self.frames.append(frame)

    def marks(self) -> list[Mark]:
        """One for each row."""
        told = [mark for frame in self.frames if isinstance(frame, Marks) for mark in frame.marks]
        return [replace(mark, seq=seq, count=1) for mark in told for seq in mark.seqs]


class Scene:
    """A courier with a clock in hand; jitter always takes the whole interval."""

    def __init__(self, *, first_s: float = 0.0, spread_s: float = FLOOR_S) -> None:
        self.link = PlayedLink()
        self.broker = SimBroker()
        self.now_ns = 0
        self.off_ns = 0  # of the wall clock from the boot clock
        self.uplink = SimUplink(self.broker)
        self.courier = Courier(
            self.link,
            self.uplink,
            lambda: 1.0,
            utc_ns=lambda: self.now_ns + self.off_ns,
            now_ns=0,
            first_ns=int(first_s * SECOND_NS),
            spread_s=spread_s,
        )

    def hear(self, frame: Frame) -> None:
        self.courier.hear(frame, self.now_ns)

    def turn(self, after_s: float = 0.0) -> None:
        self.now_ns += int(after_s * SECOND_NS)
        if not self.link.connected:
            self.courier.adrift(self.now_ns)
        self.courier.turn(self.now_ns)

    def connect(self) -> None:
        self.turn()
        self.speak()

    def speak(self) -> None:
        self.hear(Speak(BOX, b"state", b"will", "n"))
        self.turn()

    def told(self) -> list[tuple[bool, str]]:
        return [(state.up, state.detail) for state in self.link.frames if isinstance(state, LinkState)]

    def asked(self) -> int:
        return self.told().count((False, "connecting"))


def row(seq: int, event_class: EventClass = EventClass.ALARM) -> Row:
    return Row(Epoch("7c1f0b2e"), seq, event_class, b"%d" % seq, alone=event_class is EventClass.ALARM)
