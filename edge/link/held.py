"""Rows in a bearer's hands, in the order they should leave. Pure."""

from typing import Final

from edge.core.delivery import RANK
from edge.core.words import EventClass, EventId
from edge.link.frames import Row

URGENT: Final = -1  # before every rank

_Place = tuple[int, int, EventClass]  # urgency, how often the connection died of them, class


def id_of(row: Row) -> EventId:
    return EventId(row.epoch, row.seq)


def is_urgent(row: Row) -> bool:
    """An alarm that is to go alone: all make room for it. One that has waited long is history."""
    return row.alone and row.event_class is EventClass.ALARM


class Held:
    """By urgency, those under suspicion behind their equals, then by class; within that as they came."""

    def __init__(self) -> None:
        self._places: dict[_Place, dict[EventId, Row]] = {}  # sorted; none is empty

    def __bool__(self) -> bool:
        return bool(self._places)

    @property
    def innocent(self) -> int:
        """How many rows are under no suspicion."""
        return sum(len(rows) for (_, strikes, _), rows in self._places.items() if not strikes)

    @property
    def suspected(self) -> int:
        return sum(len(rows) for (_, strikes, _), rows in self._places.items() if strikes)

    def has(self, event_class: EventClass) -> bool:
        return any(place[2] is event_class for place in self._places)

    def add(self, identity: EventId, row: Row, strikes: int) -> None:
        """strikes: how often the connection died of it."""
        place = (URGENT if is_urgent(row) else RANK[row.event_class], strikes, row.event_class)
        rows = self._places.get(place)
        if rows is None:
            self._places[place] = rows = {}
            self._places = dict(sorted(self._places.items(), key=lambda each: each[0]))
        rows[identity] = row

    def first(self) -> Row | None:
        return next((row for rows in self._places.values() for row in rows.values()), None)

    def first_innocent(self) -> Row | None:
        places = (rows for (_, strikes, _), rows in self._places.items() if not strikes)
        return next((row for rows in places for row in rows.values()), None)

    def company(self, row: Row) -> list[Row]:
        """The rows of its place, which are of its class, itself among them."""
        return list(self._places[self._place_of(id_of(row))].values())

    def take(self, ids: tuple[EventId, ...]) -> None:
        """Let go of rows of one place."""
        place = self._place_of(ids[0])
        rows = self._places[place]
        for identity in ids:
            del rows[identity]
        if not rows:
            del self._places[place]

    def clear(self) -> None:
        self._places.clear()

    def _place_of(self, identity: EventId) -> _Place:
        return next(place for place, rows in self._places.items() if identity in rows)
