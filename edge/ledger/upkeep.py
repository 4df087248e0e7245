"""What the ledger's thread does when nobody wants anything of it: small steps, each shorter than an alarm can wait."""

from collections.abc import Callable
from typing import Final

from edge.ledger.ledger import Ledger
from edge.ledger.shedding import Debt

STEP_S: Final = 0.02  # between two steps of tidying: the disk is the alarms' again
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

    def changed(self) -> None:
        """Rows were added or received."""
        self._untidy = True

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
        return otherwise_s

    def tidy(self, ledger: Ledger) -> bool:
        """One step towards the limits, also under load; False if nothing was to be done."""
        self._untidy = self._untidy and ledger.tidy() > 0
        return self._untidy

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
