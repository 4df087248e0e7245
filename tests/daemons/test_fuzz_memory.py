"""`make fuzz` sees a reader that leaks: the sizes of a process that grows, and of one that does not."""

import subprocess
import sys

import pytest

from tests.fuzz.__main__ import GROWTH_MB, in_fifths, sizes_of

GROWING = """
import time
kept = []
for _ in range(60):
    kept.append(b"x" * 500_000)
    time.sleep(0.05)
"""
FLAT = """
import time
for _ in range(60):
    kept = b"x" * 500_000
    time.sleep(0.05)
"""


@pytest.mark.parametrize(("script", "grows"), [(GROWING, True), (FLAT, False)], ids=["leaks", "does not leak"])
def test_growth_is_what_remains_between_the_second_and_the_last_fifth(script: str, *, grows: bool) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", script]) as process:
        early, late = in_fifths(list(sizes_of(process, every_s=0.1)))
    assert early > 1.0
    assert (late - early > GROWTH_MB) == grows


def test_a_run_too_short_to_tell_tells_nothing() -> None:
    assert in_fifths([1.0, 9.0]) == (0.0, 0.0)
    assert in_fifths([9.0, 9.0, 1.0, 1.0, 5.0, 5.0, 5.0, 5.0, 7.0, 7.0]) == (1.0, 7.0)
