"""The delivery table: what an answer on the way to the centre does to a row. No line of it discards an alarm.

a row is    an answer comes           then                        until
----------  ------------------------  --------------------------  ---------------------------------
new         commit done               stored                      pulled by a bearer
new         no commit within 1 s      leaves marked not durable   committed after all
sent        PUBLISHED (PUBACK 0x00)   published                   receipt, or 5, 10, 20 ... 60 s
sent        NOBODY (0x10)             stored, trouble             the next beat
sent        RETRY (0x80, 0x83)        stored                      backoff
sent        QUOTA (0x97)              stored, its class pauses    backoff
sent        FORBIDDEN (0x87)          parked, trouble             the next connection
sent        LOST (connection died)    stored                      the next connection
sent        POISON (kills it alone)   own slow lane, trouble      60 s; the fifth: dead, never an alarm
any         receipt verified          received                    for ever
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.core.words import SECOND_NS, EventClass

COMMIT_WITHIN_NS: Final = 1 * SECOND_NS  # slower than this and the bytes leave without the disk
BEAT_NS: Final = 60 * SECOND_NS
LANE_NS: Final = 60 * SECOND_NS
POISON_LIMIT: Final = 5
SILENT_AFTER_NS: Final = 150 * SECOND_NS  # a beat unanswered for this long: centre not listening


class RowState(StrEnum):
    NEW = "new"
    STORED = "stored"
    SENT = "sent"
    PUBLISHED = "published"
    PARKED = "parked"
    RECEIVED = "received"
    DEAD = "dead"


class Answer(StrEnum):
    """What a bearer says of a row it was handed; the values of `drivers.ports.Outcome`, and LOST."""

    PUBLISHED = "published"
    NOBODY = "nobody"
    RETRY = "retry"
    QUOTA = "quota"
    FORBIDDEN = "forbidden"
    POISON = "poison"
    LOST = "lost"


class Wait(StrEnum):
    """What a row waits for before it may be pulled again."""

    RECEIPT = "receipt"
    BEAT = "beat"
    BACKOFF = "backoff"
    CONNECTION = "connection"
    LANE = "lane"


@dataclass(frozen=True, slots=True)
class Rule:
    then: RowState
    wait: Wait
    trouble: str = ""
    pauses_class: bool = False


RULES: Final[Mapping[Answer, Rule]] = {
    Answer.PUBLISHED: Rule(RowState.PUBLISHED, Wait.RECEIPT),
    Answer.NOBODY: Rule(RowState.STORED, Wait.BEAT, trouble="E-CENTRE-SILENT"),
    Answer.RETRY: Rule(RowState.STORED, Wait.BACKOFF),
    Answer.QUOTA: Rule(RowState.STORED, Wait.BACKOFF, pauses_class=True),
    Answer.FORBIDDEN: Rule(RowState.PARKED, Wait.CONNECTION, trouble="E-BROKER-REFUSED"),
    Answer.LOST: Rule(RowState.STORED, Wait.CONNECTION),
    Answer.POISON: Rule(RowState.STORED, Wait.LANE, trouble="E-EVENT-POISON"),
}

RANK: Final[Mapping[EventClass, int]] = {
    EventClass.ALARM: 0,
    EventClass.RESTORAL: 1,
    EventClass.TAMPER: 1,
    EventClass.TROUBLE: 1,
    EventClass.TEST: 2,
    EventClass.AUDIT: 2,
    EventClass.INVENTORY: 3,
    EventClass.PICTURE: 4,
}


def pause_ns(wait: Wait, attempt: int, random01: float, event_class: EventClass = EventClass.ALARM) -> int:
    """How long a row rests after its `attempt`-th try (from 1); 0 where an event, not a clock, ends the wait.

    A picture is 50 publications: whole again after 1, 2, 4 ... 60 minutes.
    """
    match wait:
        case Wait.RECEIPT if event_class is EventClass.PICTURE:
            return min(1 << min(attempt - 1, 8), 60) * 60 * SECOND_NS
        case Wait.RECEIPT:
            return min(5 << min(attempt - 1, 8), 60) * SECOND_NS
        case Wait.BACKOFF:
            return int(min(1 << min(attempt, 8), 60) * (0.5 + random01 / 2) * SECOND_NS)
        case Wait.BEAT:
            return BEAT_NS
        case Wait.LANE:
            return LANE_NS
        case Wait.CONNECTION:
            return 0
