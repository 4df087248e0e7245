import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from edge.centre import reader
from edge.config.resources import CHECKOUT
from edge.core.faults import Refused
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.presses import SECOND_NS, Alive, Hands, Lit, Press, Reaper, judge, lit_in

PRESSES = 1000
RATE = 40.0  # a second: a thousand in 25 s
UNLIT_LIMIT = PRESSES // 50  # a death within the few ms between a press and its commit is rare, or something is wrong
SETTLE_S = 90.0  # safety bound: the longest receipt timer is 60 s


def settled(stage: Stage) -> bool:
    try:
        status = ask_status(stage.places)
    except Refused:
        return False
    return bool(status["online"]) and status["waiting"] == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_presses_under_random_kills_arrive_exactly_once(tmp_path: Path, seed: int) -> None:
    alive = Alive()
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", kit="lab", beat_s=2.0) as stage:
        stage.start()
        hands = Hands(stage, random.Random(seed), RATE, alive)
        reaper = Reaper(stage, random.Random(seed + 1), alive)
        killing = threading.Thread(target=reaper.run)
        killing.start()
        try:
            hands.press(PRESSES)
        finally:
            reaper.stop()
            killing.join()
        assert reaper.error is None
        deadline = time.monotonic() + SETTLE_S
        while not settled(stage):
            assert time.monotonic() < deadline, f"not settled: {ask_status(stage.places)}"
            time.sleep(0.1)
        stage.alarm.stop()
        lit, stored = lit_in(stage.places.ledger), [dict(row) for row in reader.export(stage.centre_places.store)]
    verdict = judge(hands.presses, lit, stored, alive.deaths_ns)
    print(f"\npresses {len(hands.presses)}  lit {len(lit)}  kills {dict(reaper.kills)}  {verdict}  seed {seed}")
    assert len(hands.presses) == PRESSES
    assert min(reaper.kills[name] for name in ("alarm", "relay", "broker", "centre")) >= 1
    assert verdict.clean
    assert verdict.unlit <= UNLIT_LIMIT
    dropped = next(row for row in stored if row["name"] == "alarm")
    told = judge(hands.presses, lit, [row for row in stored if row is not dropped], alive.deaths_ns)
    assert told.lost == (f"{dropped['epoch']}.{dropped['seq']}",)


def row(seq: int, name: str = "alarm") -> dict[str, Any]:
    return {"box": "b", "epoch": "e", "seq": seq, "name": name}


TICK = SECOND_NS // 10


def press(zone: str, at: int, until: int) -> Press:
    return Press(zone, at * TICK, until * TICK)


def lamp(name: str, zone: str, at: float) -> Lit:
    return Lit(name, zone, int(at * TICK))


PRESSED = [press("a", 10, 20), press("b", 11, 21), press("a", 30, 40)]
LIT = [lamp("e.1", "a", 12), lamp("e.2", "b", 13), lamp("e.3", "a", 33)]
STORED = [row(1), row(2), row(3), row(4, "restoral")]


def test_the_checker_sees_everything_that_must_not_be() -> None:
    assert judge(PRESSED, LIT, STORED, []).clean
    assert judge(PRESSED, LIT, STORED[1:], []).lost == ("e.1",)
    assert judge(PRESSED, LIT, [*STORED, row(2)], []).twice == ("e.2",)
    assert judge(PRESSED, [*LIT, lamp("e.5", "b", 15)], [*STORED, row(5)], []).doubled == ("b: ['e.2', 'e.5']",)
    assert judge(PRESSED, [*LIT, lamp("e.5", "b", 5)], [*STORED, row(5)], []).phantom == ("e.5",)
    unlit = judge(PRESSED, LIT[:2], STORED[:2], [])
    assert (unlit.unexplained, unlit.unlit) == (("a",), 1)
    assert judge(PRESSED, LIT[:2], STORED[:2], [35 * TICK]).clean
    assert judge(PRESSED, LIT[:2], STORED[:2], [41 * TICK + SECOND_NS]).unexplained == ("a",)
