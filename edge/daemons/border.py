"""Where one part calls another: what that raises costs this one call, is counted, and ends no thread."""

import logging
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")


class Border:
    """name: of the part, as the log tells it. `faults`: calls that raised."""

    def __init__(self, log: logging.Logger, name: str) -> None:
        self._log = log
        self._name = name
        self.faults = 0

    def call(self, step: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Do it; False if it raised. Told at the first, second, fourth, eighth: a fault that stays floods no log."""
        try:
            step(*args, **kwargs)
        except Exception:  # noqa: BLE001  # the border is what this is for
            self.faults += 1
            if self.faults & (self.faults - 1) == 0:
                what = getattr(step, "__name__", type(step).__name__).lstrip("_")
                self._log.exception("%s fault; going on  count=%d at=%s", self._name, self.faults, what)
            return False
        return True
