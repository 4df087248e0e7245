"""A short form of `make soak`: memory, descriptors, threads and the ledger's log stay flat."""

from dataclasses import replace
from pathlib import Path

from tests.daemons.alarm_box import AlarmBox
from tests.soak.__main__ import FED
from tests.soak.soaking import CLOSING, GROWTH_KB, LOG_BYTES, Sample, Soak, soak

ROUNDS, PER_ROUND = 40, 100  # past the cache of 1,024 events in the second fifth


def test_nothing_grows(tmp_path: Path) -> None:
    with AlarmBox(tmp_path / "kotak", entry=FED) as box:
        found = soak(box, rounds=ROUNDS, per_round=PER_ROUND)
    print(found.report())
    assert found.events >= ROUNDS * PER_ROUND
    assert found.faults() == []


def test_what_grows_is_found() -> None:
    flat = Sample(rss_kb=30_000, descriptors=20, threads=9, log_bytes=4096)
    for grown in (
        replace(flat, rss_kb=30_001 + GROWTH_KB),
        replace(flat, descriptors=21 + CLOSING),
        replace(flat, threads=10),
        replace(flat, log_bytes=LOG_BYTES + 1),
    ):
        assert len(Soak((*[flat] * 16, *[grown] * 4), 20).faults()) == 1
    assert Soak((flat,) * 20, 20).faults() == []
