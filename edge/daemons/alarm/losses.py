"""What this box made and can never send: said to people, to the lamp, and to the centre, which then waits no longer."""

from collections.abc import Callable, Sequence
from typing import Final

from edge.core import codes
from edge.core.outbox import Outbox, Waiting
from edge.core.spans import Span
from edge.core.words import Epoch, EventId, Gone
from edge.daemons.alarm.complaints import Complaints
from edge.daemons.alarm.posts import Lost
from edge.ledger.recorder import Recorder
from edge.ledger.shedding import Debt

RANGES: Final = 64  # in one event, as in a receipt
ASKED_LIMIT: Final = 64  # told in one life of the daemon; whoever holds the receipt key fills no disk by asking


class Losses:
    """Used by the dispatch's thread alone. epoch: our own."""

    def __init__(
        self,
        epoch: Epoch,
        post: Callable[[Lost | Gone], None],
        complaints: Complaints,
        outbox: Outbox,
        recorder: Recorder,
    ) -> None:
        self._epoch = epoch
        self._post = post
        self._complaints = complaints
        self._outbox = outbox
        self._recorder = recorder
        self._told: set[tuple[Epoch, tuple[Span, ...]]] = set()

    def unreadable(self, rows: Sequence[Waiting]) -> None:
        """The ledger does not have their bytes: it owes them, and the lamp waits for them no longer."""
        if rows:
            self._complaints.of(codes.LEDGER_BROKEN.code, "", f"{len(rows)} events cannot be read back")
            self._recorder.write_off([row.id for row in rows])
            self._unlit(rows)

    def gone(self, ids: Sequence[EventId]) -> None:
        """Pictures whose bytes nobody has any more: their rows go, and the ledger owes a `lost` event for them."""
        self._outbox.lost(ids)
        self._recorder.write_off(ids)

    def owed(self, debt: Debt) -> None:
        """The ledger let them go, or never had them: they wait no longer."""
        self._unlit(self._outbox.lost(debt.ids))
        self._post(Gone(debt.epoch, debt.spans, debt.stretch))

    def _unlit(self, rows: Sequence[Waiting]) -> None:
        self._post(Lost(tuple(row.id for row in rows if row.shown)))

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
