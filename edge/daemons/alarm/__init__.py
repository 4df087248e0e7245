"""kentongan-alarm: the panel, its sounders and lamps, the ledger and the link. Opens no network socket."""

from edge.daemons.alarm.compose import main

__all__ = ["main"]
