"""What the ledger's thread does when nobody wants anything of it: small steps, each shorter than an alarm can wait."""

import logging
from collections.abc import Callable
from typing import Final

from edge.ledger.ledger import Ledger
from edge.ledger.shedding import Debt

log = logging.getLogger("kentongan.alarm")

STEP_S: Final = 0.02  # between two steps of tidying or looking: the disk is the alarms' again
BETWEEN_S: Final = 0.05  # after work, while the look at everything is not done: a busy box gets to its end too
LOOK_S: Final = 0.01  # one step of looking for damage
SPARE_PAGES: Final = 64  # what a storm of a hundred alarms needs
CALM_S: Final = 10.0  # a stretch of loss has ended when nothing more was lost for so long,
STRETCH_S: Final = 60.0  # and is told after so long, ended or not


class Upkeep:
    """tell_debt: called with each debt once per run, when its stretch has ended."""

    def __init__(self, tell_debt: Callable[[Debt], None], monotonic: Callable[[], float]) -> None:
        self._tell_debt = tell_debt
        self._monotonic = monotonic
        self._told: set[str] = set()
        self._untold: list[Debt] = []
        self._since_s = self._grown_s = 0.0
        self._untidy = True
        self._unchecked = True

    def opened(self) -> None:
        """Another file, or the same anew: what is in it is not known."""
        self._unchecked = True

    def changed(self, otherwise_s: float) -> float:
        """Rows were added or received; returns how long to wait for more before the next `idle`."""
        self._untidy = True
        return BETWEEN_S if self._unchecked else otherwise_s

    def make_room(self, ledger: Ledger) -> None:
        """The disk is full: free pages inside the file now, whatever it takes but waiting alarms."""
        while ledger.tidy(spare_pages=SPARE_PAGES):
            ledger.checkpoint(SPARE_PAGES)
        ledger.checkpoint(1)

    def idle(self, ledger: Ledger, otherwise_s: float) -> float:
        """One step; returns how long the thread may wait for work before the next, `otherwise_s` if nothing is due."""
        if self.tidy(ledger):
            return STEP_S
        self._look_for_debts(ledger)
        ledger.checkpoint()
        return STEP_S if self._check(ledger) else otherwise_s

    def tidy(self, ledger: Ledger) -> bool:
        """One step towards the limits, also under load; False if nothing was to be done."""
        self._untidy = self._untidy and ledger.tidy() > 0
        return self._untidy

    def _check(self, ledger: Ledger) -> bool:
        """One step of the look at everything; False where there has been one since the file was opened."""
        if self._unchecked:
            self._unchecked = ledger.check(LOOK_S)
            if not self._unchecked:
                log.info("ledger checked  file=%s", ledger.path.name)
        return self._unchecked

    def _look_for_debts(self, ledger: Ledger) -> None:
        now_s = self._monotonic()
        debts = [debt for debt in ledger.debts() if debt.note not in self._told]
        if debts != self._untold:
            self._since_s = self._since_s if self._untold else now_s
            self._untold, self._grown_s = debts, now_s
        if debts and (now_s - self._grown_s >= CALM_S or now_s - self._since_s >= STRETCH_S):
            ledger.end_stretch()
            self._untold = []
            for debt in debts:
                self._told.add(debt.note)
                self._tell_debt(debt)
