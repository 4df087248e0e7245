"""What this box made and can never send: said to people, to the lamp, and to the centre, which then waits no longer."""

from collections.abc import Callable, Sequence
from typing import Final

from edge.core import codes
from edge.core.outbox import Waiting
from edge.core.spans import Span, runs
from edge.core.words import Epoch, Gone, Json, Noted
from edge.daemons.alarm.complaints import Complaints
from edge.daemons.alarm.posts import Lost

NAMED: Final = 20  # of many lost events, this many are named
RANGES: Final = 64  # in one event, as in a receipt
ASKED_LIMIT: Final = 64  # told in one life of the daemon; whoever holds the receipt key fills no disk by asking


class Losses:
    """Used by the dispatch's thread alone. epoch: our own."""

    def __init__(self, epoch: Epoch, post: Callable[[Noted | Lost | Gone], None], complaints: Complaints) -> None:
        self._epoch = epoch
        self._post = post
        self._complaints = complaints
        self._told: set[tuple[Epoch, tuple[Span, ...]]] = set()

    def unreadable(self, rows: Sequence[Waiting]) -> None:
        """The ledger does not have their bytes: say so, and let the lamp no longer say that they are on their way."""
        if not rows:
            return
        ids: list[Json] = [str(row.id) for row in rows[:NAMED]]
        self._complaints.of(codes.LEDGER_BROKEN.code, "", f"{len(rows)} events cannot be read back")
        self._post(Noted("events-lost", {"count": len(rows), "ids": ids}))
        self._post(Lost(tuple(row.id for row in rows if row.shown)))
        for epoch in sorted({row.id.epoch for row in rows}):
            self._gone(epoch, tuple(runs(sorted(row.id.seq for row in rows if row.id.epoch == epoch))))

    def asked(self, epoch: Epoch, ranges: tuple[Span, ...]) -> None:
        """The centre asks for what the ledger has not: say once that it will never come.

        Not of our own epoch: its newest rows may still be on their way to the disk.
        """
        told = (epoch, ranges)
        if ranges and epoch != self._epoch and told not in self._told and len(self._told) < ASKED_LIMIT:
            self._told.add(told)
            self._gone(epoch, ranges)

    def _gone(self, epoch: Epoch, ranges: tuple[Span, ...]) -> None:
        for start in range(0, len(ranges), RANGES):
            self._post(Gone(epoch, ranges[start : start + RANGES]))
