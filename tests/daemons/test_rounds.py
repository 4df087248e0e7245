"""What a box does by itself: the daily test through a receipt, the monthly siren over a crash and under a press."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.core.timing import TimeQuality
from edge.core.words import SECOND_NS, Purpose
from edge.daemons.alarm.rounds import SIREN_NS
from edge.field.status import ask_status
from tests.daemons.alarm_box import PATIENCE_S, AlarmBox
from tests.daemons.bearer import Bearer
from tests.daemons.stepped import HASTY, step

STEPPED = ("-m", "tests.daemons.stepped")
TEN_ON_THE_26TH = datetime(2026, 11, 26, 3, tzinfo=UTC)  # 10:00 WIB
MINUTE_NS = 60 * SECOND_NS
QUIET_S = 2.0


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak", entry=(*STEPPED, HASTY)) as box:
        step(box.places.root, 0, TimeQuality.SYNCED)
        yield box


@pytest.fixture
def walled(tmp_path: Path) -> Iterator[AlarmBox]:
    """With the monthly test that the laboratory has not."""
    with AlarmBox(tmp_path / "kotak", panel="siren_test_day = 26", entry=STEPPED) as box:
        yield box


def proofs_in(bearer: Bearer) -> list[dict[str, Any]]:
    bodies = [json.loads(row.raw) for row in bearer.rows.values()]
    return [body["data"] for body in bodies if body["eventclass"] == "test"]


def selftest(box: AlarmBox) -> dict[str, Any]:
    return ask_status(box.places)["selftest"] or {}


def come_to(box: AlarmBox, minutes: int) -> None:
    """So many minutes after ten on the 26th."""
    at_ns = int(TEN_ON_THE_26TH.timestamp()) * SECOND_NS + minutes * MINUTE_NS
    step(box.places.root, at_ns - time.time_ns(), TimeQuality.SYNCED)


def is_tested(box: AlarmBox) -> bool:
    return any(each.purpose is Purpose.TEST for each in box.activations())


def test_the_daily_test_passes_by_the_receipt_of_a_named_centre_and_is_shown(box: AlarmBox) -> None:
    box.start()
    bearer = box.bearer()
    bearer.until(lambda: proofs_in(bearer), PATIENCE_S, "the daily test")
    (test,) = proofs_in(bearer)
    assert (test["cid"], test["status"], test["what"]) == ("1602", "test", "self-test")
    assert selftest(box)["state"] == "waiting"
    bearer.pass_on("receipt", box.receipt(bearer.rows.values()))
    bearer.until(lambda: selftest(box)["state"] == "passed", PATIENCE_S, "the receipt")
    assert selftest(box)["receiver"] == "Pusat Uji"


def test_the_siren_is_tested_once_a_month_whatever_dies(walled: AlarmBox) -> None:
    come_to(walled, -1)
    walled.start()
    bearer = walled.bearer()
    bearer.until(lambda: bearer.up, PATIENCE_S, "the bearer")
    assert not is_tested(walled)
    come_to(walled, 0)
    bearer.until(lambda: proofs_in(bearer), PATIENCE_S, "the siren test")
    assert is_tested(walled)
    (told,) = proofs_in(bearer)
    assert (told["cid"], told["status"], told["max_s"]) == ("1602", "test", SIREN_NS // SECOND_NS)
    walled.wires.watch(lambda _bench: False, SIREN_NS / SECOND_NS)  # what sounds would refuse a second one anyhow
    walled.alarm.kill()
    walled.start()
    come_to(walled, 10)
    walled.wires.watch(lambda _bench: False, QUIET_S)
    bearer.until(lambda: bearer.up, PATIENCE_S, "the bearer again")
    assert len({each.since_ns for each in walled.activations() if each.purpose is Purpose.TEST}) == 1
    assert len(proofs_in(bearer)) == 1


def test_a_press_during_the_siren_test_is_an_alarm_like_any_other(walled: AlarmBox) -> None:
    come_to(walled, 0)
    walled.start()
    assert walled.wires.watch(lambda _bench: is_tested(walled), PATIENCE_S)
    assert walled.sounds()
    bearer = walled.bearer()
    bearer.until(bearer.alarms, PATIENCE_S, "the alarm")
