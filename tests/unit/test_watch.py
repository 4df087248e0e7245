"""Following a box: one answer for each change, whoever dies meanwhile."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edge.core import codes
from edge.core.faults import Refused
from edge.field.watch import changes

AWAY = Refused(codes.DAEMON_AWAY.fault(what="cli.sock"))


class Over(Exception):
    pass


def script(*answers: dict[str, Any] | Refused) -> tuple[Callable[[], dict[str, Any]], Callable[[], None]]:
    left = iter(answers)
    count = iter(range(len(answers) - 1))

    def ask() -> dict[str, Any]:
        answer = next(left)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def wait() -> None:
        if next(count, None) is None:
            raise Over

    return ask, wait


def told(*answers: dict[str, Any] | Refused) -> list[dict[str, Any] | Refused]:
    found: list[dict[str, Any] | Refused] = []

    def collect(news: Iterator[dict[str, Any] | Refused]) -> None:
        for each in news:
            found.append(each)  # noqa: PERF402  # what came before the end counts

    with pytest.raises(Over):
        collect(changes(*script(*answers)))
    return found


def test_only_changes_are_told() -> None:
    assert told({"lamp": "siaga"}, {"lamp": "siaga"}, {"lamp": "mengirim"}) == [{"lamp": "siaga"}, {"lamp": "mengirim"}]


def test_a_new_nonce_is_no_change() -> None:
    assert len(told({"lamp": "siaga", "nonce": "1"}, {"lamp": "siaga", "nonce": "2"})) == 1


def test_a_daemon_that_dies_and_comes_back_is_told_twice() -> None:
    assert told({"lamp": "siaga"}, AWAY, AWAY, {"lamp": "siaga"}) == [{"lamp": "siaga"}, AWAY, {"lamp": "siaga"}]
