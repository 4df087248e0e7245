import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from edge.centre import reader
from edge.config.resources import CHECKOUT
from edge.core.faults import Refused
from edge.field.stage import Stage
from edge.field.status import ask_status
from tests.daemons.presses import Alive, Hands, Reaper, judge

PRESSES = 1000
RATE = 25.0  # a second: a thousand in 40 s
SETTLE_S = 90.0  # safety bound: the longest receipt timer is 60 s


def settled(stage: Stage) -> bool:
    try:
        status = ask_status(stage.places)
    except Refused:
        return False
    return bool(status["online"]) and status["pending"] == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_presses_under_random_kills_arrive_exactly_once(tmp_path: Path, seed: int) -> None:
    with Stage(tmp_path / "stage", cache=CHECKOUT.parent / ".cache", kit="lab", beat_s=2.0) as stage:
        stage.start()
        alive = Alive()
        hands = Hands(stage, random.Random(seed), RATE)
        reaper = Reaper(stage, random.Random(seed + 1), alive)
        killing = threading.Thread(target=reaper.run)
        killing.start()
        try:
            hands.press(PRESSES, alive)
        finally:
            reaper.stop()
            killing.join()
        assert reaper.error is None
        deadline = time.monotonic() + SETTLE_S
        while not settled(stage):
            assert time.monotonic() < deadline, f"not settled: {ask_status(stage.places)}"
            time.sleep(0.1)
        stored = list(reader.export(stage.centre_places.store))
    print(f"\npresses {hands.pressed.total()}  kills {dict(reaper.kills)}  events {len(stored)}  seed {seed}")
    assert hands.pressed.total() == PRESSES
    assert min(reaper.kills[name] for name in ("alarm", "relay", "broker", "centre")) >= 1
    assert judge(hands.pressed, stored).clean, judge(hands.pressed, stored)
    first_alarm = next(row for row in stored if row["name"] == "alarm")
    dropped = [row for row in stored if row is not first_alarm]
    assert judge(hands.pressed, dropped).lost == {first_alarm["zone"]: 1}


def row(seq: int, zone: str = "a", name: str = "alarm") -> dict[str, object]:
    return {"box": "b", "epoch": "e", "seq": seq, "zone": zone, "name": name}


def test_the_checker_sees_a_lost_a_doubled_and_a_twice_stored_press() -> None:
    assert judge(Counter(a=2), [row(1), row(2), row(3, name="restoral")]).clean
    assert judge(Counter(a=2), [row(1)]).lost == {"a": 1}
    assert judge(Counter(a=1), [row(1), row(2)]).doubled == {"a": 1}
    assert judge(Counter(a=2), [row(1), row(1)]).twice == ("b/e.1",)
    assert judge(Counter(a=1), [row(1, zone="z")]).doubled == {"z": 1}
