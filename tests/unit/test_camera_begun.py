"""What a death may have left on a camera is waited for, once, and nothing else is."""

from pathlib import Path

import pytest

from edge.core.words import SECOND_NS
from edge.daemons.cameras.begun import LIFE_NS, Begun


class Clock:
    now_ns = 1000 * SECOND_NS

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "begun.json"


def test_what_was_answered_leaves_nothing_to_wait_for(path: Path, clock: Clock) -> None:
    begun = Begun(path, clock)
    begun.note("gerbang")
    begun.clear("gerbang")
    assert Begun(path, clock).wait_s("gerbang") == 0.0


def test_after_a_death_in_between_the_next_life_waits_until_it_has_ended(path: Path, clock: Clock) -> None:
    Begun(path, clock).note("gerbang")
    after = Begun(path, clock)
    assert after.wait_s("gerbang") == LIFE_NS / SECOND_NS
    assert after.wait_s("pos") == 0.0
    clock.now_ns += LIFE_NS
    assert after.wait_s("gerbang") == 0.0


@pytest.mark.parametrize("left", ["", "{", "[]", '{"gerbang": "x"}', '{"gerbang": 99999999999999}', "[" * 20000])
def test_what_is_no_file_of_ours_of_this_boot_is_nothing(path: Path, clock: Clock, left: str) -> None:
    path.write_text(left)
    assert Begun(path, clock).wait_s("gerbang") == 0.0


def test_a_folder_that_cannot_be_written_holds_nothing_up(tmp_path: Path, clock: Clock) -> None:
    begun = Begun(tmp_path / "away/begun.json", clock)
    begun.note("gerbang")
    begun.clear("gerbang")
    assert begun.wait_s("gerbang") == 0.0
