"""The alarm daemon of the bench under faults. Only what is outside of it can be made to fail: its disk, clock and log.

    python -m tests.bench.rough_alarm --root ROOT [--waits]

The ledger's folder says how bad the disk is (tests.daemons.hung), ROOT/clock what time it is (tests.daemons.stepped).
Its log goes to the socket `journal` in its /run; while `talk` is there, each press logs a line before its siren.

--waits: one bug planted, for the run that shows that the bench would notice: the siren waits for the disk.
"""

import logging
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from edge.config.places import Places
from edge.core.events import Frozen
from edge.core.words import Activation, EventId, Sound
from edge.daemons import runtime
from edge.daemons.alarm.compose import main
from edge.daemons.alarm.keeper import Keeper
from edge.ledger.recorder import Recorder
from edge.ledger.told import Stored, Told
from tests.bench import priority
from tests.daemons.hung import HungLedger
from tests.daemons.stepped import SteppedClock

WAITS: Final = "--waits"
TALK: Final = "talk"
JOURNAL: Final = "journal"

log = logging.getLogger("kentongan.alarm")
_play, _apply = Keeper._play, Keeper._apply
_born, _append = Recorder.__init__, Recorder.append
_stored: dict[EventId, threading.Event] = {}


def talk_first(run: Path) -> None:
    def play(keeper: Keeper, activation: Activation, now_ns: int) -> None:
        if os.path.exists(run / TALK):  # noqa: PTH110  no Path object on the way of a press
            log.info("sounds  sounder=%s", activation.sounder)
        _play(keeper, activation, now_ns)

    plant(Keeper, "_play", play)


def wait_for_the_disk() -> None:
    """Records first, and none of them returns before its commit."""

    def born(recorder: Recorder, open_ledger: Any, set_aside: Any, tell: Any, **more: Any) -> None:
        def told(what: Told) -> None:
            for identity in what.ids if isinstance(what, Stored) else ():
                _stored.pop(identity, threading.Event()).set()
            tell(what)

        _born(recorder, open_ledger, set_aside, told, **more)

    def append(recorder: Recorder, event: Frozen, notes: Mapping[str, object] | None = None) -> bool:
        _stored[event.id] = committed = threading.Event()
        taken = _append(recorder, event, notes)
        committed.wait()
        return taken

    def apply(keeper: Keeper, effects: Any, now_ns: int) -> None:
        several = list(effects)
        _apply(keeper, [each for each in several if not isinstance(each, Sound)], now_ns)
        _apply(keeper, [each for each in several if isinstance(each, Sound)], now_ns)

    plant(Recorder, "__init__", born)
    plant(Recorder, "append", append)
    plant(Keeper, "_apply", apply)


def plant(place: type, name: str, other: Any) -> None:
    setattr(place, name, other)


if __name__ == "__main__":
    run = Places(Path(sys.argv[sys.argv.index("--root") + 1])).run.resolve()
    priority.take(priority.ALARM)
    os.environ["JOURNAL_STREAM"] = "1:1"
    runtime._JOURNAL = str(run / JOURNAL)  # type: ignore[misc]  # that is the point
    talk_first(run)
    if WAITS in sys.argv:
        sys.argv.remove(WAITS)
        wait_for_the_disk()
    sys.exit(main(open_ledger=HungLedger, clock=SteppedClock))
