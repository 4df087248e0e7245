"""A box whose wall clock does not fit the broker's certificate, and is set right: real processes, real TLS."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.centre import reader
from edge.core.retry import STOOD_S
from edge.core.timing import DAY_NS, TimeQuality
from edge.core.words import SECOND_NS, SiteId
from edge.field.stage import SITE, Home
from tests.bootstrap import CACHE
from tests.daemons.asked import AskedStage
from tests.daemons.centre_world import wait_for
from tests.daemons.stepped import step

DAY_S = DAY_NS // SECOND_NS
LONG_AGO, FAR_AHEAD = (
    -400 * DAY_S,
    9 * 365 * DAY_S,
)  # before the certificates are valid, and after the broker's has ended
NOTICED = "clock set, trying again"
GROWN_S, ROUNDS = 8.0, 4  # up to 10 s by then; the first tries come within a second anyway
DOWN_S = 90.0  # a first connection has 60 s, and being away for 15 s is a trouble


class ClockedHome(Home):
    def program(self, name: str) -> tuple[str, ...]:
        return ("-m", "tests.daemons.stepped" if name == "alarm" else "tests.daemons.stepped_relay")


class ClockedStage(AskedStage):
    """The box lives by a wall clock that a test sets; broker and centre by the machine's."""

    def home(self, name: str, *, site: SiteId = SITE, kit: str, beat_s: float) -> Home:
        folder, port = self._folder / name, self.broker.ports["boxes"]
        return self._open.enter_context(ClockedHome(folder, self.authority, port, site=site, kit=kit, beat_s=beat_s))

    def set_clock(self, off_s: int, quality: TimeQuality = TimeQuality.UNSYNCED) -> None:
        step(self.places.root, off_s * SECOND_NS, quality)


def after(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ClockedStage]:
    with ClockedStage(tmp_path / "stage", cache=CACHE, beat_s=0.5) as stage:
        stage.centre.start()
        stage.centre.wait_said('"what": "connected"')
        yield stage


def test_not_yet_valid_is_refused_by_its_name_and_over_as_soon_as_the_clock_is_set(stage: ClockedStage) -> None:
    stage.set_clock(LONG_AGO)
    stage.lone.start()
    wait_for(lambda: stage.bearer().get("detail") == "tls-not-yet-valid", "the cause, by its name")
    stage.sounds("pos-ronda")
    wait_for(lambda: stage.alarms(received=False) == ["zone/pos-ronda"], "the alarm in the ledger")
    assert "uplink back" not in stage.relay.output()

    for _ in range(ROUNDS):  # a try may be due at the very moment: then nothing has to be noticed
        wait_for(after(GROWN_S), "the waits between two tries have grown")
        stage.set_clock(0, TimeQuality.SYNCED)
        wait_for(lambda: stage.bearer()["up"], "the session")
        if NOTICED in stage.relay.output():
            break
        wait_for(after(STOOD_S + 1.0), "a session that stood: the first tries come soon again")
        stage.set_clock(LONG_AGO)
        stage.cable.pull()
        stage.cable.plug()
        wait_for(lambda: stage.bearer()["detail"] == "tls-not-yet-valid", "the cause again")
    assert "uplink lost" not in stage.relay.output().rpartition(NOTICED)[2]
    wait_for(lambda: stage.alarms(received=True) == ["zone/pos-ronda"], "the alarm at the centre")
    told = [each for each in reader.export(stage.centre_places.store) if each["name"] == "alarm"]
    assert len(told) == 1


def test_an_expired_certificate_is_siren_and_lamp_and_no_silence(stage: ClockedStage) -> None:
    stage.set_clock(0)
    stage.lone.start()
    wait_for(lambda: stage.bearer().get("up"), "the session")
    stage.set_clock(FAR_AHEAD)
    stage.cable.pull()
    wait_for(lambda: not stage.bearer()["up"], "the end of the session")
    stage.cable.plug()
    wait_for(lambda: stage.bearer().get("detail") == "tls-expired", "the cause, by its name")
    stage.sounds("pos-ronda")
    wait_for(lambda: "E-BROKER-TLS" in stage.troubles(), "the trouble", DOWN_S)
    wait_for(lambda: stage.lamp() == "gangguan-mengirim", "the lamp")
    assert stage.alarms(received=False) == ["zone/pos-ronda"]

    stage.set_clock(0, TimeQuality.SYNCED)  # somebody brings a new certificate, or the clock was to blame
    wait_for(lambda: stage.alarms(received=True) == ["zone/pos-ronda"], "the alarm at the centre")
    wait_for(lambda: "E-BROKER-TLS" not in stage.troubles(), "the end of the trouble")
