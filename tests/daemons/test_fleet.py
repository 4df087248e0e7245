"""A small fleet against a real mosquitto and the reference centre: what `make fleet` shows with thousands."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.centre import reader
from edge.centre.authority import Authority
from edge.centre.fleet.cli import Part, played
from edge.centre.fleet.figures import Figures
from edge.centre.fleet.play import Plan
from edge.centre.fleet.roster import MARK, RealCentre, Roster
from edge.centre.fleet.stage import CENTRE, Stage
from edge.centre.places import CentrePlaces
from edge.centre.registry import Registry
from edge.field.broker import find_broker
from tests.daemons.centre_world import KENTONGAN, wait_for
from tests.fleet.acts import from_an_old_backup, slow

CACHE = Path(__file__).parents[2] / ".cache"
SHORT = 4.0  # the spread here; 30 s in earnest


@contextmanager
def stage(folder: Path, *, tls: bool = False, centre: tuple[str, ...] = CENTRE) -> Iterator[tuple[Roster, Stage]]:
    roster = Roster.open(CentrePlaces(folder / "centre"))
    with Stage(roster, find_broker(CACHE), folder, tls=tls, centre=centre) as both:
        yield roster, both


def restarted(folder: Path, *, boxes: int, jitter: bool, tls: bool = False) -> Figures:
    folder.mkdir()
    plan = Plan(part=0.1, jitter=jitter, spread_s=SHORT, press_s=2.0, dead_s=0.2)
    with stage(folder, tls=tls) as (roster, both):
        part = Part(boxes, tls=tls, restart=True, plan=plan)
        return asyncio.run(played(roster, part, both.endpoint, both))


def test_after_a_restart_of_the_broker_all_are_back_spread_out_and_no_alarm_is_lost(tmp_path: Path) -> None:
    figures = restarted(tmp_path / "jitter", boxes=200, jitter=True)

    assert figures.faults == []
    assert (figures.sent, figures.received, figures.stored, figures.doubled) == (20, 20, 20, 0)
    assert sum(figures.reconnects.values()) == 200
    assert figures.peak <= 200 / 2


def test_without_jitter_they_are_back_in_step_and_still_no_alarm_is_lost(tmp_path: Path) -> None:
    figures = restarted(tmp_path / "control", boxes=60, jitter=False, tls=True)

    assert figures.faults == []
    assert (figures.sent, figures.stored) == (6, 6)
    assert figures.peak >= 50  # all but those with an alarm


def test_a_slow_centre_costs_no_connection(tmp_path: Path) -> None:
    with stage(tmp_path, centre=slow(6.0)) as (roster, both):
        plan = Plan(part=0.1, press_s=1.0)
        figures = asyncio.run(played(roster, Part(100, tls=False, restart=False, plan=plan), both.endpoint, both))

    assert figures.faults == []
    assert figures.latency[0] >= 6.0
    assert (figures.sent, figures.stored, figures.reconnects) == (10, 10, {})


def test_a_centre_from_an_old_backup_asks_and_gets_everything_back(tmp_path: Path) -> None:
    with stage(tmp_path) as (roster, both):
        told = asyncio.run(from_an_old_backup(roster, both, boxes=50, plan=Plan(part=0.1, beat_s=1.0, press_s=1.0)))

    assert (told.pressed, told.before, told.restored, told.after) == (5, 5, 0, 5)
    assert told.asked >= 5
    assert told.reconnects == 0


def test_simulated_boxes_are_never_admitted_at_a_real_centre(tmp_path: Path) -> None:
    real = CentrePlaces(tmp_path / "real")
    Authority.make(real)

    with pytest.raises(RealCentre):
        Roster.open(real)
    done = subprocess.run(
        [*KENTONGAN, "centre", "simulate", "--keys", str(real.root), "--lang", "en"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, "E-CENTRE-REAL" in done.stderr) == (4, True)
    assert list(real.boxes.iterdir()) == []
    assert not (real.home / MARK).exists()


def test_the_same_folder_gives_the_same_boxes_again_all_admitted(tmp_path: Path) -> None:
    places = CentrePlaces(tmp_path)
    first = Roster.open(places).admit(20)
    again = Roster.open(places).admit(30, tls=True)

    assert [one.box for one in first] == [one.box for one in again[:20]]
    assert len({one.box for one in again}) == len({one.site for one in again}) == 30
    registry = Registry(places.boxes, places.root_public.read_bytes())
    found = [registry.find(one.box) for one in again]
    assert [each and each.key for each in found] == [one.signer.public for one in again]
    assert all(one.tls is not None and one.tls.key.stat().st_mode & 0o077 == 0 for one in again)


def test_it_ends_in_order_at_ctrl_c_and_tells_what_it_has(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    command = [*KENTONGAN, "centre", "simulate", "--boxes", "30", "--rate", "1", "--json", "--keys", str(keys)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        store = CentrePlaces(keys).store
        wait_for(lambda: heard(store), "the centre has heard a box")
        child.send_signal(signal.SIGINT)
        told, _ = child.communicate(timeout=30)

    assert child.returncode == 0
    assert json.loads(told)["boxes"] == 30


def heard(store: Path) -> int:
    """Boxes whose beat lies in the store; none while it is being made."""
    try:
        return len(reader.beats(store))
    except reader.StoreMissing:
        return 0
