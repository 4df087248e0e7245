"""kentongan-alarm with one bug planted: what the broker has taken is done with, as if PUBACK meant received.

For the run that shows that the chaos would notice. Nothing of the product can be told to do this. The rows stay in the
file, as evidence of what was lit, and are given to nobody any more.
"""

import sys
from collections.abc import Callable
from typing import Any

from edge.core.delivery import Answer
from edge.core.words import EventId
from edge.daemons.alarm.traffic import Traffic
from edge.ledger.recorder import Recorder
from tests.chaos.fragile import run

_answered, _born = Traffic.answered, Recorder.__init__
_recorders: list[Recorder] = []


def born(recorder: Recorder, *words: Any, **more: Any) -> None:
    _born(recorder, *words, **more)
    _recorders.append(recorder)


def answered(traffic: Traffic, identity: EventId, answer: Answer, now_ns: int) -> str:
    trouble = _answered(traffic, identity, answer, now_ns)
    if answer is Answer.PUBLISHED:
        traffic.received([identity], now_ns)
        _recorders[0].receive([identity], receiver="planted", at="2026-01-01T00:00:00.000Z")
    return trouble


def ask(_recorder: Recorder, *_range: Any) -> None:
    """What was deleted cannot be sent again, whoever asks."""


def plant(place: Any, name: str, bug: Callable[..., Any]) -> None:
    setattr(place, name, bug)


if __name__ == "__main__":
    plant(Recorder, "__init__", born)
    plant(Recorder, "ask", ask)
    plant(Traffic, "answered", answered)
    sys.exit(run())
