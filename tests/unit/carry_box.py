"""What the tests of the bearers' loop share: rows, what one step of work says, alarm's outbox with a choosy broker."""

from collections.abc import Iterable

from edge.core.delivery import Answer
from edge.core.outbox import Outbox, Waiting
from edge.core.words import SECOND_NS, Epoch, EventClass, EventId
from edge.link.carry import Carry, Work
from edge.link.frames import Mark, Marks, Pull, Row

EPOCH = Epoch("7c1f0b2e")


def row(seq: int, event_class: EventClass = EventClass.AUDIT) -> Row:
    """Alarms are new ones, which are to go alone."""
    return Row(EPOCH, seq, event_class, b"row %d" % seq, alone=event_class is EventClass.ALARM)


def rows(*seqs: int, event_class: EventClass = EventClass.AUDIT) -> tuple[Row, ...]:
    return tuple(row(seq, event_class) for seq in seqs)


def waited(*seqs: int) -> tuple[Row, ...]:
    """Alarms that have waited long: history."""
    return tuple(row(seq, EventClass.ALARM)._replace(alone=False) for seq in seqs)


def identity(seq: int) -> EventId:
    return EventId(EPOCH, seq)


def sent(work: Work) -> list[int]:
    return [row.seq for parcel in work.parcels for row in parcel]


def pulled(work: Work) -> list[int]:
    return [frame.limit for frame in work.frames if isinstance(frame, Pull)]


def marks(work: Work) -> list[tuple[int, Answer]]:
    return [(seq, mark.state) for mark in _marked(work) for seq in mark.seqs]


def _marked(work: Work) -> list[Mark]:
    return [mark for frame in work.frames if isinstance(frame, Marks) for mark in frame.marks]


class Box:
    """Alarm's outbox, the loop, and a broker that breaks off when it gets one of the poisonous rows."""

    def __init__(self, poison: Iterable[int], window: int, batch: int = 0) -> None:
        self.outbox = Outbox(lambda: 0.5)
        self.carry = Carry("mqtt")
        self.now_ns = SECOND_NS
        self.reconnects = -1
        self.passed: list[int] = []
        self.marked: list[int] = []
        self._up = False
        self._poison = set(poison)
        self._window = window
        self._batch = batch
        self._classes: dict[int, EventClass] = {}

    def add(self, seq: int, event_class: EventClass) -> None:
        self._classes[seq] = event_class
        self.outbox.add(Waiting(identity(seq), 0, event_class, b""))

    def connect(self) -> None:
        self.reconnects += 1
        self.carry.up(self._window, self.now_ns, batch=self._batch)
        self._up = True
        for _ in range(3):
            while self._up and self._step():
                pass
            self.now_ns += SECOND_NS

    def _step(self) -> bool:
        """One exchange; False when nothing moves."""
        work = self.carry.work(self.now_ns)
        self._tell(work)
        if any(each.seq in self._poison for parcel in work.parcels for each in parcel):
            self._break_off()
            return True
        for parcel in work.parcels:
            self.passed += [each.seq for each in parcel]
            self.carry.settled(identity(parcel[0].seq), Answer.PUBLISHED, self.now_ns)
        return bool(work.frames or work.parcels)

    def _break_off(self) -> None:
        self._up = False
        self.now_ns += SECOND_NS // 10
        self.carry.down(self.now_ns, unexplained=True)
        self._tell(self.carry.work(self.now_ns))
        self.outbox.disconnected()

    def _tell(self, work: Work) -> None:
        for seq, state in marks(work):
            if state is Answer.POISON:
                self.marked.append(seq)
            self.outbox.answered(identity(seq), state, self.now_ns)
            if state is Answer.PUBLISHED:
                self.outbox.received([identity(seq)])
        for frame in work.frames:
            if isinstance(frame, Pull):
                taken = self.outbox.take(frame.classes, frame.limit, self.now_ns)
                self.carry.rows(row(each.id.seq, each.event_class) for each in taken)
