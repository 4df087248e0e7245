"""How boxes stand with the centre: lost, silent, online, since when, and what they say of themselves."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.centre import reader
from edge.centre.metrics import MetricsServer
from edge.centre.places import CentrePlaces
from edge.centre.snapshot import Measured, Scraper
from edge.centre.standing import SILENT_S, Standing
from edge.centre.store import Store
from edge.centre.stored import opened
from edge.core.faults import Exit
from edge.core.messages import Beat, State, encode
from edge.core.words import SECOND_NS, BoxId, Epoch
from edge.field.cli import run
from tests.daemons.test_outward import scrape

NOW_NS = 1_795_525_522 * SECOND_NS
HERE, GONE, HUNG, NEW = (BoxId(f"ktg-{name}") for name in ("aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"))
GAUGES = {"oldest_s": 7, "free_mb": 5120, "cpu_c": 54}
STATE = State(
    box=HERE, site="33.74.10.1004-010-005", session="s", online=True, version="0", config=1, bootid="5f0e2a9c",
    epoch=Epoch("7c1f0b2e"), ordinal=1, head=1, nonce="n", timequality="synced", zones={}, sounders={},
)  # fmt: skip


def says(store: Store, box: BoxId, *, ago_s: float, online: bool | None = None, beats: bool = False) -> None:
    with store.group(NOW_NS - int(ago_s * SECOND_NS)) as group:
        if online is not None:
            state = replace(STATE, box=box, online=online)
            group.presence(state, encode(state))
        if beats:
            group.beat(Beat(box, "n", STATE.epoch, 1, 1, "2026-11-24T13:05:22.000Z", "synced", 3, gauges=GAUGES))


@pytest.fixture
def path(root: Path) -> Path:
    return CentrePlaces(root).store


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        says(opened, HERE, ago_s=3600, online=True)
        says(opened, HERE, ago_s=SILENT_S - 1, beats=True)
        says(opened, GONE, ago_s=900, online=True, beats=True)
        says(opened, GONE, ago_s=30, online=False)
        says(opened, HUNG, ago_s=900, online=True, beats=True)
        says(opened, NEW, ago_s=1, online=True)
        yield opened


@pytest.mark.usefixtures("store")
def test_each_box_stands_as_it_said_last_the_worst_first(path: Path) -> None:
    found = reader.boxes(path, NOW_NS)
    assert [(each.box, each.standing, each.standing_age_s, each.beat_age_s) for each in found] == [
        (GONE, Standing.LOST, 30, 900),
        (HUNG, Standing.SILENT, 900, 900),
        (NEW, Standing.UNKNOWN, 1, None),
        (HERE, Standing.ONLINE, 3600, SILENT_S - 1),
    ]
    assert (found[0].pending, found[0].gauges) == (3, GAUGES)


def test_a_lost_box_that_comes_back_is_online_from_then_on(store: Store, path: Path) -> None:
    with store.group(NOW_NS - 5 * SECOND_NS) as group:
        state = replace(STATE, box=GONE, session="s2")
        group.presence(state, encode(state))
    says(store, GONE, ago_s=4, beats=True)
    (found,) = (each for each in reader.boxes(path, NOW_NS) if each.box == GONE)
    assert (found.standing, found.standing_age_s) == (Standing.ONLINE, 5)


@pytest.mark.usefixtures("store")
def test_people_and_programs_see_the_same(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.centre.cli.time.time_ns", lambda: NOW_NS)
    assert run(["centre", "boxes", "--root", str(root)]) == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    said = [tuple(line.split()[:2]) for line in lines]
    assert said == [("lost", GONE), ("silent", HUNG), ("unknown", NEW), ("online", HERE)]
    assert lines[0].endswith("pending=3 cpu_c=54 free_mb=5120 oldest_s=7")
    assert run(["centre", "boxes", "--json", "--root", str(root)]) == Exit.OK
    told = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["standing"] for line in told] == ["lost", "silent", "unknown", "online"]


@pytest.mark.usefixtures("store")
def test_prometheus_sees_the_ages_and_the_gauges(path: Path, root: Path) -> None:
    scraper = Scraper(lambda: opened(path), Measured(), root / "forward.db", lambda: NOW_NS)
    with MetricsServer(("127.0.0.1", 0), scraper.look) as server:
        text = scrape(server.port)[1]
    for name, value in (
        ("online", 0.0),
        ("presence_age_seconds", 30.0),
        ("beat_age_seconds", 900.0),
        ("oldest_age_seconds", 7.0),
        ("disk_free_megabytes", 5120.0),
        ("cpu_celsius", 54.0),
    ):
        assert f'kentongan_centre_{name}{{box="{GONE}"}} {value}' in text
    assert f'cpu_celsius{{box="{NEW}"}}' not in text
