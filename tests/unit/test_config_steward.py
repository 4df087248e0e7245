"""kentongan-config from a draft to its end, with an alarm that does well or badly; and killed at every step."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.config.active import read_active
from edge.config.apply import apply
from edge.config.drafts import Draft, put_draft
from edge.config.places import Places
from edge.config.trial import begin, read_trial
from edge.core.words import SECOND_NS
from edge.daemons.config.steward import BUSY_NS, INTERRUPTED, NEVER_QUIET, NEVER_WELL, TRIAL_NS, Seen, Steward
from edge.link.frames import Laid
from tests.unit.test_config_load import SITE, USERS

FIRE = Draft("j1", "Sari", '[calls]\nfire = "disaster"\n')
WRONG = Draft("j2", "Sari", "[panel]\nsound_s = 1\n")
STEP_NS = SECOND_NS // 2
DIED = 137


class Alarm:
    """A daemon that begins again with what is active when it is told to; its memory outlives whoever asks it.

    well:  whether a centre answers it once it runs with the new configuration
    quiet: whether it has a moment to begin again
    """

    def __init__(self, places: Places, *, well: bool = True, quiet: bool = True, deaf_for: int = 0) -> None:
        self._places, self._well, self._quiet = places, well, quiet
        self._running = places.root / "running"
        self._heard = places.root / "heard"
        self._deaf_for = deaf_for
        self._running.write_text("1", encoding="utf-8")
        self._heard.touch()

    @property
    def running(self) -> int:
        return int(self._running.read_text(encoding="utf-8"))

    @property
    def heard(self) -> list[str]:
        return self._heard.read_text(encoding="utf-8").splitlines()

    def look(self) -> Seen | None:
        self._deaf_for -= 1
        return None if self._deaf_for >= 0 else Seen(self.running, answered=self._well or self.running == 1)

    def tell(self, laid: Laid) -> None:
        with self._heard.open("a", encoding="utf-8") as file:
            file.write(f"{laid.result} {laid.generation} {laid.reason}\n")
        if laid.generation != self.running and self._quiet:
            self.begin_again()

    def begin_again(self) -> None:
        self._running.write_text(str(generation(self._places)), encoding="utf-8")


def generation(places: Places) -> int:
    configuration = read_active(places).configuration
    assert configuration is not None
    return configuration.generation


def fire(places: Places) -> str:
    configuration = read_active(places).configuration
    assert configuration is not None
    return configuration.calls.fire


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return prepared(tmp_path)


def prepared(folder: Path) -> Places:
    places = Places(folder)
    places.site.parent.mkdir(parents=True)
    places.site.write_text(f'kit = "rt-standard"\n{SITE}', encoding="utf-8")
    apply(places, places.site, USERS)
    return places


def run(places: Places, alarm: Alarm, *, boot: str = "boot", each: Callable[[], None] = lambda: None) -> int:
    """Run to the end; returns how long it took, on its own clock."""
    now_ns = 0

    def wait() -> None:
        nonlocal now_ns
        now_ns += STEP_NS
        each()

    Steward(places, USERS, alarm, boot=boot, boot_ns=lambda: now_ns, wait=wait).run()
    assert not places.trial.exists()
    assert list(places.inbox.glob("*")) == []
    return now_ns


def test_a_good_change_is_kept(places: Places) -> None:
    alarm = Alarm(places)
    put_draft(places, FIRE)
    run(places, alarm)
    assert (fire(places), generation(places), alarm.running) == ("disaster", 2, 2)
    assert [line.split()[0] for line in alarm.heard] == ["trial", "kept"]


def test_a_bad_one_is_taken_back_after_a_minute(places: Places) -> None:
    alarm = Alarm(places, well=False)
    put_draft(places, FIRE)
    took_ns = run(places, alarm)
    assert (fire(places), generation(places), alarm.running) == ("", 3, 3)
    assert alarm.heard[-1] == f"reverted 3 {NEVER_WELL}"
    assert TRIAL_NS <= took_ns <= TRIAL_NS + 5 * SECOND_NS


def test_one_that_alarm_does_not_survive_is_taken_back_too(places: Places) -> None:
    """It dies with it again and again, and so answers nothing; afterwards it is back with what it had."""
    alarm = Alarm(places)
    put_draft(places, FIRE)
    begin(places, FIRE, USERS, "boot")
    alarm.begin_again()
    alarm._deaf_for = 125
    assert run(places, alarm) > TRIAL_NS
    assert (fire(places), alarm.heard[-1]) == ("", f"reverted 3 {NEVER_WELL}")


def test_an_alarm_that_is_busy_is_waited_for_and_not_for_ever(places: Places) -> None:
    alarm = Alarm(places, quiet=False)
    put_draft(places, FIRE)
    assert run(places, alarm) > BUSY_NS
    assert (fire(places), alarm.heard[-1]) == ("", f"reverted 3 {NEVER_QUIET}")


def test_a_minute_of_a_busy_alarm_is_no_minute_of_the_trial(places: Places) -> None:
    alarm, looks = Alarm(places, quiet=False), 0

    def calm_after_five_minutes() -> None:
        nonlocal looks
        looks += 1
        alarm._quiet = looks > 600

    put_draft(places, FIRE)
    run(places, alarm, each=calm_after_five_minutes)
    assert (fire(places), alarm.heard[-1].split()[0]) == ("disaster", "kept")


def test_a_wrong_draft_changes_nothing_and_is_answered(places: Places) -> None:
    alarm = Alarm(places)
    put_draft(places, WRONG)
    run(places, alarm)
    assert generation(places) == 1
    assert alarm.heard[0].startswith("refused 1 E-OVERLAY-KEY overlay:2")


def test_the_same_again_is_kept_without_a_new_generation(places: Places) -> None:
    alarm = Alarm(places)
    for _ in range(2):
        put_draft(places, FIRE)
        run(places, alarm)
    assert generation(places) == 2
    assert alarm.heard[-1].startswith("kept 2 the box uses this already")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"jti":1}', b"\xff" * 20_000, b"[" * 9_000])
def test_what_is_no_draft_goes_and_starts_nobody_again(places: Places, raw: bytes) -> None:
    places.inbox.mkdir(parents=True)
    (places.inbox / "overlay.json").write_bytes(raw)
    run(places, Alarm(places))
    assert generation(places) == 1


@pytest.mark.parametrize("raw", [b"", b"{", b'{"jti":"a"}', b"\xff" * 5000])
def test_a_trial_that_cannot_be_read_leaves_what_is_active(places: Places, raw: bytes) -> None:
    places.trial.write_bytes(raw)
    assert read_trial(places) is None
    run(places, Alarm(places))
    assert generation(places) == 1


def test_a_power_cut_in_the_trial_takes_it_back(places: Places) -> None:
    begin(places, FIRE, USERS, "boot")
    alarm = Alarm(places)
    alarm.begin_again()
    run(places, alarm, boot="another")
    assert (fire(places), alarm.heard) == ("", [f"reverted 3 {INTERRUPTED}"])


def test_somebody_at_the_box_overrules_a_trial(places: Places) -> None:
    alarm, looks = Alarm(places, well=False), 0

    def applied_at_the_tenth_look() -> None:
        nonlocal looks
        looks += 1
        if looks == 10:
            places.site.write_text(f'kit = "rt-standard"\n{SITE.replace("Tembalang", "Bulusan")}', encoding="utf-8")
            apply(places, places.site, USERS)

    put_draft(places, FIRE)
    assert run(places, alarm, each=applied_at_the_tenth_look) < TRIAL_NS
    assert (fire(places), generation(places)) == ("disaster", 3)
    assert "reverted" not in "".join(alarm.heard)


@pytest.mark.parametrize("left", [b"torn", None])
def test_without_a_way_back_it_stays_and_says_so(places: Places, left: bytes | None) -> None:
    begin(places, FIRE, USERS, "boot")
    earlier = places.generations / "gen-1.json"
    earlier.unlink()
    if left is not None:
        earlier.write_bytes(left)
    alarm = Alarm(places, well=False)
    alarm.begin_again()
    run(places, alarm)
    assert (generation(places), alarm.heard[-1].startswith("kept 2 there is no way back")) == (2, True)


# ---- killed ----------------------------------------------------------------------------------------------------------

TOUCHING = ("fsync", "replace", "rename", "unlink")


def dies_at(step: int, act: Callable[[], object]) -> bool:
    """Run `act` in a process that ends, as if killed, around its n-th touch of the disk; False if it came through."""
    child = os.fork()
    if child == 0:
        count = 0

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*words: Any, **more: Any) -> Any:
                nonlocal count
                for before in (True, False):
                    if count == step:
                        os._exit(DIED)
                    count += 1
                    if before:
                        result = real(*words, **more)
                return result

            return call

        for name in TOUCHING:
            setattr(os, name, counted(getattr(os, name)))
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, DIED}
    return code == DIED


@pytest.mark.parametrize("well", [True, False])
def test_killed_at_every_step_it_ends_where_it_would_have_ended(tmp_path: Path, *, well: bool) -> None:
    step = 0
    while True:
        places = prepared(tmp_path / str(step))
        alarm = Alarm(places, well=well)
        put_draft(places, FIRE)
        died = dies_at(step, lambda places=places, alarm=alarm: run(places, alarm))  # type: ignore[misc]
        reading = read_active(places)
        assert reading.faults == (), f"step {step}: {reading.faults}"
        assert fire(places) in {"", "disaster"}
        run(places, alarm)
        assert (fire(places) == "disaster", alarm.running) == (well, generation(places)), f"step {step}"
        assert read_active(places).faults == ()
        if not died:
            break
        step += 1
    assert step > 20, "nothing was killed"


@pytest.mark.parametrize("first", range(0, 40, 3))
def test_killed_twice(tmp_path: Path, first: int) -> None:
    for second in range(0, 40, 5):
        places = prepared(tmp_path / str(second))
        alarm = Alarm(places, well=False)
        put_draft(places, FIRE)
        for step in (first, second):
            dies_at(step, lambda places=places, alarm=alarm: run(places, alarm))  # type: ignore[misc]
        run(places, alarm)
        assert (fire(places), alarm.running) == ("", generation(places))
