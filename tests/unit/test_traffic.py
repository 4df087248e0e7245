"""What alarm tells a bearer that has no credit: once, and again when something more urgent comes."""

from collections.abc import Sequence

from edge.core.events import Frozen
from edge.core.outbox import Outbox
from edge.core.words import Epoch, EventClass, EventId
from edge.daemons.alarm.traffic import Traffic
from edge.link.frames import Frame, News


def event(seq: int, event_class: EventClass) -> Frozen:
    return Frozen(EventId(Epoch("7c1f0b2e"), seq), event_class, b"raw")


def fetch(_ids: Sequence[EventId]) -> None: ...


def test_an_alarm_is_announced_over_news_that_was_not_worth_hurrying_for() -> None:
    told: list[Frame] = []
    traffic = Traffic(Outbox(lambda: 0.5), told.append, fetch)
    for seq, event_class in enumerate([EventClass.AUDIT, EventClass.AUDIT, EventClass.ALARM, EventClass.TROUBLE], 1):
        made = event(seq, event_class)
        traffic.made(made, 0)
        traffic.stored([made.id], 0)
        traffic.serve(0, up=False)

    assert told == [News(EventClass.AUDIT), News(EventClass.ALARM)]
