"""A Pi's kernel keeps a line driven after its owner's death: killed each second, the siren keeps to its caps."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemons.alarm_box import AlarmBox
from tests.daemons.driven import Listener, Torment
from tests.daemons.short_hour import LIMIT_S

pytestmark = pytest.mark.slow

SHORT_HOUR = (str(Path(__file__).with_name("short_hour.py")),)
EVERY_S = 0.6  # a life, the start aside
SILENT_LIVES = 3  # pressed or held, and nothing sounded: what is allowed is spent
WITHIN_S = 100.0
SOUND_S = 4.0
OFF_S = 5.0

Finger = Callable[[Torment, str, Callable[[], bool], float], bool]
SLACK_S = 1.0  # a stolen core; a cap that a crash could spend again would be missed by more


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AlarmBox]:
    with AlarmBox(tmp_path / "kotak", entry=SHORT_HOUR, panel=f"sound_s = {SOUND_S}") as box:
        box.start()
        yield box


def listener(box: AlarmBox) -> Listener:
    return Listener(box.places.run / "sim", box.line_of("sirene"))


def test_without_the_script_a_line_is_still_on_after_death_and_off_at_the_next_start(box: AlarmBox) -> None:
    """Else nothing here would show anything."""
    siren = box.line_of("sirene")
    assert box.sounds()
    assert box.wires.wait_level(siren, 1, SOUND_S)
    box.alarm.kill()
    died_on = box.wires.level(siren)
    box.places.activations.unlink()
    box.start()
    assert died_on
    assert not box.wires.level(siren)


@pytest.mark.parametrize(
    ("finger", "cap_s"), [(Torment.hold, SOUND_S), (Torment.press, LIMIT_S)], ids=["held", "pressed"]
)
def test_killed_in_each_life_no_cap_is_exceeded_and_another_zone_still_sounds(
    box: AlarmBox, finger: Finger, cap_s: float
) -> None:
    """Held on it is one activation, pressed anew in each life it is the hour."""
    with listener(box) as heard:
        torment = Torment(box, heard, EVERY_S)
        assert finger(torment, box.site.zones[0].id, lambda: torment.silent_lives >= SILENT_LIVES, WITHIN_S)
        assert 0.5 < heard.heard_s < cap_s + SLACK_S
        assert torment.off_max_s < OFF_S
        assert box.sounds(box.site.zones[1].id, kept=False)


def test_control_with_a_run_that_forgets_the_cap_is_exceeded(box: AlarmBox) -> None:
    with listener(box) as heard:
        torment = Torment(box, heard, EVERY_S, forget=True)
        assert torment.press(box.site.zones[0].id, lambda: heard.heard_s > LIMIT_S + SLACK_S, WITHIN_S)
