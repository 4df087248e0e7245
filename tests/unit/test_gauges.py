"""What a beat tells of the machine, and that a card which hangs costs the beat nothing but those numbers."""

import threading
from pathlib import Path

from edge.daemons.alarm.gauges import Gauges, cpu_c, free_mb

PATIENCE_S = 10.0


def looked(gauges: Gauges) -> dict[str, int]:
    """What the look before this one found."""
    assert gauges._thread is not None
    gauges._thread.join(PATIENCE_S)
    return gauges()


def test_what_was_read_is_told_the_next_time(tmp_path: Path) -> None:
    gauges = Gauges({"free_mb": lambda: free_mb(tmp_path)})
    assert gauges() == {}
    assert looked(gauges)["free_mb"] >= 0


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    sensor = tmp_path / "temp"
    gauges = Gauges({"cpu_c": lambda: cpu_c(sensor), "free_mb": lambda: free_mb(tmp_path / "gone"), "fixed": lambda: 7})
    gauges()
    assert looked(gauges) == {"fixed": 7}
    sensor.write_text("54321\n", encoding="ascii")
    looked(gauges)
    assert looked(gauges) == {"cpu_c": 54, "fixed": 7}


def test_a_look_that_hangs_is_left_alone_and_its_old_numbers_are_not_told_again() -> None:
    hangs, looks = threading.Event(), []

    def look() -> int:
        looks.append(1)
        if len(looks) == 2:
            hangs.wait(PATIENCE_S)
        return len(looks)

    gauges = Gauges({"looks": look})
    gauges()
    assert looked(gauges) == {"looks": 1}
    assert [gauges() for _ in range(5)] == [{}] * 5
    hangs.set()
    assert looked(gauges) == {"looks": 2}
    looked(gauges)
